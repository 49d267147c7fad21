/** Durability, from outside: which files a process syncs before it says that it is done. */

import assert from "node:assert/strict";
import { assertFails } from "../support/failures.ts";
import { whyNoStrace } from "../support/requirements.ts";
import { unlessSkipped } from "../support/skip.ts";
import { STRACE } from "../support/strace.ts";

const testWithStrace = unlessSkipped("no-strace", whyNoStrace());

/** Runs a script under strace; the paths that it synced and the renames, in order. */
async function syncsOf(script: string): Promise<string[]> {
  const directory = Deno.makeTempDirSync();
  try {
    const file = `${directory}/script.ts`;
    const log = `${directory}/log`;
    const source = new URL("../../src/platform/deno/platform.ts", import.meta.url);
    await Deno.writeTextFile(
      file,
      `import { denoPlatform } from "${source}";\nconst directory = "${directory}";\n${script}\n`,
    );
    const calls = "trace=fsync,fdatasync,rename,renameat,renameat2,link,linkat";
    const { success, stderr } = await new Deno.Command(STRACE[0], {
      args: [
        ...STRACE.slice(1),
        "-y",
        "-e",
        calls,
        "-o",
        log,
        Deno.execPath(),
        "run",
        "-A",
        "--no-lock",
        "--no-check",
        file,
      ],
    }).output();
    assert.ok(success, new TextDecoder().decode(stderr));
    const short = (text: string): string =>
      text.replaceAll(directory, "").replaceAll(/[0-9a-f]{8}-[0-9a-f-]{27}/g, "ID") || "/";
    return Deno.readTextFileSync(log).split("\n").flatMap((line) => {
      const sync = /f(?:data)?sync\(\d+<([^>]*)>/.exec(line)?.[1];
      if (sync?.startsWith(directory)) return [`sync ${short(sync)}`];
      const rename = /(rename|link)\w*\(.*?"([^"]*)".*?"([^"]*)"/.exec(line);
      if (rename === null || !rename[2]!.startsWith(directory)) return [];
      return [`${rename[1]} ${short(rename[2]!)} ${short(rename[3]!)}`];
    });
  } finally {
    Deno.removeSync(directory, { recursive: true });
  }
}

testWithStrace("a private file is synced, then its directory", async () => {
  const script = `denoPlatform.files.replace(directory + "/file", new Uint8Array(3));
    denoPlatform.files.create(directory + "/made", new Uint8Array(3));`;
  assert.deepEqual(await syncsOf(script), [
    "sync /.ID.tmp",
    "rename /.ID.tmp /file",
    "sync /",
    "sync /.ID.tmp",
    "link /.ID.tmp /made",
    "sync /",
  ]);
});

testWithStrace("a committed row has journal, database and directory synced", async () => {
  const syncs = await syncsOf(`const databases = await denoPlatform.databases();
    await databases.create(directory + "/test.db", (db) => db.write(() => db.run("CREATE TABLE t (a)")));
    using db = databases.open(directory + "/test.db");
    await db.write(() => db.run("INSERT INTO t VALUES (1)"));`);
  const after = syncs.slice(syncs.indexOf("rename /.ID.tmp /test.db") + 1);
  assert.deepEqual(after, [
    "sync /",
    "sync /test.db-journal", // its content
    "sync /",
    "sync /test.db-journal", // its header: from here on a crash rolls back
    "sync /test.db",
    "sync /", // the journal is gone for good: what synchronous = EXTRA adds
  ]);
});

Deno.test("deleted rows are zeros in the database file", async () => {
  const { denoPlatform } = await import("../../src/platform/deno/platform.ts");
  const directory = Deno.makeTempDirSync();
  const path = `${directory}/test.db`;
  const databases = await denoPlatform.databases();
  const canary = new TextEncoder().encode("canary-".repeat(40));
  await databases.create(path, (db) =>
    db.write(() => {
      db.run("CREATE TABLE t (a)");
      db.run("INSERT INTO t VALUES (?)", canary);
    }));
  const has = (): boolean =>
    new TextDecoder("latin1").decode(Deno.readFileSync(path)).includes("canary-");
  assert.equal(has(), true);
  {
    using db = databases.open(path)!;
    await db.write(() => db.run("DELETE FROM t"));
  }
  assert.equal(has(), false);
  Deno.removeSync(directory, { recursive: true });
});

Deno.test("a database with another hard link is denied", async () => {
  const { denoPlatform } = await import("../../src/platform/deno/platform.ts");
  const directory = Deno.makeTempDirSync();
  const path = `${directory}/test.db`;
  const databases = await denoPlatform.databases();
  await databases.create(path, (db) => db.write(() => void db.run("CREATE TABLE t (a)")));
  Deno.linkSync(path, `${directory}/other`);
  await assertFails("denied", /hard link/, () => databases.open(path));
  Deno.removeSync(directory, { recursive: true });
});
