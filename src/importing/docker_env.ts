/** Files of `docker run --env-file` and podman: the bytes after `=`, no quotes, no comments within a line. */

import { type Assignment, indentation, refusedLine } from "./assignment.ts";

/**
 * The variables of a file; one without `=` has no value in it, for docker gives it that of its own
 * environment. Throws `usage` for a line that docker refuses, which then starts nothing.
 */
export function parseDocker(text: string): Assignment[] {
  const found: Assignment[] = [];
  let start = text.startsWith("\ufeff") ? 1 : 0;
  for (const [at, whole] of text.slice(start).split("\n").entries()) {
    const content = whole.replace(/\r$/, "");
    const [space] = /^\s*/.exec(content)!;
    const [, key, value] = /^([^=]*)(?:=(.*))?$/s.exec(content.slice(space.length))!;
    if (space.length < content.length && !key!.startsWith("#")) {
      if (!/^\S+$/.test(key!)) {
        throw refusedLine(at + 1, "docker takes no name that is empty or has a blank in it");
      }
      found.push({
        key: key!,
        value,
        line: at + 1,
        place: {
          range: [start, start + content.length],
          around: [`${indentation(space)}${key}=`, ""],
        },
      });
    }
    start += whole.length + 1;
  }
  return found;
}
