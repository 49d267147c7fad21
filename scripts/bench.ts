/** Measures whole processes: start-up as a ratio to an empty script, and a vault of 10,000 secrets. */

import { SensitiveBytes } from "../src/crypto/sensitive_bytes.ts";
import { openIdentity } from "../src/identity/identity.ts";
import { denoPlatform } from "../src/platform/deno/platform.ts";
import { setSecret } from "../src/vault/set_secret.ts";
import { openVault, vaultPaths } from "../src/vault/vault.ts";
import { parseSecretId } from "../src/vault/vault_ref.ts";
import { deno, median, say, timed } from "./bench/measure.ts";
import { benchAuth } from "./bench/auth.ts";
import { benchPairing } from "./bench/pairing.ts";
import { benchPrograms } from "./bench/programs.ts";
import { benchScan } from "./bench/scan.ts";
import { benchSecretService } from "./bench/secret_service.ts";
import { benchUse } from "./bench/use.ts";

const RUNS = 25;
const MANY = 10_000;
const HUNDRED = 100;
const IN_MANIFEST = 200;
const root = new URL("..", import.meta.url).pathname;
const temp = await Deno.makeTempDir({ prefix: "palyra-bench-" });
const bundle = `${temp}/dist`;
const CONFIGURED = [
  "openai-api-key",
  "global/configured",
  "--quiet",
  "--config",
  `${temp}/palyra.toml`,
];
const RUN_BUNDLE = ["run", "-A", "--no-config", "--no-lock", "--no-npm", "--no-remote"];

interface Measured {
  readonly name: string;
  readonly args: readonly string[];
  readonly stateRoot?: string;
  readonly stdin?: string;
  /** Another program than Deno. */
  readonly program?: string;
  /** Most times the empty script's duration. */
  readonly budget: number;
}

try {
  Deno.exitCode = await main();
} finally {
  await Deno.remove(temp, { recursive: true });
}

async function main(): Promise<number> {
  await deno(["run", "-A", "scripts/bundle.ts", "--out", bundle]);
  await Deno.writeTextFile(`${temp}/empty.ts`, "");
  const few = `${temp}/few`;
  const many = `${temp}/many`;
  await fill(few, HUNDRED);
  const hundred = Array.from({ length: HUNDRED }, (_, at) => `global/secret_${at}`);
  const one = ["resolve", "global/secret_1"];
  const main = [...RUN_BUNDLE, `${bundle}/main.js`];
  const single = await buildSingleFile();
  // As the task palyra runs them.
  const lazy = "--unstable-lazy-dynamic-imports";
  const sources = ["run", "-A", "--no-prompt", lazy, "main.ts"];
  const cases: Measured[] = [
    { name: "--version, bundle", args: [...main, "--version"], budget: 1.15 },
    { name: "resolve, bundle", args: [...main, ...one], budget: 2.1 },
    {
      name: "get --reveal, bundle",
      args: [...main, "secrets", "get", "global/secret_1", "--reveal"],
      budget: 2.1,
    },
    { name: "resolve, sources", args: [...sources, ...one], budget: 2.4 },
    {
      name: "resolve of 100, bundle",
      args: [...main, "resolve", "--json", ...hundred],
      budget: 3.2,
    },
    {
      name: "resolve --format sh, bundle",
      args: [...main, "resolve", "--format", "sh", "global/secret_1"],
      budget: 2.6,
    },
    { name: "single file, --version", program: single, args: ["--version"], budget: 1.3 },
    { name: "single file, resolve", program: single, args: one, budget: 2.3 },
    {
      name: "configure, no change",
      args: [...main, "secrets", "configure", ...CONFIGURED],
      stdin: "the value",
      budget: 3,
    },
  ];
  await deno([...main, "secrets", "configure", ...CONFIGURED], stateEnv(few), {
    stdin: "the value",
  });
  let over = 0;
  for (const measured of cases) over += await compare({ ...measured, stateRoot: few });
  over += await largeVault(main, few, many);
  over += await manifest(main, few);
  over += await benchUse(main, few, temp);
  over += await benchPrograms(main, few, temp);
  over += await benchScan(main, temp);
  over += await benchSecretService(main, temp);
  over += await benchPairing();
  over += await benchAuth(main, temp);
  say(over === 0 ? "all within their budgets" : `${over} over budget`);
  return over === 0 ? 0 : 1;
}

/** Builds the single file, and measures its first run. */
async function buildSingleFile(): Promise<string> {
  const release = `${temp}/release`;
  await deno(["run", "-A", "scripts/build.ts", "--out", release]);
  const [{ name }] = [...Deno.readDirSync(release)].filter(({ name }) =>
    name.startsWith("palyra-")
  ) as [
    Deno.DirEntry,
  ];
  const program = `${release}/${name}`;
  const first = await timed(["--version"], { PALYRA_RUNTIME_DIR: `${temp}/first` }, { program });
  say(`${"single file, first run".padEnd(28)} ${first.toFixed(1).padStart(7)} ms`);
  return program;
}

