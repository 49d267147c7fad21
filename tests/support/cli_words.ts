/** The words and variables that stand for `palyra`: from sources or a bundle, for us or for nobody. */

import { copyProgram } from "./program_file.ts";

/** What stands before the arguments of a command line. */
export interface CliWords {
  readonly words: readonly string[];
  /** What Deno needs to find its cache where HOME leads elsewhere. */
  readonly env: Readonly<Record<string, string>>;
}

/** A user, and a group, that own nothing. */
export const NOBODY = 65_534;

const PROJECT = `${import.meta.dirname}/../..`;
const OF_BUNDLE = ["--no-config", "--no-lock", "--no-npm", "--no-remote"];

let own: Promise<CliWords> | undefined;
let nobodys: Promise<CliWords> | undefined;

/** The sources, or the bundle that PALYRA_TEST_BUNDLE names, run by this user. */
export function ownWords(): Promise<CliWords> {
  return own ??= (async () => {
    const bundle = givenBundle();
    const main = bundle === undefined
      ? [`${PROJECT}/main.ts`]
      : [...OF_BUNDLE, `${bundle}/main.js`];
    const words = [Deno.execPath(), "run", "-A", "--no-prompt", "--quiet", ...main];
    return { words, env: { DENO_DIR: await denoDirectory(), DENO_NO_UPDATE_CHECK: "1" } };
  })();
}

/** A bundle run by nobody, with a Deno and a cache within that user's reach. Needs root. */
export function nobodyWords(): Promise<CliWords> {
  return nobodys ??= (async () => {
    const place = Deno.realPathSync(Deno.makeTempDirSync({ prefix: "palyra-nobody-" }));
    globalThis.addEventListener("unload", () => Deno.removeSync(place, { recursive: true }));
    Deno.chmodSync(place, 0o755);
    copyProgram(Deno.execPath(), `${place}/deno`);
    Deno.mkdirSync(`${place}/cache`);
    Deno.chownSync(`${place}/cache`, NOBODY, NOBODY);
    await bringBundle(`${place}/dist`);
    const run = [`${place}/deno`, "run", "-A", "--no-prompt", "--quiet", ...OF_BUNDLE];
    return {
      words: [...AS_NOBODY, ...run, `${place}/dist/main.js`],
      env: { DENO_DIR: `${place}/cache`, DENO_NO_UPDATE_CHECK: "1" },
    };
  })();
}

/** Runs what follows as nobody. */
export const AS_NOBODY: readonly string[] = [
  ...["/usr/bin/setpriv", "--reuid", `${NOBODY}`, "--regid", `${NOBODY}`, "--clear-groups"],
];

async function bringBundle(to: string): Promise<void> {
  const given = givenBundle();
  if (given === undefined) {
    const args = ["run", "-A", "scripts/bundle.ts", "--out", to];
    const { success } = await new Deno.Command(Deno.execPath(), { args, cwd: PROJECT }).output();
    if (!success) throw new Error("The bundle cannot be made");
  } else {
    Deno.mkdirSync(to);
    for (const { name } of Deno.readDirSync(given)) {
      Deno.copyFileSync(`${given}/${name}`, `${to}/${name}`);
    }
  }
  Deno.chmodSync(to, 0o755);
  for (const { name } of Deno.readDirSync(to)) Deno.chmodSync(`${to}/${name}`, 0o644);
}

function givenBundle(): string | undefined {
  return Deno.env.get("PALYRA_TEST_BUNDLE") || undefined;
}

async function denoDirectory(): Promise<string> {
  const { stdout } = await new Deno.Command(Deno.execPath(), { args: ["info", "--json"] }).output();
  return JSON.parse(new TextDecoder().decode(stdout)).denoDir;
}
