/** Fifty processes at once submit, approve, reject, revoke and renew: each step counts once, none is lost. */

import assert from "node:assert/strict";
import { type CliResult, type Machine, makeMachine, runAtOnce } from "../support/cli_run.ts";
import { say } from "../support/dice.ts";

const CROWD = 50;

Deno.test("Fifty first commands at once make one CA and one registry", async () => {
  using machine = makeMachine();
  const kinds = [
    ["pairing", "code"],
    ["pairing", "list"],
    ["devices", "list"],
    ["identity", "crl"],
    [
      "identity",
      "renew",
    ],
  ];
  await machine.succeed(["init"]);
  const results = await crowd(machine, CROWD, (at) => [...kinds[at % kinds.length]!, "--json"]);
  const codes = results.filter((_, at) => at % kinds.length === 0);
  const given = codes.filter(({ status }) => status === 0).map(({ stdout }) => JSON.parse(stdout));
  assert.equal(given.length, 8); // no more can be used at a time
  assert.equal(new Set(given.map(({ ca_fingerprint }) => ca_fingerprint)).size, 1);
  for (const [at, { status, stderr }] of results.entries()) {
    const isCode = at % kinds.length === 0;
    assert.ok(
      status === 0 || isCode && status === 7,
      `${kinds[at % kinds.length]}: ${status} ${stderr}`,
    );
  }
  const lists = results.filter((_, at) => at % kinds.length === 3).map(({ stdout }) =>
    JSON.parse(stdout)
  );
  assert.equal(new Set(lists.map(({ number }) => number)).size, lists.length, "numbers of lists");
  const { codes: left } = await told(machine, ["pairing", "list"]);
  assert.deepEqual(
    left.map(({ code_id }: { code_id: string }) => code_id).sort(),
    given.map(({ code_id }) => code_id).sort(),
  );
});

Deno.test("Of fifty who submit, approve and reject the same request one each has changed something", async () => {
  using place = await twoMachines();
  const { approver, joiner } = place;
  const code = (await approver.succeed(["pairing", "code"])).stdout;
  const asked = await crowd(joiner, 10, () => ["pairing", "request"], code);
  asked.forEach(({ status, stderr }) => assert.equal(status, 0, stderr));
  assert.equal(new Set(asked.map(({ stdout }) => stdout)).size, 1, "one request to a code");
  const document = asked[0]!.stdout;
  const filed = (await crowd(approver, CROWD, () => ["pairing", "submit", "--json"], document))
    .map(({ status, stdout, stderr }) => {
      assert.equal(status, 0, stderr);
      return JSON.parse(stdout);
    });
  assert.equal(new Set(filed.map(({ request_id }) => request_id)).size, 1);
  assert.equal(filed.filter(({ changed }) => changed).length, 1);
  const id = filed[0].request_id;
  const decided = await crowd(
    approver,
    CROWD,
    (at) => ["pairing", at % 2 === 0 ? "approve" : "reject", id, "--json"],
  );
  const done = decided.filter(({ status }) => status === 0).map(({ stdout }) => JSON.parse(stdout));
  decided.forEach(({ status, stderr }) =>
    assert.ok([0, 7].includes(status), `${status} ${stderr}`)
  );
  assert.equal(done.length, CROWD / 2, "all of one kind");
  assert.equal(done.filter(({ changed }) => changed).length, 1);
  assert.equal(new Set(done.map(({ document }) => document)).size, 1, "the same bytes for all");
  say(`the crowd: ${done[0].state}`);
  const completed = await crowd(
    joiner,
    10,
    () => ["pairing", "complete", "--json"],
    done[0].document,
  );
  if (done[0].state === "rejected") {
    completed.forEach(({ status }) => assert.ok([6, 8].includes(status)));
    assert.equal(completed.filter(({ status }) => status === 6).length, 1);
    return;
  }
  completed.forEach(({ status, stderr }) => assert.equal(status, 0, stderr));
  assert.equal(completed.filter(({ stdout }) => JSON.parse(stdout).changed).length, 1);
  const { certificates } = await told(approver, ["devices", "show", done[0].device_id]);
  assert.equal(certificates.length, 1);
});

