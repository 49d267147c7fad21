/** What may stand in an argument, for completion: names of scopes and secrets, targets. */

import type { App } from "./app.ts";

/** The command line that is being typed. */
interface Typing {
  readonly app: App;
  /** Its words before the one that is being typed. */
  readonly typed?: readonly string[];
}

/** Proposes words that begin as the one that is being typed does. */
export type Propose = (this: Typing, partial: string) => Promise<readonly string[]>;

/** References of all secrets; after `NAME=` and with `vault://` too. */
export async function references(
  this: Typing,
  partial: string,
): Promise<readonly string[]> {
  const name = /^[^=:/]*=/.exec(partial)?.[0] ?? "";
  const rest = partial.slice(name.length);
  const prefix = name + (rest.startsWith("vault:") ? "vault://" : "");
  const found = await stored(this.app);
  return startingWith(partial, found.map((one) => `${prefix}${one.scope}/${one.name}`));
}

/** Scopes that have a secret. */
export async function scopes(
  this: Typing,
  partial: string,
): Promise<readonly string[]> {
  const found = await stored(this.app);
  return startingWith(partial, [...new Set(found.map(({ scope }) => scope))]);
}

/** Names in the scope that was typed before. */
export async function namesInScope(
  this: Typing,
  partial: string,
): Promise<readonly string[]> {
  const scope = this.typed?.findLast((word) => !word.startsWith("-"));
  const found = await stored(this.app);
  return startingWith(
    partial,
    found.filter((one) => one.scope === scope).map(({ name }) => name),
  );
}

/** Targets of `secrets configure`, then what a reference may be. */
export async function targets(
  this: Typing,
  partial: string,
): Promise<readonly string[]> {
  const { TARGETS, PROVIDER_TARGET } = await import("../config/target.ts");
  const words = this.typed ?? [];
  const arguments_ = words.slice(words.indexOf("configure") + 1)
    .filter((word) => word !== "bind" && !word.startsWith("-"));
  const isField = words.includes("--field");
  if (arguments_.length === 0 && !isField) {
    const subcommand = words.at(-1) === "configure" ? ["apply"] : [];
    return startingWith(partial, [...Object.keys(TARGETS), PROVIDER_TARGET, ...subcommand]);
  }
  return await references.call(this, partial);
}

/** Words of a list. */
export function oneOf(words: readonly string[]): Propose {
  return (partial) => Promise.resolve(startingWith(partial, words));
}

async function stored(app: App): Promise<{ readonly scope: string; readonly name: string }[]> {
  const { storedNames } = await import("../vault/stored_names.ts");
  const { vaultPaths } = await import("../vault/vault.ts");
  return await storedNames(app.platform, vaultPaths(app.stateRoot));
}

function startingWith(partial: string, words: readonly string[]): string[] {
  return words.filter((word) => word.startsWith(partial));
}
