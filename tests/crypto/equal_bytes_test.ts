/** Comparison of bytes. */

import assert from "node:assert/strict";
import fc from "fast-check";
import { equalBytes } from "../../src/crypto/equal_bytes.ts";
import { checkProperty } from "../support/properties.ts";

Deno.test("equalBytes() agrees with a comparison of texts", async () => {
  const bytes = fc.uint8Array({ maxLength: 4 });
  const property = fc.property(bytes, bytes, (a, b) => {
    assert.equal(equalBytes(a, b), a.toHex() === b.toHex());
    assert.equal(equalBytes(a, a.slice()), true);
  });
  await checkProperty("equalBytes", property);
});
