/**
 * The device CA's private key: an ECDSA P-256 scalar, from which the vault's KEK is derived.
 *
 * The 32 bytes of the scalar (the `d` of RFC 7518 section 6.2.2.1) are what is derived from, never
 * an encoding of them: a rewritten PEM or PKCS #8 file would silently give another KEK.
 */

import { decodeBase64Url, encodeUtf8 } from "../crypto/encoding.ts";
import { importWrappingKey } from "../crypto/jwe.ts";
import { hkdf, importHkdfKey } from "../crypto/kdf.ts";
import { SensitiveBytes } from "../crypto/sensitive_bytes.ts";
import { malformed, parseRecord, privateJwkOf } from "./record.ts";
import type { IdentityStore } from "./store.ts";

const RECORD = "ca";
const SCALAR_BYTES = 32;
const KEK_BYTES = 32;
const KID_BYTES = 16;

/** A key-encryption key and the id that tells which one it is. */
export interface DerivedKek {
  /** 32 lower-case hexadecimal digits; says nothing about the key. */
  readonly kid: string;
  /** A256KW key, not extractable. */
  readonly kek: CryptoKey;
}

/** The device CA, as far as keys are derived from it. */
export interface DeviceAuthority {
  /** The key has been read: no program is started for it, and nobody is asked. */
  readonly isAtHand: boolean;
  /** The vault's KEK for one salt. */
  kekFor(salt: Uint8Array<ArrayBuffer>): Promise<DerivedKek>;
}

/** Opens the device CA; `undefined` when it has no key yet. Throws `integrity` when it is damaged. */
export async function openAuthority(store: IdentityStore): Promise<DeviceAuthority | undefined> {
  using record = await store.get(RECORD);
  if (record === undefined) return undefined;
  using scalar = scalarOf(record);
  const key = await importHkdfKey(scalar.reveal());
  return { isAtHand: true, kekFor: (salt) => kekFor(key, salt) };
}

/** Makes the device CA's key unless it is there. */
export async function createAuthority(store: IdentityStore): Promise<void> {
  const { createPrivateKeyJwk } = await import("./key_generation.ts"); // 25 ms, first run only
  const { kty, crv, x, y, d } = await createPrivateKeyJwk({ name: "ECDSA", namedCurve: "P-256" });
  using content = new SensitiveBytes(encodeUtf8(JSON.stringify({ kty, crv, x, y, d })));
  await store.add(RECORD, content);
}

async function kekFor(key: CryptoKey, salt: Uint8Array<ArrayBuffer>): Promise<DerivedKek> {
  const [kekBytes, kid] = await Promise.all([
    hkdf(key, { salt, info: "palyra/v1/vault-kek", length: KEK_BYTES }),
    hkdf(key, { salt, info: "palyra/v1/vault-kek-id", length: KID_BYTES }),
  ]);
  using kek = new SensitiveBytes(kekBytes);
  return { kid: kid.toHex(), kek: await importWrappingKey(kek.reveal()) };
}

function scalarOf(record: SensitiveBytes): SensitiveBytes {
  const what = "the device CA key";
  const { d } = privateJwkOf(parseRecord(record, what), { kty: "EC", crv: "P-256" }, what);
  const scalar = decodeBase64Url(d);
  if (scalar?.length !== SCALAR_BYTES) throw malformed(what);
  return new SensitiveBytes(scalar);
}
