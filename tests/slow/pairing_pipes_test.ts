/** Pairing by document alone: through pipes between two networks, and with many devices at once. */

import assert from "node:assert/strict";
import { openssl } from "../support/certificate_tools.ts";
import { eachOf, type Machine, makeMachine } from "../support/cli_run.ts";
import { ownWords } from "../support/cli_words.ts";
import { say } from "../support/dice.ts";
import { type Seen, watchAlone } from "../support/network_calls.ts";
import { makeApprover } from "../support/openssl_devices.ts";
import { whyNoNetworkNamespaces, whyNoStrace } from "../support/requirements.ts";
import { unlessSkipped } from "../support/skip.ts";

const why = whyNoNetworkNamespaces() ?? whyNoStrace();
const ALONE = 'readlink /proc/self/ns/net; test "$(grep -c : /proc/net/dev)" = 1\n';
/** `pipe` is where the named pipes are, `$@` is palyra. */
const APPROVER = `${ALONE}
"$@" pairing code > "$pipe/code"
"$@" pairing submit --json < "$pipe/request" > submitted
"$@" pairing approve "$(sed 's/.*"request_id":"\\([^"]*\\)".*/\\1/' submitted)" > "$pipe/decision"
`;
const JOINER = `${ALONE}
"$@" pairing request < "$pipe/code" > "$pipe/request"
"$@" pairing complete < "$pipe/decision"
`;

unlessSkipped("no-network-namespaces", why)(
  "two devices pair through pipes, each in a network where nobody else is, and neither asks for one",
  async () => {
    using approver = makeMachine();
    using joiner = makeMachine();
    using between = makePipes("code", "request", "decision");
    const { words, env } = await ownWords();
    const watch = (machine: Machine, script: string): Promise<Seen> =>
      watchAlone({
        script,
        args: words,
        env: { ...env, ...machine.env, pipe: between.path },
        cwd: machine.home,
        trace: `${machine.directory}/trace`,
      });
    const both = await Promise.all([watch(approver, APPROVER), watch(joiner, JOINER)]);
    for (const [at, { ended, calls, programs }] of both.entries()) {
      assert.equal(ended.status, 0, ended.err);
      assert.deepEqual(calls, []);
      assert.ok(programs > (at === 0 ? 3 : 2), `strace has seen ${programs} programs`);
    }
    const networks = both.map(({ ended }) => /^net:\[\d+\]$/m.exec(ended.out)![0]);
    assert.equal(new Set([...networks, Deno.readLinkSync("/proc/self/ns/net")]).size, 3);
    const { deviceId, approverId } = await namesOf(approver, joiner);
    assert.match(both[1]!.ended.out, new RegExp(`^paired with  ${approverId}$`, "m"));
    const { devices } = await read(approver, ["devices", "list"]);
    assert.deepEqual(devices.map((one: { device_id: string }) => one.device_id), [deviceId]);
    // And what would be seen if one did ask:
    const script = `/bin/bash -c 'exec 3<>/dev/tcp/127.0.0.1/9' || true`;
    const trace = `${joiner.directory}/control`;
    const control = await watchAlone({ script, args: [], env: {}, cwd: joiner.home, trace });
    const reached = control.calls.filter((call) => /AF_INET\b/.test(call));
    assert.equal(reached.length, 2, "socket and connect");
  },
);

Deno.test("twenty devices pair with one approver at the same time", async () => {
  using approver = await makeApprover();
  const machines = Array.from({ length: 20 }, () => makeMachine());
  const tally = { refused: 0, most: 0, now: 0 };
  try {
    const pairs: Pair[] = [];
    const pairOne = async (machine: Machine): Promise<void> =>
      void pairs.push({ machine, id: await join(approver.machine, machine, tally) });
    await eachOf(machines, pairOne, machines.length);
    const ids = pairs.map(({ id }) => id);
    say(`twenty devices: ${tally.refused} codes refused, ${tally.most} at once`);
    assert.equal(new Set(ids).size, 20);
    assert.ok(tally.refused > 0 && tally.most > 4, "they have met");
    const { devices } = await read(approver.machine, ["devices", "list"]);
    const listed = devices.map((one: { device_id: string }) => one.device_id);
    assert.deepEqual(listed.toSorted(), ids.toSorted());
    const { codes, requests } = await read(approver.machine, ["pairing", "list"]);
    assert.deepEqual([codes.length, requests.length], [0, 20]);
    const serials = new Set<string>();
    for (const { machine, id } of pairs) {
      const path = `${machine.home}/leaf.pem`;
      const exported = await machine.succeed(["identity", "export-certificate"]);
      Deno.writeTextFileSync(path, exported.stdout);
      const judged = await openssl("verify", "-CAfile", approver.ca, "-x509_strict", path);
      assert.equal(judged.status, 0, judged.out);
      const verify = ["identity", "verify", path, "--usage", "client", "--device", id];
      serials.add((await read(approver.machine, verify)).serial);
    }
    assert.equal(serials.size, 20);
  } finally {
    for (const machine of machines) machine[Symbol.dispose]();
  }
});

interface Pair {
  readonly machine: Machine;
  readonly id: string;
}

/** Pairs one machine; waits while there are too many codes. Its id. */
async function join(
  approver: Machine,
  machine: Machine,
  tally: { refused: number; most: number; now: number },
): Promise<string> {
  let made = await approver.run(["pairing", "code"]);
  while (made.status === 7) {
    assert.match(made.stderr, /8 are waiting to be used/);
    tally.refused++;
    await new Promise((resolve) => setTimeout(resolve, 200));
    made = await approver.run(["pairing", "code"]);
  }
  assert.equal(made.status, 0, made.stderr);
  tally.most = Math.max(tally.most, ++tally.now);
  const asked = await machine.succeed(["pairing", "request"], { stdin: made.stdout });
  const filed = await approver.succeed(["pairing", "submit", "--json"], { stdin: asked.stdout });
  const { request_id, device_id } = JSON.parse(filed.stdout);
  const decision = await approver.succeed(["pairing", "approve", request_id]);
  await machine.succeed(["pairing", "complete"], { stdin: decision.stdout });
  tally.now--;
  return device_id;
}

async function namesOf(
  approver: Machine,
  joiner: Machine,
): Promise<{ deviceId: string; approverId: string }> {
  const of = async (machine: Machine): Promise<string> =>
    (await read(machine, ["identity", "show"])).device_id;
  return { deviceId: await of(joiner), approverId: await of(approver) };
}

// deno-lint-ignore no-explicit-any
async function read(machine: Machine, args: readonly string[]): Promise<any> {
  return JSON.parse((await machine.succeed([...args, "--json"])).stdout);
}

function makePipes(...names: readonly string[]): Disposable & { readonly path: string } {
  const path = Deno.makeTempDirSync({ prefix: "palyra-test-" });
  const args = ["-m", "600", ...names.map((name) => `${path}/${name}`)];
  assert.ok(new Deno.Command("/usr/bin/mkfifo", { args }).outputSync().success);
  return { path, [Symbol.dispose]: () => Deno.removeSync(path, { recursive: true }) };
}
