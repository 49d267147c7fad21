/** palyra run within the test, on a platform of which a test exchanges a part. */

import { runPalyra } from "../../src/cli/run.ts";
import { denoPlatform } from "../../src/platform/deno/platform.ts";
import type { Documents, Platform } from "../../src/platform/platform.ts";
import type { CliResult, Machine } from "./cli_run.ts";
import type { Command } from "./config_place.ts";

/** Runs a command line on a machine; `documents` makes other documents out of the real ones, `more` is another part. */
export async function runInProcess(
  { home, env }: Machine,
  { args, stdin = "" }: Command,
  documents: (real: Documents) => Partial<Documents>,
  more: Partial<Platform> = {},
): Promise<CliResult> {
  const [output, errors]: [Uint8Array[], string[]] = [[], []];
  const real = await denoPlatform.documents();
  const platform: Platform = {
    ...denoPlatform,
    ...more,
    documents: () => Promise.resolve({ ...real, ...documents(real) }),
    environment: {
      ...denoPlatform.environment,
      get: (name) => env[name],
      workingDirectory: () => home,
    },
    streams: {
      filterInput: denoPlatform.streams.filterInput,
      readSome: () => Promise.resolve(undefined),
      readInput: () => Promise.resolve(new TextEncoder().encode(stdin)),
      writeOutput: (bytes) => Promise.resolve(void output.push(bytes.slice())),
      writeError: (text) => void errors.push(text),
    },
    terminal: { ...denoPlatform.terminal, inputIsTerminal: () => false },
    userFiles: {
      ...denoPlatform.userFiles,
      read: (path, most) =>
        denoPlatform.userFiles.read(path.startsWith("/") ? path : `${home}/${path}`, most),
    },
  };
  const status = await runPalyra(platform, args, "0.0.0");
  const bytes = new Uint8Array(await new Blob(output as Uint8Array<ArrayBuffer>[]).arrayBuffer());
  return { status, bytes, stdout: new TextDecoder().decode(bytes), stderr: errors.join("") };
}
