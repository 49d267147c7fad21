/** Transcripts: commands with what they print, run by a real shell against a real palyra. */

import { runProcess } from "./process.ts";
import { writeProgram } from "./program_file.ts";

/** One command of a transcript. */
export interface Exchange {
  readonly command: string;
  readonly stdout: readonly string[];
  readonly stderr: readonly string[];
  readonly status: number;
}

const TIMEOUT_MS = 60_000;

/** What differs from run to run, and what stands for it. */
const VARYING: readonly (readonly [RegExp, string])[] = [
  [/\b\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z/g, "<TIME>"],
  [/\b[0-7][0-9A-HJKMNP-TV-Z]{25}\b/g, "<ULID>"],
  [/\b[0-9a-f]{32}\b/g, "<HEX>"],
];

/** Reads `$ command`, output lines, `! ` error lines, `? ` statuses; leading `#` lines are comments. */
export function parseTranscript(text: string): Exchange[] {
  const exchanges: { command: string; stdout: string[]; stderr: string[]; status: number }[] = [];
  for (const line of text.trimEnd().split("\n")) {
    const current = exchanges.at(-1);
    if (line.startsWith("$ ")) {
      exchanges.push({ command: line.slice(2), stdout: [], stderr: [], status: 0 });
    } else if (current === undefined) {
      if (line !== "" && !line.startsWith("#")) throw new Error(`Output before a command: ${line}`);
    } else if (line.startsWith("! ")) current.stderr.push(line.slice(2));
    else if (line.startsWith("? ")) current.status = Number(line.slice(2));
    else current.stdout.push(line);
  }
  return exchanges;
}

/** Writes exchanges in the form that {@link parseTranscript} reads. */
export function formatTranscript(exchanges: readonly Exchange[]): string {
  return exchanges.map(({ command, stdout, stderr, status }) =>
    [
      `$ ${command}`,
      ...stdout,
      ...stderr.map((line) => `! ${line}`),
      ...(status === 0 ? [] : [`? ${status}`]),
    ].join("\n") + "\n"
  ).join("");
}

/** The commands of all fenced `console` blocks of a markdown text, as one transcript. */
export function consoleBlocks(markdown: string): string {
  return [...markdown.matchAll(/^```console\n([\s\S]*?)^```$/gm)].map((match) => match[1]!).join(
    "",
  );
}

/** Runs the commands one after the other in one fresh directory; what they really print. */
export async function runTranscript(
  exchanges: readonly Exchange[],
  palyraCommand: readonly string[],
): Promise<Exchange[]> {
  const directory = Deno.makeTempDirSync({ prefix: "palyra-transcript-" });
  try {
    Deno.mkdirSync(`${directory}/bin`);
    Deno.mkdirSync(`${directory}/work`);
    const quoted = palyraCommand.map((word) => `'${word}'`).join(" ");
    const wrapper = `#!/bin/sh\nexec ${quoted} "$@"\n`;
    writeProgram(`${directory}/bin/palyra`, wrapper);
    const results = [];
    for (const { command } of exchanges) results.push(await runOne(command, directory));
    return results;
  } finally {
    Deno.removeSync(directory, { recursive: true });
  }
}

async function runOne(command: string, directory: string): Promise<Exchange> {
  const { status, out, err, timedOut } = await runProcess({
    argv: ["/bin/sh", "-c", command],
    cwd: `${directory}/work`,
    env: {
      PATH: `${directory}/bin:/usr/bin:/bin`,
      HOME: directory,
      PALYRA_STATE_ROOT: `${directory}/state`,
      PALYRA_VAULT_BACKEND: "encrypted_file", // what `auto` finds depends on the machine
      DENO_DIR: Deno.env.get("DENO_DIR") ?? `${Deno.env.get("HOME")}/.cache/deno`,
      PALYRA_RUNTIME_DIR: Deno.env.get("PALYRA_RUNTIME_DIR") ?? "",
    },
    timeoutMs: TIMEOUT_MS,
  });
  if (timedOut) throw new Error(`Not done after ${TIMEOUT_MS / 1_000} s: ${command}`);
  return {
    command,
    stdout: normalise(out, directory),
    stderr: normalise(err, directory),
    status,
  };
}

function normalise(output: string, directory: string): string[] {
  let text = output.replaceAll(directory, "<TMP>");
  for (const [pattern, replacement] of VARYING) text = text.replaceAll(pattern, replacement);
  if (text === "") return [];
  return text.replace(/\n$/, "").split("\n");
}
