/** Runs palyra itself: from its sources, from a bundle, or as another user. */

import { type Ended, type ProcessOptions, runProcess } from "./process.ts";

const ROOT = new URL("../..", import.meta.url).pathname;
const BUNDLE_FLAGS = ["--no-config", "--no-lock", "--no-npm", "--no-remote", "--no-prompt"];
const NOBODY = 65_534;

/** How to run it. */
export interface PalyraOptions {
  /** The state root, as PALYRA_STATE_ROOT. */
  readonly root?: string;
  readonly stdin?: string | Uint8Array;
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
  /** As uid and gid 65534, without any group. Needs root. */
  readonly asNobody?: boolean;
  readonly timeoutMs?: number;
}

/** Runs palyra with these arguments. */
export async function palyra(args: readonly string[], options: PalyraOptions = {}): Promise<Ended> {
  return await runProcess(await palyraProcess(args, options));
}

/** The process that {@link palyra} would run, to be started otherwise. */
export async function palyraProcess(
  args: readonly string[],
  { root, stdin, env, cwd, asNobody, timeoutMs }: PalyraOptions = {},
): Promise<ProcessOptions> {
  const argv = asNobody ? await nobodyCommand() : await command();
  const cache = asNobody ? `${await nobodyDirectory()}/cache` : denoDir();
  return {
    argv: [...argv, ...args],
    env: {
      PATH: "/usr/bin:/bin",
      HOME: "/nonexistent",
      NO_COLOR: "1",
      DENO_DIR: cache,
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

/** Whether tests may become uid 65534. */
export function cannotBecomeNobody(): string | undefined {
  if (Deno.uid() !== 0) return "not running as root";
  try {
    Deno.statSync("/usr/bin/setpriv");
    return undefined;
  } catch {
    return "setpriv is not installed";
  }
}

/** Gives a path to uid 65534. */
export function giveToNobody(path: string): void {
  Deno.chownSync(path, NOBODY, NOBODY);
}

/** A temporary directory that is removed at the end; `state` in it does not exist yet. */
export function tempRoot(): Disposable & { readonly path: string; readonly state: string } {
  const path = Deno.makeTempDirSync({ prefix: "palyra-test-" });
  const remove = (): void => Deno.removeSync(path, { recursive: true });
  return { path, state: `${path}/state`, [Symbol.dispose]: remove };
}

let made: Promise<string> | undefined;
let nobody: Promise<string> | undefined;

async function command(): Promise<[string, ...string[]]> {
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

/** Another user needs a runtime, a cache and a bundle that it may read and write. */
function nobodyDirectory(): Promise<string> {
  return nobody ??= (async () => {
    const directory = Deno.makeTempDirSync({ prefix: "palyra-nobody-" });
    globalThis.addEventListener("unload", () => Deno.removeSync(directory, { recursive: true }));
    Deno.chmodSync(directory, 0o755);
    Deno.copyFileSync(Deno.execPath(), `${directory}/deno`);
    Deno.chmodSync(`${directory}/deno`, 0o755);
    Deno.mkdirSync(`${directory}/cache`);
    giveToNobody(`${directory}/cache`);
    Deno.mkdirSync(`${directory}/dist`);
    Deno.chmodSync(`${directory}/dist`, 0o755);
    for (const { name } of Deno.readDirSync(await bundle())) {
      Deno.copyFileSync(`${await bundle()}/${name}`, `${directory}/dist/${name}`);
      Deno.chmodSync(`${directory}/dist/${name}`, 0o644);
    }
    return directory;
  })();
}

async function nobodyCommand(): Promise<[string, ...string[]]> {
  const directory = await nobodyDirectory();
  const ids = ["--reuid", `${NOBODY}`, "--regid", `${NOBODY}`, "--clear-groups"];
  const run = [`${directory}/deno`, "run", "-A", ...BUNDLE_FLAGS, `${directory}/dist/main.js`];
  return ["/usr/bin/setpriv", ...ids, ...run];
}

function denoDir(): string {
  return Deno.env.get("DENO_DIR") ?? `${Deno.env.get("HOME")}/.cache/deno`;
}
