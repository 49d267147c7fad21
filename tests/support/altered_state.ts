/** A state root with known secrets, and copies of it to alter as an attacker with a file editor would. */

import { DatabaseSync, type SQLInputValue } from "node:sqlite";
import { type DeviceAuthority } from "../../src/identity/authority.ts";
import { openIdentity } from "../../src/identity/identity.ts";
import { denoPlatform } from "../../src/platform/deno/platform.ts";
import { readSecret } from "../../src/vault/read_secret.ts";
import { openVault, vaultPaths } from "../../src/vault/vault.ts";
import { parseVaultRef } from "../../src/vault/vault_ref.ts";
import { type Machine, makeMachine } from "./cli_run.ts";
import { copyTree } from "./file_trees.ts";
import { NO_ACCESS, noBindings } from "./vaults.ts";

/** Values of the known secrets; `api_key` has two versions, `dated` lives for 30 days. */
export const VALUES: Readonly<Record<string, string>> = {
  "global/api_key#1": "value-before-4d1f",
  "global/api_key": "value-of-api-key-9a3c",
  "global/other": "value-of-other-77e0",
  "global/dated": "value-of-dated-b21d",
  "agent:a/token": "value-of-agent-55f2",
};

/** One command line; what it reads from standard input. */
export interface Invocation {
  readonly args: readonly string[];
  readonly stdin?: string;
}

/** Every command that opens the state root, readers first. */
export const COMMANDS: readonly Invocation[] = [
  { args: ["resolve", "global/api_key"] },
  { args: ["resolve", "global/api_key", "agent:a/token", "--format", "json"] },
  { args: ["secrets", "get", "global/api_key"] },
  { args: ["secrets", "get", "--reveal", "global/api_key"] },
  { args: ["secrets", "list"] },
  { args: ["secrets", "history", "global/api_key"] },
  { args: ["vault", "status"] },
  { args: ["vault", "check"] },
  { args: ["init"] },
  { args: ["secrets", "set", "global/api_key"], stdin: "another" },
  { args: ["secrets", "set", "skill:new/first"], stdin: "another" },
  { args: ["secrets", "rollback", "global/api_key", "--to", "1"] },
  { args: ["secrets", "delete", "global/api_key"] },
  { args: ["vault", "rotate", "kek"] },
  { args: ["vault", "rotate", "scope", "global"] },
  { args: ["vault", "check", "--repair"] },
];

/** A machine with the known secrets. */
export async function makeKnownMachine(): Promise<Machine> {
  const machine = makeMachine();
  try {
    for (const [ref, value] of Object.entries(VALUES)) {
      const lifetime = ref === "global/dated" ? ["--expires-in", "30d"] : [];
      await machine.succeed(["secrets", "set", ref.replace(/#.*/, ""), ...lifetime], {
        stdin: value,
      });
    }
    return machine;
  } catch (error) {
    machine[Symbol.dispose]();
    throw error;
  }
}

/** A machine with a copy of another one's state root. */
export function copyOf(machine: Machine): Machine {
  const copy = makeMachine();
  copyTree(machine.stateRoot, copy.stateRoot);
  return copy;
}

/** Runs statements on a state root's database, without foreign keys. */
export function alter(stateRoot: string, ...statements: readonly string[]): void {
  using database = openRaw(stateRoot);
  for (const statement of statements) database.exec(statement);
}

/** The database as it is, without palyra's checks. */
export function openRaw(stateRoot: string): DatabaseSync {
  const options = { enableForeignKeyConstraints: false };
  return new DatabaseSync(vaultPaths(stateRoot).database, options);
}

/** One value of one row. */
export function rawValue(stateRoot: string, sql: string, ...args: SQLInputValue[]): unknown {
  using database = openRaw(stateRoot);
  return Object.values(database.prepare(sql).get(...args) ?? {})[0];
}

/** The device CA of a state root, for many reads by {@link readDirectly}. */
export async function authorityOf(stateRoot: string): Promise<DeviceAuthority> {
  const authority = await openIdentity(denoPlatform, `${stateRoot}/identity`, NO_ACCESS);
  if (authority === undefined) throw new Error("The identity is missing");
  return authority;
}

/** Opens the vault anew and reads one value, as a process would, but in this one. */
export async function readDirectly(
  stateRoot: string,
  keks: DeviceAuthority,
  ref: string,
): Promise<string> {
  using vault = await openVault(denoPlatform, vaultPaths(stateRoot), {
    keks,
    bindings: noBindings,
  });
  if (vault === undefined) throw new Error("The vault is missing");
  using opened = await readSecret(vault, parseVaultRef(ref));
  return new TextDecoder().decode(opened.value.reveal());
}
