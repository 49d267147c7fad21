/** Builds the platform, runs the command line, exits with its status. */

/** Equal to the version in deno.json (a test compares them). */
const VERSION = "0.1.0";

if (Deno.args.length === 1 && (Deno.args[0] === "--version" || Deno.args[0] === "-V")) {
  Deno.stdout.writeSync(new TextEncoder().encode(`${VERSION}\n`)); // before anything is loaded
} else {
  const [{ denoPlatform }, { runPalyra }] = await Promise.all([
    import("./src/platform/deno/platform.ts"),
    import("./src/cli/run.ts"),
  ]);
  Deno.exit(await runPalyra(denoPlatform, Deno.args, VERSION));
}
