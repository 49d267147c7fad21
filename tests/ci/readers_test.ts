/**
 * What the formats write, read back by the programs that they are for: exactly, or it is refused. And the
 * other way: what `run` takes from an env file is what those programs find in it.
 */

import assert from "node:assert/strict";
import { formatDockerEnv } from "../../src/ci/docker_env.ts";
import { formatDotenv } from "../../src/ci/dotenv.ts";
import { readDotenv } from "../../src/ci/read_dotenv.ts";
import { formatShell } from "../../src/ci/shell.ts";
import { formatSystemdEnv } from "../../src/ci/systemd_env.ts";
import type { Variable } from "../../src/ci/variable.ts";
import { askOracle } from "../support/ask_oracle.ts";
import { rollDice, say } from "../support/dice.ts";
import { dotenvLine } from "../support/dotenv_lines.ts";
import { startFakeDaemon } from "../support/fake_docker_daemon.ts";
import { runProcess } from "../support/process.ts";
import {
  whyNoDirenv,
  whyNoDocker,
  whyNoNode,
  whyNoSystemdLibrary,
} from "../support/requirements.ts";
import { unlessSkipped } from "../support/skip.ts";
import { asVariables, manyTexts } from "../support/variables.ts";

type Format = (variables: readonly Variable[]) => string;
type Reader = (directory: string, text: string) => Promise<Readonly<Record<string, string>>>;

const CASES = 1_000;
const PATH = "/usr/local/bin:/usr/bin:/bin";
const PRINT_NODE = "process.stdout.write(JSON.stringify(process.env))";
const PRINT_DENO =
  "await Deno.stdout.write(new TextEncoder().encode(JSON.stringify(Deno.env.toObject())))";
/** systemd's own parser, called in its library. */
const PRINT_SYSTEMD = `
import ctypes, glob, sys
library = ctypes.CDLL(glob.glob("/usr/lib/*/systemd/libsystemd-shared-*.so")[0])
found = ctypes.POINTER(ctypes.c_char_p)()
assert library.load_env_file(None, sys.argv[1].encode(), ctypes.byref(found)) >= 0
at = 0
while found[at] is not None:
    sys.stdout.buffer.write(found[at] + b"\\0")
    at += 1
`;

/** The least share of the cases that a format must take. */
async function check(name: string, format: Format, read: Reader, least: number): Promise<void> {
  const { seed } = rollDice(name);
  const variables = asVariables(manyTexts(CASES, seed));
  const taken = variables.filter((one) => {
    try {
      return format([one]) !== "";
    } catch {
      return false;
    }
  });
  const directory = Deno.realPathSync(Deno.makeTempDirSync({ prefix: "palyra-test-" }));
  try {
    const found = await read(directory, format(taken));
    for (const { name, text } of taken) {
      assert.equal(JSON.stringify(found[name]), JSON.stringify(text), name);
    }
  } finally {
    Deno.removeSync(directory, { recursive: true });
  }
  say(`${name}: ${taken.length} of ${variables.length} values read back, the others refused`);
  assert.ok(taken.length >= variables.length * least);
}

async function output(
  argv: readonly string[],
  options: { readonly cwd: string; readonly env?: Record<string, string>; readonly stdin?: string },
): Promise<string> {
  const { out, err, status } = await runProcess({
    ...options,
    argv,
    env: { PATH, HOME: options.cwd, ...options.env },
    timeoutMs: 120_000,
  });
  assert.equal(status, 0, err.slice(0, 500));
  return out;
}

function fromList(text: string): Record<string, string> {
  const entries = text.split("\0").filter((entry) => entry !== "");
  return Object.fromEntries(entries.map((entry) => {
    const at = entry.indexOf("=");
    return [entry.slice(0, at), entry.slice(at + 1)];
  }));
}

for (const shell of ["/bin/sh", "/bin/bash"]) {
  Deno.test(`${shell} reads what sh writes`, async () => {
    await check(shell, formatShell, async (cwd, text) => {
      Deno.writeTextFileSync(`${cwd}/vars`, text);
      return fromList(await output([shell, "-c", 'eval "$(cat vars)" && env -0'], { cwd }));
    }, 1);
  });
}

