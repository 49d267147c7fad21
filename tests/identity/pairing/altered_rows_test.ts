/** Somebody writes to `pairing.db`, or takes parts of the registry away: palyra says so, and decides nothing. */

import assert from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import { copyTree } from "../../support/file_trees.ts";
import { listCodes } from "../../../src/identity/pairing/codes.ts";
import { listRequests } from "../../../src/identity/pairing/requests.ts";
import { certificatesOf, livingCertificates } from "../../../src/identity/registry/certificates.ts";
import { listDevices, revokeDevice } from "../../../src/identity/registry/devices.ts";
import { ensureRegistry, openRegistry } from "../../../src/identity/registry/registry.ts";
import { writeRevocationList } from "../../../src/identity/registry/revocations.ts";
import {
  accept,
  answer,
  ask,
  askAgain,
  codeOf,
  decideOn,
  file,
  makeSides,
  outcomeOf,
  pair,
  pass,
  type Side,
} from "../../support/pairing_sides.ts";

const DAY_MS = 86_400_000;
const TABLES = ["codes", "requests", "devices", "certificates", "answers", "lists"];

type Row = Record<string, null | number | bigint | string | Uint8Array>;

/** Steps that ask the registry, each with what they need. */
type Steps = Readonly<Record<string, (side: Side) => Promise<unknown>>>;

Deno.test("Every column of every row, altered in any way, is found by whoever reads the row", async () => {
  using place = await busyPlace();
  const { approver, steps } = place;
  const path = `${approver.directory}/pairing.db`;
  let tried = 0;
  for (const table of TABLES) {
    const rows = readAll(path, table);
    assert.ok(rows.length > 0, table);
    for (const [at, row] of rows.entries()) {
      const other = rows[(at + 1) % rows.length]!;
      for (const column of Object.keys(row)) {
        for (const value of othersFor(row[column]!, other[column]!)) {
          const change = (database: DatabaseSync): void => {
            const key = Object.keys(row)[0]!;
            database.prepare(`UPDATE ${table} SET ${column} = ? WHERE ${key} = ?`)
              .run(value, row[key]!);
          };
          const found = await outcomes(approver, steps, change);
          if (found === undefined) continue; // a constraint of the table forbids it
          tried++;
          const what = `${table}.${column} of row ${at}: ${JSON.stringify(found)}`;
          for (const code of Object.values(found)) assert.match(code, /^[a-z_]+$/, what);
          // A code or an answer under another key is one that is gone: nothing is granted for it.
          const isGone = ["code_id", "digest"].includes(column) && column === Object.keys(row)[0];
          if (!isGone) assert.ok(Object.values(found).includes("integrity"), what);
        }
      }
    }
  }
  assert.ok(tried > 200, `only ${tried} alterations`);
});

Deno.test("No list is signed from which somebody has taken a certificate by altering its row", async () => {
  using place = await busyPlace();
  const { approver, steps } = place;
  for (const change of ["revoked_at = NULL", "not_after = 0", "serial = 'ff'"]) {
    const sql = `UPDATE certificates SET ${change} WHERE revoked_at IS NOT NULL`;
    const found = await outcomes(approver, { list: steps["list"]! }, (file) => file.exec(sql));
    assert.deepEqual(found, { list: "integrity" }, change);
  }
});

Deno.test("Rows that change their keys or are exchanged whole are found", async () => {
  using place = await busyPlace();
  const { approver, steps } = place;
  for (const table of ["requests", "certificates", "devices"]) {
    const exchange = (database: DatabaseSync): void => {
      const rows = database.prepare(`SELECT * FROM ${table}`).all() as Row[];
      const [key, ...columns] = Object.keys(rows[0]!);
      const free = columns.filter((name) => !["code_id", "digest", "fingerprint"].includes(name));
      const [a, b] = [rows[0]!, rows[1]!];
      for (const [to, from] of [[a, b], [b, a]] as const) {
        const sets = free.map((name) => `${name} = ?`).join(", ");
        database.prepare(`UPDATE ${table} SET ${sets} WHERE ${key} = ?`)
          .run(...free.map((name) => from[name]!), to[key!]!);
      }
    };
    const found = await outcomes(approver, steps, exchange);
    assert.ok(found !== undefined && Object.values(found).includes("integrity"), table);
  }
});

