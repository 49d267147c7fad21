/**
 * Kubernetes' exec credential plugins: one ExecCredential object, with a token. Source: kubernetes.io,
 * "Authenticating", section "client-go credential plugins".
 */

import { PalyraError } from "../errors.ts";
import { parseServerOrLabel } from "./address.ts";
import type { Call, Credentials, Protocol, Reply } from "./protocol.ts";
import { complain, lineOf, nothingFor, objectOf, say } from "./replies.ts";

/** Serves `[LABEL]`; without one the cluster's server, where the client says it. */
export const kubernetes: Protocol = { parseAddress: parseServerOrLabel, serve, failed: complain };

const VARIABLE = "KUBERNETES_EXEC_INFO";
const API = "client.authentication.k8s.io/v1";
/** The client refuses an answer of another version than it has asked for. */
const VERSIONS: readonly string[] = [API, `${API}beta1`];

async function serve({ args, variable }: Call, credentials: Credentials): Promise<Reply> {
  const info = objectOf(variable(VARIABLE) ?? "{}");
  const { apiVersion = API, spec } = info;
  if (typeof apiVersion !== "string" || !VERSIONS.includes(apiVersion)) {
    throw new PalyraError("usage", `Cannot give a token: ${VARIABLE} asks for another version`);
  }
  const text = args[0] ?? serverOf(spec);
  const address = args.length > 1 || text === undefined ? undefined : parseServerOrLabel(text);
  if (address === undefined) {
    throw new PalyraError("usage", "Cannot give a token: neither a label nor a cluster is named", {
      hint: "Give a label as argument, or set provideClusterInfo in the kubeconfig",
    });
  }
  const found = await credentials.get(address);
  if (found === undefined) return nothingFor("this cluster");
  const status = { token: lineOf(found) };
  return say(`${JSON.stringify({ apiVersion, kind: "ExecCredential", status })}\n`);
}

function serverOf(spec: unknown): string | undefined {
  const { cluster } = Object(spec) as { cluster?: unknown };
  const { server } = Object(cluster) as { server?: unknown };
  return typeof server === "string" ? server : undefined;
}
