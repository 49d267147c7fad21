/** The user's own environment, without what the single file and the runtime did to it. */

import { get, STEERING } from "./environment.ts";
import { giveBackNetworkVariables } from "./network_variables.ts";

const LAUNCHER = "PALYRA_LAUNCHER";
const PROGRAM = "PALYRA_PROGRAM";
/** Set by a runtime that finds no `node` in PATH, and puts a directory with one of its own before it. */
const SHIM = "DENO_NODE_SHIM_ACTIVE";
const SHIM_ENTRY = /^[^:;]*node_compat_bin(?:[:;]|$)/;

/** The variables that are valid Unicode; from then on the process has the user's own environment. */
export function userVariables(): ReadonlyMap<string, string> {
  giveBackPath();
  giveBackSteering();
  giveBackNetworkVariables();
  return new Map(Object.entries(Deno.env.toObject()));
}

function giveBackPath(): void {
  const path = Deno.env.toObject()["PATH"];
  if (Deno.env.get(SHIM) === undefined || path === undefined || !SHIM_ENTRY.test(path)) return;
  const original = originalVariables();
  const own = original === undefined
    ? path.replace(SHIM_ENTRY, "") || undefined
    : original.find((entry) => entry.startsWith("PATH="))?.slice("PATH=".length);
  if (own === undefined) Deno.env.delete("PATH");
  else Deno.env.set("PATH", own);
  if (!original?.some((entry) => entry.startsWith(`${SHIM}=`))) Deno.env.delete(SHIM);
}

/** `NAME=VALUE` as the process was started with; `undefined` where the system does not tell. */
function originalVariables(): string[] | undefined {
  try {
    return Deno.readTextFileSync("/proc/self/environ").split("\0");
  } catch {
    return undefined;
  }
}

/** Throws `usage` for a hidden variable that is not valid Unicode: it could only be given back altered. */
function giveBackSteering(): void {
  if (Deno.env.get(LAUNCHER) !== "1") return;
  for (const [name, own] of [...STEERING].map((name) => [name, get(name)] as const)) {
    if (own === undefined) Deno.env.delete(name);
    else Deno.env.set(name, own);
    Deno.env.delete(`PALYRA_ENV_${name}`);
  }
  Deno.env.delete(LAUNCHER);
  Deno.env.delete(PROGRAM);
}
