/** Opens the identity for writing commands, and makes it, protected as it is to be, where there is none. */

import { PalyraError } from "../errors.ts";
import type { DeviceAuthority } from "../identity/authority.ts";
import { ensureIdentity } from "../identity/identity.ts";
import type { Protection, Protector } from "../identity/protector.ts";
import { causeOf, keystoreFailure } from "../keystore/failure.ts";
import { isKeystore, type KeystoreKind, keystoreOf } from "../keystore/keystore.ts";
import type { BackendPreference } from "../vault/backend.ts";
import type { App } from "./app.ts";

/** An identity, and the backend that its vault is to have. */
export interface MadeIdentity {
  readonly keks: DeviceAuthority;
  readonly preference: BackendPreference;
}

/** What is asked for. */
export interface IdentityWish {
  readonly preference: BackendPreference;
  readonly protect: Protector | undefined;
}

/**
 * Opens or makes the identity. On Windows the system's own protection is what it gets unless
 * something else is asked for; where `auto` finds that unusable, it is a file.
 */
export async function makeIdentity(
  app: App,
  wish: IdentityWish,
  mayCreate: () => void,
): Promise<MadeIdentity> {
  const { platform, identityDirectory, access } = app;
  const isWindows = platform.environment.os === "windows";
  const isDefault = wish.protect === undefined && isWindows &&
    wish.preference !== "encrypted_file";
  const protector = wish.protect ?? (isDefault ? "keystore" : "file");
  const protection = await protectionOf(app, protector, wish.preference);
  const preference = protection.protector === "keystore" ? protection.backend : wish.preference;
  const options = { mayCreate, access };
  try {
    const keks = await ensureIdentity(platform, identityDirectory, { ...options, protection });
    // An identity that was there may be protected otherwise: its vault may want any backend.
    return { keks, preference: wish.protect === "keystore" ? preference : wish.preference };
  } catch (error) {
    if (!isDefault || wish.preference !== "auto" || causeOf(error) === undefined) throw error;
    app.warn("the identity is protected by file modes only: windows_dpapi cannot be used");
    const file = { ...options, protection: { protector: "file" } } as const;
    return {
      keks: await ensureIdentity(platform, identityDirectory, file),
      preference: wish.preference,
    };
  }
}

/** How to protect, as far as it can be told without asking anybody. Throws `usage`. */
async function protectionOf(
  app: App,
  protector: Protector,
  preference: BackendPreference,
): Promise<Protection> {
  if (protector === "file") return { protector };
  if (protector === "passphrase") {
    const passphrases = await app.passphrases();
    return { protector, newPassphrase: () => passphrases.fresh() };
  }
  return { protector, backend: keystoreFor(app, preference) };
}

/** The keystore that a vault with this preference is kept by. */
function keystoreFor({ platform }: App, preference: BackendPreference): KeystoreKind {
  if (preference === "encrypted_file") {
    throw new PalyraError(
      "usage",
      "Cannot protect the identity by a keystore: the vault is to be kept by encrypted_file",
      { hint: "Leave --backend out, or protect it by a passphrase" },
    );
  }
  const kind = preference === "auto" ? keystoreOf(platform.environment.os) : preference;
  if (kind !== undefined && isKeystore(kind)) return kind;
  throw keystoreFailure("linux_secret_service", "unsupported");
}
