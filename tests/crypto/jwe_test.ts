/** Envelopes and wrapped keys at the level of bytes. */

import assert from "node:assert/strict";
import fc from "fast-check";
import { importWrappingKey, openJwe, rewrapKey, sealJwe } from "../../src/crypto/jwe.ts";
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
