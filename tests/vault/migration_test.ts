/** A vault that an earlier palyra has made: read as it is, and brought to today's schema once. */

import assert from "node:assert/strict";
import { MIGRATIONS } from "../../src/vault/schema.ts";
import {
  alter,
  COMMANDS,
  copyOf,
  type Invocation,
  makeKnownMachine,
  openRaw,
  rawValue,
  VALUES,
} from "../support/altered_state.ts";
import { eachOf, type Machine } from "../support/cli_run.ts";
import { rowsOf } from "../support/config_place.ts";
import { runHeldUp } from "../support/config_held_up.ts";
import { testWithStrace } from "../support/config_watch.ts";
import { injectionsFor, watch } from "../support/crash_calls.ts";
import { assertAllRefuse } from "../support/refusals.ts";

const NEWEST = MIGRATIONS.length;
/** What version 2 has and version 1 had not. */
const TO_VERSION_1 = ["DROP TABLE staged", "DROP TABLE intents", "PRAGMA user_version = 1"];
const CROWD = 16;
const CONFIGURE = ["secrets", "configure", "openai-api-key", "global/other"];
const WRITERS: readonly Invocation[] = [
  { args: ["secrets", "set", "global/api_key"], stdin: "another" },
  { args: ["secrets", "set", "skill:new/first"], stdin: "another" },
  { args: ["secrets", "rollback", "global/api_key", "--to", "1"] },
  { args: ["secrets", "delete", "global/other"] },
  { args: ["vault", "rotate", "kek"] },
  { args: ["vault", "rotate", "scope", "global"] },
  { args: ["vault", "check", "--repair"] },
  { args: CONFIGURE, stdin: "another" },
  { args: [...CONFIGURE, "--no-value"] },
];

Deno.test("A vault of schema version 1 holds exactly the tables that version 1 had", async () => {
  using machine = await makeOldMachine();
  using database = openRaw(machine.stateRoot);
  const found = database.prepare("SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL").all();
  const statements = found.map(({ sql }) => String(sql));
  assert.deepEqual(statements.sort(), [...MIGRATIONS[0]!.schema].sort());
  assert.ok(statements.length < MIGRATIONS[1]!.schema.length);
});

Deno.test("Every reading command tells of an older vault what it tells of the same one today", async () => {
  using today = await makeKnownMachine();
  using old = copyOf(today);
  toVersion1(old.stateRoot);
  const rows = rowsOf(old);
  const readers = COMMANDS.slice(0, COMMANDS.findIndex(({ args }) => args[0] === "init"));
  const more = [["resolve", ...Object.keys(VALUES), "--json"], [...CONFIGURE, "--dry-run"]];
  await eachOf([...readers.map(({ args }) => args), ...more], async (args) => {
    if (args[1] === "status") return; // tells the schema itself
    using copy = copyOf(old);
    const [was, is] = [await today.run(args), await copy.run(args)];
    assert.equal(is.status, was.status, `${args.join(" ")}: ${is.stderr}`);
    assert.equal(is.stdout.replaceAll(copy.home, ""), was.stdout.replaceAll(today.home, ""));
    assertSameContent(copy, rows, args.join(" "));
    assert.equal(versionOf(copy.stateRoot), 1, "reading changes no file");
  });
});

Deno.test("The first writing command brings an older vault to the newest schema and keeps every value", async () => {
  using old = await makeOldMachine();
  await eachOf(WRITERS, async ({ args, stdin }) => {
    using machine = copyOf(old);
    const what = args.join(" ");
    const result = await machine.succeed(args, { stdin });
    assert.equal(versionOf(machine.stateRoot), NEWEST, what);
    const changed = new Set([
      /^secrets (?:set|rollback|delete|configure)/.test(what) ? args[2] : "",
    ]);
    if (what.startsWith("secrets configure")) changed.add("global/other");
    for (const [ref, value] of Object.entries(VALUES)) {
      if (changed.has(ref)) continue;
      assert.equal((await machine.succeed(["resolve", ref])).stdout, value, `${what}, ${ref}`);
    }
    await machine.succeed(["vault", "check", "--strict"]);
    const status = JSON.parse((await machine.succeed(["vault", "status", "--json"])).stdout);
    assert.equal(status.schema, NEWEST, result.stdout);
  });
});

