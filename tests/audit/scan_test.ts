/** `secrets audit --scan`: what is looked at, what is left alone, and what is told of it. */

import assert from "node:assert/strict";
import { type AuditPlace, makeAuditPlace, type TestFinding } from "../support/audit_place.ts";
import { assertRefused } from "../support/cli_run.ts";
import { giveTo } from "../support/config_clone.ts";
import { runProcess } from "../support/process.ts";

const VALUE = "sk-4e1bQ0xTn2Zq7LwYpR9s";

async function stocked(user: "self" | "nobody" = "self"): Promise<AuditPlace & { tree: string }> {
  const place = makeAuditPlace(user);
  await place.set("global/key", VALUE);
  const tree = `${place.machine.directory}/tree`;
  Deno.mkdirSync(tree, { mode: 0o755 });
  giveTo(place.machine, tree);
  return { ...place, tree };
}

function places(findings: readonly TestFinding[], tree: string): string[] {
  return findings.filter(({ code }) => code === "value_found_elsewhere")
    .map(({ path, line }) => `${path!.slice(tree.length + 1)}:${line}`).sort();
}

Deno.test("Values are found in files of every kind, and nothing of them is printed", async () => {
  using place = await stocked();
  const { tree } = place;
  Deno.mkdirSync(`${tree}/a/b`, { recursive: true });
  const files: Record<string, string> = {
    ".env": `A=1\nKEY=${VALUE}\n`,
    ".bash_history": `ls\ncurl -H 'X: ${VALUE}'\n`,
    "a/b/secret.yaml": `data:\n  key: ${btoa(VALUE)}\n`,
    "a/none.txt": `${VALUE.slice(0, -1)}\n`,
    [`a/odd \u001b[31m name`]: VALUE,
  };
  for (const [name, text] of Object.entries(files)) Deno.writeTextFileSync(`${tree}/${name}`, text);
  Deno.symlinkSync(`${tree}/.env`, `${tree}/a/link.env`);
  Deno.symlinkSync("/", `${tree}/a/root`);
  await runProcess({ argv: ["/usr/bin/mkfifo", `${tree}/pipe`], env: {} });
  const findings = await place.audit(["--scan", tree]);
  assert.deepEqual(places(findings, tree), [
    ".bash_history:2",
    ".env:2",
    "a/b/secret.yaml:2",
    "a/odd \u001b[31m name:1",
  ]);
  assert.ok(findings.every(({ ref }) => ref === "global/key"));
  assert.deepEqual(findings.filter(({ code }) => code === "scan_incomplete"), []);
  const strict = await place.machine.run(["secrets", "audit", "--strict", "--scan", tree]);
  assert.equal(strict.status, 10);
  assert.ok(!`${strict.stdout}${strict.stderr}${JSON.stringify(findings)}`.includes(VALUE));
  assert.ok(!strict.stdout.includes("\u001b"), "a file name steers the terminal");
  assert.match(strict.stdout, /searched 5 files, \d+ bytes, for 1 secret$/m);
});

Deno.test("What is staged in git is found, also where the file has changed since", async () => {
  using place = await stocked();
  const { tree } = place;
  const git = (...args: string[]): ReturnType<typeof runProcess> =>
    runProcess({ argv: ["/usr/bin/git", "-C", tree, ...args], env: { HOME: tree } });
  await git("init", "-q");
  Deno.writeTextFileSync(`${tree}/both.txt`, `${VALUE}\n`);
  Deno.writeTextFileSync(`${tree}/changed.txt`, `x\n\n${VALUE}\n`);
  Deno.writeTextFileSync(`${tree}/gone.txt`, VALUE);
  assert.equal((await git("add", "-A")).status, 0);
  Deno.writeTextFileSync(`${tree}/changed.txt`, "clean\n");
  Deno.removeSync(`${tree}/gone.txt`);
  // What the repository configures must not be started.
  const trap = `touch ${place.machine.directory}/started`;
  await git("config", "core.fsmonitor", trap);
  await git("config", "filter.x.smudge", trap);
  await git("config", "filter.x.clean", trap);
  Deno.writeTextFileSync(`${tree}/.gitattributes`, "* filter=x\n");
  const findings = await place.audit(["--scan", tree]);
  assert.deepEqual(places(findings, tree), ["both.txt:1", "changed.txt:3", "gone.txt:1"]);
  const staged = findings.filter(({ message }) => message.includes("staged"));
  assert.deepEqual(places(staged, tree), ["changed.txt:3", "gone.txt:1"]);
  assert.throws(() => Deno.statSync(`${place.machine.directory}/started`), Deno.errors.NotFound);
});

Deno.test("What cannot be searched is said, and the rest is searched", async () => {
  using place = await stocked("nobody");
  const { tree } = place;
  await place.set("global/short", "1234567");
  Deno.mkdirSync(`${tree}/shut`, { mode: 0o700 }); // root's
  Deno.writeTextFileSync(`${tree}/shut.txt`, VALUE, { mode: 0o600 });
  Deno.writeTextFileSync(`${tree}/z.txt`, VALUE);
  Deno.mkdirSync(`${tree}/repo/.git`, { recursive: true }); // no repository at all
  const findings = await place.audit(["--scan", tree]);
  assert.deepEqual(places(findings, tree), ["z.txt:1"]);
  const missed = findings.filter(({ code }) => code === "scan_incomplete").map(({ path }) => path);
  assert.deepEqual(missed, [`${tree}/repo/.git/index`, `${tree}/shut`, `${tree}/shut.txt`]);
  assert.ok(
    findings.some(({ code, ref }) => code === "value_not_searched" && ref === "global/short"),
  );
});

Deno.test("A single file, a link that is named, and the same place twice", async () => {
  using place = await stocked();
  const { tree } = place;
  Deno.writeTextFileSync(`${tree}/file`, VALUE);
  Deno.symlinkSync(tree, `${place.machine.home}/link`);
  for (const args of [[`${tree}/file`], [tree, tree], [`${place.machine.home}/link`]]) {
    const findings = await place.audit(args.flatMap((path) => ["--scan", path]));
    assert.deepEqual(places(findings, tree), ["file:1"], args.join());
  }
});

Deno.test("Nothing to search, or nothing to search for, is refused", async () => {
  using place = await stocked();
  const missing = await place.machine.run(["secrets", "audit", "--scan", `${place.tree}/none`]);
  assertRefused(missing, 2, "a path that is not there");
  using empty = makeAuditPlace();
  assertRefused(await empty.machine.run(["secrets", "audit", "--scan", "/etc"]), 8, "no vault");
});

Deno.test("A large file is streamed: a value across the edge of two pieces is found", async () => {
  using place = await stocked();
  const { tree } = place;
  const bytes = new Uint8Array(5 * 1_048_576).fill(0x20);
  const value = new TextEncoder().encode(VALUE);
  for (const at of [1_048_570, 2 * 1_048_576 + 1, 3_333_333]) {
    bytes.set(value, at);
    bytes[at - 3] = 0x0a;
  }
  Deno.writeFileSync(`${tree}/large`, bytes);
  assert.deepEqual(places(await place.audit(["--scan", tree]), tree), [
    "large:2",
    "large:3",
    "large:4",
  ]);
});
