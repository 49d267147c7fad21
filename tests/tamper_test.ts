/** Every byte that palyra seals is authenticated: alter any one of them, and nothing comes out. */

import assert from "node:assert/strict";
import type { SQLInputValue } from "node:sqlite";
import type { DeviceAuthority } from "../src/identity/authority.ts";
import {
  alter,
  authorityOf,
  copyOf,
  makeKnownMachine,
  openRaw,
  rawValue,
  readDirectly,
  VALUES,
} from "./support/altered_state.ts";
import { assertRefused, type Machine } from "./support/cli_run.ts";
import { assertFails } from "./support/failures.ts";

const REF = "global/api_key";
const OF_REF = "scope = 'global' AND name = 'api_key' AND version = 2";
const MASKS = [0x01, 0x80, 0xff];
const ENVELOPE = ["encrypted_key", "iv", "tag", "ciphertext"] as const;
const BASE64URL = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
const ALTERED = /^Cannot open .*: wrong key or altered data$/;

for (const column of ENVELOPE) {
  Deno.test(`No byte of an envelope's ${column} can be changed, added or removed`, async () => {
    using state = await knownState();
    const where = `versions SET ${column} = ? WHERE ${OF_REF}`;
    const bytes = rawValue(state.root, `SELECT ${column} FROM versions WHERE ${OF_REF}`);
    await refuseAll(state, where, alteredBytes(bytes as Uint8Array));
    await put(state, where, bytes as Uint8Array);
    assert.equal(await readDirectly(state.root, state.keks, REF), VALUES[REF]);
  });
}

Deno.test("No byte of a wrapped scope key can be changed, added or removed", async () => {
  using state = await knownState();
  const where = "scope_keys SET wrapped = ? WHERE scope = 'global'";
  const bytes = rawValue(state.root, "SELECT wrapped FROM scope_keys WHERE scope = 'global'");
  await refuseAll(state, where, alteredBytes(bytes as Uint8Array));
  await put(state, where, bytes as Uint8Array);
  assert.equal(await readDirectly(state.root, state.keks, REF), VALUES[REF]);
});

Deno.test("No character of the sealed vault key can be changed, added or removed", async () => {
  using state = await knownState();
  const blob = rawValue(state.root, "SELECT content FROM blobs") as string;
  await refuseAll(state, "blobs SET content = ?", alteredTexts(blob));
  await put(state, "blobs SET content = ?", blob);
  assert.equal(await readDirectly(state.root, state.keks, REF), VALUES[REF]);
});

Deno.test("No byte of the salt and no digit of the KEK's id can be changed", async () => {
  using state = await knownState();
  const salt = rawValue(state.root, "SELECT salt FROM keks") as Uint8Array;
  const another = /^Cannot open the vault: it belongs to another identity$/;
  await refuseAll(state, "keks SET salt = ?", alteredBytes(salt), another);
  await put(state, "keks SET salt = ?", salt);
  const kid = rawValue(state.root, "SELECT kid FROM keks") as string;
  for (const text of alteredTexts(kid)) {
    alter(state.root, `UPDATE keks SET kid = '${text}'`, `UPDATE blobs SET kek_kid = '${text}'`);
    await assertFails("integrity", another, () => readDirectly(state.root, state.keks, REF));
  }
});

Deno.test("No digit of a scope key's id can be changed, in the versions along with it or alone", async () => {
  using state = await knownState();
  const kid = rawValue(state.root, "SELECT kid FROM scope_keys WHERE scope = 'global'") as string;
  await refuseAll(state, "scope_keys SET kid = ? WHERE scope = 'global'", alteredTexts(kid));
  await put(state, "scope_keys SET kid = ? WHERE scope = 'global'", kid);
  await refuseAll(state, `versions SET kid = ? WHERE ${OF_REF}`, alteredTexts(kid));
  for (const text of alteredTexts(kid)) {
    await put(state, "scope_keys SET kid = ? WHERE scope = 'global'", text);
    await put(state, `versions SET kid = ? WHERE ${OF_REF}`, text);
    await assertFails("integrity", ALTERED, () => readDirectly(state.root, state.keks, REF));
  }
});

Deno.test("A process that meets a changed byte exits 9 with one sentence, and vault check names the secret", async () => {
  using machine = await makeKnownMachine();
  for (const column of ENVELOPE) {
    using copy = copyOf(machine);
    const bytes = rawValue(copy.stateRoot, `SELECT ${column} FROM versions WHERE ${OF_REF}`);
    {
      using database = openRaw(copy.stateRoot);
      const changed = flipped(bytes as Uint8Array, 3, 0x10);
      database.prepare(`UPDATE versions SET ${column} = ? WHERE ${OF_REF}`).run(changed);
    }
    assertRefused(await copy.run(["resolve", REF]), 9, column);
    assertRefused(await copy.run(["secrets", "get", REF]), 9, column);
    assertRefused(await copy.run(["secrets", "get", REF, "--reveal"]), 9, column);
    const { status, stdout } = await copy.run(["vault", "check", "--json"]);
    assert.equal(status, 9, column);
    const { checked, bad } = JSON.parse(stdout);
    assert.equal(checked, 5);
    assert.deepEqual(bad, [{ ref: REF, version: 2, cause: "envelope" }], column);
  }
});

