/**
 * Builds what is released, into `release/` or `--out DIR`: the single file for this system, compiled
 * programs for every target whose base is at hand (or `--only TARGET`; with `--required` it fails
 * without them), the manual page, completions, and `SHA256SUMS`. The same sources and the same Deno
 * give the same bytes.
 */

import { compile, findBase, TARGETS } from "./build/compile.ts";
import { manPage } from "./build/man_page.ts";
import { singleFile } from "./build/single_file.ts";

const ROOT = new URL("..", import.meta.url).pathname;
const SHELLS = ["bash", "zsh", "fish", "powershell"] as const;

const { out = `${ROOT}release`, only, required = false } = flagsOf(Deno.args);
const temp = await Deno.makeTempDir({ prefix: "palyra-build-" });
try {
  await build(out);
} finally {
  await Deno.remove(temp, { recursive: true });
}

async function build(out: string): Promise<void> {
  const { version } = JSON.parse(await Deno.readTextFile(`${ROOT}deno.json`));
  await Deno.remove(out, { recursive: true }).catch(() => {});
  await Deno.mkdir(`${out}/completions`, { recursive: true });
  const bundle = `${temp}/dist`;
  await deno(["run", "-A", `${ROOT}scripts/bundle.ts`, "--out", bundle]);
  for (const { name } of Deno.readDirSync(bundle)) {
    Deno.utimeSync(`${bundle}/${name}`, 0, 0); // a compiled program keeps the dates
  }
  await Deno.writeTextFile(`${out}/palyra.1`, manPage(version));
  for (const shell of SHELLS) {
    const { script } = await import(`../src/cli/completion_scripts/${shell}.ts`);
    await Deno.writeTextFile(`${out}/completions/palyra.${shell}`, script);
  }
  if (Deno.build.os === "windows") {
    say("the single file is for POSIX systems");
  } else {
    const name = `palyra-${version}-${Deno.build.os}-${Deno.build.arch}`;
    await write(`${out}/${name}`, await singleFile(Deno.execPath(), bundle));
  }
  await compileAll(out, bundle, version);
  await writeSums(out);
}

async function compileAll(out: string, bundle: string, version: string): Promise<void> {
  const denoDir = JSON.parse(await deno(["info", "--json"])).denoDir;
  let compiled = 0;
  for (const target of TARGETS.filter((one) => only === undefined || one === only)) {
    const base = await findBase(target, denoDir);
    if ("lack" in base) {
      if (required) throw new Error(`Cannot compile for ${target}: ${base.lack}`);
      say(`not compiled for ${target}: ${base.lack}`);
      continue;
    }
    const given = base.path.endsWith(".zip") ? undefined : base.path;
    await compile(bundle, { target, base: given, out: `${out}/palyra-${version}-${target}` });
    say(`compiled for ${target}`);
    compiled++;
  }
  if (compiled > 0) return;
  // Everything but the base is tried all the same; what comes out is no palyra, and is thrown away.
  const target = Deno.build.target as typeof TARGETS[number];
  await compile(bundle, { target, base: Deno.execPath(), out: `${temp}/dry_run` });
  say("no base of deno compile is at hand: a dry run was made, nothing was compiled");
}

interface Flags {
  out?: string;
  only?: string;
  required?: boolean;
}

function flagsOf(args: readonly string[]): Flags {
  const flags: Flags = {};
  for (let at = 0; at < args.length; at++) {
    const value = args[at + 1];
    if (args[at] === "--required") flags.required = true;
    else if (args[at] === "--out" && value !== undefined) flags.out = args[++at]!;
    else if (args[at] === "--only" && TARGETS.some((target) => target === value)) {
      flags.only = args[++at]!;
    } else throw new Error("usage: build.ts [--out DIR] [--only TARGET] [--required]");
  }
  return flags;
}

async function writeSums(out: string): Promise<void> {
  const names = pathsBelow(out).sort();
  const lines = await Promise.all(names.map(async (name) => {
    const digest = await crypto.subtle.digest("SHA-256", await Deno.readFile(`${out}/${name}`));
    return `${new Uint8Array(digest).toHex()}  ${name}\n`;
  }));
  await Deno.writeTextFile(`${out}/SHA256SUMS`, lines.join(""));
  say(`${names.length} files in ${out}`);
}

function pathsBelow(directory: string): string[] {
  return [...Deno.readDirSync(directory)].flatMap(({ name, isDirectory }) =>
    isDirectory ? pathsBelow(`${directory}/${name}`).map((path) => `${name}/${path}`) : [name]
  );
}

async function write(path: string, bytes: Uint8Array): Promise<void> {
  await Deno.writeFile(path, bytes, { mode: 0o755 });
  say(`${path}: ${(bytes.length / 1e6).toFixed(1)} MB`);
}

async function deno(args: readonly string[]): Promise<string> {
  const command = new Deno.Command(Deno.execPath(), { args: [...args] });
  const { success, stdout, stderr } = await command.output();
  if (!success) throw new Error(new TextDecoder().decode(stderr));
  return new TextDecoder().decode(stdout);
}

function say(line: string): void {
  Deno.stdout.writeSync(new TextEncoder().encode(`${line}\n`));
}
