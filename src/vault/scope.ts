/** Vault scopes: the compartments in which secrets live, and the grammar of their text form. */

import { PalyraError } from "../errors.ts";

/** The canonical text of a scope, checked by {@link parseScope}. It is what AADs are made of. */
export type VaultScope = string & { readonly brand: unique symbol };

/** Words that begin a scope; a name may not begin with one of them as a whole segment. */
export const SCOPE_WORDS: readonly string[] = [
  "global",
  "principal",
  "agent",
  "channel",
  "skill",
  "session",
];

const ID = "[A-Za-z0-9._-]{1,128}";
const ID_WITH_COLONS = "[A-Za-z0-9._:-]{1,128}";
const SCOPE = new RegExp(
  `^(?:global|(?:principal|agent):${ID_WITH_COLONS}|channel:${ID}:${ID}|(?:skill|session):${ID})$`,
);

/** Whether a scope is of the kind whose secrets always expire. */
export function isSessionScope(scope: VaultScope): boolean {
  return scope.startsWith("session:");
}

/** Reads a scope as it stands, without trimming; `undefined` when it is none. */
export function scopeOf(text: string): VaultScope | undefined {
  return SCOPE.test(text) ? text as VaultScope : undefined;
}

/** Reads a scope. Throws `usage`; the text itself is not repeated, for it may be anything. */
export function parseScope(text: string): VaultScope {
  const scope = scopeOf(text);
  if (scope !== undefined) return scope;
  throw new PalyraError("usage", `Cannot read the scope: ${whyNoScope(text)}`, {
    hint:
      "Scopes are global, principal:ID, agent:ID, channel:NAME:ACCOUNT, skill:ID and session:ID",
  });
}

/** What is wrong with a text that is no scope, without repeating it. */
export function whyNoScope(text: string): string {
  const word = text.split(":", 1)[0]!;
  if (text === "") return "it is empty";
  if (!SCOPE_WORDS.includes(word)) return "it begins with none of the scope words";
  if (word === "global") return "global takes no id";
  if (word === text) return `${word} needs an id after a colon`;
  if (word === "channel" && text.split(":").length !== 3) {
    return "channel needs a name and an account, each after a colon";
  }
  if (text.split(":").slice(1).some((part) => part === "")) return "an id is empty";
  if (/[^A-Za-z0-9._:-]/.test(text)) return "an id holds a character other than A-Z a-z 0-9 . _ -";
  if (text.split(":").slice(1).some((part) => part.length > 128) || word !== "channel") {
    return /^(?:principal|agent)/.test(word) || text.split(":").length === 2
      ? "an id is longer than 128 characters"
      : "an id holds a colon";
  }
  return "an id is not valid";
}
