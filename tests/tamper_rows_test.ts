/** What a row says is authenticated: rows cannot be moved, re-dated, or exchanged. */

import assert from "node:assert/strict";
import { alter, copyOf, makeKnownMachine, VALUES } from "./support/altered_state.ts";
import { assertRefused, eachOf, type Machine } from "./support/cli_run.ts";
import { differenceOf, pictureOf } from "./support/file_trees.ts";

/** One alteration of `vault.db`. */
interface Alteration {
  readonly what: string;
  readonly sql: readonly string[];
  /** Under what reference the row is found now. */
  readonly ref?: string;
}

const API_KEY = "scope = 'global' AND name = 'api_key'";
const NEW = `${API_KEY} AND version = 2`;
const OLD = `${API_KEY} AND version = 1`;
const DATED = "scope = 'global' AND name = 'dated'";
const AGENT = "scope = 'agent:a'";
const PARTS = ["encrypted_key", "iv", "tag", "ciphertext"];

const MOVES: readonly Alteration[] = [
  {
    what: "a row under another name",
    sql: [`UPDATE versions SET name = 'renamed' WHERE ${NEW}`],
    ref: "global/renamed",
  },
  {
    what: "two names exchanged",
    sql: [
      `UPDATE versions SET name = 'x' WHERE ${NEW}`,
      "UPDATE versions SET name = 'api_key', version = 2 WHERE name = 'other'",
    ],
  },
  {
    what: "a row under another number, higher",
    sql: [`UPDATE versions SET version = 3 WHERE ${NEW}`],
  },
  {
    what: "an old version put on top, the new one gone",
    sql: [`DELETE FROM versions WHERE ${NEW}`, `UPDATE versions SET version = 2 WHERE ${OLD}`],
  },
  { what: "an old version put on top", sql: [`UPDATE versions SET version = 3 WHERE ${OLD}`] },
  {
    what: "a row in another scope, with the key of its own",
    sql: [`UPDATE versions SET scope = 'agent:a' WHERE ${NEW}`],
    ref: "agent:a/api_key",
  },
  {
    what: "a row in another scope, with the key of that scope",
    sql: [
      `UPDATE versions SET scope = 'agent:a',
         kid = (SELECT kid FROM scope_keys WHERE ${AGENT}) WHERE ${NEW}`,
    ],
    ref: "agent:a/api_key",
  },
  {
    what: "a scope and its key under another name",
    sql: [
      "UPDATE versions SET scope = 'skill:s' WHERE scope = 'global'",
      "UPDATE scope_keys SET scope = 'skill:s' WHERE scope = 'global'",
    ],
    ref: "skill:s/api_key",
  },
  {
    what: "a row in another scope, and its key moved along as a later generation",
    sql: [
      "UPDATE scope_keys SET scope = 'agent:a', generation = 2 WHERE scope = 'global'",
      `UPDATE versions SET scope = 'agent:a' WHERE ${NEW}`,
    ],
    ref: "agent:a/api_key",
  },
];

const DATES: readonly Alteration[] = [
  dated("created a millisecond earlier", NEW, "created_at = '2026-01-01T00:00:00.000Z'"),
  dated("created in the future", NEW, "created_at = '9999-01-01T00:00:00.000Z'"),
  dated("created at no date", NEW, "created_at = 'today'"),
  dated("created at nothing", NEW, "created_at = ''"),
  dated("expired long ago, where it never expires", NEW, "expires_at = '2000-01-01T00:00:00.000Z'"),
  dated("expires some day, where it never does", NEW, "expires_at = '9999-01-01T00:00:00.000Z'"),
  dated("expires at the empty text", NEW, "expires_at = ''"),
  dated("expires at a text before every date", NEW, "expires_at = '!'"),
  dated("expired long ago", DATED, "expires_at = '2000-01-01T00:00:00.000Z'"),
  dated("expires a century later", DATED, "expires_at = '2199-01-01T00:00:00.000Z'"),
  dated("never expires", DATED, "expires_at = NULL"),
  dated("expires at no date", DATED, "expires_at = 'never'"),
  {
    ...dated("an old version made to expire", OLD, "expires_at = '2000-01-01T00:00:00.000Z'"),
    ref: "global/api_key#1",
  },
  {
    ...dated("the newest made to expire", NEW, "expires_at = '2000-01-01T00:00:00.000Z'"),
    ref: "global/api_key#1",
  },
];

