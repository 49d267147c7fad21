/** What a vault must hold: every secret's kept versions, before and after each operation. */

/** Versions that palyra keeps of each secret. */
const KEPT = 10;

/** One version with the value that must be read back. */
export interface KnownVersion {
  readonly version: number;
  readonly value: string;
}

/** One secret: the versions kept, the newest first, and the highest number that was ever used. */
export interface KnownSecret {
  readonly kept: readonly KnownVersion[];
  readonly last: number;
}

/** All secrets by reference; deleted ones stay, for their numbers. */
export type KnownSecrets = ReadonlyMap<string, KnownSecret>;

/** Generations of keys, counted from what the vault itself says. */
export interface KnownKeys {
  readonly kek: number;
  /** Of the scope `global`. */
  readonly global: number;
}

/** The whole vault. */
export interface KnownVault {
  readonly secrets: Map<string, KnownSecret>;
  keys: KnownKeys;
}

/** A command line, and what it makes of the secret or the keys that it touches. */
export interface Operation {
  readonly kind: string;
  readonly args: readonly string[];
  readonly stdin?: string;
  readonly ref?: string;
  /** The secret after it, when it was committed. */
  readonly after?: KnownSecret;
  /** Key generations after it, when it was committed. */
  readonly rotates?: keyof KnownKeys;
}

/** A secret that never was. */
export const NO_SECRET: KnownSecret = { kept: [], last: 0 };

/** `secrets set` of a value that the secret does not have yet. */
export function setting(vault: KnownVault, kind: string, ref: string, value: string): Operation {
  const before = vault.secrets.get(ref) ?? NO_SECRET;
  const args = ["secrets", "set", ref, "--json"];
  return { kind, args, stdin: value, ref, after: withVersion(before, value) };
}

/** `secrets delete` of a secret that is there. */
export function deleting(vault: KnownVault, ref: string): Operation {
  const { last } = vault.secrets.get(ref)!;
  const args = ["secrets", "delete", ref, "--json"];
  return { kind: "delete", args, ref, after: { kept: [], last } };
}

/** `secrets rollback` to the oldest version that is kept. */
export function rollingBack(vault: KnownVault, ref: string): Operation {
  const before = vault.secrets.get(ref)!;
  const { version, value } = before.kept.at(-1)!;
  const args = ["secrets", "rollback", ref, "--to", `${version}`, "--json"];
  const same = value === before.kept[0]!.value;
  return { kind: "rollback", args, ref, after: same ? before : withVersion(before, value) };
}

/** `vault rotate kek`, or `vault rotate scope global`. */
export function rotating(which: keyof KnownKeys): Operation {
  const args = which === "kek" ? ["kek"] : ["scope", "global"];
  return {
    kind: `rotate ${args[0]}`,
    args: ["vault", "rotate", ...args, "--json"],
    rotates: which,
  };
}

/** References of the secrets that exist. */
export function livingRefs({ secrets }: KnownVault): string[] {
  return [...secrets].filter(([, { kept }]) => kept.length > 0).map(([ref]) => ref);
}

/** Books a committed operation. */
export function book(vault: KnownVault, { ref, after, rotates }: Operation): void {
  if (ref !== undefined) vault.secrets.set(ref, after!);
  if (rotates !== undefined) vault.keys = { ...vault.keys, [rotates]: vault.keys[rotates] + 1 };
}

function withVersion({ kept, last }: KnownSecret, value: string): KnownSecret {
  const versions = [{ version: last + 1, value }, ...kept];
  return { kept: versions.slice(0, KEPT), last: last + 1 };
}
