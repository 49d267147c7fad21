/** palyra against the vectors of its formats, which another implementation made. */

import assert from "node:assert/strict";
import { flattenedDecrypt } from "jose/jwe/flattened/decrypt";
import { decodeUtf8, encodeBase64Url, encodeUtf8 } from "../../src/crypto/encoding.ts";
import { importWrappingKey, type JweParts, PROTECTED_HEADER } from "../../src/crypto/jwe.ts";
import { SensitiveBytes } from "../../src/crypto/sensitive_bytes.ts";
import { wrapKeyBytes } from "../../src/crypto/wrapped_key.ts";
import { PalyraError } from "../../src/errors.ts";
import { type DeviceAuthority, openAuthority } from "../../src/identity/authority.ts";
import { readDevice } from "../../src/identity/device.ts";
import { type IdentityStore, openIdentityStore } from "../../src/identity/store.ts";
import { denoPlatform } from "../../src/platform/deno/platform.ts";
import type { PrivateFiles } from "../../src/platform/platform.ts";
import { type EnvelopePlace, openValue } from "../../src/vault/envelope.ts";
import { sealValue, sealVaultKey } from "../../src/vault/sealing.ts";
import { KeyChain } from "../../src/vault/key_chain.ts";
import { parseScope } from "../../src/vault/scope.ts";
import { makeScopeKey, openScopeKey, type ScopeKeyPlace } from "../../src/vault/scope_key.ts";
import { openVaultKey } from "../../src/vault/vault_key.ts";
import { parseName } from "../../src/vault/vault_ref.ts";
import { countRefusals, type OpeningVector, readVectors } from "./vector_file.ts";
import { NO_ACCESS } from "../support/vaults.ts";

type Bytes = Uint8Array<ArrayBuffer>;

const hex = Uint8Array.fromHex;

interface RecordGiven {
  readonly store_key: string;
  readonly key: string;
  readonly file: string;
}

interface KekGiven {
  readonly key: "kek";
  readonly ca: string;
  readonly salt: string;
  readonly kek_kid: string;
}

interface ScopeKeyGiven {
  readonly key: "scope key";
  readonly vault_key: string;
  readonly vault_id: string;
  readonly scope: string;
  readonly generation: number;
  readonly kid: string;
  readonly wrapped: string;
}

type KeyGiven = KekGiven | ScopeKeyGiven;
type KeyGives = { readonly kek: string } | { readonly scope_key: string };

interface BlobGiven {
  readonly kek: string;
  readonly vault_id: string;
  readonly generation: number;
  readonly kek_kid: string;
  readonly blob: string;
}

interface EnvelopeGiven {
  readonly scope_key: string;
  readonly vault_id: string;
  readonly scope: string;
  readonly name: string;
  readonly version: number;
  readonly created_at: string;
  readonly expires_at: string | null;
  readonly encrypted_key: string;
  readonly iv: string;
  /** Of a long one only its digest. */
  readonly ciphertext: string | { readonly sha256: string };
  readonly tag: string;
}

interface EnvelopeGives {
  readonly value: string | { readonly length: number; readonly sha256: string };
}

const records = readVectors<RecordGiven, { readonly content: string }>("identity_record");
const keys = readVectors<KeyGiven, KeyGives>("keys");
const blobs = readVectors<BlobGiven, { readonly vault_key: string }>("vault_key_blob");
const envelopes = readVectors<EnvelopeGiven, EnvelopeGives>("envelope");

Deno.test("every record opens to its content", async () => {
  for (const { name, given, gives } of records.opens) {
    using content = await openRecord(given);
    assert.equal(content?.reveal().toHex(), gives.content, name);
  }
  assert.equal(records.opens.length, 6);
});

Deno.test("every record that is not as it was written is refused", async () => {
  assert.deepEqual(await countRefusals(records.refused, openRecord), { accepted: [], count: 41 });
});

