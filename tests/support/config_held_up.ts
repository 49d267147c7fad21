/** Processes that all wait for one lock, so that they go on at the same moment. */

import assert from "node:assert/strict";
import { type Invocation, openRaw } from "./altered_state.ts";
import { type CliResult, type Machine, resultOf } from "./cli_run.ts";
import { pause, say } from "./dice.ts";

/** From opening the vault to the first look at its schema is a matter of a millisecond. */
const SETTLE_MS = 500;

/**
 * Runs a crowd that is held up by a lock of the test until all of it has opened the vault. Who has is
 * stopped until then: it waits for a lock no longer than ten seconds, which the start of a crowd may take.
 */
export async function runHeldUp(
  machine: Machine,
  count: number,
  command: (at: number) => Invocation,
): Promise<CliResult[]> {
  const holder = openRaw(machine.stateRoot);
  try {
    holder.exec("BEGIN IMMEDIATE");
    const running = Array.from({ length: count }, async (_, at) => {
      const { args, stdin } = command(at);
      const child = await machine.spawn(args, { stdin });
      return { child, ended: resultOf(child, stdin) };
    });
    const children = await Promise.all(running);
    const stopped = new Set<number>();
    while (stopped.size < count) {
      await pause(20);
      for (const { child: { pid } } of children) {
        if (stopped.has(pid) || !hasOpen(pid, `${machine.stateRoot}/vault/vault.db`)) continue;
        signal(pid, "SIGSTOP");
        stopped.add(pid);
      }
    }
    for (const pid of stopped) signal(pid, "SIGCONT");
    await pause(SETTLE_MS);
    const waiting = children.filter(({ child }) => isAlive(child.pid)).length;
    say(`held up: ${waiting} of ${count} processes at once`);
    assert.ok(waiting >= count / 2);
    holder.exec("ROLLBACK");
    return await Promise.all(children.map(({ ended }) => ended));
  } finally {
    holder.close();
  }
}

/** Whether a process has a file open, or has ended. */
export function hasOpen(pid: number, path: string): boolean {
  const directory = `/proc/${pid}/fd`;
  try {
    const names = [...Deno.readDirSync(directory)].map(({ name }) => name);
    return names.some((name) => linkOf(`${directory}/${name}`) === path);
  } catch {
    return true;
  }
}

function signal(pid: number, name: Deno.Signal): void {
  try {
    Deno.kill(pid, name);
  } catch { /* it has ended already */ }
}

function linkOf(path: string): string | undefined {
  try {
    return Deno.readLinkSync(path);
  } catch {
    return undefined; // closed meanwhile
  }
}

function isAlive(pid: number): boolean {
  try {
    Deno.statSync(`/proc/${pid}/fd/0`);
    return true;
  } catch {
    return false;
  }
}
