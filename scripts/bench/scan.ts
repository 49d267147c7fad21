/** `audit --scan` next to `grep -F -f`, which knows each value in one form only. */

import { plantHome, randomValues } from "../../tests/support/planted_home.ts";
import { rollDice } from "../../tests/support/dice.ts";
import { deno, median, say, timed } from "./measure.ts";

const FILES = 20_000;
const SECRETS = 200;
const LARGE_BYTES = 200_000_000;
const RUNS = 3;
const BUDGET_MS = 10_000;

/** Measures both on one tree; the number of rows over budget. */
export async function benchScan(main: readonly string[], temp: string): Promise<number> {
  const values = randomValues(SECRETS);
  const tree = `${temp}/scanned`;
  const env = { PALYRA_STATE_ROOT: `${temp}/scan` };
  const entries = values.map((_, at) =>
    `[[secret]]\nfield = "x.k${at}"\nref = "global/k${at}"\nfrom_stdin = "${at}"\n`
  );
  await Deno.writeTextFile(`${temp}/scan.toml`, `version = 1\n${entries.join("")}`);
  const config = ["--config", `${temp}/scan_palyra.toml`];
  await deno([...main, "secrets", "configure", "apply", `${temp}/scan.toml`, ...config], env, {
    stdin: JSON.stringify(Object.fromEntries(values.entries())),
  });
  const { bytes } = plantHome(tree, values, { files: FILES, dice: rollDice("bench of the scan") });
  await Deno.writeTextFile(`${temp}/patterns`, values.map((value) => `${value}\n`).join(""));
  const large = `${tree}/large`;
  const text = new TextEncoder().encode("export const value = 'of nothing that anybody keeps';\n");
  const content = new Uint8Array(LARGE_BYTES).map((_, at) => text[at % text.length]!);
  await Deno.writeFile(large, content);
  const megabytes = (bytes + LARGE_BYTES) / 1e6;
  const audit = [...main, "secrets", "audit", "--scan", tree, ...config];
  const all = ["-rcF", "-f", `${temp}/patterns`, tree];
  const times = [];
  const grepTimes = [];
  await timed(audit, env); // caches are filled first
  for (let run = 0; run < RUNS; run++) {
    times.push(await timed(audit, env));
    const program = "/bin/sh"; // grep is 1 where there is nothing
    grepTimes.push(
      await timed(["-c", 'grep "$@"; test $? -lt 2', "sh", ...all], env, { program }),
    );
  }
  await Deno.remove(tree, { recursive: true });
  const [ours, theirs] = [median(times), median(grepTimes)];
  const rate = (ms: number): string => `${(megabytes / ms * 1_000).toFixed(0)} MB/s`;
  say(
    `${`scan of ${FILES} files`.padEnd(28)} ${ours.toFixed(1).padStart(7)} ms  budget ${BUDGET_MS}`,
  );
  say(`${"scan, grep -F -f beside it".padEnd(28)} ${rate(ours)}, ${rate(theirs)}`);
  return ours > BUDGET_MS ? 1 : 0;
}
