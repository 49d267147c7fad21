/** SensitiveBytes never shows its content by accident. */

import assert from "node:assert/strict";
import { inspect } from "node:util";
import { SensitiveBytes } from "../../src/crypto/sensitive_bytes.ts";

const CANARY = "canary-3f9a";

Deno.test("SensitiveBytes is redacted in every text form", () => {
  const value = new SensitiveBytes(new TextEncoder().encode(CANARY));
  const forms = [
    String(value),
    `${value}`,
    JSON.stringify({ value }),
    Deno.inspect(value),
    Deno.inspect({ deep: [value] }),
    inspect(value),
    inspect({ deep: [value] }, { showHidden: true }),
    Object.values(value).join(),
  ];
  for (const form of forms) {
    assert.ok(!form.includes(CANARY) && !form.includes("99,97,110"), form);
  }
  assert.equal(String(value), "[redacted]");
});

Deno.test("SensitiveBytes is zeros after it was disposed of", () => {
  const bytes = new TextEncoder().encode(CANARY);
  {
    using value = new SensitiveBytes(bytes);
    assert.equal(new TextDecoder().decode(value.reveal()), CANARY);
  }
  assert.ok(bytes.every((byte) => byte === 0));
});
