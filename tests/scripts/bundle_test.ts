/** The bundle is palyra still: it gives back every lock, and two builds are the same. */

import assert from "node:assert/strict";
import { runProcess } from "../support/process.ts";

const ROOT = new URL("../..", import.meta.url).pathname;

async function build(out: string): Promise<void> {
  const args = ["run", "-A", `${ROOT}scripts/bundle.ts`, "--out", out];
  const { success, stderr } = await new Deno.Command(Deno.execPath(), { args }).output();
  assert.ok(success, new TextDecoder().decode(stderr));
}

Deno.test("the bundle gives back a lock that it took to clear up", async () => {
  const directory = Deno.makeTempDirSync();
  try {
    await build(`${directory}/dist`);
    const flags = ["-A", "--no-config", "--no-lock", "--no-npm", "--no-remote"];
    const argv = [Deno.execPath(), "run", ...flags, `${directory}/dist/main.js`];
    const env = { ...Deno.env.toObject(), PALYRA_STATE_ROOT: `${directory}/state` };
    const palyra = (...args: string[]): ReturnType<typeof runProcess> =>
      runProcess({ argv: [...argv, ...args], env, stdin: "value" });
    assert.equal((await palyra("secrets", "set", "global/a")).status, 0);
    for (const room of ["vault", "identity"]) {
      Deno.writeTextFileSync(`${directory}/state/${room}/.${crypto.randomUUID()}.tmp`, "", {
        mode: 0o600,
      });
    }
    const rotated = await palyra("vault", "rotate", "kek"); // needs the lock that clearing up took
    assert.equal(rotated.status, 0, rotated.err);
    assert.equal((await palyra("vault", "check", "--strict")).status, 0);
  } finally {
    Deno.removeSync(directory, { recursive: true });
  }
});

Deno.test("a command of the bundle reads its own chunks and no others", async () => {
  const directory = Deno.makeTempDirSync();
  try {
    await build(`${directory}/dist`);
    const chunks = [...Deno.readDirSync(`${directory}/dist`)].map(({ name }) => name);
    const others = chunks.filter((name) => name !== "main.js");
    assert.ok(others.length > 20, `only ${others.length} chunks`);
    const flags = ["-A", "--no-config", "--no-lock", "--no-npm", "--no-remote"];
    const argv = [Deno.execPath(), "run", ...flags, `${directory}/dist/main.js`];
    const env = { ...Deno.env.toObject(), PALYRA_STATE_ROOT: `${directory}/state` };
    const run = (...args: string[]): ReturnType<typeof runProcess> =>
      runProcess({ argv: [...argv, ...args], env, stdin: "value" });
    assert.equal((await run("secrets", "set", "global/a")).status, 0);
    for (const name of others.filter((one) => /framework|vault_check|toml_edit/.test(one))) {
      Deno.removeSync(`${directory}/dist/${name}`);
    }
    const resolved = await run("resolve", "global/a");
    assert.equal(resolved.out, "value", resolved.err);
    for (const name of others) {
      await Deno.remove(`${directory}/dist/${name}`).catch(() => {}); // some are gone
    }
    const version = await run("--version");
    assert.equal(version.status, 0, version.err);
  } finally {
    Deno.removeSync(directory, { recursive: true });
  }
});

Deno.test("two builds are the same to the byte", async () => {
  const directory = Deno.makeTempDirSync();
  try {
    const content = async (name: string): Promise<string[]> => {
      await build(`${directory}/${name}`);
      return [...Deno.readDirSync(`${directory}/${name}`)].map(({ name: file }) =>
        `${file}\n${Deno.readTextFileSync(`${directory}/${name}/${file}`)}`
      ).sort();
    };
    assert.deepEqual(await content("one"), await content("two"));
  } finally {
    Deno.removeSync(directory, { recursive: true });
  }
});
