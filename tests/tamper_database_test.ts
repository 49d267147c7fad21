/** A database whose tables or file were altered is refused by every command; an older whole one is not. */

import assert from "node:assert/strict";
import {
  alter,
  COMMANDS,
  type Invocation,
  makeKnownMachine,
  VALUES,
} from "./support/altered_state.ts";
import { assertRefused, eachOf, makeMachine } from "./support/cli_run.ts";
import { copyTree } from "./support/file_trees.ts";
import { assertAllRefuse, type Damage } from "./support/refusals.ts";

const SCHEMA: readonly Damage[] = [
  sql(
    "an added trigger",
    `CREATE TRIGGER t AFTER INSERT ON versions BEGIN DELETE FROM tombstones; END`,
  ),
  sql("an added view", "CREATE VIEW v AS SELECT * FROM versions"),
  sql("an added column", "ALTER TABLE versions ADD COLUMN note TEXT"),
  sql("an added table", "CREATE TABLE extra (a)"),
  sql("an added index", "CREATE INDEX extra ON versions (name)"),
  sql("a dropped index", "DROP INDEX versions_by_kid"),
  sql("a renamed column", "ALTER TABLE tombstones RENAME COLUMN deleted_at TO at"),
  sql(
    "a table that a trigger stands in for",
    "ALTER TABLE versions RENAME TO hidden",
    "CREATE VIEW versions AS SELECT * FROM hidden",
  ),
  sql("statistics", "ANALYZE"),
  sql(
    "no tables at all",
    ...["tombstones", "versions", "scope_keys", "blobs", "keks", "vault"].map((t) =>
      `DROP TABLE ${t}`
    ),
    "PRAGMA user_version = 0",
  ),
  sql("a later schema version", "PRAGMA user_version = 3"),
  sql("the highest schema version", "PRAGMA user_version = 2147483647"),
  sql("no schema version", "PRAGMA user_version = 0"),
  sql("a schema version below none", "PRAGMA user_version = -1"),
  {
    what: "a check that is another one, written into the file itself",
    apply: (root) => fill(root, (was) => exchanged(was, "CHECK (one = 1)", "CHECK (one > 0)")),
  },
];

const FILES: readonly Damage[] = [
  ...[0, 1, 99, 100, 4_096].map((length) => cut(`cut to ${length} bytes`, length)),
  cut("cut in half", (size) => Math.floor(size / 2)),
  { what: "replaced by garbage", apply: (root) => fill(root, () => random(50_000)) },
  {
    what: "replaced by text",
    apply: (root) => fill(root, () => new TextEncoder().encode("hello")),
  },
  {
    what: "garbage behind an honest header",
    apply: (root) =>
      fill(root, (was) => new Uint8Array([...was.subarray(0, 100), ...random(20_000)])),
  },
  {
    what: "zeros of the same size",
    apply: (root) => fill(root, (was) => new Uint8Array(was.length)),
  },
  { what: "removed", apply: (root) => Deno.removeSync(databaseOf(root)) },
];

Deno.test("Commands refuse a database with other tables, and change nothing", async () => {
  using machine = await makeKnownMachine();
  await eachOf([...SCHEMA.entries()], ([at, damage]) => {
    return assertAllRefuse(machine, damage, everyThird(at));
  });
});

Deno.test("Commands refuse a database file that is cut, replaced or gone, and change nothing", async () => {
  using machine = await makeKnownMachine();
  await eachOf([...FILES.entries()], ([at, damage]) => {
    return assertAllRefuse(machine, damage, everyThird(at));
  });
});

Deno.test("A whole older state that is put back reads as it was: a documented limit", async () => {
  using machine = await makeKnownMachine();
  const older = `${machine.directory}/older`;
  copyTree(machine.stateRoot, older);
  await machine.succeed(["secrets", "set", "global/api_key"], { stdin: "the newest value" });
  await machine.succeed(["vault", "rotate", "kek"]);
  Deno.removeSync(machine.stateRoot, { recursive: true });
  copyTree(older, machine.stateRoot);
  const { stdout } = await machine.succeed(["resolve", "global/api_key"]);
  assert.equal(stdout, VALUES["global/api_key"]);
  await machine.succeed(["vault", "check", "--strict"]);
});

Deno.test("Another vault's database under this identity is refused", async () => {
  using machine = await makeKnownMachine();
  using other = await makeKnownMachine();
  const damage = {
    what: "the database of another vault",
    apply: (root: string) => Deno.copyFileSync(databaseOf(other.stateRoot), databaseOf(root)),
  };
  await assertAllRefuse(machine, damage);
});

Deno.test("An empty database file is damage, never a new vault", async () => {
  using machine = makeMachine();
  Deno.mkdirSync(`${machine.stateRoot}/vault`, { recursive: true, mode: 0o700 });
  Deno.writeFileSync(databaseOf(machine.stateRoot), new Uint8Array(0), { mode: 0o600 });
  const options = { stdin: "value" };
  assertRefused(await machine.run(["secrets", "set", "global/a"], options), 9, "set");
  assertRefused(await machine.run(["init"]), 9, "init");
  assert.equal(Deno.statSync(databaseOf(machine.stateRoot)).size, 0);
});

/** A third of the commands, readers and writers; three damages in a row meet all of them. */
function everyThird(at: number): readonly Invocation[] {
  return COMMANDS.filter((_, command) => command % 3 === at % 3);
}

function databaseOf(stateRoot: string): string {
  return `${stateRoot}/vault/vault.db`;
}

function sql(what: string, ...statements: string[]): Damage {
  return { what, apply: (root) => alter(root, ...statements) };
}

function cut(what: string, length: number | ((size: number) => number)): Damage {
  const lengthOf = typeof length === "number" ? () => length : length;
  return {
    what,
    apply: (root) =>
      Deno.truncateSync(databaseOf(root), lengthOf(Deno.statSync(databaseOf(root)).size)),
  };
}

function fill(stateRoot: string, make: (was: Uint8Array) => Uint8Array): void {
  const path = databaseOf(stateRoot);
  Deno.writeFileSync(path, make(Deno.readFileSync(path)));
}

function random(length: number): Uint8Array {
  return crypto.getRandomValues(new Uint8Array(length));
}

function exchanged(bytes: Uint8Array, from: string, to: string): Uint8Array {
  const text = Array.from(bytes, (byte) => String.fromCharCode(byte)).join("");
  assert.ok(text.includes(from));
  return Uint8Array.from(text.replace(from, to), (character) => character.charCodeAt(0));
}
