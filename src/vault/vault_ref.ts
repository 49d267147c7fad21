/** References to secrets of the vault: `<scope>/<name>`, `vault://…`, and `#n` for one version. */

import { PalyraError } from "../errors.ts";
import { SCOPE_WORDS, scopeOf, type VaultScope, whyNoScope } from "./scope.ts";

/** What a secret is called inside its scope, checked by {@link parseName}. */
export type SecretName = string & { readonly brand: unique symbol };

/** A secret of the vault. */
export interface SecretId {
  readonly scope: VaultScope;
  readonly name: SecretName;
}

/** A secret, or one version of it. */
export interface VaultRef extends SecretId {
  /** 1 or more; without it the current version is meant. */
  readonly version?: number;
}

/** Most characters of `<scope>/<name>`, so that every reference fits 256 with its version. */
export const MAX_REF_LENGTH = 240;

const MAX_NAME_LENGTH = 128;
const SEGMENT = /^[a-z0-9._-]+$/;
const VERSION = /^[1-9][0-9]{0,8}$/;
const PREFIX = "vault://";

/** The canonical text: `<scope>/<name>`. */
export function formatSecretId({ scope, name }: SecretId): string {
  return `${scope}/${name}`;
}

/** The canonical text, with `#n` when a version is meant. */
export function formatVaultRef(ref: VaultRef): string {
  return ref.version === undefined ? formatSecretId(ref) : `${formatSecretId(ref)}#${ref.version}`;
}

/** Reads a reference in any spelling. Throws `usage` without repeating the text. */
export function parseVaultRef(text: string): VaultRef {
  const hash = text.indexOf("#");
  const body = hash === -1 ? text : text.slice(0, hash);
  const id = body.startsWith(PREFIX) ? parseUrl(body.slice(PREFIX.length)) : parsePlain(body);
  if (hash === -1) return id;
  const version = text.slice(hash + 1);
  if (!VERSION.test(version)) throw invalid("a version is a number from 1 to 999999999 after #");
  return { ...id, version: Number(version) };
}

/** Reads a reference that must not name a version. Throws `usage`. */
export function parseSecretId(text: string): SecretId {
  const { version, ...id } = parseVaultRef(text);
  if (version !== undefined) throw invalid("a version cannot be chosen here");
  return id;
}

/** What a rule names: one secret, or all whose canonical text begins so. */
export interface RefPattern {
  /** `<scope>/<name>`, or its beginning. */
  readonly text: string;
  readonly isPrefix: boolean;
}

/** Reads `<scope>/<name>`, or its beginning up to one `*`; the scope is named in full. */
export function parseRefPattern(pattern: string): RefPattern | undefined {
  const isPrefix = pattern.endsWith("*");
  const text = isPrefix ? pattern.slice(0, -1) : pattern;
  if (!text.includes("/")) return undefined;
  try {
    // A letter in the place of the star makes a reference of every prefix that could begin one.
    const id = formatSecretId(parseSecretId(isPrefix ? `${text}x` : text));
    return { text: isPrefix ? id.slice(0, -1) : id, isPrefix };
  } catch {
    return undefined;
  }
}

/** Whether a pattern names the secret of this canonical text. */
export function patternNames({ text, isPrefix }: RefPattern, id: string): boolean {
  return isPrefix ? id.startsWith(text) : id === text;
}

/** Joins a scope and a name that were given apart. Throws `usage`, also when they are too long together. */
export function makeSecretId(scope: VaultScope, name: SecretName): SecretId {
  if (scope.length + 1 + name.length > MAX_REF_LENGTH) {
    throw invalid(`scope and name together are longer than ${MAX_REF_LENGTH - 1} characters`);
  }
  return { scope, name };
}

/** Reads a name. Throws `usage` without repeating it. */
export function parseName(text: string): SecretName {
  const why = whyNoName(text);
  if (why !== undefined) {
    throw new PalyraError("usage", `Cannot read the name: ${why}`, {
      hint:
        "Names are segments of a-z 0-9 . _ - joined by single slashes, and begin with a-z or 0-9",
    });
  }
  return text as SecretName;
}

function parsePlain(body: string): SecretId {
  const slash = body.indexOf("/");
  if (slash === -1) throw invalid("it needs a scope, a slash and a name");
  const scope = scopeOf(body.slice(0, slash));
  if (scope === undefined) throw invalid(whyNoScope(body.slice(0, slash)));
  return makeSecretId(scope, parseName(body.slice(slash + 1)));
}

/** After `vault://` a first segment that is no scope belongs to a name in `global`. */
function parseUrl(body: string): SecretId {
  const first = body.split("/", 1)[0]!;
  if (scopeOf(first) !== undefined || looksLikeScope(first)) return parsePlain(body);
  return makeSecretId("global" as VaultScope, parseName(body));
}

function looksLikeScope(segment: string): boolean {
  return segment.includes(":") || SCOPE_WORDS.includes(segment);
}

function whyNoName(text: string): string | undefined {
  if (text === "") return "it is empty";
  if (text.length > MAX_NAME_LENGTH) return `it is longer than ${MAX_NAME_LENGTH} characters`;
  if (!/^[a-z0-9]/.test(text)) return "it does not begin with a-z or 0-9";
  const segments = text.split("/");
  if (segments.includes("")) return "a segment is empty";
  if (segments.includes(".") || segments.includes("..")) return "a segment is . or ..";
  if (looksLikeScope(segments[0]!)) return "its first segment is a scope";
  if (!segments.every((segment) => SEGMENT.test(segment))) {
    return "it holds a character other than a-z 0-9 . _ - and /";
  }
  return undefined;
}

function invalid(why: string): PalyraError {
  return new PalyraError("usage", `Cannot read the reference: ${why}`, {
    hint: "A reference is SCOPE/NAME, for example global/openai_api_key; #N chooses a version",
  });
}