Deno.test("Sixteen processes at once bring an older vault up to date once, and lose nothing", async () => {
  using old = await makeOldMachine();
  using alone = copyOf(old);
  await alone.succeed(["secrets", "set", "global/alone"], { stdin: "value" });
  const once = schemaChangesOf(alone.stateRoot);
  assert.ok(once > schemaChangesOf(old.stateRoot));
  const results = await runHeldUp(
    old,
    CROWD,
    (at) =>
      at % 4 === 3
        ? { args: ["resolve", "global/api_key"] }
        : { args: ["secrets", "set", `global/crowd_${at}`], stdin: `value ${at}` },
  );
  for (const [at, { status, stdout, stderr }] of results.entries()) {
    assert.equal(status, 0, stderr);
    if (at % 4 === 3) assert.equal(stdout, VALUES["global/api_key"]);
    else assert.equal((await old.succeed(["resolve", `global/crowd_${at}`])).stdout, `value ${at}`);
  }
  assert.equal(versionOf(old.stateRoot), NEWEST);
  assert.equal(schemaChangesOf(old.stateRoot), once);
  for (const [ref, value] of Object.entries(VALUES)) {
    assert.equal((await old.succeed(["resolve", ref])).stdout, value, ref);
  }
  await old.succeed(["vault", "check", "--strict"]);
});

Deno.test("An older vault whose tables are not those of its version is refused, and stays as it is", async () => {
  using old = await makeOldMachine();
  const staged = MIGRATIONS[1]!.statements.find((sql) => sql.startsWith("CREATE TABLE intents"))!;
  const damages = {
    "a table of the next version": [staged],
    "a table of nobody's": ["CREATE TABLE extra (a)"],
    "a dropped index": ["DROP INDEX versions_by_kid"],
    "a trigger": ["CREATE TRIGGER t AFTER INSERT ON keks BEGIN DELETE FROM versions; END"],
    "the number of the next version": [`PRAGMA user_version = ${NEWEST}`],
  };
  await eachOf(
    Object.entries(damages),
    ([what, statements]) =>
      assertAllRefuse(old, { what, apply: (root) => alter(root, ...statements) }),
  );
});

testWithStrace(
  "A killed migration leaves the schema before it or after it, and every value",
  async () => {
    using old = await makeOldMachine();
    using rehearsal = copyOf(old);
    const args = ["secrets", "set", "global/killed"];
    const { calls } = await watch({ root: rehearsal.stateRoot, args, stdin: "value" });
    const seen = new Set<number>();
    let killed = 0;
    await eachOf(injectionsFor(calls, () => "signal=SIGKILL", 3), async (injection) => {
      using machine = copyOf(old);
      const { ran } = await watch({ root: machine.stateRoot, args, stdin: "value" }, injection);
      if (ran.killed || ran.status !== 0) killed++;
      seen.add(versionOf(machine.stateRoot));
      for (const [ref, value] of Object.entries(VALUES)) {
        assert.equal((await machine.succeed(["resolve", ref])).stdout, value, ref);
      }
      await machine.succeed(args, { stdin: "value" });
      assert.equal(versionOf(machine.stateRoot), NEWEST);
      await machine.succeed(["vault", "check", "--strict"]);
    });
    assert.ok(killed > 0);
    assert.deepEqual([...seen].sort(), [1, NEWEST]); // both sides were met
  },
);

/** A machine with the known secrets, in a vault as version 1 made it. */
async function makeOldMachine(): Promise<Machine> {
  using made = new DisposableStack();
  const machine = made.use(await makeKnownMachine());
  toVersion1(machine.stateRoot);
  made.move(); // it is the caller's now
  return machine;
}

function toVersion1(stateRoot: string): void {
  alter(stateRoot, ...TO_VERSION_1);
  assert.equal(versionOf(stateRoot), 1);
}

function versionOf(stateRoot: string): number {
  return Number(rawValue(stateRoot, "PRAGMA user_version"));
}

/** SQLite counts every statement that changes a schema. */
function schemaChangesOf(stateRoot: string): number {
  return Number(rawValue(stateRoot, "PRAGMA schema_version"));
}

/** The tables of version 1 hold the same rows. */
function assertSameContent(
  machine: Machine,
  before: ReturnType<typeof rowsOf>,
  what: string,
): void {
  const { intents: _, staged: __, ...after } = rowsOf(machine);
  assert.deepEqual(after, before, what);
}
