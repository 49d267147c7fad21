/** Pairing codes: a random token with the fingerprint of the approver's CA, as one line of text. */

import { decodeBase32, encodeBase32 } from "../../crypto/base32.ts";
import { sha256 } from "../../crypto/digest.ts";
import { encodeUtf8 } from "../../crypto/encoding.ts";
import { hkdf, importHkdfKey } from "../../crypto/kdf.ts";
import { SensitiveBytes } from "../../crypto/sensitive_bytes.ts";
import { PalyraError } from "../../errors.ts";

type Bytes = Uint8Array<ArrayBuffer>;

/** Only characters of a QR code's alphanumeric mode (ISO/IEC 18004 section 7.4.4): fewer modules. */
const PREFIX = "PALYRA1:";
const TOKEN_BYTES = 16;
const FINGERPRINT_BYTES = 32;
const CHECK_BYTES = 2;
const CODE_ID_BYTES = 16;
const KEY_BYTES = 32;

/** What a code is made of. */
export interface PairingCode {
  /** 128 random bits: who has them may ask, and can tell who decides. */
  readonly token: SensitiveBytes;
  /** SHA-256 of the certificate of the approver's CA. */
  readonly caFingerprint: Bytes;
}

/** What both sides derive from a token. */
export interface CodeKeys extends Disposable {
  /** Names the code, and says nothing about it: 32 lower-case hexadecimal digits. */
  readonly codeId: string;
  /** HMAC key of requests and decisions. */
  readonly macKey: SensitiveBytes;
}

/** Length of a token in bytes. */
export const CODE_TOKEN_BYTES = TOKEN_BYTES;

/** The text of a code; the caller wipes it. */
export async function formatCode({ token, caFingerprint }: PairingCode): Promise<SensitiveBytes> {
  using body = new SensitiveBytes(joined(token.reveal(), caFingerprint));
  using whole = new SensitiveBytes(
    joined(token.reveal(), caFingerprint, await checkOf(body.reveal())),
  );
  return new SensitiveBytes(encodeUtf8(PREFIX + encodeBase32(whole.reveal())));
}

/**
 * Reads a code as somebody typed or pasted it: blanks, line ends, hyphens between groups and the case
 * do not matter. Throws `usage`, and quotes nothing of it.
 */
export async function parseCode(text: string): Promise<PairingCode> {
  const compact = text.replace(/[\s-]/g, "").toUpperCase();
  const bytes = compact.startsWith(PREFIX) ? decodeBase32(compact.slice(PREFIX.length)) : undefined;
  const length = TOKEN_BYTES + FINGERPRINT_BYTES;
  if (bytes?.length !== length + CHECK_BYTES) throw noCode("it is not one that palyra prints");
  using whole = new SensitiveBytes(bytes);
  const body = whole.reveal().slice(0, length);
  const check = await checkOf(body);
  const token = new SensitiveBytes(body.slice(0, TOKEN_BYTES));
  const caFingerprint = body.slice(TOKEN_BYTES);
  body.fill(0);
  if (check.every((byte, at) => bytes[length + at] === byte)) return { token, caFingerprint };
  token[Symbol.dispose]();
  throw noCode("a character of it is wrong or missing");
}

/** Derives what names the code, and the key for what is said under it. */
export async function deriveCodeKeys(token: SensitiveBytes): Promise<CodeKeys> {
  const key = await importHkdfKey(token.reveal());
  const salt = new Uint8Array(0);
  const [codeId, macKey] = await Promise.all([
    hkdf(key, { salt, info: "palyra/v1/pairing-code-id", length: CODE_ID_BYTES }),
    hkdf(key, { salt, info: "palyra/v1/pairing-mac", length: KEY_BYTES }),
  ]);
  const sealed = new SensitiveBytes(macKey);
  return {
    codeId: codeId.toHex(),
    macKey: sealed,
    [Symbol.dispose]: () => sealed[Symbol.dispose](),
  };
}

/** Finds most errors of typing; it protects nothing. */
async function checkOf(body: Bytes): Promise<Bytes> {
  using message = new SensitiveBytes(
    joined(encodeUtf8("palyra/v1/pairing-code"), body),
  );
  return (await sha256(message.reveal())).slice(0, CHECK_BYTES);
}

function joined(...parts: readonly Uint8Array[]): Bytes {
  const bytes = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}

function noCode(why: string): PalyraError {
  return new PalyraError("usage", `Cannot read the pairing code: ${why}`, {
    hint: "palyra pairing code, on the device that approves, makes one",
  });
}