const EXCHANGES: readonly Alteration[] = [
  ...[...PARTS.map((part) => [part]), PARTS].map((parts) => ({
    what: `${parts.join(", ")} of the version before`,
    sql: [
      `UPDATE versions SET (${parts}) = (SELECT ${parts} FROM versions WHERE ${OLD}) WHERE ${NEW}`,
    ],
  })),
  {
    what: "the envelope of another secret",
    sql: [
      `UPDATE versions SET (${PARTS}) =
         (SELECT ${PARTS} FROM versions WHERE name = 'other') WHERE ${NEW}`,
    ],
  },
  {
    what: "the envelope of another scope, with its key's id",
    sql: [
      `UPDATE versions SET (${PARTS}, kid) =
         (SELECT ${PARTS}, kid FROM versions WHERE ${AGENT}) WHERE ${NEW}`,
    ],
  },
  {
    what: "the wrapped key of another scope",
    sql: [`UPDATE scope_keys SET wrapped = (SELECT wrapped FROM scope_keys WHERE ${AGENT})`],
  },
  {
    what: "the wrapped keys of two scopes exchanged",
    sql: [
      `UPDATE scope_keys SET wrapped = (SELECT o.wrapped FROM scope_keys o
         WHERE o.kid <> scope_keys.kid)`,
    ],
  },
  {
    what: "the key of another scope",
    sql: [`UPDATE versions SET kid = (SELECT kid FROM scope_keys WHERE ${AGENT}) WHERE ${NEW}`],
  },
  { what: "an unknown key", sql: [`UPDATE versions SET kid = 'unknown' WHERE ${NEW}`] },
  { what: "no scope keys", sql: ["DELETE FROM scope_keys"] },
  { what: "a later scope key", sql: ["UPDATE scope_keys SET generation = 2"] },
  { what: "another vault id", sql: ["UPDATE vault SET vault_id = lower(hex(randomblob(16)))"] },
  { what: "no vault id", sql: ["DELETE FROM vault"] },
  { what: "a later vault key", sql: ["UPDATE blobs SET generation = generation + 1"] },
  { what: "another salt", sql: ["UPDATE keks SET salt = randomblob(32)"] },
  { what: "a shorter salt", sql: ["UPDATE keks SET salt = x''"] },
  {
    what: "another KEK id in both places",
    sql: ["UPDATE keks SET kid = 'x'", "UPDATE blobs SET kek_kid = 'x'"],
  },
  { what: "a KEK id of nothing", sql: ["UPDATE blobs SET kek_kid = 'x'"] },
  { what: "no KEK", sql: ["DELETE FROM keks"] },
  { what: "no sealed vault key", sql: ["UPDATE blobs SET content = NULL"] },
  { what: "no row for the vault key", sql: ["DELETE FROM blobs"] },
  { what: "a vault key marked for deletion", sql: ["UPDATE blobs SET state = 'deleting'"] },
  { what: "a vault key marked as unfinished", sql: ["UPDATE blobs SET state = 'writing'"] },
  { what: "an unknown backend", sql: ["UPDATE blobs SET backend = 'elsewhere'"] },
];

for (
  const [topic, alterations] of [
    ["A row that was moved", MOVES],
    ["A date that was changed", DATES],
    ["A part or key that was exchanged", EXCHANGES],
  ] as const
) {
  Deno.test(`${topic} is altered data for every reader and for vault check`, async () => {
    using machine = await makeKnownMachine();
    await eachOf(alterations, (alteration) => assertNoticed(machine, alteration));
  });
}

