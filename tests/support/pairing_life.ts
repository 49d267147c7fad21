/** Every command of a pairing, from the code to the list of revoked certificates, run as a test wants it. */

import type { CliOptions, Machine } from "./cli_run.ts";

/** Runs one command line, which must succeed; what it printed. */
export type Run = (
  machine: Machine,
  args: readonly string[],
  options?: CliOptions,
) => Promise<string>;

/** Every command of a pairing; the code. */
export async function wholePairing(approver: Machine, joiner: Machine, run: Run): Promise<string> {
  const code = await run(approver, ["pairing", "code"]);
  const request = await run(joiner, ["pairing", "request"], { stdin: code });
  const filed = await run(approver, ["pairing", "submit"], { stdin: request });
  const id = /^request +(\w{26}),/m.exec(filed)![1]!;
  const device = /^device +(\w{26}) /m.exec(filed)![1]!;
  await run(approver, ["pairing", "list"]);
  const decision = await run(approver, ["pairing", "approve", id, "--reason", "ours"]);
  await run(joiner, ["pairing", "complete"], { stdin: decision });
  const ask = await run(joiner, ["identity", "csr"]);
  const answer = await run(approver, ["devices", "rotate", "--request", "-"], { stdin: ask });
  await run(joiner, ["identity", "renew", "--answer", "-"], { stdin: answer });
  await run(approver, ["identity", "renew"]);
  await run(joiner, ["identity", "show"]);
  const leaf = `${approver.home}/leaf.pem`;
  const text = await run(joiner, ["identity", "export-certificate"]);
  Deno.writeTextFileSync(leaf, text);
  await run(approver, ["identity", "verify", leaf]);
  await run(approver, ["devices", "show", device]);
  await run(approver, ["devices", "revoke", device]);
  await run(approver, ["identity", "crl", "--out", `${approver.home}/crl.pem`]);
  return code;
}
