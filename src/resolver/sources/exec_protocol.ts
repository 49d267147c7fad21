/**
 * Values from programs that speak OpenClaw's exec protocol, version 1: one call for all ids that are
 * asked of the same program. Source: docs.openclaw.ai/gateway/secrets, "SecretRef contract".
 */

import { decodeUtf8, encodeUtf8 } from "../../crypto/encoding.ts";
import { SensitiveBytes } from "../../crypto/sensitive_bytes.ts";
import { PalyraError } from "../../errors.ts";
import type { ExecRef } from "../secret_ref.ts";
import { type ExecWorld, runProgram } from "./exec.ts";

const VERSION = 1;
const PROVIDER = "palyra";
/** What OpenClaw itself allows for all values of one call. */
const MAX_OUTPUT_BYTES = 1_048_576;

/** The value of an id, or why there is none. */
export type ProtocolAnswer =
  | { readonly value: SensitiveBytes }
  | { readonly error: PalyraError };

/** Asks a program for many ids at once, in their order. Throws what keeps it from answering at all. */
export async function askProgram(
  world: ExecWorld,
  ref: ExecRef,
  ids: readonly string[],
): Promise<ProtocolAnswer[]> {
  const request = JSON.stringify({ protocolVersion: VERSION, provider: PROVIDER, ids });
  const { stdout } = await runProgram(world, ref, { maxBytes: MAX_OUTPUT_BYTES, request });
  const text = decodeUtf8(stdout);
  stdout.fill(0);
  const [program] = ref.command;
  const { values, errors } = parseAnswer(text ?? "", program);
  return ids.map((id) => {
    const value = Object.hasOwn(values, id) ? values[id] : undefined;
    const failed = Object.hasOwn(errors, id);
    if (typeof value === "string" && value !== "" && !failed) {
      return { value: new SensitiveBytes(encodeUtf8(value)) };
    }
    return { error: errorOf(program, failed ? errors[id] : undefined) };
  });
}

function parseAnswer(
  text: string,
  program: string,
): { values: Record<string, unknown>; errors: Record<string, unknown> } {
  try {
    const { protocolVersion, values, errors = {} } = Object(JSON.parse(text));
    if (protocolVersion === VERSION && isObject(values) && isObject(errors)) {
      return { values, errors };
    }
  } catch { /* the message would quote values */ }
  throw new PalyraError(
    "unavailable",
    `Cannot read the output of ${program}: it is no answer of the exec protocol, version ${VERSION}`,
    { details: { cause: "decode_failed" } },
  );
}

/** Its own words may hold anything: the code alone is looked at. */
function errorOf(program: string, error: unknown): PalyraError {
  const { code = "NOT_FOUND" } = Object(error) as { code?: unknown };
  return code === "NOT_FOUND"
    ? new PalyraError("not_found", `Cannot read a value of ${program}: it has none of this id`)
    : new PalyraError("unavailable", `Cannot read a value of ${program}: it could not give it`);
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
