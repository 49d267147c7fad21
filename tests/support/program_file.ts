/**
 * Makes programs that are started at once.
 *
 * Test files run in threads of one process. While one writes a program, another may just fork a
 * child, which holds the open file until it executes its own program, and execve(2) of what
 * somebody holds open for writing fails with ETXTBSY.
 */

import assert from "node:assert/strict";

/** Writes an executable file (mode 0755) and returns when nobody holds it open for writing. */
export function writeProgram(path: string, content: string | Uint8Array): void {
  const bytes = typeof content === "string" ? new TextEncoder().encode(content) : content;
  {
    using file = Deno.openSync(path, { write: true, create: true, truncate: true });
    file.lockSync(true);
    for (let at = 0; at < bytes.length;) at += file.writeSync(bytes.subarray(at));
    Deno.chmodSync(path, 0o755);
  }
  // flock(2): the lock ends with the last descriptor of that opening, a child's copies included.
  using again = Deno.openSync(path);
  again.lockSync(true);
}

/** Copies an executable file; a process of its own writes it, whose descriptors no child inherits. */
export function copyProgram(from: string, to: string): void {
  const { success } = new Deno.Command("/bin/cp", { args: ["--", from, to] }).outputSync();
  assert.ok(success, `${from} cannot be copied`);
  Deno.chmodSync(to, 0o755);
}