Deno.test("Setting over an altered secret stores a new version and says so; check goes on listing the old one", async () => {
  using machine = await makeKnownMachine();
  alter(machine.stateRoot, `UPDATE versions SET tag = zeroblob(16) WHERE ${OF_REF}`);
  const { stdout, stderr } = await machine.succeed(["secrets", "set", REF, "--json"], {
    stdin: "a new value",
  });
  const { version, created, changed } = JSON.parse(stdout);
  assert.deepEqual({ version, created, changed }, { version: 3, created: false, changed: true });
  assert.match(stderr, /^palyra: global\/api_key#2 cannot be opened [^\n]+\n$/);
  assert.equal((await machine.succeed(["resolve", REF])).stdout, "a new value");
  assertRefused(await machine.run(["resolve", `${REF}#2`]), 9, "the old version");
  await assertRepairKeeps(machine, [{ ref: REF, version: 2, cause: "envelope" }]);
});

Deno.test("The same value set over an altered secret is stored anew, for nobody can compare it", async () => {
  using machine = await makeKnownMachine();
  alter(machine.stateRoot, `UPDATE versions SET ciphertext = x'00' WHERE ${OF_REF}`);
  const { stdout } = await machine.succeed(["secrets", "set", REF, "--json"], {
    stdin: VALUES[REF]!,
  });
  assert.equal(JSON.parse(stdout).version, 3);
});

Deno.test("An altered secret can be deleted, and the vault is whole again", async () => {
  using machine = await makeKnownMachine();
  alter(machine.stateRoot, `UPDATE versions SET tag = zeroblob(16) WHERE ${OF_REF}`);
  await machine.succeed(["secrets", "delete", REF]);
  await machine.succeed(["vault", "check", "--strict"]);
});

Deno.test("vault check --repair deletes nothing that cannot be opened, however much that is", async () => {
  using machine = await makeKnownMachine();
  alter(machine.stateRoot, "UPDATE versions SET tag = zeroblob(16)");
  const bad = Object.keys(VALUES).map((ref) => ({
    ref: ref.replace(/#.*/, ""),
    version: ref === REF ? 2 : 1,
    cause: "envelope",
  }));
  await assertRepairKeeps(machine, bad);
});

Deno.test("A rotation that meets an altered key changes nothing", async () => {
  using machine = await makeKnownMachine();
  alter(machine.stateRoot, `UPDATE versions SET encrypted_key = zeroblob(40) WHERE ${OF_REF}`);
  const before = Deno.readFileSync(`${machine.stateRoot}/vault/vault.db`);
  assertRefused(await machine.run(["vault", "rotate", "scope", "global"]), 9, "rotate scope");
  assert.deepEqual(Deno.readFileSync(`${machine.stateRoot}/vault/vault.db`), before);
  assert.equal((await machine.succeed(["resolve", "global/other"])).stdout, VALUES["global/other"]);
  alter(machine.stateRoot, "UPDATE scope_keys SET wrapped = zeroblob(40) WHERE scope = 'agent:a'");
  assertRefused(await machine.run(["vault", "rotate", "kek"]), 9, "rotate kek");
  assert.equal((await machine.succeed(["resolve", "global/other"])).stdout, VALUES["global/other"]);
});

interface KnownState extends Disposable {
  readonly root: string;
  readonly keks: DeviceAuthority;
}

async function knownState(): Promise<KnownState> {
  const machine = await makeKnownMachine();
  const root = machine.stateRoot;
  const keks = await authorityOf(root);
  assert.equal(await readDirectly(root, keks, REF), VALUES[REF]);
  return { root, keks, [Symbol.dispose]: () => machine[Symbol.dispose]() };
}

/** Puts each of the values in the place of the right one, and reads. */
async function refuseAll(
  state: KnownState,
  where: string,
  values: readonly SQLInputValue[],
  message = ALTERED,
): Promise<void> {
  for (const value of values) {
    await put(state, where, value);
    await assertFails("integrity", message, () => readDirectly(state.root, state.keks, REF));
  }
}

function put({ root }: KnownState, where: string, value: SQLInputValue): void {
  using database = openRaw(root);
  assert.equal(database.prepare(`UPDATE ${where}`).run(value).changes, 1);
}

function alteredBytes(bytes: Uint8Array): Uint8Array[] {
  const changed = [...bytes.keys()].flatMap((at) => MASKS.map((mask) => flipped(bytes, at, mask)));
  const longer = new Uint8Array([...bytes, 0]);
  const rotated = new Uint8Array([...bytes.subarray(1), bytes[0]!]);
  return [...changed, longer, rotated, bytes.slice(1), bytes.slice(0, -1), new Uint8Array(0)];
}

function flipped(bytes: Uint8Array, at: number, mask: number): Uint8Array {
  const copy = bytes.slice();
  copy[at]! ^= mask;
  return copy;
}

/** Each character exchanged for its neighbours in the alphabet, for others, left out, or doubled. */
function alteredTexts(text: string): string[] {
  const changed = [...text].flatMap((character, at) => {
    const index = BASE64URL.indexOf(character);
    const neighbours = index === -1 ? "" : BASE64URL[index ^ 1]! + BASE64URL[(index + 4) % 64]!;
    const others = [...neighbours, "=", ".", " ", "\n", "é", "", character + character]
      .filter((other) => other !== character);
    return others.map((other) => text.slice(0, at) + other + text.slice(at + 1));
  });
  return [...new Set([...changed, `${text}\n`, ` ${text}`, `${text}=`, ""])];
}

async function assertRepairKeeps(machine: Machine, bad: readonly unknown[]): Promise<void> {
  const count = (): unknown => rawValue(machine.stateRoot, "SELECT count(*) FROM versions");
  const before = count();
  for (const args of [["vault", "check"], ["vault", "check", "--repair"], ["vault", "check"]]) {
    const { status, stdout, stderr } = await machine.run([...args, "--json"]);
    assert.equal(status, 9, args.join(" "));
    assert.deepEqual(JSON.parse(stdout).bad, bad);
    assert.match(stderr, /^palyra: Cannot open \d+ of the vault's entries: [^\n]+\n\{[^\n]+\}\n$/);
  }
  assert.equal(count(), before);
}
