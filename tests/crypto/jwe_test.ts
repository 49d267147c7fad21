/** Envelopes and wrapped keys at the level of bytes. */

import assert from "node:assert/strict";
import fc from "fast-check";
import { flattenedDecrypt } from "jose/jwe/flattened/decrypt";
import {
  importWrappingKey,
  type JweParts,
  openJwe,
  PROTECTED_HEADER,
  rewrapKey,
} from "../../src/crypto/jwe.ts";
import { encodeBase64Url, encodeUtf8 } from "../../src/crypto/encoding.ts";
import { sealJwe } from "../../src/crypto/jwe_seal.ts";
import { unwrapKeyBytes, wrapKeyBytes } from "../../src/crypto/wrapped_key.ts";
import { checkProperty } from "../support/properties.ts";

function randomKey(): Promise<CryptoKey> {
  return importWrappingKey(crypto.getRandomValues(new Uint8Array(32)));
}

Deno.test("openJwe() opens what sealJwe() made, with that key and AAD only", async () => {
  const [key, other] = [await randomKey(), await randomKey()];
  const property = fc.asyncProperty(
    fc.uint8Array({ minLength: 1, maxLength: 300 }),
    fc.string({ minLength: 1 }),
    fc.string({ minLength: 1 }),
    async (plaintext, aad, otherAad) => {
      const parts = await sealJwe(plaintext, aad, key);
      assert.deepEqual(await openJwe(parts, aad, key), new Uint8Array(plaintext));
      assert.equal(await openJwe(parts, aad, other), undefined);
      if (otherAad !== aad) assert.equal(await openJwe(parts, otherAad, key), undefined);
    },
  );
  await checkProperty("JWE", property);
});

/** What jose makes of the same parts. */
async function openWithJose(
  { encryptedKey, iv, ciphertext, tag }: JweParts,
  aad: string,
  key: CryptoKey,
): Promise<Uint8Array | undefined> {
  try {
    const opened = await flattenedDecrypt(
      {
        protected: PROTECTED_HEADER,
        encrypted_key: encodeBase64Url(encryptedKey),
        iv: encodeBase64Url(iv),
        ciphertext: encodeBase64Url(ciphertext),
        tag: encodeBase64Url(tag),
        aad: encodeBase64Url(encodeUtf8(aad)),
      },
      key,
      { keyManagementAlgorithms: ["A256KW"], contentEncryptionAlgorithms: ["A256GCM"] },
    );
    return opened.plaintext;
  } catch {
    return undefined;
  }
}

Deno.test("openJwe() opens and refuses exactly what jose does, whatever was altered or cut", async () => {
  const key = await randomKey();
  const names = ["encryptedKey", "iv", "ciphertext", "tag"] as const;
  let [opened, refused] = [0, 0];
  const property = fc.asyncProperty(
    fc.uint8Array({ minLength: 1, maxLength: 100 }),
    fc.string({ minLength: 1 }),
    fc.constantFrom(...names),
    fc.constantFrom("nothing", "a bit", "the end", "one more"),
    fc.nat(),
    async (plaintext, aad, name, change, at) => {
      const parts = await sealJwe(plaintext, aad, key);
      const before = parts[name];
      const part = change === "the end"
        ? before.slice(0, at % before.length)
        : new Uint8Array(before.length + (change === "one more" ? 1 : 0));
      if (change !== "the end") part.set(before);
      if (change === "a bit") part[at % part.length]! ^= 1 << (at % 8);
      const altered = { ...parts, [name]: part };
      const [ours, theirs] = [
        await openJwe(altered, aad, key),
        await openWithJose(altered, aad, key),
      ];
      assert.deepEqual(ours && encodeBase64Url(ours), theirs && encodeBase64Url(theirs));
      if (ours === undefined) refused++;
      else opened++;
    },
  );
  await checkProperty("JWE against jose", property);
  assert.ok(opened > 100 && refused > 100, `${opened} opened, ${refused} refused`);
});

Deno.test("openJwe() refuses a shortened tag, which some implementations accept", async () => {
  const key = await randomKey();
  const parts = await sealJwe(new Uint8Array([1, 2, 3]), "aad", key);
  for (const length of [0, 4, 12, 15]) {
    assert.equal(
      await openJwe({ ...parts, tag: parts.tag.slice(0, length) }, "aad", key),
      undefined,
    );
  }
});

Deno.test("every sealing has its own DEK, iv and ciphertext", async () => {
  const key = await randomKey();
  const seen = new Set<string>();
  for (let at = 0; at < 50; at++) {
    const parts = await sealJwe(new Uint8Array(20), "aad", key);
    for (const part of [parts.encryptedKey, parts.iv, parts.ciphertext]) seen.add(part.toHex());
  }
  assert.equal(seen.size, 150);
});

Deno.test("rewrapKey() moves a DEK to another key and leaves the content as it is", async () => {
  const [from, to] = [await randomKey(), await randomKey()];
  const parts = await sealJwe(new TextEncoder().encode("value"), "aad", from);
  const encryptedKey = await rewrapKey(parts.encryptedKey, from, to);
  assert.ok(encryptedKey);
  const opened = await openJwe({ ...parts, encryptedKey }, "aad", to);
  assert.equal(new TextDecoder().decode(opened), "value");
  assert.equal(await openJwe({ ...parts, encryptedKey }, "aad", from), undefined);
  assert.equal(await rewrapKey(parts.encryptedKey, to, from), undefined);
});

Deno.test("unwrapKeyBytes() refuses every altered byte", async () => {
  const key = await randomKey();
  const wrapped = await wrapKeyBytes(crypto.getRandomValues(new Uint8Array(32)), key);
  assert.ok(await unwrapKeyBytes(wrapped, key));
  for (let at = 0; at < wrapped.length; at++) {
    const altered = wrapped.slice();
    altered[at]! ^= 1;
    assert.equal(await unwrapKeyBytes(altered, key), undefined, `byte ${at}`);
  }
});

Deno.test("sealJwe() refuses an empty AAD, which jose could not open again", async () => {
  await assert.rejects(sealJwe(new Uint8Array([0]), "", await randomKey()), /additional/);
});

Deno.test("unwrapKeyBytes() takes keys of 32 bytes only", async () => {
  const key = await randomKey();
  for (const length of [16, 24]) {
    const short = await wrapKeyBytes(crypto.getRandomValues(new Uint8Array(length)), key);
    assert.equal(await unwrapKeyBytes(short, key), undefined);
  }
});
