/** A file source, while somebody exchanges a part of its path for a link as fast as they can. */

import assert from "node:assert/strict";
import { AS_NOBODY, NOBODY } from "../support/cli_words.ts";
import { say } from "../support/dice.ts";
import { copyProgram } from "../support/program_file.ts";
import { whyNoSetpriv } from "../support/requirements.ts";
import { unlessSkipped } from "../support/skip.ts";

const TRIES = 10_000;
/** Of each outcome there must be some, else nothing was shown. */
const LEAST = 100;
const PROJECT = new URL("../..", import.meta.url).pathname;

/** What is exchanged, and for a link to what. */
const SWAPS: readonly (readonly [what: string, path: string, target: string])[] = [
  ["its directory", "trusted/inner", "outside"],
  ["the trusted directory itself", "trusted", "outside"],
  ["the file", "trusted/inner/file", "outside/file"],
];

const programs = await makePrograms();

/** Both programs as one file each, and a runtime that everybody can start. */
async function makePrograms(): Promise<{ readonly directory: string }> {
  const directory = Deno.realPathSync(Deno.makeTempDirSync({ prefix: "palyra-test-" }));
  globalThis.addEventListener("unload", () => Deno.removeSync(directory, { recursive: true }));
  Deno.chmodSync(directory, 0o755);
  for (const name of ["file_reader", "path_swapper"]) {
    const args = ["bundle", "-q", `tests/support/${name}.ts`, "-o", `${directory}/${name}.js`];
    const { success, stderr } = await new Deno.Command(Deno.execPath(), { args, cwd: PROJECT })
      .output();
    assert.ok(success, new TextDecoder().decode(stderr));
    Deno.chmodSync(`${directory}/${name}.js`, 0o644);
  }
  copyProgram(Deno.execPath(), `${directory}/deno`);
  Deno.mkdirSync(`${directory}/cache`);
  Deno.chmodSync(`${directory}/cache`, 0o777);
  return { directory };
}

function start(as: readonly string[], name: string, args: readonly string[]): Deno.ChildProcess {
  const { directory } = programs;
  const run = ["run", "-A", "--no-config", "--no-lock", "--no-prompt", `${directory}/${name}.js`];
  const [program, ...rest] = [...as, `${directory}/deno`, ...run, ...args] as [string, ...string[]];
  return new Deno.Command(program, {
    args: rest,
    cwd: "/",
    clearEnv: true,
    env: { DENO_DIR: `${directory}/cache`, NO_COLOR: "1" },
    stdout: "piped",
    stderr: "inherit",
  }).spawn();
}

/** A tree of one user, with a secret inside and another one outside of the trusted directory. */
function makeTree(owner: number): string {
  const directory = Deno.realPathSync(Deno.makeTempDirSync({ prefix: "palyra-test-" }));
  for (const [name, text] of [["trusted/inner", "inside"], ["outside/inner", "OUTSIDE"]] as const) {
    Deno.mkdirSync(`${directory}/${name}`, { recursive: true });
    Deno.writeTextFileSync(`${directory}/${name}/file`, text, { mode: 0o600 });
  }
  Deno.writeTextFileSync(`${directory}/outside/file`, "OUTSIDE", { mode: 0o600 });
  for (const name of ["", "/trusted", "/trusted/inner", "/outside", "/outside/inner"]) {
    Deno.chmodSync(directory + name, 0o755);
    Deno.chownSync(directory + name, owner, owner);
  }
  for (const name of ["trusted/inner/file", "outside/inner/file", "outside/file"]) {
    Deno.chownSync(`${directory}/${name}`, owner, owner);
  }
  return directory;
}

async function readThrough(as: readonly string[], owner: number): Promise<void> {
  for (const [what, path, target] of SWAPS) {
    // Root's own link in root's own directory is followed: root says which directory is the trusted one.
    if (owner === 0 && path === "trusted") continue;
    const tree = makeTree(owner);
    const swapper = start(as, "path_swapper", [`${tree}/${path}`, `${tree}/${target}`]);
    const file = `${tree}/trusted/inner/file`;
    const reader = start(as, "file_reader", [
      ...[file, `${tree}/trusted`, `${TRIES}`, `${LEAST}`],
    ]);
    const { success, stdout } = await reader.output();
    swapper.kill("SIGKILL");
    await swapper.output();
    Deno.removeSync(tree, { recursive: true });
    assert.ok(success);
    const counts: Record<string, number> = JSON.parse(new TextDecoder().decode(stdout));
    say(`swaps of ${what}, uid ${owner}: ${JSON.stringify(counts)}`);
    const { "read inside": inside = 0, denied = 0, ...others } = counts;
    assert.ok(inside >= LEAST, `only ${inside} readings of the file`);
    assert.ok(denied >= LEAST, `only ${denied} links were seen`);
    assert.deepEqual(Object.keys(others).filter((key) => key !== "not there"), []);
  }
}

Deno.test("a file that others replace in one step is read whole, again and again", async () => {
  const tree = makeTree(Deno.uid()!);
  const file = `${tree}/trusted/inner/file`;
  const swapper = start([], "path_swapper", [file]);
  const reader = start([], "file_reader", [file, `${tree}/trusted`, `${TRIES}`, "0"]);
  const { success, stdout } = await reader.output();
  swapper.kill("SIGKILL");
  await swapper.output();
  Deno.removeSync(tree, { recursive: true });
  assert.ok(success);
  const outcomes = Object.keys(JSON.parse(new TextDecoder().decode(stdout)));
  say(`replacements of the file: ${outcomes.length} of them read`);
  assert.deepEqual(outcomes.filter((outcome) => !/^read inside(?: \d+)?$/.test(outcome)), []);
  assert.ok(outcomes.length >= LEAST, `only ${outcomes.length} files were read`);
});

Deno.test("a part of the path that is swapped for a link never leads outside", async () => {
  await readThrough([], Deno.uid()!);
});

unlessSkipped("no-setpriv", whyNoSetpriv())(
  "a part of the path that is swapped for a link never leads an ordinary user outside",
  async () => {
    await readThrough(AS_NOBODY, NOBODY);
  },
);
