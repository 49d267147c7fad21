/** Asks a vendor's own library what it makes of values. */

import assert from "node:assert/strict";
import { runProcess } from "./process.ts";

const ORACLES = new URL("../oracles/", import.meta.url).pathname;

/** The answers of `github`, `azure` or `dotenv` to pairs of name and text. */
export async function askOracle<T>(
  which: "github" | "azure" | "dotenv",
  pairs: readonly (readonly [string, string])[],
): Promise<T[]> {
  const cwd = Deno.makeTempDirSync({ prefix: "palyra-test-" }); // Azure's leaves a key file there
  const words = ["run", "-A", `--config=${ORACLES}deno.json`, `${ORACLES}ci_oracle.ts`, which];
  const { out, err, status } = await runProcess({
    argv: [Deno.execPath(), ...words],
    env: Deno.env.toObject(), // its packages come from where ours come from
    stdin: JSON.stringify(pairs),
    cwd,
    timeoutMs: 120_000,
  });
  Deno.removeSync(cwd, { recursive: true });
  assert.equal(status, 0, err);
  return JSON.parse(out.slice(out.lastIndexOf("\n") + 1));
}
