/** Private keys, codes and keys of codes appear in sealed records and nowhere else; files are their owner's. */

import assert from "node:assert/strict";
import { decodeBase64Url } from "../../../src/crypto/encoding.ts";
import { deriveCodeKeys, parseCode } from "../../../src/identity/pairing/code.ts";
import { openIdentityStore } from "../../../src/identity/store.ts";
import { denoPlatform } from "../../../src/platform/deno/platform.ts";
import { assertNoTrace, assertNoTraceBelow, type Canary, keyCanary } from "../../support/canary.ts";
import {
  assertRefused,
  type CliOptions,
  type CliResult,
  type Machine,
  makeMachine,
} from "../../support/cli_run.ts";
import { type Run, wholePairing } from "../../support/pairing_life.ts";
import { pathsBelow } from "../../support/file_trees.ts";
import { whyNoSetpriv } from "../../support/requirements.ts";
import { unlessSkipped } from "../../support/skip.ts";
import { NO_ACCESS } from "../../support/vaults.ts";

const testAsNobody = unlessSkipped("no-setpriv", whyNoSetpriv());
/** Where nothing is written, and the exit status. */
const OUTS = [["link", 2], ["directory", 2], ["closed/x", 6], ["none/x", 2]] as const;

Deno.test("No private key, code or key of a code is printed, left in a file or put into a document", async () => {
  using approver = makeMachine();
  using joiner = makeMachine();
  const said: string[] = [];
  const canaries = new Map<string, Canary>();
  const run: Run = async (machine, args, options) => {
    const form = said.length % 2 === 0 ? [] : ["--verbose"];
    const { stdout, stderr } = await machine.succeed([...args, ...form], options);
    if (args[1] !== "code") said.push(stdout);
    said.push(stderr);
    for (const one of await keysOf(approver, joiner)) canaries.set(`${one.name} ${one.value}`, one);
    return stdout;
  };
  const code = await wholePairing(approver, joiner, run);
  const { token } = await parseCode(code);
  using keys = await deriveCodeKeys(token);
  canaries.set("token", keyCanary("the token", token.reveal()));
  canaries.set("mac", keyCanary("the key of the code", keys.macKey.reveal()));
  const all = [...canaries.values()];
  const names = new Set(all.map(({ name }) => name));
  // CA, identity and store of both, two leaves of the joiner, one of the approver, its registry, the code.
  assert.ok(all.length >= 11, [...names].join());
  for (const text of said) {
    assertNoTrace(all, text, "an output");
    assert.ok(!text.includes(code.trim()), "an output holds the code");
  }
  const stores = all.filter(({ name }) => !name.endsWith("store.key"));
  for (const machine of [approver, joiner]) {
    assertNoTraceBelow(stores, machine.directory);
    for (const path of pathsBelow(machine.directory)) {
      if (!Deno.lstatSync(`${machine.directory}/${path}`).isFile) continue;
      const text = new TextDecoder("latin1").decode(
        Deno.readFileSync(`${machine.directory}/${path}`),
      );
      assert.ok(!text.includes(code.trim().slice(8, 40)), `${path} holds the code`);
    }
  }
});

testAsNobody("What a pairing writes is its owner's alone, wherever it is written", async () => {
  using approver = makeMachine("nobody");
  using joiner = makeMachine("nobody");
  const loose: CliOptions = { through: ["/bin/sh", "-c", 'umask 0; exec "$@"', "sh"] };
  const run: Run = async (machine, args, options) =>
    (await machine.succeed(args, { ...options, ...loose })).stdout;
  await wholePairing(approver, joiner, run);
  for (const { stateRoot } of [approver, joiner]) {
    for (const path of ["", ...pathsBelow(stateRoot)]) {
      const { mode, isDirectory, uid } = Deno.lstatSync(`${stateRoot}/${path}`);
      assert.equal(mode! & 0o777, isDirectory ? 0o700 : 0o600, path);
      assert.equal(uid, 65_534, path);
    }
  }
  const out = `${joiner.home}/request`;
  const code = await run(approver, ["pairing", "code"]);
  await run(joiner, ["pairing", "request", "--out", out], { stdin: code });
  assert.equal(Deno.statSync(out).mode! & 0o777, 0o600);
});