Deno.test("Renewals, revocations and removals at once end in one state, with nothing good that is revoked", async () => {
  using place = await twoMachines();
  const { approver, joiner } = place;
  for (let round = 0; round < 3; round++) {
    const code = (await approver.succeed(["pairing", "code"])).stdout;
    const request = (await joiner.succeed(["pairing", "request"], { stdin: code })).stdout;
    const { request_id, device_id } = JSON.parse(
      (await approver.succeed(["pairing", "submit", "--json"], { stdin: request })).stdout,
    );
    const decision = (await approver.succeed(["pairing", "approve", request_id])).stdout;
    await joiner.succeed(["pairing", "complete"], { stdin: decision });
    const asks = [(await joiner.succeed(["identity", "csr"])).stdout];
    asks.push((await joiner.succeed(["identity", "csr", "--validity", "2d"])).stdout);
    const leaf = `${joiner.home}/leaf.pem`;
    const commands = [
      ["devices", "rotate", "--request", "-", "--json"],
      ["devices", "rotate", "--request", "-", "--revoke-old", "--json"],
      ["devices", "revoke", device_id, "--json"],
      ["pairing", "approve", request_id, "--json"],
      ["identity", "crl", "--json"],
      ["devices", "list", "--json"],
    ];
    const results = await runAtOnce(CROWD, (at) => {
      const args = commands[at % commands.length]!;
      return args[1] === "rotate"
        ? approver.run(args, { stdin: asks[at % asks.length]! })
        : approver.run(args);
    });
    const statuses = results.map(({ status }) => status);
    for (const [at, { status, stderr }] of results.entries()) {
      const may = commands[at % commands.length]![1] === "rotate" ? [0, 6] : [0];
      assert.ok(may.includes(status), `${commands[at % commands.length]}: ${status} ${stderr}`);
    }
    const revokes = results.filter((_, at) => commands[at % commands.length]![1] === "revoke");
    assert.equal(revokes.filter(({ stdout }) => JSON.parse(stdout).changed).length, 1);
    const { state, certificates } = await told(approver, ["devices", "show", device_id]);
    assert.equal(state, "revoked");
    assert.ok(certificates.every((one: { revoked_at?: string }) => one.revoked_at !== undefined));
    const { entries } = await told(approver, ["identity", "crl"]);
    assert.ok(entries >= certificates.length);
    Deno.writeTextFileSync(leaf, (await joiner.succeed(["identity", "export-certificate"])).stdout);
    assert.equal((await approver.run(["identity", "verify", leaf])).status, 6);
    const removed = await crowd(approver, 10, () => ["devices", "remove", device_id]);
    assert.equal(removed.filter(({ status }) => status === 0).length, 1);
    assert.ok(removed.every(({ status }) => status === 0 || status === 8));
    say(
      `round ${round}: ${
        statuses.filter((status) => status === 6).length
      } renewals were too late, ` +
        `${certificates.length} certificates`,
    );
  }
});

Deno.test("Twenty-four devices pair with one at the same time", async () => {
  using place = await twoMachines();
  const { approver } = place;
  let paired = 0;
  for (let wave = 0; wave < 3; wave++) {
    const codes = [];
    for (let made = 0; made < 8; made++) {
      codes.push((await approver.succeed(["pairing", "code"])).stdout);
    }
    await Promise.all(codes.map(async (code) => {
      using device = makeMachine();
      await device.succeed(["init"]);
      const request = (await device.succeed(["pairing", "request"], { stdin: code })).stdout;
      const filed = await approver.succeed(["pairing", "submit", "--json"], { stdin: request });
      const { request_id } = JSON.parse(filed.stdout);
      const decision = (await approver.succeed(["pairing", "approve", request_id])).stdout;
      await device.succeed(["pairing", "complete"], { stdin: decision });
      paired++;
    }));
  }
  const { devices } = await told(approver, ["devices", "list"]);
  assert.equal(devices.length, paired);
  assert.equal(paired, 24);
});

async function twoMachines(): Promise<Disposable & { approver: Machine; joiner: Machine }> {
  const [approver, joiner] = [makeMachine(), makeMachine()];
  await Promise.all([approver, joiner].map((machine) => machine.succeed(["init"])));
  const dispose = (): void => [approver, joiner].forEach((machine) => machine[Symbol.dispose]());
  return { approver, joiner, [Symbol.dispose]: dispose };
}

async function crowd(
  machine: Machine,
  count: number,
  command: (at: number) => readonly string[],
  stdin?: string,
): Promise<CliResult[]> {
  return await runAtOnce(
    count,
    (at) => machine.run(command(at), stdin === undefined ? {} : { stdin }),
  );
}

// deno-lint-ignore no-explicit-any -- JSON of a command, looked at member by member
async function told(machine: Machine, args: readonly string[]): Promise<any> {
  return JSON.parse((await machine.succeed([...args, "--json"])).stdout);
}
