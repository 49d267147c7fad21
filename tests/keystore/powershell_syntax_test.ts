/** The script for DPAPI, read with a grammar of PowerShell; and that this reading finds what is wrong. */

import assert from "node:assert/strict";
import { DPAPI_SCRIPT } from "../../src/keystore/dpapi_script.ts";
import { runProcess } from "../support/process.ts";

const ORACLES = new URL("../oracles/", import.meta.url).pathname;
/** Of the script; who changes it has it checked on real Windows. */
const SCRIPT_SHA256 = "4ef36933a299ede38c6b4fefee2251e4aa4ea2e8277475cd3f9150469fe317a4";

/** What the oracle finds wrong with a script. */
async function findingsIn(script: string): Promise<string[]> {
  const words = ["run", "-A", `--config=${ORACLES}deno.json`, `${ORACLES}powershell_syntax.ts`];
  const { out, err, status } = await runProcess({
    argv: [Deno.execPath(), ...words],
    env: Deno.env.toObject(), // its packages come from where ours come from
    stdin: script,
    timeoutMs: 120_000,
  });
  assert.equal(status, 0, err);
  return JSON.parse(out);
}

/** The script with a fault put in; what is replaced is there exactly once. */
function faulty(there: string, instead: string): string {
  assert.equal(DPAPI_SCRIPT.split(there).length, 2, there);
  return DPAPI_SCRIPT.replace(there, () => instead);
}

Deno.test("the script has no fault, and is the one that was reviewed", async () => {
  assert.deepEqual(await findingsIn(DPAPI_SCRIPT), []);
  const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(DPAPI_SCRIPT));
  assert.equal(new Uint8Array(digest).toHex(), SCRIPT_SHA256);
});

Deno.test("a fault that is put into the script is found", async () => {
  const faults: Readonly<Record<string, readonly [string, RegExp]>> = {
    "no brace": [faulty("{ exit 42 }", "{ exit 42"), /cannot be parsed|is missing/],
    "no parenthesis": [faulty("$reader.ReadLine()\n", "$reader.ReadLine(\n"), /cannot be parsed/],
    "no bracket": [faulty("[void][Reflection", "[void[Reflection"), /cannot be parsed|is missing/],
    "no quote": [faulty("'Stop'", "'Stop"), /cannot be parsed/],
    "no operand": [faulty("-ceq 'unprotect'", "-ceq"), /cannot be parsed|is missing/],
    "$input": [faulty("exit 0", "$input; exit 0"), /uses \$input/],
    "${Input}": [faulty("exit 0", "$x = ${Input}; exit 0"), /uses \$input/],
    "a double quote": [faulty("'Stop'", '"Stop"'), /^holds a double quote$/],
    "another alphabet": [faulty("':END'", "':\u00c9ND'"), /^holds characters outside ASCII$/],
    "a long text": [`${DPAPI_SCRIPT}${"#".repeat(30_000)}`, /^is longer than 30000 characters$/],
  };
  await Promise.all(
    Object.entries(faults).map(async ([what, [script, expected]]) => {
      const findings = await findingsIn(script);
      assert.ok(findings.some((finding) => expected.test(finding)), `${what}: ${findings}`);
    }),
  );
});
