/** Providers of credentials: what they are called, and what is known of them. */

import { PalyraError } from "../errors.ts";

/** Providers that are known by name; any other one is `custom` with a name of its own. */
export const PROVIDERS = [
  "openai",
  "anthropic",
  "github",
  "google",
  "azure",
  "telegram",
  "slack",
  "discord",
  "webhook",
  "custom",
] as const;

/** The kind of a provider. */
export type ProviderKind = typeof PROVIDERS[number];

/** A provider as profiles name it: `openai`, or `custom:<name>`. */
export type ProviderKey = string & { readonly brand: unique symbol };

/** How long to wait after failed refreshes, in milliseconds: doubled each time, up to a maximum. */
export interface BackoffPolicy {
  readonly baseMs: number;
  readonly maxMs: number;
}

const CUSTOM_NAME = /^[a-z0-9][a-z0-9._-]{0,63}$/;

const BACKOFF: Readonly<Record<string, BackoffPolicy>> = {
  openai: { baseMs: 15_000, maxMs: 300_000 },
  anthropic: { baseMs: 20_000, maxMs: 600_000 },
};
const OTHERS: BackoffPolicy = { baseMs: 30_000, maxMs: 1_800_000 };

/** Reads a provider: a known name, or `custom:NAME`. Throws `usage`. */
export function parseProvider(text: string): ProviderKey {
  const [kind, name, ...rest] = text.split(":");
  const isKnown = PROVIDERS.some((one) => one === kind) && kind !== "custom" && name === undefined;
  const isCustom = kind === "custom" && rest.length === 0 && CUSTOM_NAME.test(name ?? "");
  if (isKnown || isCustom) return text as ProviderKey;
  throw new PalyraError("usage", "Cannot read the provider: there is none of this name", {
    hint: `It is ${PROVIDERS.slice(0, -1).join(", ")}, or custom:NAME (a-z 0-9 . _ -)`,
  });
}

/** The kind of a provider. */
export function kindOf(provider: ProviderKey): ProviderKind {
  return provider.split(":")[0] as ProviderKind;
}

/** How long to wait after failures of a provider. */
export function backoffOf(provider: ProviderKey): BackoffPolicy {
  return BACKOFF[kindOf(provider)] ?? OTHERS;
}
