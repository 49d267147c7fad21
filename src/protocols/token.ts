/**
 * A plain secret on standard output, for programs that run a command and take what it prints: Claude
 * Code's `apiKeyHelper`, Codex' `auth.command`, pnpm's `tokenHelper`, restic, borg, rclone, msmtp.
 */

import { decodeUtf8, encodeUtf8 } from "../crypto/encoding.ts";
import { SensitiveBytes } from "../crypto/sensitive_bytes.ts";
import { PalyraError } from "../errors.ts";
import { parseLabel } from "./address.ts";
import type { Call, Credentials, Protocol, Reply } from "./protocol.ts";
import { complain, nothingFor } from "./replies.ts";

/** Serves `[--prefix TEXT] LABEL`: a label that is mapped, or a reference that is allowed. */
export const token: Protocol = { parseAddress: parseLabel, serve, failed: complain };

const PREFIX = "--prefix";
const LINE_END = 0x0a;

async function serve({ args }: Call, credentials: Credentials): Promise<Reply> {
  const { label, prefix } = readArguments(args);
  const address = parseLabel(label);
  const found = address && await credentials.get(address);
  if (found === undefined) return nothingFor("this label");
  const value = found.secret.reveal();
  if (prefix !== "" && decodeUtf8(value)?.includes("\n") !== false) {
    throw new PalyraError("usage", "Cannot give the value with a prefix: it is not one line");
  }
  const start = encodeUtf8(prefix);
  // Every one of these programs drops a line end, and some wait for it.
  const end = value.at(-1) === LINE_END ? 0 : 1;
  const output = new Uint8Array(start.length + value.length + end).fill(LINE_END);
  output.set(start);
  output.set(value, start.length);
  return { status: 0, output: new SensitiveBytes(output) };
}

function readArguments(args: readonly string[]): { label: string; prefix: string } {
  const isPrefixed = args[0] === PREFIX;
  const prefix = isPrefixed ? args[1] : "";
  const [label, ...more] = isPrefixed ? args.slice(2) : args;
  if (label === undefined || prefix === undefined || more.length > 0) {
    throw new PalyraError("usage", "Cannot give a token: exactly one label or reference is needed");
  }
  if (/[\p{Cc}]/u.test(prefix)) {
    throw new PalyraError("usage", "Cannot give a token: the prefix holds a control character");
  }
  return { label, prefix };
}
