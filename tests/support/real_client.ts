/** Real clients of palyra's protocols: found on this machine, and run where only palyra gives them secrets. */

import assert from "node:assert/strict";
import { type ClientMachine, makeClientMachine } from "./clients.ts";
import { say } from "./dice.ts";
import { type Ended, runProcess } from "./process.ts";
import { type SkipName, unlessSkipped } from "./skip.ts";

/** A real client on a machine of its own. */
export interface RealClient {
  readonly client: ClientMachine;
  /** HOME of the client, where it keeps its settings. */
  readonly home: string;
  /** The program itself. */
  readonly program: string;
  /** Installs palyra's wrapper; its path. */
  install(name: string, ...flags: string[]): Promise<string>;
  run(argv: readonly string[], options?: RunOptions): Promise<Ended>;
}

/** How a client is run. */
export interface RunOptions {
  readonly stdin?: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
}

const NO_CLIENT: SkipName = "no-real-client";
let clients = 0;

/** How many clients this machine has had so far. */
export function clientsThatRan(): number {
  return clients;
}

/** Registers a test with a real client; skipped aloud where the machine has none. */
export function testWithClient(
  name: string,
  { program: wanted = name, version = ["--version"], user, needs, offers }: {
    readonly program?: string;
    readonly version?: readonly string[];
    /** Whose palyra it is; the client itself is run as this user. */
    readonly user?: "self" | "nobody";
    /** Arguments, and last what they print where the program is new enough. */
    readonly offers?: readonly string[];
    /** What else the test needs: the name of the skip, and the lack, if there is one. */
    readonly needs?: readonly [SkipName, string | undefined];
  },
  rules: string,
  test: (real: RealClient) => Promise<void>,
): void {
  const program = find(wanted);
  const why = program === undefined
    ? `${wanted} is not installed`
    : offers !== undefined && !output(program, ...offers.slice(0, -1))?.includes(offers.at(-1)!)
    ? `this ${wanted} does not know ${offers.at(-1)}`
    : undefined;
  const [lack, reason] = why === undefined && needs ? needs : [NO_CLIENT, why] as const;
  unlessSkipped(lack, reason)(`the real ${name}`, async () => {
    using client = makeClientMachine(rules, user);
    const { machine } = client;
    const { home } = machine;
    const run = async (argv: readonly string[], options: RunOptions = {}): Promise<Ended> =>
      await runProcess({
        argv,
        cwd: options.cwd ?? home,
        env: {
          ...{
            HOME: home,
            PATH: `${home}/.local/bin:/usr/local/bin:/usr/bin:/bin`,
            LC_ALL: "C.UTF-8",
          },
          ...options.env,
        },
        stdin: options.stdin,
        timeoutMs: 120_000,
      });
    const told = await run([program!, ...version]);
    say(`${name}: ${(told.out || told.err).split("\n")[0]}`);
    clients++;
    await test({
      client,
      home,
      program: program!,
      run,
      install: async (of, ...flags) => {
        const { stdout } = await machine.succeed(["helper", "install", of, "--json", ...flags]);
        const checked = await machine.run(["helper", "check", of]);
        assert.equal(checked.status, 0, checked.stdout);
        return JSON.parse(stdout).path;
      },
    });
  });
}

/** A program by its own path: a shim would look for its settings in a HOME that is another one here. */
function find(name: string): string | undefined {
  const command = `command -v ${name}`;
  const path = output("/bin/sh", "-c", command);
  if (path === undefined || !path.includes("/shims/")) return path;
  return output("/bin/sh", "-c", `pyenv which ${name}`);
}

function output(program: string, ...args: string[]): string | undefined {
  const { success, stdout } = new Deno.Command(program, { args, stderr: "null" }).outputSync();
  return success ? new TextDecoder().decode(stdout).trim() || undefined : undefined;
}
