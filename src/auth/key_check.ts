/** Whether a provider takes an API key: asked for its models, which costs nothing and changes nothing. */

import { PalyraError } from "../errors.ts";
import type { WebFetch } from "../platform/web.ts";

/** A provider whose keys can be tried. */
export type KeyProvider = "openai" | "anthropic";

interface KeyCheck {
  readonly base: string;
  /** Behind the base. */
  readonly path: string;
  readonly headers: (key: string) => Readonly<Record<string, string>>;
}

/** How each provider is asked. */
const CHECKS: Readonly<Record<KeyProvider, KeyCheck>> = {
  // https://platform.openai.com/docs/api-reference/models/list
  openai: {
    base: "https://api.openai.com/v1",
    path: "/models",
    headers: (key) => ({ authorization: `Bearer ${key}` }),
  },
  // https://docs.anthropic.com/en/api/models-list
  anthropic: {
    base: "https://api.anthropic.com",
    path: "/v1/models",
    headers: (key) => ({ "x-api-key": key, "anthropic-version": "2023-06-01" }),
  },
};

/** Where a provider is asked unless the user says otherwise. */
export function baseOf(provider: KeyProvider): string {
  return CHECKS[provider].base;
}

/** Throws `auth` for a key that is refused, `connectivity` where that cannot be told now. */
export async function checkKey(
  provider: KeyProvider,
  key: string,
  { base, send }: { readonly base: string; readonly send: WebFetch },
): Promise<void> {
  const { path, headers } = CHECKS[provider];
  if (!/^[\x21-\x7e]+$/.test(key)) {
    throw new PalyraError("usage", "Cannot use the key: it is not one line of printable ASCII");
  }
  const url = `${base.replace(/\/+$/, "")}${path}`;
  const response = await send(url, { headers: { ...headers(key), accept: "application/json" } });
  const isList = isObject(await response.text());
  const { status } = response;
  if (status >= 200 && status < 300 && isList) return;
  if (status === 401 || status === 403) {
    throw new PalyraError("auth", `Cannot use the key: ${provider} refuses it (status ${status})`, {
      hint: "Nothing was stored",
    });
  }
  const why = status === 429
    ? "asks to wait"
    : status >= 500
    ? "cannot say now"
    : "gives an answer that says nothing about it";
  throw new PalyraError(
    "connectivity",
    `Cannot try the key: ${provider} ${why} (status ${status})`,
    { hint: "Nothing was stored; palyra auth profiles set --api-key-ref takes a key untried" },
  );
}

/** A page that anything in between answers everybody with says nothing about a key. */
function isObject(text: string): boolean {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null && !Array.isArray(value);
  } catch { // its message quotes the text
    return false;
  }
}
