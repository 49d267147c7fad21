/** How this very palyra is started again, by a program that has no environment of its own. */

import { PalyraError } from "../../errors.ts";
import type { OwnProgram } from "../platform.ts";
import { environment } from "./environment.ts";

const BUNDLE_FLAGS = ["--no-config", "--no-lock", "--no-npm", "--no-remote"];

/** See {@link OwnProgram}. Throws `unavailable` where that cannot be told. */
export function ownProgram(): OwnProgram {
  const single = Deno.env.get("PALYRA_PROGRAM");
  if (Deno.env.get("PALYRA_LAUNCHER") === "1") {
    const runtime = Deno.execPath(); // <base>/rt-<id>/deno
    const base = runtime.slice(0, runtime.lastIndexOf("/rt-"));
    if (!single?.startsWith("/")) throw untold();
    return { argv: [single], variables: { PALYRA_RUNTIME_DIR: base } };
  }
  if (Deno.build.standalone) return { argv: [Deno.execPath()], variables: {} };
  const main = new URL(Deno.mainModule);
  if (main.protocol !== "file:") throw untold();
  const path = decodeURIComponent(main.pathname);
  const flags = path.endsWith("/main.js") ? BUNDLE_FLAGS : [];
  return {
    argv: [Deno.execPath(), "run", "-A", "--quiet", "--no-prompt", ...flags, path],
    variables: { DENO_DIR: cacheDirectory(), DENO_NO_UPDATE_CHECK: "1" },
  };
}

/** Where the runtime keeps what it has compiled; it finds it by HOME, which clients may leave out. */
function cacheDirectory(): string {
  const [named, xdg, home] = ["DENO_DIR", "XDG_CACHE_HOME", "HOME"].map((name) =>
    Deno.env.get(name)
  );
  if (named?.startsWith("/")) return named;
  const caches = environment.os === "darwin" ? `${home}/Library/Caches` : `${home}/.cache`;
  if (xdg?.startsWith("/")) return `${xdg}/deno`;
  if (home?.startsWith("/")) return `${caches}/deno`;
  throw untold();
}

function untold(): PalyraError {
  return new PalyraError("unavailable", "Cannot tell how this palyra is started", {
    hint: "Install it, and run the installed one",
  });
}
