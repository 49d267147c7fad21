/** Start-up: what each command loads of the runtime, counted by the runtime itself. */

import assert from "node:assert/strict";
import { runProcess } from "../support/process.ts";

const MAIN = new URL("../../main.ts", import.meta.url).pathname;
/** The four scripts that `node:sqlite` consists of. */
const SQLITE = [
  "ext:deno_node/internal/crypto/_keys.ts",
  "ext:deno_node/internal/util/types.ts",
  "ext:deno_node/internal_binding/types.ts",
  "ext:deno_node/sqlite.ts",
];

/** Runtime scripts that a command loads beyond the snapshot. */
async function lazyScripts(stateRoot: string, args: string[], stdin = ""): Promise<string[]> {
  const { status, err } = await runProcess({
    argv: [Deno.execPath(), "run", "-A", "--no-prompt", MAIN, ...args],
    env: {
      ...Deno.env.toObject(),
      DENO_LOG_LAZY_LOAD: "1",
      NO_COLOR: "1",
      PALYRA_STATE_ROOT: stateRoot,
    },
    stdin,
  });
  assert.equal(status, 0, err); // an early failure would pass for "loads nothing"
  return [...err.matchAll(/^\[lazy\]\s+\S+\s+(ext:\S+)/gm)].map((match) => match[1]!).sort();
}

Deno.test("--version and help load nothing, and reads load node:sqlite alone", async () => {
  const directory = Deno.makeTempDirSync();
  try {
    const root = `${directory}/state`;
    assert.deepEqual(await lazyScripts(root, ["--version"]), []);
    for (
      const args of [["--help"], ["secrets", "set", "--help"], ["help", "exit-codes"], [
        "version",
        "--json",
      ]]
    ) {
      assert.deepEqual(await lazyScripts(root, args), [], args.join(" "));
    }
    assert.throws(() => Deno.lstatSync(root), Deno.errors.NotFound); // none of them made anything
    await lazyScripts(root, ["secrets", "set", "global/x"], "value");
    for (
      const args of [
        ["resolve", "global/x"],
        ["resolve", "global/x", "--json"],
        ["secrets", "get", "global/x", "--reveal"],
        ["secrets", "list"],
        ["vault", "status"],
      ]
    ) {
      assert.deepEqual(await lazyScripts(root, args), SQLITE, args.join(" "));
    }
    assert.deepEqual(await lazyScripts(root, ["secrets", "set", "global/x"], "other"), SQLITE);
  } finally {
    Deno.removeSync(directory, { recursive: true });
  }
});

Deno.test("the version in main.ts is that of deno.json", async () => {
  const { version } = JSON.parse(
    Deno.readTextFileSync(new URL("../../deno.json", import.meta.url)),
  );
  const { stdout } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", MAIN, "--version"],
  }).output();
  assert.equal(new TextDecoder().decode(stdout), `${version}\n`);
});