testAsNobody(
  "A place that others can write to, or a link in the way, is refused; what was decided stays",
  async () => {
    using approver = makeMachine("nobody");
    using joiner = makeMachine("nobody");
    await approver.succeed(["init"]);
    await joiner.succeed(["init"]);
    const code = (await approver.succeed(["pairing", "code"])).stdout;
    const request = (await joiner.succeed(["pairing", "request"], { stdin: code })).stdout;
    const filed = await approver.succeed(["pairing", "submit", "--json"], { stdin: request });
    const approve = ["pairing", "approve", JSON.parse(filed.stdout).request_id];
    const target = `${approver.home}/target`;
    Deno.writeTextFileSync(target, "precious");
    Deno.symlinkSync(target, `${approver.home}/link`);
    Deno.mkdirSync(`${approver.home}/closed`, { mode: 0o500 });
    Deno.mkdirSync(`${approver.home}/directory`);
    for (const [out, status] of OUTS) {
      const result = await approver.run([...approve, "--out", `${approver.home}/${out}`]);
      assert.ok(
        result.status === status,
        `${out}: ${result.status} ${result.stderr}`,
      );
      assert.equal(result.stdout, "");
    }
    assert.equal(Deno.readTextFileSync(target), "precious");
    const decision = (await approver.succeed(approve)).stdout; // it was decided, and is told again
    for (const path of ["", "/identity", "/identity/pairing.db", "/identity/pairing-key.sealed"]) {
      const whole = approver.stateRoot + path;
      const before = Deno.statSync(whole).mode!;
      Deno.chmodSync(whole, before | 0o022);
      assertRefused(await approver.run(["pairing", "list"]), 6, path);
      assertRefused(await approver.run(approve), 6, path);
      Deno.chmodSync(whole, before & 0o777);
    }
    const record = pathsBelow(joiner.stateRoot).find((path) => path.includes("pairing-request-"))!;
    Deno.chmodSync(`${joiner.stateRoot}/${record}`, 0o644);
    const complete = ["pairing", "complete"];
    assertRefused(await joiner.run(complete, { stdin: decision }), 6, record);
    Deno.chmodSync(`${joiner.stateRoot}/${record}`, 0o600);
    await joiner.succeed(complete, { stdin: decision });
  },
);

Deno.test("Identities that a passphrase protects pair like others, and not without it", async () => {
  using approver = makeMachine();
  using joiner = makeMachine();
  for (const machine of [approver, joiner]) {
    Deno.writeTextFileSync(`${machine.home}/words`, `words of ${machine.directory}`, {
      mode: 0o600,
    });
    await machine.succeed(["init", "--protect", "passphrase", ...given(machine)]);
  }
  const run: Run = async (machine, args, options) =>
    (await machine.succeed([...args, ...given(machine)], options)).stdout;
  await wholePairing(approver, joiner, run);
  const refused: CliResult[] = [
    await approver.run(["pairing", "code"]),
    await approver.run(["devices", "list"]),
    await joiner.run(["identity", "csr"]),
  ];
  for (const result of refused) assertRefused(result, 12, "without the passphrase");
  const wrong = [...["devices", "list"], ...given(joiner)];
  assertRefused(await approver.run(wrong), 9, "with another one");
});

function given(machine: Machine): readonly string[] {
  return ["--passphrase-file", `${machine.home}/words`];
}

/** Every key that rests in the records of these devices now. */
async function keysOf(...machines: readonly Machine[]): Promise<Canary[]> {
  const found: Canary[] = [];
  for (const { stateRoot } of machines) {
    const directory = `${stateRoot}/identity`;
    const path = `${directory}/store.key`;
    try {
      found.push(keyCanary("store.key", Deno.readFileSync(path)));
    } catch {
      continue; // not made yet
    }
    using store = (await openIdentityStore(denoPlatform, directory, NO_ACCESS))!;
    for (const key of store.keys("")) {
      using record = (await store.get(key))!;
      const members = /"(d|mac_key|key)":"([\w-]{43})"/g;
      for (const [, name, value] of new TextDecoder().decode(record.reveal()).matchAll(members)) {
        found.push(keyCanary(`${name} of ${key}`, decodeBase64Url(value!)!));
      }
    }
  }
  return found;
}
