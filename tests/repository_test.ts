/** What is kept in the repository speaks of palyra, and of no place where it is worked on. */

import assert from "node:assert/strict";

const ROOT = `${import.meta.dirname}/..`;
/** In two parts, so that this file does not hold them. */
const FOREIGN: readonly string[] = [["/wo", "rk/"], ["far", "m-"], ["registry.", "npmjs"]]
  .map((parts) => parts.join(""));

Deno.test("no file names a place of work", async () => {
  const files = await keptFiles();
  assert.ok(files.length > 50, `only ${files.length} files were looked at`);
  const found = files.flatMap((path) => {
    const text = new TextDecoder().decode(Deno.readFileSync(`${ROOT}/${path}`));
    return FOREIGN.filter((word) => text.includes(word)).map((word) => `${path}: ${word}`);
  });
  assert.deepEqual(found, []);
});

/** Files that are tracked or about to be; without git, all but what is never kept. */
async function keptFiles(): Promise<string[]> {
  const args = ["ls-files", "-z", "--cached", "--others", "--exclude-standard"];
  const listed = await new Deno.Command("git", { args, cwd: ROOT }).output()
    .catch(() => undefined);
  const names = listed?.success ? new TextDecoder().decode(listed.stdout).split("\0") : walk("");
  return names.filter((path) => path !== "" && isFile(path));
}

function walk(prefix: string): string[] {
  const never = new Set([".git", ".tmp", "dist", "node_modules"]);
  return [...Deno.readDirSync(`${ROOT}/${prefix}`)].filter(({ name }) => !never.has(name))
    .flatMap(({ name, isDirectory }) =>
      isDirectory ? walk(`${prefix}${name}/`) : [`${prefix}${name}`]
    );
}

function isFile(path: string): boolean {
  try {
    return Deno.lstatSync(`${ROOT}/${path}`).isFile;
  } catch {
    return false; // listed, but removed
  }
}
