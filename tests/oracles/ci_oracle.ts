/**
 * What the vendors' own libraries make of values, which come as a JSON array of pairs (name and text)
 * on standard input: `ci_oracle.ts github|azure` what they write, `ci_oracle.ts dotenv` what that
 * library reads in the text of the first pair. The answer is JSON, on the last line. They have a lock
 * file of their own: whoever only runs palyra need not fetch them.
 */

import process from "node:process";

const LIBRARIES: Readonly<Record<string, string>> = {
  github: "@actions/core",
  azure: "azure-pipelines-task-lib/task.js",
  dotenv: "dotenv",
};

const pairs: [string, string][] = JSON.parse(await new Response(Deno.stdin.readable).text());
const which = Deno.args[0]!;
const file = Deno.makeTempFileSync();
Deno.env.set("GITHUB_ENV", file);
const library = await import(LIBRARIES[which]!);
const answers = which === "github"
  ? pairs.map(askGithub)
  : which === "azure"
  ? pairs.map(askAzure)
  : [library.parse(pairs[0]![1])];
Deno.removeSync(file);
process.stdout.write(`\n${JSON.stringify(answers)}`); // behind what a library says when it is loaded

function askGithub([name, text]: [string, string]): [string, string] {
  Deno.truncateSync(file);
  const mask = capture(() => library.setSecret(text));
  library.exportVariable(name, text);
  return [mask, Deno.readTextFileSync(file)];
}

function askAzure([name, text]: [string, string]): string {
  const lines = capture(() => {
    try {
      library.setSecret(text);
      library.setVariable(name, text, true, false);
    } catch {
      process.stdout.write("refused\n");
    }
  });
  return lines.replaceAll(/^##vso\[task\.debug\].*\n/gm, "");
}

/** What a function writes to standard output. */
function capture(body: () => void): string {
  let text = "";
  const { write } = process.stdout;
  process.stdout.write = ((chunk: string) => {
    text += chunk;
    return true;
  }) as typeof write;
  try {
    body();
  } finally {
    process.stdout.write = write;
  }
  return text;
}
