/** Builds the platform, runs the command line, exits with its status. */

/** Equal to the version in deno.json (a test compares them). */
const VERSION = "0.1.0";

if (!printedVersion()) {
  const [{ denoPlatform }, { runPalyra }] = await Promise.all([
    import("./src/platform/deno/platform.ts"),
    import("./src/cli/run.ts"),
  ]);
  Deno.exit(await runPalyra(denoPlatform, Deno.args, VERSION));
}

/** Answers a lone `--version` before anything is loaded; whatever goes wrong is left to the long way. */
function printedVersion(): boolean {
  if (Deno.args.length !== 1 || (Deno.args[0] !== "--version" && Deno.args[0] !== "-V")) {
    return false;
  }
  try {
    const text = new TextEncoder().encode(`${VERSION}\n`);
    return Deno.stdout.writeSync(text) === text.length;
  } catch {
    return false;
  }
}