Deno.test("the records hold a device CA and a device as palyra reads them", async () => {
  const [ca, device] = records.opens;
  using store = await storeOf(ca!.given);
  assert.match((await (await openAuthority(store))!.kekFor(new Uint8Array(32))).kid, /^\w{32}$/);
  using other = await storeOf(device!.given);
  assert.equal((await readDevice(other))!.createdAt, "2026-01-02T03:04:05.678Z");
});

Deno.test("with the same nonce palyra writes the same record", async () => {
  let count = 0;
  for (const { name, given, gives, drawn } of records.opens) {
    if (!given.file.startsWith("PIS1.1.")) continue; // palyra adds first generations only
    const files = memoryFiles({ "identity/store.key": hex(given.store_key) });
    const random = { bytes: () => hex(drawn["nonce"]!) };
    using store =
      (await openIdentityStore({ ...denoPlatform, files, random }, "identity", NO_ACCESS))!;
    assert.equal(await store.add(given.key, new SensitiveBytes(hex(gives.content))), true);
    assert.equal(decodeUtf8(files.read(`identity/${given.key}.sealed`, 65_536)!), given.file, name);
    count++;
  }
  assert.equal(count, 4);
});

Deno.test("every KEK and scope key comes out as the vectors say", async () => {
  for (const { name, given, gives } of keys.opens) {
    const expected = "kek" in gives ? gives.kek : gives.scope_key;
    assert.ok(await isKey(await openKey(given), hex(expected)), name);
  }
  assert.equal(keys.opens.length, 10);
});

Deno.test("every KEK or scope key of another place is refused", async () => {
  assert.deepEqual(await countRefusals(keys.refused, openKey), { accepted: [], count: 32 });
});

Deno.test("palyra makes the same scope keys, ids and wrapped forms of the same bytes", async () => {
  let count = 0;
  for (const { name, given, gives } of keys.opens) {
    if (given.key !== "scope key" || !("scope_key" in gives)) continue;
    using material = new SensitiveBytes(hex(gives.scope_key));
    const vaultKey = await importWrappingKey(hex(given.vault_key));
    const { kid, wrapped, key } = await makeScopeKey(material, scopeKeyPlace(given), vaultKey);
    assert.deepEqual([kid, wrapped.toHex()], [given.kid, given.wrapped], name);
    assert.ok(await isKey(key, hex(gives.scope_key)), name);
    count++;
  }
  assert.equal(count, 5);
});

Deno.test("every blob opens to its vault key", async () => {
  for (const { name, given, gives } of blobs.opens) {
    assert.ok(await isKey(await openBlob(given), hex(gives.vault_key)), name);
  }
  assert.equal(blobs.opens.length, 3);
});

Deno.test("every blob that is not as it was written is refused", async () => {
  assert.deepEqual(await countRefusals(blobs.refused, openBlob), { accepted: [], count: 58 });
});

Deno.test("a blob that palyra seals has the parts and lengths of the vectors", async () => {
  for (const { given, gives } of blobs.opens) {
    using vaultKey = new SensitiveBytes(hex(gives.vault_key));
    const kek = await importWrappingKey(hex(given.kek));
    const blob = await sealVaultKey(vaultKey, blobPlace(given), kek);
    const lengths = (text: string): number[] => text.split(".").map((part) => part.length);
    assert.deepEqual(lengths(blob), lengths(given.blob));
    assert.deepEqual(blob.split(".").slice(0, 2), ["PKV1", PROTECTED_HEADER]);
    assert.ok(await isKey(await openBlob({ ...given, blob }), hex(gives.vault_key)));
  }
});

Deno.test("every envelope opens to its value", async () => {
  for (const vector of envelopes.opens) {
    const ciphertext = (await sealAgain(vector)).toHex();
    using value = await openEnvelope({ ...vector.given, ciphertext });
    assert.deepEqual(value?.reveal(), await valueOf(vector), vector.name);
  }
  assert.equal(envelopes.opens.length, 8);
});

Deno.test("every envelope that is not as it was written is refused", async () => {
  const outcome = await countRefusals(envelopes.refused, openEnvelope);
  assert.deepEqual(outcome, { accepted: [], count: 50 });
});

