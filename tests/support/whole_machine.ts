/** What tests of users and media need from the machine, and mounts that only the test can see. */

import assert from "node:assert/strict";
import { AS_NOBODY } from "./cli_words.ts";
import { type CliOptions, type CliResult, type Machine } from "./cli_run.ts";

/** Registers a test, or ignores it and says why in one line. */
export type Register = (name: string, fn: () => Promise<void>) => void;

/** For tests that run programs as another user. */
export function registerAsRoot(): Register {
  const works = Deno.uid() === 0 && succeeds([...AS_NOBODY, "/bin/true"]);
  return register(works ? undefined : "not-root: needs uid 0 and setpriv");
}

/** For tests that mount file systems of their own. */
export function registerWithMounts(): Register {
  const mount = ["/usr/bin/unshare", "-m", "/bin/sh", "-c", "mount -t tmpfs -o size=64k t /mnt"];
  const works = Deno.uid() === 0 && succeeds([...AS_NOBODY, "/bin/true"]) && succeeds(mount);
  return register(works ? undefined : "no-mount-namespaces: needs uid 0, setpriv and unshare");
}

function register(lack: string | undefined): Register {
  if (lack !== undefined) Deno.stdout.writeSync(new TextEncoder().encode(`skipped: ${lack}\n`));
  return (name, fn) => Deno.test({ name, fn, ignore: lack !== undefined });
}

/** A mount name space that lives as long as this object. */
export interface Mounts extends AsyncDisposable {
  /** Runs a shell line in it, as root. */
  shell(line: string): Promise<void>;
  /** Runs palyra in it, as the machine's user. */
  run(args: readonly string[], options?: CliOptions): Promise<CliResult>;
}

/** Opens a name space for a machine. */
export async function openMounts(machine: Machine): Promise<Mounts> {
  const keeper = new Deno.Command("/usr/bin/unshare", {
    args: ["-m", "/bin/sh", "-c", "echo ready; read -r end"],
    stdin: "piped",
    stdout: "piped",
  }).spawn();
  const reader = keeper.stdout.getReader();
  await reader.read(); // it is in its name space now
  const enter = ["/usr/bin/nsenter", `--mount=/proc/${keeper.pid}/ns/mnt`];
  return {
    async shell(line): Promise<void> {
      const { success, stderr } = await new Deno.Command(enter[0]!, {
        args: [...enter.slice(1), "/bin/sh", "-ec", `cd ${machine.directory}; ${line}`],
      }).output();
      assert.ok(success, `${line}: ${new TextDecoder().decode(stderr)}`);
    },
    run: (args, options) =>
      machine.run(args, { ...options, through: [...enter, `--wd=${machine.home}`] }),
    async [Symbol.asyncDispose](): Promise<void> {
      await keeper.stdin.close();
      await reader.cancel();
      await keeper.status;
    },
  };
}

function succeeds(argv: readonly string[]): boolean {
  try {
    const streams = { stdin: "null", stdout: "null", stderr: "null" } as const;
    return new Deno.Command(argv[0]!, { args: argv.slice(1), ...streams }).outputSync().success;
  } catch {
    return false;
  }
}
