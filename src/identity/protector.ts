/** What protects an identity, and what it is given by its surroundings for that. */

import type { SensitiveBytes } from "../crypto/sensitive_bytes.ts";
import type { KeystoreKind } from "../keystore/keystore.ts";

/** What protects the identity store's key: nothing but file modes, a keystore, or a passphrase. */
export const PROTECTORS = ["file", "keystore", "passphrase"] as const;

/** One of the {@link PROTECTORS}. */
export type Protector = typeof PROTECTORS[number];

/** Ways to what protects an identity; nobody is asked before it is needed. */
export interface ProtectorAccess {
  /** A person is there, and has allowed the keystore to ask them. */
  readonly mayUnlock: boolean;
  /** The passphrase in force. Throws `would_prompt` where nobody can be asked. */
  passphrase(): Promise<SensitiveBytes>;
}

/** How a new or changed identity is to be protected. */
export type Protection =
  | { readonly protector: "file" }
  | { readonly protector: "keystore"; readonly backend: KeystoreKind }
  | { readonly protector: "passphrase"; newPassphrase(): Promise<SensitiveBytes> };
