/** Temporary files in the state root: those of killed writers go, those of living ones stay theirs. */

import assert from "node:assert/strict";
import { denoPlatform } from "../src/platform/deno/platform.ts";
import { type Machine, makeMachine } from "./support/cli_run.ts";
import { say } from "./support/dice.ts";

const REPLACED = 600;
/** Files that the other process must have seen, and not removed. */
const LEAST_SEEN = 30;
const PLATFORM = new URL("../src/platform/deno/platform.ts", import.meta.url).href;

Deno.test("a writer of the vault removes what a killed one left in the state root, and nothing of a living one", async () => {
  using machine = makeMachine();
  await machine.succeed(["secrets", "set", "global/a"], { stdin: "a" });
  plant(machine);
  const alive = plant(machine);
  {
    using held = Deno.openSync(`${machine.stateRoot}/${alive}`, { write: true });
    held.lockSync(true);
    await machine.succeed(["secrets", "set", "global/a"], { stdin: "b" });
    assert.deepEqual(temporary(machine), [alive]);
    plant(machine);
    const config = `${machine.home}/palyra.toml`;
    Deno.writeTextFileSync(config, "x = 1\n", { mode: 0o600 });
    await machine.succeed(["config", "trust", "--config", config]);
    assert.deepEqual(temporary(machine), [alive]);
    held.unlockSync(); // what another test's thread is just starting has a copy of the open file
  }
  await machine.succeed(["secrets", "set", "global/a"], { stdin: "c" });
  assert.deepEqual(temporary(machine), []);
});

Deno.test("files are made and replaced while others tidy up beside them, without an end", async () => {
  const directory = Deno.makeTempDirSync({ prefix: "palyra-test-" });
  const script = `
    import { denoPlatform } from ${JSON.stringify(PLATFORM)};
    let [seen, gone] = [0, 0];
    const there = (path) => { try { return Deno.lstatSync(path).isFile; } catch { return false; } };
    const isOver = () => there(${JSON.stringify(`${directory}/over`)});
    console.log("ready");
    while (!isOver()) {
      for (const { name } of Deno.readDirSync(${JSON.stringify(directory)})) {
        if (!name.endsWith(".tmp")) continue;
        const path = ${JSON.stringify(directory)} + "/" + name;
        seen++;
        denoPlatform.files.removeAbandoned(path);
        if (!there(path)) gone++;
      }
    }
    console.log(JSON.stringify({ seen, gone }));
  `;
  try {
    const source = `${directory}/tidy.ts`;
    Deno.writeTextFileSync(source, script);
    const args = ["run", "-A", "--no-prompt", "--no-check", source];
    const tidier = new Deno.Command(Deno.execPath(), { args, stdin: "null", stdout: "piped" })
      .spawn();
    const output = tidier.stdout.pipeThrough(new TextDecoderStream()).getReader();
    let text = "";
    while (!text.includes("ready")) text += (await output.read()).value;
    const file = `${directory}/file`;
    for (let at = 0; at < REPLACED; at++) {
      denoPlatform.files.replace(file, new TextEncoder().encode(`${at}`));
      assert.equal(Deno.readTextFileSync(file), `${at}`);
      assert.ok(!denoPlatform.files.create(file, new Uint8Array(1)));
      assert.equal(Deno.readTextFileSync(file), `${at}`);
      assert.ok(denoPlatform.files.create(`${file}.new`, new Uint8Array(1)));
      Deno.removeSync(`${file}.new`);
    }
    Deno.writeTextFileSync(`${directory}/over`, "");
    for (let next = await output.read(); !next.done; next = await output.read()) text += next.value;
    await tidier.status;
    const { seen, gone } = JSON.parse(text.trim().split("\n").at(-1)!);
    say(`tidied beside ${REPLACED} writes: seen ${seen}, gone afterwards ${gone}`);
    assert.ok(seen >= LEAST_SEEN, `only ${seen} were seen`);
    const left = [...Deno.readDirSync(directory)].map(({ name }) => name).sort();
    assert.deepEqual(left, ["file", "over", "tidy.ts"]);
  } finally {
    Deno.removeSync(directory, { recursive: true });
  }
});

/** Leaves a temporary file, as a writer does that is killed. */
function plant({ stateRoot }: Machine): string {
  const name = `.${crypto.randomUUID()}.tmp`;
  Deno.writeTextFileSync(`${stateRoot}/${name}`, "half of it", { mode: 0o600 });
  return name;
}

function temporary({ stateRoot }: Machine): string[] {
  return [...Deno.readDirSync(stateRoot)].map(({ name }) => name)
    .filter((name) => name.endsWith(".tmp")).sort();
}
