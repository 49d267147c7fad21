/** Two processes that write the list of revoked certificates to one file: the newer list stays. */

import assert from "node:assert/strict";
import { resultOf } from "../support/cli_run.ts";
import { makeApprover } from "../support/openssl_devices.ts";
import { openssl, serialIn } from "../support/certificate_tools.ts";
import { whyNoStrace } from "../support/requirements.ts";
import { unlessSkipped } from "../support/skip.ts";
import { STRACE } from "../support/strace.ts";

/**
 * How long a process is held up: so many times as a command takes just now like the one that is to end
 * meanwhile, and less than another one waits for its lock.
 */
const [TIMES, LEAST_MS, MOST_MS] = [8, 3_000, 9_000];
const LOOK_EVERY_MS = 20;
const PATIENCE_MS = 60_000;

/** Holds a process up where it is about to put its file in its place. */
function heldUp(ms: number): readonly string[] {
  return [
    ...[...STRACE, "-o", "/dev/null", "-e", "trace=rename,renameat,renameat2"],
    ...["-e", `inject=rename,renameat,renameat2:delay_enter=${Math.round(ms * 1_000)}`],
  ];
}

unlessSkipped("no-strace", whyNoStrace())(
  "a list from before a revocation does not take the place of one from after it",
  async () => {
    using approver = await makeApprover();
    using lost = await approver.pair();
    const { machine } = approver;
    const directory = `${machine.directory}/lists`;
    Deno.mkdirSync(directory);
    const command = ["identity", "crl", "--out", `${directory}/crl.pem`];
    const started = performance.now();
    await machine.succeed(["identity", "crl"]);
    const heldMs = Math.max(LEAST_MS, TIMES * (performance.now() - started));
    const through = heldUp(Math.min(MOST_MS, heldMs));
    const slow = resultOf(await machine.spawn(command, { through }));
    for (const end = Date.now() + PATIENCE_MS; [...Deno.readDirSync(directory)].length === 0;) {
      assert.ok(Date.now() < end, "it has begun to write");
      await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY_MS));
    }
    await machine.succeed(["devices", "revoke", lost.deviceId]);
    assert.deepEqual([...Deno.readDirSync(directory)].filter(({ name }) => name === "crl.pem"), []);
    await machine.succeed(command);
    assert.equal((await slow).status, 0, (await slow).stderr);
    const { out } = await openssl("crl", "-in", `${directory}/crl.pem`, "-noout", "-text");
    const listed = (await serialIn(lost.leaf.certificate)).toUpperCase();
    assert.match(out, new RegExp(`Serial Number: ${listed}`));
  },
);