unlessSkipped("no-direnv", whyNoDirenv())("direnv reads what sh writes", async () => {
  await check("direnv", formatShell, async (cwd, text) => {
    Deno.writeTextFileSync(`${cwd}/vars`, text);
    Deno.writeTextFileSync(`${cwd}/.envrc`, 'eval "$(cat vars)"\n');
    await output(["direnv", "allow", "."], { cwd });
    return JSON.parse(await output(["direnv", "export", "json"], { cwd }));
  }, 1);
});

async function nodeReads(cwd: string, text: string): Promise<Record<string, string>> {
  Deno.writeTextFileSync(`${cwd}/vars`, text);
  return JSON.parse(await output(["node", "--env-file=vars", "-e", PRINT_NODE], { cwd }));
}

async function denoReads(cwd: string, text: string): Promise<Record<string, string>> {
  Deno.writeTextFileSync(`${cwd}/vars`, text);
  Deno.writeTextFileSync(`${cwd}/print.js`, PRINT_DENO);
  const words = ["run", "-A", "--no-config", "--env-file=vars", "print.js"];
  return JSON.parse(await output([Deno.execPath(), ...words], { cwd }));
}

async function dotenvReads(_cwd: string, text: string): Promise<Record<string, string>> {
  return (await askOracle<Record<string, string>>("dotenv", [["file", text]]))[0]!;
}

unlessSkipped("no-node", whyNoNode())("node --env-file reads what dotenv writes", async () => {
  await check("node", formatDotenv, nodeReads, 0.5);
});

Deno.test("deno --env-file reads what dotenv writes", async () => {
  await check("deno", formatDotenv, denoReads, 0.5);
});

Deno.test("the dotenv library reads what dotenv writes", async () => {
  await check("dotenv", formatDotenv, dotenvReads, 0.5);
});

/** Odd lines that `run` takes one by one, in one file. */
async function compareWithRun(name: string, read: Reader): Promise<void> {
  const dice = rollDice(`env file of run, and ${name}`);
  const lines = Array.from({ length: 2 * CASES }, (_, at) => dotenvLine(dice, `K_${at}`));
  const taken = lines.filter((line) => {
    try {
      return readDotenv(line).length === 1;
    } catch {
      return false;
    }
  });
  const text = taken.join("");
  const directory = Deno.realPathSync(Deno.makeTempDirSync({ prefix: "palyra-test-" }));
  try {
    const found = await read(directory, text);
    for (const [at, { name, value }] of readDotenv(text).entries()) {
      assert.equal(JSON.stringify(found[name]), JSON.stringify(value), JSON.stringify(taken[at]));
    }
  } finally {
    Deno.removeSync(directory, { recursive: true });
  }
  say(`${name}: ${taken.length} of ${lines.length} lines are taken by run, and read alike`);
  assert.ok(taken.length > CASES / 10);
}

unlessSkipped("no-node", whyNoNode())("node --env-file reads what run takes", async () => {
  await compareWithRun("node", nodeReads);
});

Deno.test("deno --env-file reads what run takes", async () => {
  await compareWithRun("deno", denoReads);
});

Deno.test("the dotenv library reads what run takes", async () => {
  await compareWithRun("dotenv", dotenvReads);
});

unlessSkipped("no-docker", whyNoDocker())(
  "docker --env-file reads what docker-env writes",
  async () => {
    await using daemon = startFakeDaemon();
    await check("docker", formatDockerEnv, async (cwd, text) => {
      Deno.writeTextFileSync(`${cwd}/vars`, text);
      const env = { DOCKER_HOST: daemon.host };
      await output(["docker", "create", "--env-file", "vars", "image"], { cwd, env });
      return fromList(daemon.environments[0]!.join("\0"));
    }, 0.5);
  },
);

unlessSkipped("no-systemd-library", whyNoSystemdLibrary())(
  "systemd's parser reads what systemd-env writes",
  async () => {
    await check("systemd", formatSystemdEnv, async (cwd, text) => {
      Deno.writeTextFileSync(`${cwd}/vars`, text);
      return fromList(await output(["/usr/bin/python3", "-c", PRINT_SYSTEMD, "vars"], { cwd }));
    }, 1);
  },
);