Deno.test("Triggers, views, other tables and other versions of the file are refused", async () => {
  using place = await busyPlace();
  const { approver } = place;
  const statements = [
    "CREATE TRIGGER t AFTER INSERT ON certificates BEGIN DELETE FROM certificates; END",
    "CREATE VIEW v AS SELECT * FROM devices",
    "CREATE TABLE more (x)",
    "CREATE INDEX i ON devices (state)",
    "DROP TABLE lists",
    "ALTER TABLE devices ADD COLUMN more TEXT",
    "PRAGMA user_version = 0",
    "PRAGMA user_version = 2",
    "PRAGMA user_version = -1",
  ];
  for (const statement of statements) {
    const outcome = await whileAltered(
      approver,
      (database) => database.exec(statement),
      () =>
        outcomeOf(async () => {
          (await openRegistry(approver))?.[Symbol.dispose]();
        }),
    );
    assert.equal(outcome, "integrity", statement);
  }
});

Deno.test("A registry of which a part is missing, cut or another one's is refused, and not made anew", async () => {
  using sides = await makeSides(2);
  const [approver, other] = sides.all as [Side, Side];
  await codeOf(approver);
  await codeOf(other);
  const { directory } = approver;
  const cases: [string, (at: string) => void, string][] = [
    ["no database", (at) => Deno.removeSync(`${at}/pairing.db`), "integrity"],
    ["no key", (at) => Deno.removeSync(`${at}/pairing-key.sealed`), "integrity"],
    ["neither", (at) => {
      Deno.removeSync(`${at}/pairing.db`);
      Deno.removeSync(`${at}/pairing-key.sealed`);
    }, "integrity"],
    ["empty", (at) => Deno.truncateSync(`${at}/pairing.db`), "integrity"],
    ["cut", (at) => Deno.truncateSync(`${at}/pairing.db`, 5_000), "integrity"],
    [
      "no SQLite",
      (at) => Deno.writeTextFileSync(`${at}/pairing.db`, "x".repeat(8_192)),
      "integrity",
    ],
    [
      "another one's database",
      (at) => Deno.copyFileSync(`${other.directory}/pairing.db`, `${at}/pairing.db`),
      "integrity",
    ],
    [
      "another one's key",
      (at) =>
        Deno.copyFileSync(`${other.directory}/pairing-key.sealed`, `${at}/pairing-key.sealed`),
      "integrity",
    ],
    [
      "another record as key",
      (at) => Deno.copyFileSync(`${at}/pairing-made.sealed`, `${at}/pairing-key.sealed`),
      "integrity",
    ],
    ["a readable database", (at) => Deno.chmodSync(`${at}/pairing.db`, 0o644), "denied"],
    ["a link", (at) => {
      Deno.renameSync(`${at}/pairing.db`, `${at}/elsewhere.db`);
      Deno.symlinkSync("elsewhere.db", `${at}/pairing.db`);
    }, "denied"],
    ["a second name", (at) => Deno.linkSync(`${at}/pairing.db`, `${at}/second.db`), "denied"],
  ];
  for (const [what, damage, code] of cases) {
    const copy = Deno.makeTempDirSync({ prefix: "palyra-test-" });
    try {
      copyTree(directory, `${copy}/identity`);
      damage(`${copy}/identity`);
      const { openIdentityStore } = await import("../../../src/identity/store.ts");
      const { NO_ACCESS } = await import("../../support/vaults.ts");
      const at = `${copy}/identity`;
      using store = (await openIdentityStore(approver.platform, at, NO_ACCESS))!;
      const context = { platform: approver.platform, directory: at, store };
      for (const open of [openRegistry, ensureRegistry]) {
        const outcome = await outcomeOf(async () => {
          using registry = (await open(context))!;
          assert.ok((await listCodes(registry)).length >= 0);
        });
        assert.equal(outcome, code, what);
      }
    } finally {
      Deno.removeSync(copy, { recursive: true });
    }
  }
});

