/** The primitives against the vectors of their RFCs. */

import assert from "node:assert/strict";
import { openChaCha, sealChaCha } from "../../src/crypto/aead.ts";
import { hkdf, importHkdfKey } from "../../src/crypto/kdf.ts";

const hex = (text: string): Uint8Array<ArrayBuffer> => Uint8Array.fromHex(text);

Deno.test("hkdf() gives the output of RFC 5869 appendix A.3", async () => {
  const key = await importHkdfKey(new Uint8Array(22).fill(0x0b));
  const a3 = await hkdf(key, { salt: new Uint8Array(0), info: "", length: 42 });
  assert.equal(
    a3.toHex(),
    "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d9d201395faa4b61a96c8",
  );
});

Deno.test("sealChaCha() gives the output of RFC 8439 section 2.8.2", async () => {
  const input = {
    key: hex("808182838485868788898a8b8c8d8e8f909192939495969798999a9b9c9d9e9f"),
    nonce: hex("070000004041424344454647"),
    aad: hex("50515253c0c1c2c3c4c5c6c7"),
  };
  const plaintext = new TextEncoder().encode(
    "Ladies and Gentlemen of the class of '99: If I could offer you only one tip for the future, sunscreen would be it.",
  );
  const sealed = await sealChaCha(plaintext, input);
  assert.equal(sealed.slice(-16).toHex(), "1ae10b594f09e26a7e902ecbd0600691");
  assert.equal(sealed.slice(0, 8).toHex(), "d31a8d34648e60db");
  assert.deepEqual(await openChaCha(sealed, input), plaintext);
  sealed[0]! ^= 1;
  assert.equal(await openChaCha(sealed, input), undefined);
});
