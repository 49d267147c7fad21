/** The joiner's side of a pairing: a request under a code, and the decision that comes back. */

import { sha256Hex } from "../../crypto/digest.ts";
import { decodeBase64Url, encodeBase64Url, encodeUtf8 } from "../../crypto/encoding.ts";
import { equalBytes } from "../../crypto/equal_bytes.ts";
import { hmac, importMacKey } from "../../crypto/mac.ts";
import { SensitiveBytes } from "../../crypto/sensitive_bytes.ts";
import { PalyraError } from "../../errors.ts";
import type { Platform } from "../../platform/platform.ts";
import type { Usage } from "../../x509/certificate.ts";
import { requireDevice } from "../device.ts";
import type { DeviceKind } from "../document.ts";
import { lockIdentity } from "../identity.ts";
import { type LeafKey, leafKeyOf, newLeafKey } from "../leaf.ts";
import { keepMembership, type Membership } from "../membership.ts";
import { malformed, parseRecord } from "../record.ts";
import { signAsDevice } from "../signing.ts";
import type { IdentityStore } from "../store.ts";
import { deriveCodeKeys, type PairingCode } from "./code.ts";
import {
  formatRequestDocument,
  type PairingAsk,
  proofMessage,
  readRequestDocument,
  requestMessage,
} from "./messages.ts";

type Bytes = Uint8Array<ArrayBuffer>;

const PREFIX = "pairing-request-";
const WHAT = "a pairing request";
const NONCE_BYTES = 16;
/** Most requests that wait for a decision at a time. */
const MAX_WAITING = 16;
/** A request that nobody answered is kept so long after its end: decisions may travel slowly. */
const KEPT_MS = 7 * 86_400_000;

/** The identity of this device, to ask with. */
export interface JoinContext {
  readonly platform: Platform;
  readonly directory: string;
  readonly store: IdentityStore;
}

/** What is asked for. */
export interface JoinWish {
  readonly kind: DeviceKind;
  readonly validityS: number;
  readonly usages: readonly Usage[];
  readonly lifetimeMs: number;
  /** A certificate request for a key that the user keeps elsewhere (DER). */
  readonly ownRequest?: Bytes | undefined;
}

/** A request that waits for its decision. */
export interface WaitingRequest extends Disposable {
  readonly codeId: string;
  readonly macKey: SensitiveBytes;
  readonly key: LeafKey;
  readonly ask: PairingAsk;
  /** As it was printed. */
  readonly document: string;
  /** SHA-256 of what was signed, lower-case hexadecimal. */
  readonly digest: string;
}

/**
 * Makes a request, or gives the one that was made with this code before. Throws `precondition` when that
 * one asked for something else, or too many wait.
 */
export async function makePairingRequest(
  context: JoinContext,
  code: PairingCode,
  wish: JoinWish,
): Promise<{ readonly waiting: WaitingRequest; readonly changed: boolean }> {
  const { platform, directory, store } = context;
  using keys = await deriveCodeKeys(code.token);
  using _lock = await lockIdentity(platform, directory);
  await dropOld(context);
  const earlier = await findWaiting(store, keys.codeId);
  if (earlier !== undefined) {
    requireSame(earlier.ask, code.caFingerprint.toHex(), wish);
    return { waiting: earlier, changed: false };
  }
  if (store.keys(PREFIX).length >= MAX_WAITING) throw tooMany();
  const device = await requireDevice(store);
  const { key, csr } = await newLeafKey(device.deviceId, wish.ownRequest);
  const now = platform.clock.now();
  const ask: PairingAsk = {
    code_id: keys.codeId,
    ca_fingerprint: code.caFingerprint.toHex(),
    device_id: device.deviceId,
    device_kind: wish.kind,
    identity_key: device.publicKey,
    csr,
    validity_s: wish.validityS,
    usages: wish.usages,
    nonce: platform.random.bytes(NONCE_BYTES),
    created_at: new Date(now).toISOString(),
    expires_at: new Date(now + wish.lifetimeMs).toISOString(),
  };
  const message = await requestMessage(ask);
  const signature = await signAsDevice(store, message);
  const macKey = await importMacKey(keys.macKey.reveal());
  const mac = await hmac(macKey, proofMessage(message, signature));
  const document = formatRequestDocument({ ...ask, signature, mac });
  const record = { document, key, mac_key: encodeBase64Url(keys.macKey.reveal()) };
  using content = new SensitiveBytes(encodeUtf8(JSON.stringify(record)));
  await store.replace(PREFIX + keys.codeId, content);
  const waiting = await findWaiting(store, keys.codeId);
  if (waiting === undefined) throw malformed(WHAT);
  return { waiting, changed: true };
}

/** The request that was made with a code; `undefined` when none waits. Throws `integrity`. */
export async function findWaiting(
  store: IdentityStore,
  codeId: string,
): Promise<WaitingRequest | undefined> {
  using record = await store.get(PREFIX + codeId);
  if (record === undefined) return undefined;
  const { document, key, mac_key } = parseRecord(record, WHAT);
  const macKey = typeof mac_key === "string" ? decodeBase64Url(mac_key) : undefined;
  if (typeof document !== "string" || macKey === undefined) throw malformed(WHAT);
  const ask = readRequestDocument(encodeUtf8(document));
  if (ask.code_id !== codeId) throw malformed(WHAT);
  const kept = new SensitiveBytes(macKey);
  return {
    codeId,
    macKey: kept,
    key: leafKeyOf(key, WHAT),
    ask,
    document,
    digest: await sha256Hex(await requestMessage(ask)),
    [Symbol.dispose]: () => kept[Symbol.dispose](),
  };
}

/** Ends a request: with what it has led to, or without. Under the identity's lock. */
export async function endWaiting(
  { store }: JoinContext,
  codeId: string,
  membership: Membership | undefined,
): Promise<void> {
  // In this order: a crash between the two leaves a request whose decision can be completed again.
  if (membership !== undefined) await keepMembership(store, membership);
  store.remove(PREFIX + codeId);
}

/** Drops requests that nobody will answer any more, with their keys. */
async function dropOld({ platform, store }: JoinContext): Promise<void> {
  for (const key of store.keys(PREFIX)) {
    using waiting = await findWaiting(store, key.slice(PREFIX.length));
    const ends = Date.parse(waiting?.ask.expires_at ?? "") + KEPT_MS;
    if (ends < platform.clock.now()) store.remove(key);
  }
}

function requireSame(ask: PairingAsk, caFingerprint: string, wish: JoinWish): void {
  const isSame = ask.ca_fingerprint === caFingerprint && ask.device_kind === wish.kind &&
    ask.validity_s === wish.validityS &&
    ask.usages.join() === wish.usages.join() &&
    (wish.ownRequest === undefined || equalBytes(ask.csr, wish.ownRequest));
  if (isSame) return;
  throw new PalyraError(
    "precondition",
    "Cannot make the pairing request: one with this code asks for something else",
    { hint: "Submit that one, or make a new code" },
  );
}

function tooMany(): PalyraError {
  return new PalyraError(
    "precondition",
    `Cannot make the pairing request: ${MAX_WAITING} wait for a decision`,
    { hint: "They are dropped a week after their end" },
  );
}
