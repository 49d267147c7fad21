/** The user's own environment, without what the single file and the runtime did to it. */

import { get, hasShim, originalVariables, ownPath, SHIM, STEERING } from "./environment.ts";
import { giveBackNetworkVariables } from "./network_variables.ts";

const LAUNCHER = "PALYRA_LAUNCHER";
const PROGRAM = "PALYRA_PROGRAM";

/** The variables that are valid Unicode; from then on the process has the user's own environment. */
export function userVariables(): ReadonlyMap<string, string> {
  giveBackPath();
  giveBackSteering();
  giveBackNetworkVariables();
  return new Map(Object.entries(Deno.env.toObject()));
}

function giveBackPath(): void {
  if (!hasShim()) return;
  const own = ownPath();
  if (own === undefined) Deno.env.delete("PATH");
  else Deno.env.set("PATH", own);
  if (!originalVariables()?.some((entry) => entry.startsWith(`${SHIM}=`))) Deno.env.delete(SHIM);
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
