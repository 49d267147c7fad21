/** The port of an OS keystore: short texts under names of palyra's own. */

/** The keystores of the systems; their names are stored and public. */
export const KEYSTORE_KINDS = ["linux_secret_service", "macos_keychain", "windows_dpapi"] as const;

/** One of the {@link KEYSTORE_KINDS}. */
export type KeystoreKind = typeof KEYSTORE_KINDS[number];

/** Whose items: several vaults and identities may share one keystore. */
export interface Holder {
  readonly kind: "vault" | "identity";
  /** 32 hexadecimal digits, random; says nothing. */
  readonly id: string;
}

/** The name of one item of a holder. A holder has one canary, which needs no id. */
export type ItemName =
  | { readonly kind: "vault_key" | "store_key"; readonly id: string }
  | { readonly kind: "canary" };

/**
 * What one tool does with the items of one holder. Texts are ASCII without white space. Whatever goes
 * wrong is thrown as `keystoreFailure` makes it, but nothing here is proven: a text may not have been
 * stored whole, and what is not found may only be out of sight. {@link ProvenKeystore} proves.
 */
export interface KeystoreItems {
  readonly kind: KeystoreKind;
  /** Stores a new item. It goes to the tool by standard input, never by argument or environment. */
  store(name: ItemName, text: string): Promise<void>;
  /** The text; `undefined` when the tool says that there is none. Never waits for a person. */
  read(name: ItemName): Promise<string | undefined>;
  /** Asks the tool to remove an item; whether it did is to be looked up. */
  remove(name: ItemName): Promise<void>;
  /** Lets a person unlock the keystore by a dialog of the system, and waits for them. */
  unlock?(name: ItemName): Promise<void>;
}

/** The keystore that belongs to a system. */
export function keystoreOf(os: string): KeystoreKind | undefined {
  if (os === "linux") return "linux_secret_service";
  if (os === "darwin") return "macos_keychain";
  return os === "windows" ? "windows_dpapi" : undefined;
}

/** Whether a stored kind of backend is a keystore. */
export function isKeystore(kind: string): kind is KeystoreKind {
  return KEYSTORE_KINDS.some((known) => known === kind);
}
