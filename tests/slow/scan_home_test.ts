/** A home directory of 20,000 files and 200 secrets: every planted value, no other, in time and memory. */

import assert from "node:assert/strict";
import { makeAuditPlace } from "../support/audit_place.ts";
import { type CliResult, resultOf } from "../support/cli_run.ts";
import { rollDice, say } from "../support/dice.ts";
import { plantHome, randomValues } from "../support/planted_home.ts";

const FILES = 20_000;
const SECRETS = 200;
const MAX_MS = 10_000;
const MAX_MB = 200;

Deno.test("20,000 files and 200 secrets: each planted value and no other, under 10 s and 200 MB", async () => {
  using place = makeAuditPlace();
  const values = randomValues(SECRETS);
  const manifest = values.map((_, at) =>
    `[[secret]]\nfield = "x.k${at}"\nref = "global/k${at}"\nfrom_stdin = "${at}"\n`
  );
  const path = `${place.machine.home}/manifest.toml`;
  Deno.writeTextFileSync(path, `version = 1\n${manifest.join("")}`);
  const stdin = JSON.stringify(Object.fromEntries(values.entries()));
  await place.machine.succeed(["secrets", "configure", "apply", path], { stdin });
  const tree = `${place.machine.directory}/tree`;
  const { planted, bytes } = plantHome(tree, values, { files: FILES, dice: rollDice("scan") });
  assert.equal(planted.length, SECRETS);
  const begun = performance.now();
  const child = await place.machine.spawn(["secrets", "audit", "--json", "--scan", tree]);
  const watch = watchMemory(child.pid);
  const result: CliResult = await resultOf(child);
  const took = performance.now() - begun;
  const megabytes = await watch.stop();
  assert.equal(result.status, 0, result.stderr);
  const found = JSON.parse(result.stdout).findings
    .map(({ ref, path, line }: Record<string, unknown>) => `${path}:${line} ${ref}`).sort();
  const wanted = planted.map(({ path, line, owner }) => `${path}:${line} global/k${owner}`).sort();
  assert.deepEqual(found, wanted);
  say(
    `scan: ${FILES} files, ${(bytes / 1e6).toFixed(0)} MB, ${took.toFixed(0)} ms, ${megabytes} MB`,
  );
  assert.ok(took < MAX_MS, `${took} ms`);
  assert.ok(megabytes > 20 && megabytes < MAX_MB, `${megabytes} MB`);
});

/** The most memory that a process has held, in MB (proc_pid_status(5): VmHWM). */
function watchMemory(pid: number): { stop(): Promise<number> } {
  let most = 0;
  let done = false;
  const watching = (async (): Promise<void> => {
    while (!done) {
      try {
        const [, kilobytes] = /^VmHWM:\s+(\d+) kB/m.exec(
          Deno.readTextFileSync(`/proc/${pid}/status`),
        ) ?? [];
        most = Math.max(most, Number(kilobytes ?? 0) / 1024);
      } catch { /* it has ended */ }
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  })();
  return {
    stop: async () => {
      done = true;
      await watching;
      return Math.round(most);
    },
  };
}
