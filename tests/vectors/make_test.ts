/** The other implementation: it makes the vectors, and reads what the command line stored. */

import assert from "node:assert/strict";
import { alter } from "../support/altered_state.ts";
import { type Machine, makeMachine } from "../support/cli_run.ts";
import { runProcess } from "../support/process.ts";
import { pythonWithCryptography, whyNoPythonCryptography } from "../support/requirements.ts";
import { unlessSkipped } from "../support/skip.ts";

type Ended = Awaited<ReturnType<typeof runProcess>>;

const HERE = import.meta.dirname!;
const test = unlessSkipped("no-python3-cryptography", whyNoPythonCryptography());

test("the vectors are those that make.py makes", async () => {
  const { status, out, err } = await python(`${HERE}/make.py`, "--check");
  assert.deepEqual({ status, out, err }, { status: 0, out: "", err: "" });
});

test("make.py --check tells of every file that differs, and writes nothing", async () => {
  const directory = Deno.makeTempDirSync({ prefix: "palyra-test-" });
  try {
    const names = [...Deno.readDirSync(HERE)].map(({ name }) => name);
    const copied = names.filter((name) => /\.(?:py|json)$/.test(name));
    for (const name of copied) Deno.copyFileSync(`${HERE}/${name}`, `${directory}/${name}`);
    const path = `${directory}/envelope.json`;
    const original = Deno.readTextFileSync(path);
    const altered = original.replace('"version": 1', '"version": 7');
    Deno.writeTextFileSync(path, altered);
    Deno.removeSync(`${directory}/keys.json`);
    Deno.writeTextFileSync(`${directory}/stray.json`, "{}");
    const { status, out } = await python(`${directory}/make.py`, "--check");
    assert.equal(status, 1);
    assert.match(out, /^envelope\.json: 1 lines .*\n(?: .*\n)+/m);
    assert.match(out, /^keys\.json: missing\n/m);
    assert.match(out, /^stray\.json: not made here\n/m);
    assert.doesNotMatch(out, /identity_record|vault_key_blob/);
    assert.equal(Deno.readTextFileSync(path), altered);
    assert.equal((await python(`${directory}/make.py`)).status, 0);
    assert.equal(Deno.readTextFileSync(path), original);
  } finally {
    Deno.removeSync(directory, { recursive: true });
  }
});

const BINARY = Uint8Array.from({ length: 65_536 }, (_, at) => at + (at >> 8));

test("another implementation reads every version, before and after rotations", async () => {
  using machine = makeMachine();
  const stored = new Map<string, Uint8Array>();
  const set = async (ref: string, value: string | Uint8Array, ...flags: string[]) => {
    const bytes = typeof value === "string" ? new TextEncoder().encode(value) : value;
    await palyra(machine, ["secrets", "set", ref.replace(/#.*/, ""), "--raw", ...flags], bytes);
    stored.set(ref, bytes);
  };
  const assertReadable = async (when: string) => {
    for (const [ref, bytes] of stored) {
      const result = await openVault(machine, ref);
      assert.equal(result.status, 0, `${when}: ${ref}: ${result.err}`);
      assert.deepEqual(new Uint8Array(result.stdout), bytes, `${when}: ${ref}`);
    }
  };
  await set("global/api_key#1", "first");
  await set("global/api_key#2", "second\n");
  await set("principal:user:ops/tls/key", BINARY);
  await set("channel:slack:acct-1/token", "x", "--expires-in", "30d");
  await set("session:s1/token", "ключ ✓");
  await assertReadable("as stored");
  await palyra(machine, ["vault", "rotate", "kek"]);
  await assertReadable("after a new KEK");
  await palyra(machine, ["vault", "rotate", "scope", "global"]);
  await set("global/api_key", "third");
  await palyra(machine, ["vault", "rotate", "scope", "principal:user:ops"]);
  await palyra(machine, ["vault", "rotate", "kek"]);
  await assertReadable("after all rotations");
});

test("another implementation refuses what was altered, and finds nothing where nothing is", async () => {
  using machine = makeMachine();
  const value = new TextEncoder().encode("value");
  await palyra(machine, ["secrets", "set", "global/a", "--expires-in", "30d"], value);
  for (const ref of ["global/b", "skill:x/a", "global/a#2"]) {
    assert.equal((await openVault(machine, ref)).status, 3, ref);
  }
  const dates = [
    "UPDATE versions SET expires_at = '2099-01-01T00:00:00.000Z'",
    "UPDATE versions SET expires_at = '2001-01-01T00:00:00.000Z'",
    "UPDATE versions SET expires_at = NULL",
  ];
  for (const statement of [...dates, "UPDATE vault SET vault_id = lower(hex(zeroblob(16)))"]) {
    alter(machine.stateRoot, statement);
    const { status, err } = await openVault(machine, "global/a");
    assert.equal(status, 1, statement);
    assert.match(err, /^open_vault: refused: /, statement);
  }
});

/** The command line as people run it, with the state root as a flag. */
async function palyra(machine: Machine, args: string[], stdin?: Uint8Array): Promise<void> {
  await machine.succeed([...args, "--state-root", machine.stateRoot], { stdin });
}

function openVault(machine: Machine, ref: string): Promise<Ended> {
  return python(`${HERE}/open_vault.py`, machine.stateRoot, ref);
}

function python(script: string, ...args: string[]): Promise<Ended> {
  const argv = [pythonWithCryptography()!, script, ...args];
  return runProcess({ argv, env: { PATH: Deno.env.get("PATH") ?? "/usr/bin:/bin" } });
}