Deno.test("Writers refuse a vault whose keys or ids were exchanged, and leave it as it is", async () => {
  using machine = await makeKnownMachine();
  const sealed = EXCHANGES.slice(EXCHANGES.findIndex(({ what }) => what === "another vault id"));
  await eachOf(sealed, async ({ what, sql }) => {
    using copy = copyOf(machine);
    alter(copy.stateRoot, ...sql);
    const before = pictureOf(`${copy.stateRoot}/vault`);
    const writers = [
      ["secrets", "set", "global/api_key"],
      ["secrets", "rollback", "global/api_key", "--to", "1"],
      ["vault", "rotate", "kek"],
      ["vault", "rotate", "scope", "global"],
    ];
    for (const args of writers) {
      assertRefused(await copy.run(args, { stdin: "another" }), 9, `${what}: ${args.join(" ")}`);
    }

    assert.equal(differenceOf(before, pictureOf(`${copy.stateRoot}/vault`)), undefined, what);
  });
});

Deno.test("A scope key of a changed generation stays refused, also after the vault key is rotated", async () => {
  using machine = await makeKnownMachine();
  alter(machine.stateRoot, "UPDATE scope_keys SET generation = 2 WHERE scope = 'global'");
  assertRefused(await machine.run(["secrets", "set", "global/other"], { stdin: "x" }), 9, "set");
  assertRefused(await machine.run(["vault", "rotate", "scope", "global"]), 9, "rotate scope");
  await machine.run(["vault", "rotate", "kek"]); // wraps keys anew that it does not use
  assertRefused(await machine.run(["resolve", "global/api_key"]), 9, "resolve");
  assert.equal(
    (await machine.succeed(["resolve", "agent:a/token"])).stdout,
    VALUES["agent:a/token"],
  );
});

Deno.test("The scope that a key's row claims is not believed: a secret's own scope decides", async () => {
  using machine = await makeKnownMachine();
  alter(machine.stateRoot, "UPDATE scope_keys SET scope = 'skill:s' WHERE scope = 'global'");
  const { stdout } = await machine.succeed(["resolve", "global/api_key"]);
  assert.equal(stdout, VALUES["global/api_key"]);
  assertRefused(await machine.run(["secrets", "set", "skill:s/x"], { stdin: "x" }), 9, "set");
});

Deno.test("A row with a forged name cannot forge a line of output", async () => {
  using machine = await makeKnownMachine();
  const names = ["a\nb", "\u001b[2J", "A", "../x", "", "a b"];
  await eachOf(names, async (name) => {
    using copy = copyOf(machine);
    const codes = [...name].map((character) => character.charCodeAt(0)).join(",");
    alter(copy.stateRoot, `UPDATE versions SET name = char(${codes}) WHERE ${NEW}`);
    assertRefused(await copy.run(["secrets", "list"]), 9, JSON.stringify(name));
    const { status, stdout } = await copy.run(["vault", "check"]);
    assert.equal(status, 9);
    assert.match(stdout, /^bad +row \d+#0: row$/m);
  });
});

function dated(what: string, row: string, change: string): Alteration {
  const ref = row === DATED ? "global/dated" : "global/api_key";
  return { what, sql: [`UPDATE versions SET ${change} WHERE ${row}`], ref };
}

async function assertNoticed(machine: Machine, { what, sql, ref }: Alteration): Promise<void> {
  using copy = copyOf(machine);
  alter(copy.stateRoot, ...sql);
  const target = ref ?? "global/api_key";
  const readers = [
    ["resolve", target],
    ["resolve", target, "--format", "json"],
    ["secrets", "get", target],
    ["secrets", "get", target, "--reveal"],
  ];
  for (const args of readers) {
    assertRefused(await copy.run(args), 9, `${what}: ${args.join(" ")}`);
  }
  const check = await copy.run(["vault", "check"]);
  assert.equal(check.status, 9, `${what}: vault check`);
  for (const value of Object.values(VALUES)) {
    assert.ok(!`${check.stdout}${check.stderr}`.includes(value), `${what}: a value was printed`);
  }
}
