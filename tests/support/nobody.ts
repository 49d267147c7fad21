/** Palyra for another user: a Deno, a cache and a bundle that uid 65534 can read. */

import { BUNDLE_FLAGS, type PalyraCommand } from "./palyra_command.ts";
import { whyNoSetpriv } from "./requirements.ts";

/** The user and group that own nothing. */
export const NOBODY = 65534;

const PROJECT = `${import.meta.dirname}/../..`;
const prepared = new Map<string | undefined, Promise<PalyraCommand>>();

/** Tells whether tests may run programs as nobody: uid 0, and setpriv works. */
export function canBecomeNobody(): boolean {
  return whyNoSetpriv() === undefined;
}

/** The command that runs palyra as nobody; made once per test module, gone when that ends. */
export function nobodyCommand(bundle?: string): Promise<PalyraCommand> {
  let command = prepared.get(bundle);
  if (command === undefined) prepared.set(bundle, command = prepare(bundle));
  return command;
}

async function prepare(bundle: string | undefined): Promise<PalyraCommand> {
  const place = Deno.realPathSync(Deno.makeTempDirSync({ prefix: "palyra-nobody-" }));
  globalThis.addEventListener("unload", () => Deno.removeSync(place, { recursive: true }));
  Deno.chmodSync(place, 0o755);
  await Deno.copyFile(Deno.execPath(), `${place}/deno`);
  Deno.chmodSync(`${place}/deno`, 0o755);
  if (bundle === undefined) await makeBundle(`${place}/dist`);
  else copyFiles(bundle, `${place}/dist`);
  openToAll(`${place}/dist`);
  Deno.mkdirSync(`${place}/cache`);
  Deno.chownSync(`${place}/cache`, NOBODY, NOBODY);
  const user = ["--reuid", `${NOBODY}`, "--regid", `${NOBODY}`, "--clear-groups"];
  return {
    argv: ["/usr/bin/setpriv", ...user, `${place}/deno`, ...BUNDLE_FLAGS, `${place}/dist/main.js`],
    env: { DENO_DIR: `${place}/cache` },
  };
}

async function makeBundle(out: string): Promise<void> {
  const args = ["run", "-A", "scripts/bundle.ts", "--out", out];
  const { success, stderr } = await new Deno.Command(Deno.execPath(), { args, cwd: PROJECT })
    .output();
  if (!success) throw new Error(`Cannot make the bundle: ${new TextDecoder().decode(stderr)}`);
}

function copyFiles(from: string, to: string): void {
  Deno.mkdirSync(to);
  for (const { name } of Deno.readDirSync(from)) {
    Deno.copyFileSync(`${from}/${name}`, `${to}/${name}`);
  }
}

function openToAll(directory: string): void {
  Deno.chmodSync(directory, 0o755);
  for (const { name } of Deno.readDirSync(directory)) Deno.chmodSync(`${directory}/${name}`, 0o644);
}
