/** The programs and variables that stand for `palyra` in tests. */

/** Program, first arguments and variables that stand for `palyra`. */
export interface PalyraCommand {
  readonly argv: readonly string[];
  readonly env: Readonly<Record<string, string>>;
}

const PROJECT = Deno.realPathSync(`${import.meta.dirname}/../..`);
/** Flags for the bundle: nothing beside it is looked at. */
export const BUNDLE_FLAGS: readonly string[] = [
  "run",
  "-A",
  "--no-prompt",
  "--no-config",
  "--no-lock",
  "--no-npm",
  "--no-remote",
];

/** The command for this user: the sources, or the bundle given here or by PALYRA_TEST_BUNDLE. */
export async function palyraCommand(bundle = givenBundle()): Promise<PalyraCommand> {
  const env = { DENO_DIR: await denoDirectory() };
  if (bundle !== undefined) {
    return {
      argv: [Deno.execPath(), ...BUNDLE_FLAGS, `${Deno.realPathSync(bundle)}/main.js`],
      env,
    };
  }
  const sources = ["run", "-A", "--no-prompt", "--cached-only", "--config", `${PROJECT}/deno.json`];
  return { argv: [Deno.execPath(), ...sources, `${PROJECT}/main.ts`], env };
}

let found: Promise<string> | undefined;

/** The cache directory of the Deno that runs this. */
export function denoDirectory(): Promise<string> {
  found ??= new Deno.Command(Deno.execPath(), { args: ["info", "--json"] }).output()
    .then(({ stdout }) => JSON.parse(new TextDecoder().decode(stdout)).denoDir as string);
  return found;
}

/** The bundle that is to be tested in place of the sources, if one is given. */
export function givenBundle(): string | undefined {
  return Deno.env.get("PALYRA_TEST_BUNDLE") || undefined;
}
