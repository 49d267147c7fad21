/** The age v1 file around a backup (age-encryption.org/v1), by a passphrase or for recipients. */

import { Decrypter, Encrypter } from "age-encryption";
import { decodeUtf8 } from "../crypto/encoding.ts";
import { SensitiveBytes } from "../crypto/sensitive_bytes.ts";
import { PalyraError } from "../errors.ts";

/** For whom a backup is encrypted. */
export type AgeLock =
  | { readonly kind: "passphrase"; readonly passphrase: SensitiveBytes }
  /** `age1…` */
  | { readonly kind: "recipients"; readonly recipients: readonly string[] };

/** What opens a backup. */
export type AgeKey =
  | { readonly kind: "passphrase"; readonly passphrase: SensitiveBytes }
  /** The text of an identity file: `AGE-SECRET-KEY-1…` a line, and comments. */
  | { readonly kind: "identities"; readonly text: SensitiveBytes };

/** Work factors (log2 N of scrypt) above this would keep a reader for minutes, by 1 twice as long each. */
const MAX_WORK_FACTOR = 18;
const HEADER_END = /^--- /;
const MAX_HEADER_BYTES = 65_536;

/** Encrypts. Throws `usage` for a recipient that age does not know. */
export async function encryptAge(
  payload: SensitiveBytes,
  lock: AgeLock,
): Promise<Uint8Array<ArrayBuffer>> {
  const encrypter = new Encrypter();
  if (lock.kind === "passphrase") {
    encrypter.setPassphrase(textOf(lock.passphrase));
    encrypter.setScryptWorkFactor(MAX_WORK_FACTOR);
  } else {
    for (const recipient of lock.recipients) addRecipient(encrypter, recipient);
  }
  return new Uint8Array(await encrypter.encrypt(payload.reveal()));
}

/**
 * Whether a passphrase opens the file. Throws `usage` for what is no age file, or asks for too much work;
 * `integrity` for one that ends in its head.
 */
export function needsPassphrase(file: Uint8Array): boolean {
  const lines = headerOf(file);
  const scrypt = lines.filter((line) => /^-> scrypt(?: |$)/.test(line));
  for (const line of scrypt) {
    const factor = /^-> scrypt [A-Za-z0-9+/]+ ([1-9][0-9]?)$/.exec(line)?.[1];
    if (factor === undefined) throw noAgeFile();
    if (Number(factor) > MAX_WORK_FACTOR) {
      throw new PalyraError(
        "usage",
        `Cannot read the backup: its work factor is ${factor}, above ${MAX_WORK_FACTOR}`,
        { hint: "Decrypt it with age itself, and encrypt it anew" },
      );
    }
  }
  return scrypt.length > 0;
}

/** Decrypts. Throws `integrity` for a wrong key or an altered file, `usage` for no age file or identity. */
export async function decryptAge(file: Uint8Array, key: AgeKey): Promise<SensitiveBytes> {
  needsPassphrase(file); // the work factor is looked at before any work is done
  const decrypter = new Decrypter();
  if (key.kind === "passphrase") decrypter.addPassphrase(textOf(key.passphrase));
  else addIdentities(decrypter, textOf(key.text));
  try {
    return new SensitiveBytes(new Uint8Array(await decrypter.decrypt(file)));
  } catch { // the library's words may quote what it was given
    throw new PalyraError(
      "integrity",
      `Cannot open the backup: ${
        key.kind === "passphrase" ? "the passphrase is wrong" : "no identity fits"
      }, or the file was altered`,
    );
  }
}

function addRecipient(encrypter: Encrypter, recipient: string): void {
  try {
    encrypter.addRecipient(recipient);
  } catch {
    throw new PalyraError("usage", "Cannot encrypt the backup: a recipient is not one of age's", {
      hint: "A recipient begins with age1; age-keygen -y prints it",
    });
  }
}

function addIdentities(decrypter: Decrypter, text: string): void {
  const lines = text.split(/\r?\n/).map((line) => line.trim())
    .filter((line) => line !== "" && !line.startsWith("#"));
  try {
    if (lines.length === 0) throw new TypeError("no identity");
    for (const line of lines) decrypter.addIdentity(line);
  } catch {
    throw new PalyraError(
      "usage",
      "Cannot open the backup: the identity file holds none of age's",
      {
        hint: "age-keygen makes one; its lines begin with AGE-SECRET-KEY-",
      },
    );
  }
}

function headerOf(file: Uint8Array): string[] {
  const text = decodeUtf8(file.subarray(0, file.indexOf(0x0a) + 1)) ?? "";
  if (text !== "age-encryption.org/v1\n") throw noAgeFile();
  const lines: string[] = [];
  for (let at = text.length; at < Math.min(file.length, MAX_HEADER_BYTES);) {
    const end = file.indexOf(0x0a, at);
    const line = end === -1 ? undefined : decodeUtf8(file.subarray(at, end));
    if (line === undefined) break;
    if (HEADER_END.test(line)) return lines;
    lines.push(line);
    at = end + 1;
  }
  throw new PalyraError("integrity", "Cannot open the backup: its head was cut off or altered");
}

function textOf(bytes: SensitiveBytes): string {
  const text = decodeUtf8(bytes.reveal());
  if (text !== undefined) return text;
  throw new PalyraError("usage", "Cannot use the passphrase or identity: it is not valid UTF-8");
}

function noAgeFile(): PalyraError {
  return new PalyraError("usage", "Cannot read the backup: it is no age file");
}
