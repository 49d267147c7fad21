/** Reads the structure of the sources: who imports whom, and what stands in each file. */

import { withoutComments } from "./source_text.ts";

/** A source file: its path below the project's root, and its text. */
export type Sources = ReadonlyMap<string, string>;

/** One import of a file. */
export interface Import {
  readonly from: string;
  readonly specifier: string;
  /** A dynamic `import()`, loaded only when it is reached. */
  readonly dynamic: boolean;
  /** `import type`, gone at run time. */
  readonly typeOnly: boolean;
}

const STATIC = /^(?:import|export)\s+(type\s+)?(?:[^"';]*?\sfrom\s+)?"([^"]+)"/gm;
const DYNAMIC = /\bimport\(\s*"([^"]+)"/g;

/** All TypeScript files below some paths of the project. */
export function readSources(root: string, paths: readonly string[]): Sources {
  const found = new Map<string, string>();
  function visit(path: string): void {
    const { isDirectory } = Deno.statSync(root + path);
    if (!isDirectory) found.set(path, Deno.readTextFileSync(root + path));
    else for (const { name } of Deno.readDirSync(root + path)) visit(`${path}/${name}`);
  }
  for (const path of paths) visit(path);
  return new Map([...found].filter(([path]) => path.endsWith(".ts")).sort());
}

/** The imports of all files. */
export function importsOf(sources: Sources): Import[] {
  return [...sources].flatMap(([from, text]) => {
    const code = withoutComments(text);
    return [
      ...[...code.matchAll(STATIC)].map(([, type, specifier]) => ({
        from,
        specifier: resolved(from, specifier!),
        dynamic: false,
        typeOnly: type !== undefined,
      })),
      ...[...code.matchAll(DYNAMIC)].map(([, specifier]) => ({
        from,
        specifier: resolved(from, specifier!),
        dynamic: true,
        typeOnly: false,
      })),
    ];
  });
}

/** Names of the interfaces, types, classes and enumerations that a text exports. */
export function exportedTypes(text: string): string[] {
  const declared = /^export (?:declare |abstract |const )*(?:interface|type|class|enum) (\w+)/gm;
  return [...withoutComments(text).matchAll(declared)].map((match) => match[1]!);
}

/** `VaultRef` as `vault_ref`. */
export function snakeCase(name: string): string {
  return (name.match(/[A-Z]+(?![a-z])|[A-Z]?[a-z0-9]+/g) ?? []).join("_").toLowerCase();
}

/** Dynamic imports whose target is computed, so that no tool can follow them. */
export function computedImports(text: string): string[] {
  const found = withoutComments(text).matchAll(/\bimport\(\s*(?!["\s])[^)\n]*/g);
  return [...found].map((match) => match[0]);
}

/** Files that are loaded with a file: its static imports, and theirs. */
export function loadedWith(entry: string, imports: readonly Import[]): Set<string> {
  const loaded = new Set([entry]);
  const queue = [entry];
  for (let file = queue.pop(); file !== undefined; file = queue.pop()) {
    for (const { from, specifier, dynamic, typeOnly } of imports) {
      if (from !== file || dynamic || typeOnly || loaded.has(specifier)) continue;
      if (!specifier.endsWith(".ts")) continue;
      loaded.add(specifier);
      queue.push(specifier);
    }
  }
  return loaded;
}

/** One cycle among imports that exist at run time, as a path; `undefined` when there is none. */
export function findCycle(imports: readonly Import[]): string[] | undefined {
  const done = new Set<string>();
  function visit(file: string, path: string[]): string[] | undefined {
    if (path.includes(file)) return [...path.slice(path.indexOf(file)), file];
    if (done.has(file)) return undefined;
    for (const { from, specifier, typeOnly } of imports) {
      if (from !== file || typeOnly) continue;
      const cycle = visit(specifier, [...path, file]);
      if (cycle !== undefined) return cycle;
    }
    done.add(file);
    return undefined;
  }
  for (const { from } of imports) {
    const cycle = visit(from, []);
    if (cycle !== undefined) return cycle;
  }
  return undefined;
}

/** The room of a file: its folder below `src`, with the adapters apart; `main` and `errors` by name. */
export function roomOf(path: string): string {
  if (path.startsWith("src/platform/deno/")) return "platform/deno";
  const [top, room, ...rest] = path.split("/");
  if (top !== "src") return path === "main.ts" ? "main" : "outside";
  return rest.length === 0 ? room!.replace(/\.ts$/, "") : room!;
}

function resolved(from: string, specifier: string): string {
  if (!specifier.startsWith(".")) return specifier;
  return new URL(specifier, `file:///${from}`).pathname.slice(1);
}
