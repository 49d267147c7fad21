/**
 * Podman's secret driver `shell`: four commands, and the id of the secret in a variable. Source:
 * podman-secret-create(1).
 */

import { decodeUtf8 } from "../crypto/encoding.ts";
import { SensitiveBytes } from "../crypto/sensitive_bytes.ts";
import { PalyraError } from "../errors.ts";
import { type Address, parseLabel } from "./address.ts";
import type { Call, Credentials, Protocol, Reply } from "./protocol.ts";
import { complain, giveValue, nothingFor, say, secretOf, SILENCE, textOf } from "./replies.ts";

/** Serves `list`, `lookup`, `store` and `delete`; a secret may be any bytes. */
export const podman: Protocol = { parseAddress: parseLabel, serve, failed: complain };

const VARIABLE = "SECRET_ID";
/** Podman's own limit for a secret. */
const MAX_BYTES = 512_000;
/** How bytes that are no text are stored: what holds credentials is JSON. */
const ENCODING = "encoding";
const BASE64 = "base64";

async function serve(call: Call, credentials: Credentials): Promise<Reply> {
  const [operation, ...more] = call.args;
  if (more.length > 0) throw unknown();
  if (operation === "list") {
    const ids = (await credentials.list()).map(({ address }) => address);
    return say(ids.map((id) => `${id}\n`).join(""));
  }
  const address = addressOf(call);
  if (operation === "lookup") return await lookup(address, credentials);
  if (operation === "delete") {
    await credentials.erase(address);
    return SILENCE;
  }
  if (operation !== "store") throw unknown();
  using given = new SensitiveBytes(await call.input.bytes(MAX_BYTES));
  if (given.reveal().length === 0) {
    throw new PalyraError("usage", "Cannot store: nothing was given");
  }
  const isText = isPlainText(given.reveal());
  using secret = isText ? given : secretOf(given.reveal().toBase64());
  const attributes = { server: address.label, ...(isText ? {} : { [ENCODING]: BASE64 }) };
  if (await credentials.put(address, { username: "", secret, attributes })) return SILENCE;
  throw new PalyraError("denied", "Cannot store the secret: [helper.podman] has no store_scope");
}

async function lookup(address: Address, credentials: Credentials): Promise<Reply> {
  const found = await credentials.get(address);
  if (found === undefined) return nothingFor("this id");
  if (found.attributes?.[ENCODING] !== BASE64) return giveValue(found);
  return { status: 0, output: new SensitiveBytes(Uint8Array.fromBase64(textOf(found))) };
}

/** What JSON makes at most twice as long, so that podman's limit stays below that of a value. */
function isPlainText(bytes: Uint8Array): boolean {
  return decodeUtf8(bytes)?.search(/[^\P{Cc}\t\r\n\x7f-\x9f]/u) === -1;
}

function addressOf({ variable }: Call): Extract<Address, { kind: "label" }> {
  const address = parseLabel(variable(VARIABLE) ?? "");
  if (address !== undefined) return address;
  throw new PalyraError("usage", `Cannot serve: ${VARIABLE} names no secret`);
}

function unknown(): PalyraError {
  return new PalyraError(
    "usage",
    "Cannot serve: only list, lookup, store and delete are understood",
  );
}
