/** Where palyra itself keeps the secrets of a profile. */

import type { ProfileScope } from "../../auth/profile.ts";
import { kindOf, type ProviderKey } from "../../auth/provider.ts";
import { sha256Hex } from "../../crypto/digest.ts";
import { encodeUtf8 } from "../../crypto/encoding.ts";

const DIGITS = 16;
/** What {@link ownedRef} writes, with the digest of the profile's id. */
const OWNED = /\/auth_[a-z]+_([0-9a-f]{16})_(?:api_key|oauth_tokens)$/;

/** `SCOPE/NAME` of a secret that belongs to one profile. */
export async function ownedRef(
  provider: ProviderKey,
  scope: ProfileScope,
  id: string,
  what: "api_key" | "oauth_tokens",
): Promise<string> {
  return `${scope}/auth_${kindOf(provider)}_${await digestOf(id)}_${what}`;
}

/** Those that palyra has stored for this very profile, also when its scope, provider or type was another. */
export async function ownedBy(id: string, refs: readonly string[]): Promise<readonly string[]> {
  const digest = await digestOf(id);
  return refs.filter((ref) => OWNED.exec(ref)?.[1] === digest);
}

/** Whether palyra has stored a secret for a profile: then it goes with it. */
export function isOwned(ref: string): boolean {
  return OWNED.test(ref);
}

async function digestOf(id: string): Promise<string> {
  return (await sha256Hex(encodeUtf8(id))).slice(0, DIGITS);
}
