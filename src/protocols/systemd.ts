/**
 * Credentials of systemd services: one on standard output, or files in a directory that a unit names
 * by LoadCredential=. Source: systemd.io/CREDENTIALS.
 */

import { PalyraError } from "../errors.ts";
import { parseLabel } from "./address.ts";
import type { Call, CredentialFile, Credentials, Protocol, Reply } from "./protocol.ts";
import { complain, giveValue, nothingFor, SILENCE } from "./replies.ts";

/** Serves `ID`, or `--directory DIR NAME=ID…`, which writes all of them or none. */
export const systemd: Protocol = { parseAddress: parseLabel, serve, failed: complain };

const FLAG = "--directory";
/** What systemd takes for the name of a credential: that of a file. */
const NAME = /^(?!\.{1,2}$)[A-Za-z0-9._-]{1,255}$/;

async function serve(call: Call, credentials: Credentials): Promise<Reply> {
  const [first, second, ...more] = call.args;
  if (first === FLAG) return await writeAll(call, second, more, credentials);
  if (first === undefined || second !== undefined) {
    throw new PalyraError(
      "usage",
      `Cannot give a credential: one id is needed, or ${FLAG} DIR NAME=ID`,
    );
  }
  const address = parseLabel(first);
  const found = address && await credentials.get(address);
  return found === undefined ? nothingFor("this id") : giveValue(found);
}

async function writeAll(
  { writeFiles }: Call,
  directory: string | undefined,
  wanted: readonly string[],
  credentials: Credentials,
): Promise<Reply> {
  const pairs = wanted.map((text) => {
    const at = text.indexOf("=");
    return { name: text.slice(0, at), label: text.slice(at + 1) };
  });
  const isPlain = pairs.length > 0 &&
    pairs.every(({ name, label }) => NAME.test(name) && label !== "");
  if (!directory?.startsWith("/") || !isPlain) {
    throw new PalyraError(
      "usage",
      `Cannot write credentials: ${FLAG} takes an absolute path, then NAME=ID`,
    );
  }
  if (new Set(pairs.map(({ name }) => name)).size < pairs.length) {
    throw new PalyraError("usage", "Cannot write credentials: two of them have the same name");
  }
  const found = await credentials.getAll(pairs.map(({ label }) => ({ kind: "label", label })));
  const files: CredentialFile[] = [];
  for (const [at, one] of found.entries()) {
    if (one.status === "failed") throw one.error;
    if (one.status === "nothing") return nothingFor(pairs[at]!.name);
    files.push({ name: pairs[at]!.name, content: one.credential.secret });
  }
  await writeFiles(directory, files);
  return SILENCE;
}
