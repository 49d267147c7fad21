/** Argon2id as the runtime has it, against known answers. */

import assert from "node:assert/strict";
import { ARGON2_COST, argon2id } from "../../src/crypto/argon2.ts";
import { encodeUtf8 } from "../../src/crypto/encoding.ts";

/**
 * Password, salt, KiB, passes, lanes, tag: Argon2id version 0x13 in src/test.c of the reference
 * implementation, P-H-C/phc-winner-argon2. (The vectors of RFC 9106 section 5 have a secret value and
 * associated data, which palyra does not use.)
 */
const KNOWN: readonly (readonly [string, string, number, number, number, string])[] = [
  [
    "password",
    "somesalt",
    65_536,
    2,
    1,
    "09316115d5cf24ed5a15a31a3ba326e5cf32edc24702987c02b6566f61913cf7",
  ],
  [
    "password",
    "somesalt",
    256,
    2,
    1,
    "9dfeb910e80bad0311fee20f9c0e2b12c17987b4cac90c2ef54d5b3021c68bfe",
  ],
  [
    "password",
    "somesalt",
    256,
    2,
    2,
    "6d093c501fd5999645e0ea3bf620d7b8be7fd2db59c20d9fff9539da2bf57037",
  ],
  [
    "password",
    "somesalt",
    65_536,
    1,
    1,
    "f6a5adc1ba723dddef9b5ac1d464e180fcd9dffc9d1cbf76cca2fed795d9ca98",
  ],
  [
    "password",
    "somesalt",
    65_536,
    4,
    1,
    "9025d48e68ef7395cca9079da4c4ec3affb3c8911fe4f86d1a2520856f63172c",
  ],
  [
    "differentpassword",
    "somesalt",
    65_536,
    2,
    1,
    "0b84d652cf6b0c4beaef0dfe278ba6a80df6696281d7e0d2891b817d8c458fde",
  ],
  [
    "password",
    "diffsalt",
    65_536,
    2,
    1,
    "bdf32b05ccc42eb15d58fd19b1f856b113da1e9a5874fdcc544308565aa8141c",
  ],
];

Deno.test("Argon2id gives the known answers of the reference implementation", async () => {
  for (const [password, salt, memoryKib, passes, parallelism, tag] of KNOWN) {
    const cost = { memoryKib, passes, parallelism };
    const derived = await argon2id(encodeUtf8(password), encodeUtf8(salt), cost);
    assert.equal(derived.toHex(), tag, JSON.stringify(cost));
  }
});

Deno.test("Each part of the cost, the salt and the passphrase change the key", async () => {
  const cheap = { memoryKib: 8_192, passes: 1, parallelism: 1 };
  const derive = async (passphrase: string, salt: number, change = {}): Promise<string> =>
    (await argon2id(encodeUtf8(passphrase), new Uint8Array(16).fill(salt), {
      ...cheap,
      ...change,
    })).toHex();
  const keys = await Promise.all([
    derive("x", 1),
    derive("y", 1),
    derive("x", 2),
    derive("x", 1, { memoryKib: 8_193 }),
    derive("x", 1, { passes: 2 }),
    derive("x", 1, { parallelism: 2 }),
  ]);
  assert.equal(new Set(keys).size, keys.length);
  assert.equal(await derive("x", 1), keys[0]);
});

Deno.test("New passphrases cost what RFC 9106 section 4 recommends second", () => {
  assert.deepEqual(ARGON2_COST, { memoryKib: 65_536, passes: 3, parallelism: 4 });
});
