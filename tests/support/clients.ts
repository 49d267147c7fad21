/** A machine on which other programs run palyra as their helper, and the rules of its config. */

import { type CliOptions, type CliResult, type Machine, makeMachine } from "./cli_run.ts";

/** A machine with a config of its user. */
export interface ClientMachine extends Disposable {
  readonly machine: Machine;
  readonly config: string;
  /** One call of a protocol. */
  ask(
    protocol: string,
    args: readonly string[],
    stdin?: string | Uint8Array,
    options?: Omit<CliOptions, "stdin">,
  ): Promise<CliResult>;
  /** Replaces the rules. */
  rules(text: string): void;
  /** Stores a secret. */
  store(ref: string, value: string): Promise<void>;
}

/** A machine with these rules. */
export function makeClientMachine(rules: string, user: "self" | "nobody" = "self"): ClientMachine {
  const machine = makeMachine(user);
  const directory = `${machine.home}/.config/palyra`;
  const config = `${directory}/palyra.toml`;
  Deno.mkdirSync(directory, { recursive: true, mode: 0o700 });
  const write = (text: string): void => {
    Deno.writeTextFileSync(config, text, { mode: 0o600 });
    const { uid, gid } = Deno.statSync(machine.home);
    for (const path of [`${machine.home}/.config`, directory, config]) {
      Deno.chownSync(path, uid!, gid!);
    }
  };
  write(rules);
  return {
    machine,
    config,
    ask: async (protocol, args, stdin = "", options = {}) =>
      await machine.run(["helper", protocol, "--", ...args], { ...options, stdin }),
    rules: write,
    store: async (ref, value) => {
      await machine.succeed(["secrets", "set", ref], { stdin: value });
    },
    [Symbol.dispose]: () => machine[Symbol.dispose](),
  };
}
