/** The device identity: a ULID and an Ed25519 key pair, made once. */

import { decodeBase64Url, encodeUtf8 } from "../crypto/encoding.ts";
import { SensitiveBytes } from "../crypto/sensitive_bytes.ts";
import type { Platform } from "../platform/platform.ts";
import { createPrivateKeyJwk } from "./key_generation.ts";
import { malformed, parseRecord, privateJwkOf } from "./record.ts";
import type { IdentityStore } from "./store.ts";
import { makeUlid, ULID } from "./ulid.ts";

const RECORD = "device";
const ULID_RANDOM_BYTES = 10;

/** What may be told about this device. */
export interface DeviceIdentity {
  /** ULID. */
  readonly deviceId: string;
  /** RFC 3339, UTC. */
  readonly createdAt: string;
  /** Ed25519 public key (RFC 8037 `x`), base64url. */
  readonly publicKey: string;
}

/** Reads the device identity; `undefined` when there is none. Throws `integrity` when it is damaged. */
export async function readDevice(store: IdentityStore): Promise<DeviceIdentity | undefined> {
  using record = await store.get(RECORD);
  if (record === undefined) return undefined;
  const what = "the device identity";
  const { device_id, created_at, key } = parseRecord(record, what);
  const { x } = privateJwkOf(key, { kty: "OKP", crv: "Ed25519" }, what);
  if (typeof device_id !== "string" || !ULID.test(device_id) || typeof created_at !== "string") {
    throw malformed(what);
  }
  return { deviceId: device_id, createdAt: created_at, publicKey: x };
}

/** What a device says of itself in documents. */
export interface DeviceKey {
  /** ULID. */
  readonly deviceId: string;
  /** Ed25519 public key. */
  readonly publicKey: Uint8Array<ArrayBuffer>;
}

/** The device identity of a store that has one. Throws `integrity` where it is missing or damaged. */
export async function requireDevice(store: IdentityStore): Promise<DeviceKey> {
  const device = await readDevice(store);
  const publicKey = decodeBase64Url(device?.publicKey ?? "");
  if (device === undefined || publicKey === undefined) throw malformed("the device identity");
  return { deviceId: device.deviceId, publicKey };
}

/** Makes the device identity unless it is there. */
export async function createDevice(store: IdentityStore, platform: Platform): Promise<void> {
  const { kty, crv, x, d } = await createPrivateKeyJwk({ name: "Ed25519" });
  const now = platform.clock.now();
  const document = {
    device_id: makeUlid(now, platform.random.bytes(ULID_RANDOM_BYTES)),
    created_at: new Date(now).toISOString(),
    key: { kty, crv, x, d },
  };
  using content = new SensitiveBytes(encodeUtf8(JSON.stringify(document)));
  await store.add(RECORD, content);
}
