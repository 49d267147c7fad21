/** Where palyra itself keeps the secrets of a profile. */

import type { ProfileScope } from "../../auth/profile.ts";
import { kindOf, type ProviderKey } from "../../auth/provider.ts";
import { sha256Hex } from "../../crypto/digest.ts";
import { encodeUtf8 } from "../../crypto/encoding.ts";

const DIGITS = 16;
/** What {@link ownedRef} writes. */
const OWNED = /\/auth_[a-z]+_[0-9a-f]{16}_(?:api_key|oauth_tokens)$/;

/** `SCOPE/NAME` of a secret that belongs to one profile. */
export async function ownedRef(
  provider: ProviderKey,
  scope: ProfileScope,
  id: string,
  what: "api_key" | "oauth_tokens",
): Promise<string> {
  const digest = (await sha256Hex(encodeUtf8(id))).slice(0, DIGITS);
  return `${scope}/auth_${kindOf(provider)}_${digest}_${what}`;
}

/** Whether palyra has stored a secret for a profile: then it goes with it. */
export function isOwned(ref: string): boolean {
  return OWNED.test(ref);
}
