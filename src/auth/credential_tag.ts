/** Which credential a record is about: what happened to another one says nothing about this one. */

import { sha256Hex } from "../crypto/digest.ts";
import { encodeUtf8 } from "../crypto/encoding.ts";
import { type AuthProfile, tableOf } from "./profile.ts";
import type { ProfileRecord, RuntimeState } from "./runtime_state.ts";

const LENGTH = 16;

/**
 * A short digest of what a credential is: for a key with the version of its secret, so that a new key
 * begins anew; for tokens with what they are asked for by.
 */
export async function credentialTag(profile: AuthProfile, version: number): Promise<string> {
  const { enabled: _enabled, profile_name: _name, ...credential } = tableOf(profile);
  const parts = profile.credential.type === "api_key" ? [credential, version] : [credential];
  return (await sha256Hex(encodeUtf8(JSON.stringify(parts)))).slice(0, LENGTH);
}

/** The record of a credential; an empty one where what is known is about another. */
export function recordFor(state: RuntimeState, id: string, tag: string): ProfileRecord {
  const found = state.records.get(id);
  return found?.credential === tag ? found : { credential: tag, failures: 0 };
}
