/**
 * Runs palyra itself, from a bundle that is made once, from the one that PALYRA_TEST_BUNDLE names, or
 * as the program that PALYRA_TEST_PROGRAM names.
 */

import { type Ended, type ProcessOptions, runProcess } from "./process.ts";

const ROOT = new URL("../..", import.meta.url).pathname;
const BUNDLE_FLAGS = ["--no-config", "--no-lock", "--no-npm", "--no-remote", "--no-prompt"];

/** How to run it. */
export interface PalyraOptions {
  /** The state root, as PALYRA_STATE_ROOT. */
  readonly root?: string;
  readonly stdin?: string | Uint8Array;
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
  readonly timeoutMs?: number;
}

/** Runs palyra with these arguments. */
export async function palyra(args: readonly string[], options: PalyraOptions = {}): Promise<Ended> {
  return await runProcess(await palyraProcess(args, options));
}

/** The process that {@link palyra} would run, to be started otherwise. */
export async function palyraProcess(
  args: readonly string[],
  { root, stdin, env, cwd, timeoutMs }: PalyraOptions = {},
): Promise<ProcessOptions> {
  const argv = await command();
  return {
    argv: [...argv, ...args],
    env: {
      PATH: "/usr/bin:/bin",
      HOME: "/nonexistent",
      NO_COLOR: "1",
      PALYRA_VAULT_BACKEND: "encrypted_file", // what `auto` finds depends on the machine
      DENO_DIR: denoDir(),
      ...runtimeDirectory(),
      ...(root === undefined ? {} : { PALYRA_STATE_ROOT: root }),
      ...env,
    },
    ...(stdin === undefined ? {} : { stdin }),
    ...(cwd === undefined ? {} : { cwd }),
    ...(timeoutMs === undefined ? {} : { timeoutMs }),
  };
}

/** The bundle, made once for this test process. */
export function bundle(): Promise<string> {
  return made ??= makeBundle();
}

/** A temporary directory that is removed at the end; `state` in it does not exist yet. */
export function tempRoot(): Disposable & { readonly path: string; readonly state: string } {
  const path = Deno.makeTempDirSync({ prefix: "palyra-test-" });
  const remove = (): void => Deno.removeSync(path, { recursive: true });
  return { path, state: `${path}/state`, [Symbol.dispose]: remove };
}

let made: Promise<string> | undefined;

async function command(): Promise<[string, ...string[]]> {
  const program = Deno.env.get("PALYRA_TEST_PROGRAM");
  if (program) return [program];
  const given = Deno.env.get("PALYRA_TEST_BUNDLE");
  const main = given === undefined ? `${await bundle()}/main.js` : `${given}/main.js`;
  return [Deno.execPath(), "run", "-A", ...BUNDLE_FLAGS, main];
}

async function makeBundle(): Promise<string> {
  const out = Deno.makeTempDirSync({ prefix: "palyra-bundle-" });
  globalThis.addEventListener("unload", () => Deno.removeSync(out, { recursive: true }));
  const args = ["run", "-A", `${ROOT}scripts/bundle.ts`, "--out", out];
  const { success, stderr } = await new Deno.Command(Deno.execPath(), { args, cwd: ROOT }).output();
  if (!success) throw new Error(new TextDecoder().decode(stderr));
  return out;
}

/** Where a program that is tested unpacks itself. */
function runtimeDirectory(): Record<string, string> {
  const directory = Deno.env.get("PALYRA_RUNTIME_DIR");
  return directory === undefined ? {} : { PALYRA_RUNTIME_DIR: directory };
}

function denoDir(): string {
  return Deno.env.get("DENO_DIR") ?? `${Deno.env.get("HOME")}/.cache/deno`;
}