/** An approver whose tables all have rows, and the steps that read them. */
async function busyPlace(): Promise<Disposable & { approver: Side; steps: Steps }> {
  const sides = await makeSides(4);
  const [approver, first, second, third] = sides.all as [Side, Side, Side, Side];
  const asked = [
    (await pair(approver, first)).request,
    (await pair(approver, second)).request,
  ];
  pass(DAY_MS, ...sides.all);
  const renewal = await askAgain(first, approver);
  await accept(first, await answer(approver, renewal));
  await revokeDevice(approver.registry, second.device.deviceId, "lost");
  await writeRevocationList(approver.registry, approver.ca, DAY_MS);
  const waiting = await ask(third, await codeOf(approver));
  asked.push(await ask(third, await codeOf(approver)), await ask(third, await codeOf(approver)));
  const pending = await file(approver, asked[2]!);
  const rejected = await file(approver, asked[3]!);
  await decideOn(approver, rejected.requestId, "rejected", "no");
  const steps: Steps = {
    codes: ({ registry }) => listCodes(registry),
    requests: ({ registry }) => listRequests(registry),
    devices: ({ registry }) => listDevices(registry),
    living: ({ registry }) => livingCertificates(registry),
    first: ({ registry }) => certificatesOf(registry, first.device.deviceId),
    ...Object.fromEntries(asked.map((text, at) => [`again${at}`, (side) => file(side, text)])),
    submit: (side) => file(side, waiting),
    approve: (side) => decideOn(side, pending.requestId),
    rotate: (side) => answer(side, renewal),
    list: ({ registry, ca }) => writeRevocationList(registry, ca, DAY_MS),
  };
  return { approver, steps, [Symbol.dispose]: () => sides[Symbol.dispose]() };
}

/**
 * What becomes of each step after a change of the file, up to the first one that finds it; `undefined`
 * when the file forbids the change.
 */
async function outcomes(
  approver: Side,
  steps: Steps,
  change: (database: DatabaseSync) => void,
): Promise<Record<string, string> | undefined> {
  const found: Record<string, string> = {};
  let isForbidden = false;
  for (const [name, step] of Object.entries(steps)) {
    const attempt = async (): Promise<string> => {
      if (isForbidden) return "";
      using registry = await openRegistry(approver);
      return await outcomeOf(() => step({ ...approver, registry: registry! }));
    };
    found[name] = await whileAltered(approver, (database) => {
      try {
        change(database);
      } catch {
        isForbidden = true;
      }
    }, attempt);
    if (isForbidden) return undefined;
    if (found[name] === "integrity") break;
  }
  return found;
}

/** Alters the file, does something, and puts the file back. */
async function whileAltered<T>(
  { directory }: Side,
  change: (database: DatabaseSync) => void,
  action: () => Promise<T>,
): Promise<T> {
  const path = `${directory}/pairing.db`;
  const bytes = Deno.readFileSync(path);
  try {
    const database = new DatabaseSync(path);
    try {
      database.exec("PRAGMA synchronous = OFF; PRAGMA journal_mode = MEMORY"); // it is put back anyway
      change(database);
    } finally {
      database.close();
    }
    return await action();
  } finally {
    Deno.writeFileSync(path, bytes);
  }
}

function readAll(path: string, table: string): Row[] {
  const database = new DatabaseSync(path, { readOnly: true });
  try {
    return database.prepare(`SELECT * FROM ${table}`).all() as Row[];
  } finally {
    database.close();
  }
}

/** Other values that a column might be given. */
function othersFor(value: Row[string], next: Row[string]): Row[string][] {
  const all: Row[string][] = [null, next];
  if (typeof value === "number") all.push(value + 1, 0, -value, 9_223_372_036_854_775_807n);
  if (typeof value === "string") {
    all.push("", `${value} `, value.toUpperCase(), "approved", "paired", "active");
  }
  if (value === null) all.push(1, "x");
  if (value instanceof Uint8Array) all.push(new Uint8Array(0), new Uint8Array(32), value.slice(1));
  return all.filter((other) => !same(other, value));
}

function same(a: Row[string], b: Row[string]): boolean {
  if (a instanceof Uint8Array && b instanceof Uint8Array) return a.toHex() === b.toHex();
  return a === b;
}
