/** Writes the bundle: `dist/main.js` and its chunks, minified and split; `--out DIR` for another place. */

const at = Deno.args.indexOf("--out");
const out = at === -1 ? "dist" : Deno.args[at + 1];
if (out === undefined) throw new Error("--out needs a directory");
// The bundler takes configuration and import map from the working directory.
Deno.chdir(new URL("..", import.meta.url));
await Deno.remove(out, { recursive: true }).catch(() => {});
const flags = ["--quiet", "--platform", "deno", "--minify", "--code-splitting", "--outdir", out];
const { code } = await new Deno.Command(Deno.execPath(), { args: ["bundle", ...flags, "main.ts"] })
  .output();
Deno.exit(code);
