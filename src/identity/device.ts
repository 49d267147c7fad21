/** The device identity: a ULID and an Ed25519 key pair, made once. */

import { decodeUtf8, encodeUtf8 } from "../crypto/encoding.ts";
import { SensitiveBytes } from "../crypto/sensitive_bytes.ts";
import { PalyraError } from "../errors.ts";
import type { Platform } from "../platform/platform.ts";
import { createPrivateKeyJwk } from "./key_generation.ts";
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
  const { device_id, created_at, key } = JSON.parse(decodeUtf8(record.reveal()) ?? "{}");
  if (!ULID.test(device_id) || typeof created_at !== "string" || typeof key?.x !== "string") {
    throw new PalyraError("integrity", "Cannot open the device identity: a field is missing");
  }
  return { deviceId: device_id, createdAt: created_at, publicKey: key.x };
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