Deno.test("the flattened form of every envelope opens with a JWE library alone", async () => {
  for (const vector of envelopes.opens) {
    const { given, name, steps } = vector;
    const jwe = {
      protected: PROTECTED_HEADER,
      header: { kid: "0".repeat(32) },
      encrypted_key: encodeBase64Url(hex(given.encrypted_key)),
      iv: encodeBase64Url(hex(given.iv)),
      ciphertext: encodeBase64Url(await sealAgain(vector)),
      tag: encodeBase64Url(hex(given.tag)),
      aad: encodeBase64Url(encodeUtf8(steps["aad"]!)),
    };
    const { plaintext } = await flattenedDecrypt(jwe, hex(given.scope_key));
    assert.deepEqual(plaintext, await valueOf(vector), name);
  }
});

Deno.test("an envelope that palyra seals has the lengths of the vectors, and its own DEK", async () => {
  for (const vector of envelopes.opens) {
    const { given, name } = vector;
    const key = await importWrappingKey(hex(given.scope_key));
    using value = new SensitiveBytes(await valueOf(vector));
    const parts = await sealValue(value, envelopePlace(given), key);
    const { encryptedKey, iv, ciphertext, tag } = parts;
    const lengths = [encryptedKey, iv, ciphertext, tag].map(({ length }) => length);
    assert.deepEqual(lengths, [40, 12, value.reveal().length, 16], name);
    assert.notEqual(encryptedKey.toHex(), given.encrypted_key, name);
    using opened = await openValue(parts, envelopePlace(given), key);
    assert.deepEqual(opened?.reveal(), value.reveal(), name);
  }
});

async function storeOf({ store_key, key, file }: RecordGiven): Promise<IdentityStore> {
  const files = memoryFiles({
    "identity/store.key": hex(store_key),
    [`identity/${key}.sealed`]: encodeUtf8(file),
  });
  return (await openIdentityStore({ ...denoPlatform, files }, "identity", NO_ACCESS))!;
}

async function openRecord(given: RecordGiven): Promise<SensitiveBytes | undefined> {
  using store = await storeOf(given);
  return await store.get(given.key);
}

/** The KEK by way of a key chain, which compares its id; a scope key by its own function. */
async function openKey(given: KeyGiven): Promise<CryptoKey | undefined> {
  if (given.key === "kek") {
    const keks = await authorityOf(given.ca);
    const backendFor = (): never => assert.fail("a backend was asked");
    const chain = new KeyChain({ vaultId: "", keks, backendFor });
    const { kek_kid: kekKid, salt } = given;
    const row = { id: "", generation: 1, backend: "encrypted_file", kekKid, salt: hex(salt) };
    return await chain.kek(row as typeof row & { backend: "encrypted_file" });
  }
  const { kid, wrapped } = given;
  const vaultKey = await importWrappingKey(hex(given.vault_key));
  const stored = { kid, wrapped: hex(wrapped) };
  return (await openScopeKey(stored, scopeKeyPlace(given), vaultKey))?.key;
}

async function authorityOf(ca: string): Promise<DeviceAuthority> {
  const authority = await openAuthority({
    get: (key) => Promise.resolve(key === "ca" ? new SensitiveBytes(encodeUtf8(ca)) : undefined),
    add: () => assert.fail("a record was added"),
    replace: () => assert.fail("a record was replaced"),
    remove: () => assert.fail("a record was removed"),
    keys: () => assert.fail("records were listed"),
    [Symbol.dispose]: () => {},
  });
  return authority!;
}

function scopeKeyPlace({ vault_id, scope, generation }: ScopeKeyGiven): ScopeKeyPlace {
  return { vaultId: vault_id, scope: parseScope(scope), generation };
}

async function openBlob(given: BlobGiven): Promise<CryptoKey | undefined> {
  const kek = await importWrappingKey(hex(given.kek));
  return await openVaultKey(given.blob, blobPlace(given), kek);
}

