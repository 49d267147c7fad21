/**
 * Writes the bundle: `dist/main.js` and its chunks, split and made small; `--out DIR` for another place.
 *
 * Names and white space are made short, syntax is left as it is: the bundler's own `--minify` takes a
 * `using` declaration whose variable is read once for an expression, and what it held (a lock, a key)
 * is then never given back.
 *
 * Dynamic imports are hidden from the runtime's analysis, which would read and parse every chunk at
 * each start, whichever command is run.
 */

const DYNAMIC_IMPORT = /\bimport\(("\.\/[\w-]+\.js")\)/g;
const USING = /\busing\s+[\w$]+\s*=/g;
const at = Deno.args.indexOf("--out");
const out = at === -1 ? "dist" : Deno.args[at + 1];
if (out === undefined) throw new Error("--out needs a directory");
// The bundler takes configuration and import map from the working directory.
Deno.chdir(new URL("..", import.meta.url));
await Deno.remove(out, { recursive: true }).catch(() => {});
const flags = ["--quiet", "--platform", "deno", "--code-splitting", "--outdir", out];
await run(Deno.execPath(), ["bundle", ...flags, "main.ts"]);
const written = countUsing(filesOf(out));
const shorter = ["--minify-whitespace", "--minify-identifiers", "--target=esnext"];
const places = [`--outdir=${out}`, "--allow-overwrite", "--log-level=warning"];
await run(await bundler(), [...filesOf(out), ...shorter, ...places]);
const kept = countUsing(filesOf(out));
if (kept !== written || kept === 0) throw new Error(`${written} using declarations became ${kept}`);
hideDynamicImports(filesOf(out));

/** The bundler's program, which `deno bundle` has just fetched or found in its cache. */
async function bundler(): Promise<string> {
  const { stdout } = await new Deno.Command(Deno.execPath(), { args: ["info", "--json"] }).output();
  const cache = `${JSON.parse(new TextDecoder().decode(stdout)).denoDir}/dl`;
  const folder = [...Deno.readDirSync(cache)].find(({ name }) => name.startsWith("esbuild-"));
  const program = folder &&
    [...Deno.readDirSync(`${cache}/${folder.name}`)].find(({ name }) => name.startsWith("esbuild"));
  if (program === undefined) throw new Error(`No bundler in ${cache}`);
  return `${cache}/${folder!.name}/${program.name}`;
}

async function run(program: string, args: readonly string[]): Promise<void> {
  const { success, stderr } = await new Deno.Command(program, { args: [...args] }).output();
  if (!success) throw new Error(new TextDecoder().decode(stderr));
}

/** What is no literal is looked for when it is needed, and only then. */
function hideDynamicImports(files: readonly string[]): void {
  let count = 0;
  for (const file of files) {
    const text = Deno.readTextFileSync(file);
    Deno.writeTextFileSync(
      file,
      text.replace(DYNAMIC_IMPORT, (_, name) => (count++, `import((0,${name}))`)),
    );
  }
  if (count === 0) throw new Error("No dynamic import was found");
}

function filesOf(directory: string): string[] {
  return [...Deno.readDirSync(directory)].map(({ name }) => `${directory}/${name}`).sort();
}

function countUsing(files: readonly string[]): number {
  return files.reduce(
    (sum, file) => sum + [...Deno.readTextFileSync(file).matchAll(USING)].length,
    0,
  );
}
