/** Where `secrets import` reads: each source with its own reading and scrubbing. */

import { encodeUtf8 } from "../crypto/encoding.ts";
import { SensitiveBytes } from "../crypto/sensitive_bytes.ts";
import { PalyraError } from "../errors.ts";
import type { Dialect } from "../importing/dotenv.ts";
import type { LeftEntry, NamedEntry, SourceEntries, SourceEntry } from "../importing/entry.ts";
import type { PassLines } from "../importing/pass.ts";
import type { SourceText } from "../importing/scrub_text.ts";
import type { TextKind } from "../importing/text_source.ts";
import type { App } from "./app.ts";
import { showProgress } from "./progress.ts";

/** Flags that say what is read. */
export interface ImportFlags {
  readonly from: "dotenv" | "json" | "env" | "pass";
  readonly dialect?: Dialect | undefined;
  readonly lines?: PassLines;
}

/** A source of secrets. */
export interface Source {
  /** Keys that are wanted; none: all. */
  readonly wanted: readonly string[];
  read(): Promise<SourceEntries>;
  /** Throws before anything is stored, where the source could not be scrubbed. */
  requireScrubbable?(entries: readonly NamedEntry[]): Promise<void>;
  /** Takes the entries out of it, when they are in the vault; how many. Without it that is impossible. */
  scrub?(entries: readonly NamedEntry[]): Promise<number>;
}

/** The source that the command line names. Throws `usage`. */
export function openSource(app: App, flags: ImportFlags, args: readonly string[]): Source {
  const { from, dialect, lines } = flags;
  if (dialect !== undefined && from !== "dotenv") {
    throw new PalyraError("usage", "Cannot use --dialect: it goes with --from dotenv");
  }
  if (lines !== undefined && from !== "pass") {
    throw new PalyraError("usage", "Cannot use --lines: it goes with --from pass");
  }
  if (from === "env") return environmentSource(app, args);
  const [path, ...wanted] = args;
  if (path === undefined) {
    const what = from === "pass" ? "the directory of the password store" : "the file";
    throw new PalyraError("usage", `Cannot import: ${what} is missing`);
  }
  if (from === "pass") return passSource(app, { path, wanted, lines });
  return textSource(app, { path, wanted, kind: from === "json" ? { from } : { from, dialect } });
}

function environmentSource({ platform }: App, names: readonly string[]): Source {
  if (names.length === 0) {
    throw new PalyraError("usage", "Cannot import: name the variables that are wanted");
  }
  return {
    wanted: names,
    read: () => {
      const entries: SourceEntry[] = [];
      const left: LeftEntry[] = [];
      for (const key of new Set(names)) {
        const text = platform.environment.get(key);
        if (text === undefined) continue; // told as any name that is not there
        if (text === "") left.push({ key, why: "it is empty" });
        else entries.push({ key, value: new SensitiveBytes(encodeUtf8(text)) });
      }
      const dispose = (): void => entries.forEach(({ value }) => value[Symbol.dispose]());
      return Promise.resolve({ entries, left, [Symbol.dispose]: dispose });
    },
  };
}

function textSource(
  { platform }: App,
  { path, wanted, kind }: {
    readonly path: string;
    readonly wanted: readonly string[];
    readonly kind: TextKind;
  },
): Source {
  let source: SourceText | undefined;
  let scrubbed: string | undefined;
  return {
    wanted,
    read: async () => {
      const { readSourceText, entriesOfText } = await import("../importing/text_source.ts");
      source = await readSourceText(platform, path);
      return entriesOfText(source.text, kind);
    },
    requireScrubbable: async (entries) => {
      (await platform.documents()).requireReplaceable(source!.realPath);
      const { scrubbedText } = await import("../importing/text_source.ts");
      scrubbed = scrubbedText(source!, kind, entries);
    },
    scrub: async (entries) => {
      if (entries.length === 0) return 0;
      const { replaceText } = await import("../importing/scrub_text.ts");
      await replaceText(platform, source!, scrubbed!);
      return entries.length;
    },
  };
}

function passSource(
  app: App,
  { path, wanted, lines }: {
    readonly path: string;
    readonly wanted: readonly string[];
    readonly lines: PassLines;
  },
): Source {
  const { platform } = app;
  const open = async () => {
    const pass = await import("../importing/pass.ts");
    const directory = (await platform.documents()).realPath(path);
    if (directory !== undefined) {
      return { pass, store: await pass.openPassStore(platform, directory) };
    }
    throw new PalyraError("usage", `Cannot import: there is no ${path}`);
  };
  return {
    wanted,
    read: async () => {
      const { pass, store } = await open();
      const names = await pass.passNames(store);
      const read = wanted.length === 0 ? names : names.filter((name) => wanted.includes(name));
      using watched = showProgress(app, "read");
      return await pass.readPass(store, read, { lines, progress: watched.report });
    },
    requireScrubbable: () => {
      if (lines !== "first") return Promise.resolve();
      throw new PalyraError(
        "usage",
        "Cannot use --scrub with --lines first: the other lines would be lost",
      );
    },
    scrub: async (entries) => {
      const { pass, store } = await open();
      for (const entry of entries) await pass.removeFromPass(store, entry);
      return entries.length;
    },
  };
}