function blobPlace({ vault_id, generation, kek_kid }: BlobGiven): {
  vaultId: string;
  generation: number;
  kid: string;
} {
  return { vaultId: vault_id, generation, kid: kek_kid };
}

async function openEnvelope(given: EnvelopeGiven): Promise<SensitiveBytes | undefined> {
  const key = await importWrappingKey(hex(given.scope_key));
  return await openValue(partsOf(given), envelopePlace(given), key);
}

function partsOf({ encrypted_key, iv, ciphertext, tag }: EnvelopeGiven): JweParts {
  assert.ok(typeof ciphertext === "string");
  return {
    encryptedKey: hex(encrypted_key),
    iv: hex(iv),
    ciphertext: hex(ciphertext),
    tag: hex(tag),
  };
}

function envelopePlace(given: EnvelopeGiven): EnvelopePlace {
  return {
    vaultId: given.vault_id,
    id: { scope: parseScope(given.scope), name: parseName(given.name) },
    version: given.version,
    createdAt: given.created_at,
    expiresAt: given.expires_at ?? undefined,
  };
}

type EnvelopeVector = OpeningVector<EnvelopeGiven, EnvelopeGives>;

/** The value of a vector; one that is too long for a file is made by its rule. */
async function valueOf({ gives: { value } }: EnvelopeVector): Promise<Bytes> {
  if (typeof value === "string") return hex(value);
  const made = Uint8Array.from({ length: value.length }, (_, at) => at + (at >> 8)); // modulo 256
  assert.equal(await sha256(made), value.sha256);
  return made;
}

/** The ciphertext made anew from what the writer drew, by AES-GCM as such; it is that of the vector. */
async function sealAgain(vector: EnvelopeVector): Promise<Bytes> {
  const { given, name, steps, drawn } = vector;
  const dek = await crypto.subtle.importKey("raw", hex(drawn["dek"]!), "AES-GCM", false, [
    "encrypt",
  ]);
  const additionalData = encodeUtf8(steps["content_aad"]!);
  const algorithm = { name: "AES-GCM", iv: hex(given.iv), additionalData };
  const sealed = new Uint8Array(
    await crypto.subtle.encrypt(algorithm, dek, await valueOf(vector)),
  );
  const ciphertext = sealed.slice(0, -16);
  assert.equal(sealed.slice(-16).toHex(), given.tag, name);
  if (typeof given.ciphertext === "string") {
    assert.equal(ciphertext.toHex(), given.ciphertext, name);
  } else {
    assert.equal(await sha256(ciphertext), given.ciphertext.sha256, name);
  }
  return ciphertext;
}

async function sha256(bytes: Bytes): Promise<string> {
  return new Uint8Array(await crypto.subtle.digest("SHA-256", bytes)).toHex();
}

/** Whether a key that cannot be extracted is made of these bytes: A256KW is deterministic. */
async function isKey(key: CryptoKey | undefined, bytes: Bytes): Promise<boolean> {
  assert.ok(key, "it does not open");
  assert.equal(key.extractable, false);
  const probe = new Uint8Array(32);
  const [one, other] = [key, await importWrappingKey(bytes)];
  return (await wrapKeyBytes(probe, one)).toHex() === (await wrapKeyBytes(probe, other)).toHex();
}

/** Files in memory, under the contract of the port. */
function memoryFiles(content: Readonly<Record<string, Bytes>>): PrivateFiles {
  const files = new Map(Object.entries(content));
  return {
    read(path, maxBytes): Bytes | undefined {
      const bytes = files.get(path)?.slice();
      if (bytes === undefined || bytes.length <= maxBytes) return bytes;
      throw new PalyraError("integrity", `Cannot read ${path}: it is too large`);
    },
    create(path, bytes): boolean {
      const free = !files.has(path);
      if (free) files.set(path, new Uint8Array(bytes));
      return free;
    },
    replace: (path, bytes) => void files.set(path, new Uint8Array(bytes)),
    remove: (path) => void files.delete(path),
    removeAbandoned: () => {}, // nobody is killed here
  };
}
