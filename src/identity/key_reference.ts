/** `store.key.ref`: the identity store's key, sealed under a key that rests elsewhere. */

import { ARGON2_SALT_BYTES, type Argon2Cost } from "../crypto/argon2.ts";
import { NONCE_BYTES, openChaCha, sealChaCha } from "../crypto/aead.ts";
import { decodeBase64Url, decodeUtf8, encodeBase64Url, encodeUtf8 } from "../crypto/encoding.ts";
import { SensitiveBytes } from "../crypto/sensitive_bytes.ts";
import { PalyraError } from "../errors.ts";

/** Where the protecting key is, or how it is derived. */
export type ProtectorPlace =
  | {
    readonly protector: "keystore";
    readonly backend: string;
    /** Under which its items stand: 32 hexadecimal digits. */
    readonly holder: string;
    readonly id: string;
  }
  | {
    readonly protector: "passphrase";
    readonly salt: Uint8Array<ArrayBuffer>;
    readonly cost: Argon2Cost;
  };

/** A sealed store key and what opens it. */
export interface KeyReference {
  readonly place: ProtectorPlace;
  readonly nonce: Uint8Array<ArrayBuffer>;
  readonly sealed: Uint8Array<ArrayBuffer>;
}

/** Length of the store's key, and of one that protects it, in bytes. */
export const STORE_KEY_BYTES = 32;

const TAG_BYTES = 16;
const HEX_ID = /^[0-9a-f]{32}$/;
const BACKEND = /^[a-z_]{1,64}$/;
/** Costs beyond these would only serve to exhaust the machine of who reads an altered file. */
const MOST = { memoryKib: 1_048_576, passes: 16, parallelism: 16 } as const;
const LEAST = { memoryKib: 8_192, passes: 1, parallelism: 1 } as const;

/** Seals a store key. */
export async function sealStoreKey(
  storeKey: SensitiveBytes,
  place: ProtectorPlace,
  { key, nonce }: { readonly key: SensitiveBytes; readonly nonce: Uint8Array<ArrayBuffer> },
): Promise<KeyReference> {
  if (nonce.length !== NONCE_BYTES) throw new RangeError("A nonce has 12 bytes");
  const input = { key: key.reveal(), nonce, aad: aadOf(place) };
  return { place, nonce, sealed: await sealChaCha(storeKey.reveal(), input) };
}

/** Opens a store key; `undefined` for a wrong key, another place, or altered data. */
export async function openStoreKey(
  { place, nonce, sealed }: KeyReference,
  key: SensitiveBytes,
): Promise<SensitiveBytes | undefined> {
  const opened = await openChaCha(sealed, { key: key.reveal(), nonce, aad: aadOf(place) });
  return opened === undefined ? undefined : new SensitiveBytes(opened);
}

/** The text of the file. */
export function formatReference({ place, nonce, sealed }: KeyReference): string {
  const fields = place.protector === "keystore"
    ? { backend: place.backend, holder: place.holder, id: place.id }
    : {
      kdf: "argon2id",
      memory_kib: place.cost.memoryKib,
      passes: place.cost.passes,
      parallelism: place.cost.parallelism,
      salt: encodeBase64Url(place.salt),
    };
  const document = {
    schema_version: 1,
    protector: place.protector,
    ...fields,
    nonce: encodeBase64Url(nonce),
    sealed: encodeBase64Url(sealed),
  };
  return `${JSON.stringify(document)}\n`;
}

/** Reads the file. Throws `integrity` for anything that {@link formatReference} would not write. */
export function parseReference(bytes: Uint8Array, path: string): KeyReference {
  const text = decodeUtf8(bytes) ?? "";
  const reference = referenceOf(text);
  if (reference !== undefined && formatReference(reference) === text) return reference;
  throw new PalyraError("integrity", `Cannot open ${path}: it is not what palyra wrote`, {
    hint: "The identity cannot be made anew: restore the state root from a backup",
  });
}

function referenceOf(text: string): KeyReference | undefined {
  let fields: Record<string, unknown>;
  try {
    fields = { ...JSON.parse(text) };
  } catch {
    return undefined;
  }
  const place = placeOf(fields);
  const nonce = bytesOf(fields["nonce"], NONCE_BYTES);
  const sealed = bytesOf(fields["sealed"], STORE_KEY_BYTES + TAG_BYTES);
  if (place === undefined || nonce === undefined || sealed === undefined) return undefined;
  return { place, nonce, sealed };
}

function placeOf(fields: Readonly<Record<string, unknown>>): ProtectorPlace | undefined {
  const { protector, backend, holder, id } = fields;
  if (protector === "keystore") {
    const isWhole = matches(backend, BACKEND) && matches(holder, HEX_ID) && matches(id, HEX_ID);
    return isWhole ? { protector, backend, holder, id } : undefined;
  }
  const { memory_kib: memoryKib, passes, parallelism } = fields;
  const salt = bytesOf(fields["salt"], ARGON2_SALT_BYTES);
  if (protector !== "passphrase" || salt === undefined) return undefined;
  if (
    !isWithin(memoryKib, LEAST.memoryKib, MOST.memoryKib) ||
    !isWithin(passes, LEAST.passes, MOST.passes) ||
    !isWithin(parallelism, LEAST.parallelism, MOST.parallelism)
  ) return undefined;
  return { protector, salt, cost: { memoryKib, passes, parallelism } };
}

function matches(value: unknown, pattern: RegExp): value is string {
  return typeof value === "string" && pattern.test(value);
}

function isWithin(value: unknown, least: number, most: number): value is number {
  return Number.isInteger(value) && Number(value) >= least && Number(value) <= most;
}

function bytesOf(value: unknown, length: number): Uint8Array<ArrayBuffer> | undefined {
  const bytes = typeof value === "string" ? decodeBase64Url(value) : undefined;
  return bytes?.length === length ? bytes : undefined;
}

function aadOf(place: ProtectorPlace): Uint8Array<ArrayBuffer> {
  const fields = place.protector === "keystore" ? [place.backend, place.holder, place.id] : [
    "argon2id",
    place.cost.memoryKib,
    place.cost.passes,
    place.cost.parallelism,
    encodeBase64Url(place.salt),
  ];
  return encodeUtf8(JSON.stringify(["palyra/v1/store-key", place.protector, ...fields]));
}
