/** Builds the platform, runs the command line, exits with its status. */

import { VERSION } from "./src/version.ts";

if (Deno.args.length === 1 && (Deno.args[0] === "--version" || Deno.args[0] === "-V")) {
  Deno.stdout.writeSync(new TextEncoder().encode(`${VERSION}\n`)); // before anything is loaded
} else {
  const { denoPlatform } = await import("./src/platform/deno/platform.ts");
  const { runPalyra } = await import("./src/cli/run.ts");
  Deno.exit(await runPalyra(denoPlatform, Deno.args));
}