/** Runs the command and the empty script in turn, so that a drift of the machine hits both. */
async function compare(measured: Measured): Promise<number> {
  const { name, args, stateRoot, stdin, program, budget } = measured;
  const empty = ["run", "-A", `${temp}/empty.ts`];
  const ratios: number[] = [];
  const times: number[] = [];
  for (let run = -2; run < RUNS; run++) {
    const base = await timed(empty, stateEnv(stateRoot));
    const env = { ...stateEnv(stateRoot), PALYRA_RUNTIME_DIR: `${temp}/runtime` };
    const time = await timed(args, env, { stdin, program });
    if (run < 0) continue; // caches are filled first
    ratios.push(time / base);
    times.push(time);
  }
  const ratio = median(ratios);
  say(
    `${name.padEnd(28)} ${median(times).toFixed(1).padStart(7)} ms  ratio ${
      ratio.toFixed(2)
    }  budget ${budget}`,
  );
  return ratio <= budget ? 0 : 1;
}

async function largeVault(main: string[], small: string, many: string): Promise<number> {
  await fill(many, MANY);
  const list = await best([...main, "secrets", "list", "--json"], many);
  const check = await best([...main, "vault", "check", "--json"], many);
  const complete = await best([...main, "__complete", "--", "secrets", "get", "g"], many);
  let at = 0;
  const set = (stateRoot: string): Promise<number> =>
    timed([...main, "secrets", "set", `global/new_${at++}`], stateEnv(stateRoot), {
      stdin: "value",
    });
  const smallTime = await medianOf(() => set(small));
  const large = await medianOf(() => set(many));
  const memory = await peakMemory([...main, "vault", "check", "--json"], many);
  const rows: [string, number, number, string][] = [
    [`list of ${MANY}`, list, 300, "ms"],
    [`completion of ${MANY} names`, complete, 200, "ms"],
    [`vault check of ${MANY}`, check, 5_000, "ms"],
    [`set: ${MANY} against ${HUNDRED}`, large / smallTime, 2, "times"],
    ["peak memory of vault check", memory ?? 0, 200, "MB"],
  ];
  for (const [name, value, budget, unit] of rows) {
    say(`${name.padEnd(28)} ${value.toFixed(1).padStart(7)} ${unit}  budget ${budget}`);
  }
  return rows.filter(([, value, budget]) => value > budget).length;
}

/** A manifest of many secrets, new ones each time, into a config that has them all or none. */
async function manifest(main: string[], stateRoot: string): Promise<number> {
  const file = `${temp}/manifest.toml`;
  const entries = Array.from(
    { length: IN_MANIFEST },
    (_, at) =>
      `[[secret]]\nfield = "service_${
        at % 20
      }.key_${at}"\nref = "global/manifest_${at}"\ngenerate = 32\n`,
  );
  await Deno.writeTextFile(file, `version = 1\n${entries.join("")}`);
  const times = [];
  for (let run = 0; run < 7; run++) {
    const config = `${temp}/manifest_${run}.toml`;
    const args = [...main, "secrets", "configure", "apply", file, "--config", config];
    times.push(await timed(args, stateEnv(stateRoot)));
  }
  const time = median(times);
  say(`${`manifest of ${IN_MANIFEST}`.padEnd(28)} ${time.toFixed(1).padStart(7)} ms  budget 1000`);
  return time > 1_000 ? 1 : 0;
}

async function fill(stateRoot: string, count: number): Promise<void> {
  await deno(
    ["run", "-A", "main.ts", "init", "--quiet", "--backend", "encrypted_file"],
    stateEnv(stateRoot),
  );
  const authority = await openIdentity(denoPlatform, `${stateRoot}/identity`, {
    mayUnlock: false,
    passphrase: () => Promise.reject(new Error("There is none")),
  });
  using vault = await openVault(denoPlatform, vaultPaths(stateRoot), {
    keks: authority!,
    bindings: () =>
      Promise.resolve({ of: () => ({ ref: undefined, exact: false }), names: () => false }),
  });
  for (let at = 0; at < count; at++) {
    const text = crypto.getRandomValues(new Uint8Array(36)).toBase64(); // as exports need it
    using value = new SensitiveBytes(new TextEncoder().encode(text));
    await setSecret(vault!, parseSecretId(`global/secret_${at}`), value);
  }
}

function stateEnv(stateRoot: string | undefined): Record<string, string> {
  return stateRoot === undefined ? {} : { PALYRA_STATE_ROOT: stateRoot };
}

async function best(args: readonly string[], stateRoot: string): Promise<number> {
  const times = [];
  for (let run = 0; run < 5; run++) times.push(await timed(args, stateEnv(stateRoot)));
  return median(times);
}

async function medianOf(measure: () => Promise<number>): Promise<number> {
  const times = [];
  for (let run = 0; run < RUNS; run++) times.push(await measure());
  return median(times);
}

/** Peak resident memory in MB by GNU time; `undefined` where that is not installed. */
async function peakMemory(args: readonly string[], stateRoot: string): Promise<number | undefined> {
  const command = new Deno.Command("/usr/bin/time", {
    args: ["-f", "%M", Deno.execPath(), ...args],
    cwd: root,
    env: stateEnv(stateRoot),
    stdout: "null",
  });
  const result = await command.output().catch(() => undefined);
  if (result === undefined) {
    say("peak memory not measured: GNU time is not installed");
    return undefined;
  }
  return Number(new TextDecoder().decode(result.stderr).trim().split("\n").at(-1)) / 1024;
}
