/** A machine with a config of its user's own, and what an audit says of it. */

import { type CliOptions, type Machine, makeMachine } from "./cli_run.ts";
import { giveTo } from "./config_clone.ts";

/** One finding as the JSON form tells it. */
export interface TestFinding {
  readonly severity: string;
  readonly code: string;
  readonly component: string;
  readonly field?: string;
  readonly ref?: string;
  readonly path?: string;
  readonly line?: number;
  readonly column?: number;
  readonly message: string;
  readonly remediation: string;
}

/** A machine, its config, and its audits. */
export interface AuditPlace extends Disposable {
  readonly machine: Machine;
  /** The user's own config, mode 0600. */
  readonly config: string;
  write(text: string, mode?: number): void;
  /** Writes `auth_profiles.toml`; makes the state root if need be. */
  writeProfiles(text: string, mode?: number): void;
  set(ref: string, value: string, ...more: readonly string[]): Promise<void>;
  audit(args?: readonly string[], options?: CliOptions): Promise<TestFinding[]>;
  codes(args?: readonly string[], options?: CliOptions): Promise<string[]>;
}

/** Makes one. */
export function makeAuditPlace(user: "self" | "nobody" = "self"): AuditPlace {
  const machine = makeMachine(user);
  const directory = `${machine.home}/.config/palyra`;
  const config = `${directory}/palyra.toml`;
  Deno.mkdirSync(directory, { recursive: true, mode: 0o700 });
  giveTo(machine, `${machine.home}/.config`, directory);
  const audit = async (
    args: readonly string[] = [],
    options: CliOptions = {},
  ): Promise<TestFinding[]> => {
    const { stdout } = await machine.succeed(["secrets", "audit", "--json", ...args], options);
    return JSON.parse(stdout).findings;
  };
  return {
    machine,
    config,
    write: (text, mode = 0o600) => {
      Deno.writeTextFileSync(config, text);
      Deno.chmodSync(config, mode);
      giveTo(machine, config);
    },
    writeProfiles: (text, mode = 0o600) => {
      const { stateRoot } = machine;
      const path = `${stateRoot}/auth_profiles.toml`;
      Deno.mkdirSync(stateRoot, { recursive: true, mode: 0o700 });
      Deno.writeTextFileSync(path, text);
      Deno.chmodSync(path, mode);
      if (user === "nobody") giveTo(machine, stateRoot, path);
    },
    set: async (ref, value, ...more) => {
      await machine.succeed(["secrets", "set", ref, "--raw", ...more], { stdin: value });
    },
    audit,
    codes: async (args, options) => (await audit(args, options)).map(({ code }) => code).sort(),
    [Symbol.dispose]: () => machine[Symbol.dispose](),
  };
}
