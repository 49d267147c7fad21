/** Which secret a client gets for an address: what the config says, and nothing beyond it. */

import { isPalyraError, PalyraError } from "../errors.ts";
import {
  formatVaultRef,
  parseRefPattern,
  parseVaultRef,
  patternNames,
  type RefPattern,
} from "../vault/vault_ref.ts";
import { type Address, covers, isFitRule } from "./address.ts";
import type { Protocol } from "./protocol.ts";

/** What the table `[helper.<protocol>]` says; texts are not judged yet. */
export interface RuleTable {
  readonly maps: readonly MapRule[];
  /** References, each exact or up to one `*` at its end; `auth:PROFILE` only exact. */
  readonly allow: readonly string[];
  readonly storeScope: string | undefined;
}

/** One `[[helper.<protocol>.map]]`. */
export interface MapRule {
  readonly match: string;
  /** A reference to the vault, `auth:PROFILE`, or `config:FIELD`. */
  readonly ref: string;
  readonly username: string | undefined;
}

/** What the rules say of an address. */
export type Decision =
  | { readonly kind: "map"; readonly rule: MapRule; readonly at: number }
  /** The label itself is a reference that is allowed; in its canonical spelling. */
  | { readonly kind: "reference"; readonly ref: string }
  | { readonly kind: "nothing"; readonly why: string };

/**
 * Finds what an address gets: the first map that covers it and is for this user name, or, where the
 * address is itself a reference, one that is allowed. Throws `usage` for a rule that is wrong.
 */
export function decide(
  protocol: Protocol,
  table: RuleTable,
  address: Address,
  username?: string,
): Decision {
  const asked = [address, protocol.inFull?.(address)].filter((one) => one !== undefined);
  let covered = false;
  for (const [at, rule] of table.maps.entries()) {
    const mapped = ruleAddress(protocol, rule, at);
    if (!asked.some((one) => covers(mapped, one))) continue;
    covered = true;
    const isForUser = username === undefined || rule.username === undefined ||
      rule.username === username;
    if (isForUser) return { kind: "map", rule, at };
  }
  if (covered) return { kind: "nothing", why: "its map is for another user name" };
  return address.kind === "label"
    ? decideReference(table, address.label)
    : { kind: "nothing", why: "no map covers it" };
}

function decideReference(table: RuleTable, label: string): Decision {
  const ref = canonicalReference(label);
  if (ref === undefined) return { kind: "nothing", why: "no map has it, and it is no reference" };
  const [id] = ref.split("#", 1);
  const isAllowed = table.allow.some((pattern, at) => patternNames(readPattern(pattern, at), id!));
  return isAllowed
    ? { kind: "reference", ref }
    : { kind: "nothing", why: "no map has it, and allow does not list it" };
}

/** Checks every rule, so that a mistake shows whatever is asked for. Throws `usage`. */
export function checkRules(protocol: Protocol, table: RuleTable): void {
  const [first] = mistakesIn(protocol, table);
  if (first !== undefined) throw first.error;
}

/** A rule that cannot be used. */
export interface RuleMistake {
  /** Where it stands below `helper.<protocol>`. */
  readonly field: readonly (string | number)[];
  readonly error: PalyraError;
}

/** Every rule that is wrong, each with what its client would be told. */
export function mistakesIn(protocol: Protocol, { maps, allow }: RuleTable): RuleMistake[] {
  return [
    ...maps.map((rule, at) => mistake(["map", at, "match"], () => ruleAddress(protocol, rule, at))),
    ...allow.map((pattern, at) => mistake(["allow", at], () => readPattern(pattern, at))),
  ].flat();
}

function mistake(field: RuleMistake["field"], read: () => unknown): RuleMistake[] {
  try {
    read();
    return [];
  } catch (error) {
    if (!isPalyraError(error)) throw error;
    return [{ field, error }];
  }
}

/** The address of a map. Throws `usage` that says which one is wrong. */
export function ruleAddress(protocol: Protocol, { match }: MapRule, at: number): Address {
  const address = protocol.parseAddress(match);
  if (address !== undefined && isFitRule(address)) return address;
  throw new PalyraError(
    "usage",
    `Cannot use map ${at + 1}: its match is no address that this client could ask for`,
    { hint: "A server is SCHEME://HOST[:PORT][/PATH], and only its path may end in *" },
  );
}

/** `auth:` and the id of an auth profile, which never looks like a reference to the vault. */
const PROFILE = /^auth:[a-z0-9][a-z0-9._-]{0,127}$/;

/** Whether a label leads to an auth profile that it names itself. */
export function isProfileLabel(protocol: Protocol, table: RuleTable, label: string): boolean {
  if (!PROFILE.test(label)) return false;
  const decision = decide(protocol, table, { kind: "label", label });
  if (decision.kind === "nothing") return false;
  return (decision.kind === "map" ? decision.rule.ref : decision.ref) === label;
}

/**
 * A pattern names its scope in full: only the name may be left open. Profiles have no scope in their ids:
 * each is named in full, so that one that is made later is given to nobody who was not thought of.
 */
function readPattern(pattern: string, at: number): RefPattern {
  if (pattern.startsWith("auth:")) {
    if (PROFILE.test(pattern)) return { text: pattern, isPrefix: false };
    throw new PalyraError(
      "usage",
      `Cannot use entry ${at + 1} of allow: a profile is named by its whole id`,
      { hint: 'An entry is auth:PROFILE, as in "auth:work"' },
    );
  }
  const read = parseRefPattern(pattern);
  if (read !== undefined) return read;
  throw new PalyraError(
    "usage",
    `Cannot use entry ${at + 1} of allow: it is no reference to the vault`,
    { hint: 'An entry is SCOPE/NAME, or SCOPE/BEGIN*, as in "global/openai_*"' },
  );
}

function canonicalReference(text: string): string | undefined {
  if (PROFILE.test(text)) return text;
  try {
    return formatVaultRef(parseVaultRef(text));
  } catch {
    return undefined;
  }
}
