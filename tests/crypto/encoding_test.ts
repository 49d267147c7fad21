/** Strict text forms of bytes. */

import assert from "node:assert/strict";
import fc from "fast-check";
import {
  decodeBase64Url,
  decodeUtf8,
  encodeBase64Url,
  encodeUtf8,
} from "../../src/crypto/encoding.ts";
import { checkProperty } from "../support/properties.ts";

Deno.test("base64url comes back, and no other text means the same bytes", async () => {
  const property = fc.property(
    fc.uint8Array({ minLength: 1, maxLength: 40 }),
    fc.nat(),
    fc.constantFrom(..."ABCxyz019-_+/= \n"),
    (bytes, at, character) => {
      const text = encodeBase64Url(bytes);
      assert.deepEqual(decodeBase64Url(text), new Uint8Array(bytes));
      const index = at % text.length;
      const altered = text.slice(0, index) + character + text.slice(index + 1);
      const decoded = decodeBase64Url(altered);
      if (altered !== text) assert.notDeepEqual(decoded, new Uint8Array(bytes));
      assert.equal(decodeBase64Url(`${text}=`), undefined);
    },
  );
  await checkProperty("base64url", property);
});

Deno.test("decodeUtf8() refuses what is not UTF-8 and keeps a byte order mark", () => {
  for (
    const bad of [[0xff], [0xc0, 0x80], [0xed, 0xa0, 0x80], [0xf4, 0x90, 0x80, 0x80], [0xe2, 0x82]]
  ) {
    assert.equal(decodeUtf8(Uint8Array.from(bad)), undefined);
  }
  assert.equal(decodeUtf8(encodeUtf8("\ufeffä€😀\0")), "\ufeffä€😀\0");
});
