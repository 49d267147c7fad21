/** `__complete`, which the shells' scripts ask: what it proposes, and what it leaves alone. */

import assert from "node:assert/strict";
import { type Machine, makeMachine } from "./support/cli_run.ts";
import { differenceOf, pictureOf } from "./support/file_trees.ts";

async function stocked(): Promise<Machine> {
  const machine = makeMachine();
  for (const ref of ["global/a", "global/ab", "skill:git/token", "session:run/gone"]) {
    await machine.succeed(["secrets", "set", ref], { stdin: "hidden-value" });
  }
  return machine;
}

async function complete(machine: Machine, ...words: readonly string[]): Promise<string[]> {
  const { stdout, stderr } = await machine.succeed(["__complete", "--", ...words]);
  assert.equal(stderr, "");
  return stdout.split("\n").slice(0, -1).map((line) => line.split("\t")[0]!);
}

Deno.test("commands, flags, their values, and names are proposed where they belong", async () => {
  using machine = await stocked();
  const ask = (...words: readonly string[]): Promise<string[]> => complete(machine, ...words);
  assert.deepEqual(await ask("v"), ["vault", "version"]);
  assert.ok((await ask("")).includes("secrets"));
  assert.ok(!(await ask("")).includes("__complete"));
  assert.deepEqual(await ask("vault", "ro"), ["rotate"]);
  assert.deepEqual(await ask("vault", "rotate", ""), ["kek", "scope"]);
  assert.deepEqual(await ask("secrets", "get", "g"), ["global/a", "global/ab"]);
  assert.deepEqual(await ask("secrets", "get", "global", "a"), ["a", "ab"]);
  assert.deepEqual(await ask("secrets", "list", "s"), ["session:run", "skill:git"]);
  assert.deepEqual(await ask("resolve", "X=sk"), ["X=skill:git/token"]);
  assert.deepEqual(await ask("resolve", "vault://sk"), ["vault://skill:git/token"]);
  assert.deepEqual(await ask("resolve", "global/a", "skill"), ["skill:git/token"]);
  assert.deepEqual(await ask("resolve", "--format", "d"), ["dotenv", "docker-env"]);
  assert.deepEqual(await ask("resolve", "--format=d"), ["--format=dotenv", "--format=docker-env"]);
  assert.deepEqual(await ask("--output-format", ""), ["text", "json", "ndjson"]);
  assert.deepEqual(await ask("secrets", "--json", "rotate"), []);
  assert.deepEqual(await ask("secrets", "configure", "openai"), ["openai-api-key"]);
  assert.ok((await ask("secrets", "configure", "")).includes("apply"));
  assert.deepEqual(await ask("secrets", "configure", "openai-api-key", "sk"), ["skill:git/token"]);
  assert.deepEqual(await ask("secrets", "set", "--if"), ["--if-absent", "--if-version"]);
  assert.deepEqual(await ask("init", "--backend", "e"), ["encrypted_file"]);
  assert.deepEqual(await ask("help", "vau"), ["vault"]);
  for (const flag of ["--config", "--state-root", "--out", "--from-file"]) {
    assert.deepEqual(await ask("secrets", "set", flag, ""), [":files"]);
  }
  assert.deepEqual(await ask("secrets", "configure", "apply", ""), [":files"]);
  assert.deepEqual(await ask("secrets", "set", "global/new", "--", "x"), []);
  assert.deepEqual(await ask("nothing", "like", "this"), []);
  assert.deepEqual(await ask("r"), ["resolve", "run", "redact"]);
  assert.deepEqual(await ask("redact", "sk"), ["skill:git/token"]);
  assert.deepEqual(await ask("run", "--env", "KEY=sk"), ["KEY=skill:git/token"]);
  assert.deepEqual(await ask("run", "--env", "A=global/a", "--env", "B=global/ab"), [
    "B=global/ab",
  ]);
  assert.deepEqual(await ask("run", "--env=K=sk"), ["--env=K=skill:git/token"]);
  assert.deepEqual(await ask("run", "--env"), ["--env", "--env-file"]);
  assert.deepEqual(await ask("run", "--env-file", ""), [":files"]);
  assert.deepEqual(await ask("inject", "-i", ""), [":files"]);
  assert.deepEqual(await ask("inject", "--in", ""), [":files"]);
});

Deno.test("names come from the state root that is named before them", async () => {
  using machine = await stocked();
  const other = `${machine.home}/other`;
  await machine.succeed(["secrets", "set", "global/elsewhere", "--state-root", other], {
    stdin: "value",
  });
  const found = await complete(machine, "--state-root", other, "secrets", "get", "g");
  assert.deepEqual(found, ["global/elsewhere"]);
});

Deno.test("names of expired secrets are not proposed", async () => {
  using machine = await stocked();
  const set = async (lifetime: string): Promise<void> => {
    const args = ["secrets", "set", "skill:git/short", "--expires-in", lifetime];
    await machine.succeed(args, { stdin: "value" });
  };
  await set("1h"); // a slow machine may take longer than a second to look
  assert.ok((await complete(machine, "secrets", "get", "sk")).includes("skill:git/short"));
  await set("1s");
  await new Promise((resolve) => setTimeout(resolve, 1_100));
  assert.deepEqual(await complete(machine, "secrets", "get", "sk"), ["skill:git/token"]);
});

Deno.test("completion needs no key, makes nothing, changes nothing, and is silent in every trouble", async () => {
  using machine = await stocked();
  Deno.removeSync(`${machine.stateRoot}/identity`, { recursive: true });
  const before = pictureOf(machine.directory);
  assert.deepEqual(await complete(machine, "secrets", "get", "sk"), ["skill:git/token"]);
  assert.equal(differenceOf(before, pictureOf(machine.directory)), undefined);
  using empty = makeMachine();
  assert.deepEqual(await complete(empty, "secrets", "get", ""), ["--reveal"]);
  assert.equal([...Deno.readDirSync(empty.directory)].length, 1);
  using homeless = makeMachine();
  const args = ["__complete", "--", "secrets", "get", ""];
  const env = { HOME: undefined, PALYRA_STATE_ROOT: undefined };
  assert.equal((await homeless.run(args, { env })).status, 0);
  Deno.writeTextFileSync(`${machine.stateRoot}/vault/vault.db`, "damaged");
  assert.equal((await machine.run(args)).status, 0);
});
