/** Clients that npm has: installed once, outside of the checkout, and used again by later runs. */

import { say } from "./dice.ts";

const MINUTES = 60_000;
/** Packages of several hundred megabytes. */
const TIMEOUT_MS = 6 * MINUTES;

/** Installs `name@version`, unless it is there; where its packages are, or why it cannot be had. */
export async function npmClient(
  spec: string,
): Promise<{ readonly modules: string } | { readonly why: string }> {
  const base = Deno.env.get("XDG_CACHE_HOME") || `${Deno.env.get("HOME")}/.cache`;
  const directory = `${base}/palyra-tests/${spec.replaceAll(/[^\w.-]+/g, "_")}`;
  const modules = `${directory}/node_modules`;
  const mark = `${directory}/complete`;
  if (exists(mark)) return { modules };
  const started = performance.now();
  try {
    Deno.mkdirSync(directory, { recursive: true });
    const flags = ["--no-audit", "--no-fund", "--ignore-scripts", "--loglevel=error"];
    const child = new Deno.Command("npm", {
      args: ["install", ...flags, "--prefix", directory, spec],
      cwd: directory,
      stdin: "null",
      stdout: "null",
      stderr: "null",
      signal: AbortSignal.timeout(TIMEOUT_MS),
    }).spawn();
    if (!(await child.status).success) return { why: `npm cannot install ${spec}` };
  } catch {
    return { why: "npm is not installed" };
  }
  Deno.writeTextFileSync(mark, "");
  say(`installed ${spec} in ${Math.round((performance.now() - started) / 1_000)} s`);
  return { modules };
}

function exists(path: string): boolean {
  try {
    Deno.statSync(path);
    return true;
  } catch {
    return false;
  }
}
