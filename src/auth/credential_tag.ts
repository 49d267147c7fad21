/** Which credential a record is about: what happened to another one says nothing about this one. */

import { sha256Hex } from "../crypto/digest.ts";
import { encodeUtf8 } from "../crypto/encoding.ts";
import { type AuthProfile } from "./profile.ts";
import { tableOf } from "./profile_table.ts";
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

/** What a record has to be about. */
export interface RecordSubject {
  readonly tag: string;
  /** Of the token set, where there is one: nothing is known of one that somebody else has stored. */
  readonly version?: number | undefined;
}

/**
 * The record of a credential; an empty one where what is known is about another, and no more than when it
 * was used where it is about other tokens.
 */
export function recordFor(
  state: RuntimeState,
  id: string,
  { tag, version }: RecordSubject,
): ProfileRecord {
  const found = state.records.get(id);
  if (found?.credential !== tag) return { credential: tag, failures: 0 };
  if (version === undefined || (found.tokensVersion ?? version) === version) return found;
  const { lastUsedAt, lastSuccessAt } = found;
  return {
    credential: tag,
    failures: 0,
    ...(lastUsedAt === undefined ? {} : { lastUsedAt }),
    ...(lastSuccessAt === undefined ? {} : { lastSuccessAt }),
  };
}
