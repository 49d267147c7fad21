/** The keystore of a system, opened for one holder. */

import type { Platform } from "../platform/platform.ts";
import { keystoreFailure } from "./failure.ts";
import type { Holder, KeystoreItems, KeystoreKind } from "./keystore.ts";
import { keystoreOf } from "./keystore.ts";
import { ProvenKeystore } from "./proven.ts";

/** What a keystore is opened for. */
export interface KeystorePurpose {
  readonly holder: Holder;
  readonly item: "vault_key" | "store_key";
  /** A directory of palyra's for what the system does not keep itself. */
  readonly directory: string;
  /** A person is there, and has allowed a dialog. */
  readonly mayUnlock: boolean;
}

/** Opens a keystore; no program is started yet. Throws `unavailable` for that of another system. */
export async function openKeystore(
  platform: Platform,
  kind: KeystoreKind,
  purpose: KeystorePurpose,
): Promise<ProvenKeystore> {
  if (keystoreOf(platform.environment.os) !== kind) throw keystoreFailure(kind, "unsupported");
  return new ProvenKeystore(
    await itemsOf(platform, kind, purpose),
    purpose.item,
    purpose.mayUnlock,
  );
}

/** Loads the code of a keystore. */
export function loadAdapter(kind: KeystoreKind): Promise<unknown> {
  return ADAPTERS[kind]();
}

const ADAPTERS = {
  linux_secret_service: () => import("./linux_secret_service.ts"),
  macos_keychain: () => import("./macos_keychain.ts"),
  windows_dpapi: () => import("./windows_dpapi.ts"),
} as const;

async function itemsOf(
  platform: Platform,
  kind: KeystoreKind,
  { holder, directory, mayUnlock }: KeystorePurpose,
): Promise<KeystoreItems> {
  if (kind === "linux_secret_service") {
    return (await ADAPTERS[kind]()).linuxSecretService(platform, holder, { mayUnlock });
  }
  if (kind === "macos_keychain") {
    return (await ADAPTERS[kind]()).macosKeychain(platform, holder, { mayUnlock });
  }
  return (await ADAPTERS[kind]()).windowsDpapi(platform, holder, { directory });
}
