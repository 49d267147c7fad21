/**
 * OpenClaw's exec provider for secrets, protocol version 1: ids in, values and misses out, one JSON
 * object each way. Source: docs.openclaw.ai/gateway/secrets, "SecretRef contract".
 */

import { decodeUtf8 } from "../crypto/encoding.ts";
import { PalyraError } from "../errors.ts";
import { type LabelAddress, parseLabel } from "./address.ts";
import type { Call, Credentials, Found, Protocol, Reply } from "./protocol.ts";
import { complain, say } from "./replies.ts";

/** Serves one batch. A miss is told by id, and is no failure. */
export const openclaw: Protocol = { parseAddress: parseLabel, serve, failed: complain };

const VERSION = 1;
/** OpenClaw sends at most as much. */
const MAX_REQUEST_BYTES = 262_144;
const MAX_IDS = 512;
const ID = /^[A-Za-z0-9][A-Za-z0-9._:/#-]{0,255}$/;
const DOT_SEGMENT = /(?:^|\/)\.{1,2}(?:\/|$)/;

async function serve({ input }: Call, credentials: Credentials): Promise<Reply> {
  const ids = readIds(await input.all(MAX_REQUEST_BYTES));
  const fit = ids.filter((id) => ID.test(id) && !DOT_SEGMENT.test(id));
  const addresses = fit.map((label): LabelAddress => ({ kind: "label", label }));
  const found = await credentials.getAll(addresses);
  const values: [string, string][] = [];
  const errors: [string, { code: string }][] = ids
    .filter((id) => !fit.includes(id))
    .map((id) => [id, { code: "NOT_FOUND" }]);
  fit.forEach((id, at) => {
    const { value, code } = answerOf(found[at]!);
    if (value === undefined) errors.push([id, { code }]);
    else values.push([id, value]);
  });
  return say(JSON.stringify({
    protocolVersion: VERSION,
    values: Object.fromEntries(values),
    errors: Object.fromEntries(errors),
  }));
}

function answerOf(found: Found): { readonly value?: string; readonly code: string } {
  if (found.status === "nothing") return { code: "NOT_FOUND" };
  if (found.status === "failed") return { code: found.error.code.toUpperCase() };
  const value = decodeUtf8(found.credential.secret.reveal());
  return value === undefined ? { code: "NOT_UTF8" } : { value, code: "" };
}

function readIds(text: string): string[] {
  let request: unknown;
  try {
    request = JSON.parse(text);
  } catch { // its message would quote the request
    throw new PalyraError("usage", "Cannot read the request: it is no JSON");
  }
  const { protocolVersion, ids } = Object(request) as Record<string, unknown>;
  if (protocolVersion !== VERSION) {
    throw new PalyraError("usage", `Cannot read the request: its version is not ${VERSION}`);
  }
  if (!Array.isArray(ids) || ids.some((id) => typeof id !== "string")) {
    throw new PalyraError("usage", "Cannot read the request: ids is no list of texts");
  }
  if (ids.length > MAX_IDS) {
    throw new PalyraError("usage", `Cannot read the request: more than ${MAX_IDS} ids`);
  }
  return [...new Set<string>(ids)];
}
