/** Replies that protocols have in common. */

import { decodeUtf8, encodeUtf8 } from "../crypto/encoding.ts";
import { SensitiveBytes } from "../crypto/sensitive_bytes.ts";
import { PalyraError } from "../errors.ts";
import type { Credential, Failure, Reply } from "./protocol.ts";

/** Nothing to say, and all is well. */
export const SILENCE: Reply = { status: 0 };

/** A text for standard output. */
export function say(text: string, status = 0): Reply {
  return { status, output: new SensitiveBytes(encodeUtf8(text)) };
}

/** Exact bytes for standard output: a copy, for the credential is wiped when it has been served. */
export function giveValue({ secret }: Credential): Reply {
  return { status: 0, output: new SensitiveBytes(secret.reveal().slice()) };
}

/** A line on standard error, and palyra's own exit status. */
export function complain({ message, status }: Failure): Reply {
  return { status, error: message };
}

/** Nothing for this address: a line on standard error, and the status of `not_found`. */
export function nothingFor(what: string): Reply {
  return {
    status: 8,
    error: `Cannot give a credential: nothing is mapped to ${what}, or it is gone`,
  };
}

/** The object of a JSON text; empty for anything else, whose error would quote it. */
export function objectOf(text: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null && !Array.isArray(value) ? { ...value } : {};
  } catch {
    return {};
  }
}

/** A text as the secret of a credential. */
export function secretOf(text: string): SensitiveBytes {
  return new SensitiveBytes(encodeUtf8(text));
}

/** The secret as text. Throws `usage` for bytes that are not UTF-8: the protocol has texts only. */
export function textOf({ secret }: Credential): string {
  const text = decodeUtf8(secret.reveal());
  if (text !== undefined) return text;
  throw new PalyraError("usage", "Cannot give the value: it is not UTF-8, which the client needs");
}

/** The secret as one line. Throws `usage` for one that the protocol would cut, or take for more. */
export function lineOf(credential: Credential): string {
  const text = textOf(credential);
  if (!/[\0\r\n]/.test(text)) return text;
  throw new PalyraError("usage", "Cannot give the value: it has more than one line");
}
