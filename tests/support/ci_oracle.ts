/**
 * What the vendors' own libraries print for values: `ci_oracle.ts github|azure`, values as a JSON
 * array of pairs (name and text) on standard input, what they wrote as JSON on standard output.
 */

import process from "node:process";

const pairs: [string, string][] = JSON.parse(await new Response(Deno.stdin.readable).text());
const [which] = Deno.args;
const results: string[] = [];

if (which === "github") {
  const file = await Deno.makeTempFile();
  Deno.env.set("GITHUB_ENV", file);
  const core = await import("@actions/core");
  for (const [name, text] of pairs) {
    Deno.truncateSync(file);
    const mask = capture(() => core.setSecret(text));
    core.exportVariable(name, text);
    results.push(JSON.stringify([mask, Deno.readTextFileSync(file)]));
  }
  Deno.removeSync(file);
} else {
  const { default: task } = await import("azure-pipelines-task-lib/task.js");
  for (const [name, text] of pairs) {
    const lines = capture(() => {
      try {
        task.setSecret(text);
        task.setVariable(name, text, true, false);
      } catch {
        Deno.stdout.writeSync(new TextEncoder().encode("refused\n"));
      }
    });
    results.push(JSON.stringify(lines.replaceAll(/^##vso\[task\.debug\].*\n/gm, "")));
  }
}
process.stdout.write(`\n[${results.join()}]`); // behind what a library says when it is loaded

/** What a function writes to standard output, however it does. */
function capture(body: () => void): string {
  let text = "";
  const { write } = process.stdout;
  const { writeSync } = Deno.stdout;
  const { log } = console;
  const add = (chunk: string | Uint8Array): true => {
    text += typeof chunk === "string" ? chunk : new TextDecoder().decode(chunk);
    return true;
  };
  process.stdout.write = add as typeof write;
  Deno.stdout.writeSync = (bytes) => add(bytes) && bytes.length;
  console.log = (...words: unknown[]) => void add(`${words.join(" ")}\n`);
  try {
    body();
  } finally {
    process.stdout.write = write;
    Deno.stdout.writeSync = writeSync;
    console.log = log;
  }
  return text;
}
