/** The schema: built, checked to the letter, and migrated step by step. */

import assert from "node:assert/strict";
import { denoPlatform } from "../../src/platform/deno/platform.ts";
import type { Database } from "../../src/platform/platform.ts";
import {
  bringUpToDate,
  migrate,
  type Migration,
  requireSchema,
  type Schema,
} from "../../src/database/schema.ts";
import { MIGRATIONS, VAULT_SCHEMA } from "../../src/vault/schema.ts";
import { assertFails } from "../support/failures.ts";

async function withDatabase(body: (database: Database) => Promise<void>): Promise<void> {
  const directory = Deno.makeTempDirSync();
  try {
    const databases = await denoPlatform.databases();
    await databases.create(`${directory}/test.db`, () => Promise.resolve());
    // SQLite writes nothing for an empty database; the adapter takes that for damage.
    await assertFails("integrity", /damaged/, () => databases.open(`${directory}/test.db`));
    await databases.create(
      `${directory}/other.db`,
      (database) =>
        database.write(() =>
          void database.run("CREATE TABLE t (a) STRICT".replace("(a)", "(a TEXT)"))
        ),
    );
    using database = databases.open(`${directory}/other.db`)!;
    await database.write(() => database.run("DROP TABLE t"));
    await body(database);
  } finally {
    Deno.removeSync(directory, { recursive: true });
  }
}

const STEPS: Migration[] = [
  { statements: ["CREATE TABLE a (x TEXT) STRICT"], schema: ["CREATE TABLE a (x TEXT) STRICT"] },
  {
    statements: ["CREATE TABLE b (y TEXT) STRICT", "INSERT INTO b SELECT x FROM a", "DROP TABLE a"],
    schema: ["CREATE TABLE b (y TEXT) STRICT"],
  },
];

const schemaOf = (migrations: readonly Migration[]): Schema => ({ subject: "it", migrations });

Deno.test("migrate() leads from every earlier version to the newest and keeps the rows", async () => {
  await withDatabase(async (database) => {
    await database.write(() => migrate(database, schemaOf(STEPS.slice(0, 1))));
    await database.write(() => database.run("INSERT INTO a VALUES ('kept')"));
    assert.equal(requireSchema(database, schemaOf(STEPS)), 1);
    await database.write(() => migrate(database, schemaOf(STEPS)));
    assert.equal(requireSchema(database, schemaOf(STEPS)), 2);
    assert.deepEqual(database.all("SELECT y FROM b").map(({ y }) => y), ["kept"]);
    await database.write(() => migrate(database, schemaOf(STEPS))); // nothing left to do
  });
});

Deno.test("bringUpToDate() migrates on opening, and refuses a database without tables", async () => {
  await withDatabase(async (database) => {
    await assertFails("integrity", /gone/, () => bringUpToDate(database, schemaOf(STEPS)));
    await database.write(() => migrate(database, schemaOf(STEPS.slice(0, 1))));
    await bringUpToDate(database, schemaOf(STEPS));
    assert.equal(requireSchema(database, schemaOf(STEPS)), 2);
    await bringUpToDate(database, schemaOf(STEPS));
  });
});

Deno.test("a failing step leaves the version before it", async () => {
  await withDatabase(async (database) => {
    await database.write(() => migrate(database, schemaOf(STEPS.slice(0, 1))));
    const broken = [STEPS[0]!, {
      statements: ["CREATE TABLE b (y TEXT) STRICT", "nonsense"],
      schema: [],
    }];
    await assert.rejects(database.write(() => migrate(database, schemaOf(broken))));
    assert.equal(requireSchema(database, schemaOf(STEPS)), 1);
  });
});

Deno.test("requireSchema() refuses anything that palyra has not made", async () => {
  const alterations = [
    "CREATE TABLE extra (a TEXT)",
    "CREATE INDEX extra ON versions (name)",
    "CREATE VIEW extra AS SELECT * FROM versions",
    "CREATE TRIGGER extra AFTER INSERT ON versions BEGIN DELETE FROM versions; END",
    "ALTER TABLE versions ADD COLUMN extra TEXT",
    "DROP INDEX one_live_blob",
    "PRAGMA user_version = 1",
    "PRAGMA user_version = 3",
    "PRAGMA user_version = 0",
    "PRAGMA user_version = -1",
  ];
  for (const alteration of alterations) {
    await withDatabase(async (database) => {
      await database.write(() => migrate(database, VAULT_SCHEMA));
      assert.equal(requireSchema(database, VAULT_SCHEMA), MIGRATIONS.length);
      database.run(alteration);
      await assertFails(
        "integrity",
        /altered|not known/,
        () => requireSchema(database, VAULT_SCHEMA),
      );
    });
  }
});
