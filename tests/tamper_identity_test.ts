/** An identity that is missing, incomplete or another one's is refused, and never made anew. */

import assert from "node:assert/strict";
import { COMMANDS, copyOf, makeKnownMachine, VALUES } from "./support/altered_state.ts";
import { assertRefused, eachOf, type Machine, makeMachine } from "./support/cli_run.ts";
import { copyTree, differenceOf, pathsBelow, pictureOf } from "./support/file_trees.ts";
import { assertAllRefuse, type Damage } from "./support/refusals.ts";

const FILES = ["store.key", "ca.sealed", "device.sealed"];

Deno.test("Every command refuses a vault without its identity, and makes none", async () => {
  using machine = await makeKnownMachine();
  const identityOf = (root: string): string => `${root}/identity`;
  const damages: Damage[] = [
    {
      what: "no identity directory",
      apply: (root) => Deno.removeSync(identityOf(root), { recursive: true }),
    },
    { what: "an empty identity directory", apply: (root) => empty(identityOf(root)) },
    ...FILES.map((name) => ({
      what: `${name} removed`,
      apply: (root: string) => Deno.removeSync(`${root}/identity/${name}`),
    })),
    ...FILES.slice(0, 2).flatMap((name) =>
      [0, 33].map((length) => ({
        what: `${name} of ${length} bytes`,
        apply: (root: string) =>
          Deno.writeFileSync(`${root}/identity/${name}`, new Uint8Array(length).fill(65)),
      }))
    ),
  ];
  await eachOf(damages, (damage) => assertAllRefuse(machine, damage));
});

Deno.test("Every command refuses a vault under another identity, whole or in part, and changes neither", async () => {
  using machine = await makeKnownMachine();
  using other = makeMachine();
  await other.succeed(["init"]);
  const foreign = (name: string): Uint8Array =>
    Deno.readFileSync(`${other.stateRoot}/identity/${name}`);
  const damages: Damage[] = [
    {
      what: "another identity's directory",
      apply: (root) => {
        Deno.removeSync(`${root}/identity`, { recursive: true });
        copyTree(`${other.stateRoot}/identity`, `${root}/identity`);
      },
    },
    ...FILES.slice(0, 2).map((name) => ({
      what: `${name} of another identity`,
      apply: (root: string) => Deno.writeFileSync(`${root}/identity/${name}`, foreign(name)),
    })),
    {
      what: "the device record in place of the CA's",
      apply: (root) =>
        Deno.copyFileSync(`${root}/identity/device.sealed`, `${root}/identity/ca.sealed`),
    },
  ];
  await eachOf(damages, (damage) => assertAllRefuse(machine, damage));
});

Deno.test("A device record of another identity is refused by the command that reads it, and never replaced", async () => {
  using machine = await makeKnownMachine();
  using other = makeMachine();
  await other.succeed(["init"]);
  const foreign = Deno.readFileSync(`${other.stateRoot}/identity/device.sealed`);
  Deno.writeFileSync(`${machine.stateRoot}/identity/device.sealed`, foreign);
  const before = pictureOf(`${machine.stateRoot}/identity`);
  assertRefused(await machine.run(["init"]), 9, "init");
  // The others do not need it: no key of the vault depends on the device record.
  assert.equal(
    (await machine.succeed(["resolve", "global/api_key"])).stdout,
    VALUES["global/api_key"],
  );
  for (const { args, stdin } of COMMANDS) await machine.run(args, { stdin });
  assert.equal(differenceOf(before, pictureOf(`${machine.stateRoot}/identity`)), undefined);
});

Deno.test("Every byte of the store key, and every character of the sealed CA key, is authenticated", async () => {
  using machine = await makeKnownMachine();
  const places = [
    ...[0, 15, 31].map((at) => ["store.key", at] as const),
    ...[0, 4, 5, 6, 7, 20, 23, 24, 100, 200, 279, 280].map((at) => ["ca.sealed", at] as const),
  ];
  await eachOf(places, async ([name, at]) => {
    using copy = copyOf(machine);
    const path = `${copy.stateRoot}/identity/${name}`;
    const bytes = Deno.readFileSync(path);
    bytes[at]! ^= 0x01;
    Deno.writeFileSync(path, bytes);
    const what = `${name}, byte ${at}`;
    assertRefused(await copy.run(["resolve", "global/api_key"]), 9, what);
    assertRefused(await copy.run(["init"]), 9, what);
    assert.deepEqual(Deno.readFileSync(path), bytes, what);
  });
});

Deno.test("An identity whose making was interrupted before there was a vault is completed, not replaced", async () => {
  using made = makeMachine();
  await made.succeed(["init"]);
  for (const last of FILES.slice(0, 2)) {
    using machine = makeMachine();
    copyTree(made.stateRoot, machine.stateRoot);
    Deno.removeSync(`${machine.stateRoot}/vault`, { recursive: true });
    for (const name of FILES.slice(FILES.indexOf(last) + 1)) {
      Deno.removeSync(`${machine.stateRoot}/identity/${name}`);
    }
    await assertCompleted(machine, last);
  }
});

Deno.test("An identity with a part missing is refused even where there is no vault yet", async () => {
  using made = makeMachine();
  await made.succeed(["init"]);
  for (const missing of FILES.slice(0, 2)) {
    using machine = makeMachine();
    copyTree(made.stateRoot, machine.stateRoot);
    Deno.removeSync(`${machine.stateRoot}/vault`, { recursive: true });
    Deno.removeSync(`${machine.stateRoot}/identity/${missing}`);
    const before = pictureOf(`${machine.stateRoot}/identity`);
    assertRefused(await machine.run(["init"]), 9, missing);
    const set = ["secrets", "set", "global/a"];
    assertRefused(await machine.run(set, { stdin: "value" }), 9, missing);
    assert.equal(differenceOf(before, pictureOf(`${machine.stateRoot}/identity`)), undefined);
  }
});

async function assertCompleted(machine: Machine, last: string): Promise<void> {
  const directory = `${machine.stateRoot}/identity`;
  const before = pictureOf(directory);
  await machine.succeed(["secrets", "set", "global/a"], { stdin: "value" });
  const after = pictureOf(directory);
  for (const path of Object.keys(before)) {
    assert.equal(after[path], before[path], `${last}: ${path}`);
  }
  for (const name of FILES) assert.ok(after[name] !== undefined, `${last}: ${name}`);
  assert.equal((await machine.succeed(["resolve", "global/a"])).stdout, "value");
}

function empty(directory: string): void {
  for (const path of pathsBelow(directory)) Deno.removeSync(`${directory}/${path}`);
}
