/** Everything that can be wrong with a keystore: closed causes, each with its text and its remedy. */

import { type ErrorCode, PalyraError } from "../errors.ts";
import type { KeystoreKind } from "./keystore.ts";

/** Why a keystore could not do what it was asked for. Public: in `details.cause` of the error. */
export type KeystoreCause =
  | "unsupported"
  | "no_tool"
  | "no_bus"
  | "no_service"
  | "no_collection"
  | "locked"
  | "timeout"
  | "policy"
  | "disk"
  | "denied"
  | "not_here"
  | "kept"
  | "lost_key"
  | "corrupt"
  | "duplicate"
  | "unknown";

/** What a tool was doing; nothing of what it wrote. */
export interface ToolCall {
  readonly tool: string;
  readonly verb: string;
  /** Its exit status, if it came to an end by itself. */
  readonly status?: number;
}

const CODES: Partial<Record<KeystoreCause, ErrorCode>> = {
  denied: "denied",
  lost_key: "integrity",
  corrupt: "integrity",
  duplicate: "internal",
};

const WHY: Readonly<Record<KeystoreCause, string>> = {
  unsupported: "this system has no such keystore",
  no_tool: "the program that it needs is not there",
  no_bus: "there is no D-Bus session bus",
  no_service: "nothing offers the keystore's service here",
  no_collection: "no keyring was ever made",
  locked: "it is locked",
  timeout: "it did not answer in time",
  policy: "the administrator's policy forbids the commands that it needs",
  disk: "it could not write",
  denied: "access was denied",
  not_here: "it does not hold the keys of this vault",
  kept: "it does not delete",
  lost_key: "it can no longer open the key that it holds",
  corrupt: "what it gave back is not what was stored",
  duplicate: "the item is there already",
  unknown: "its program failed",
};

const WITHOUT = "a new vault can also be made with --backend encrypted_file";

const REMEDIES: Partial<Record<KeystoreCause, string>> = {
  unsupported: WITHOUT,
  no_service: `Start one (gnome-keyring, KeePassXC); ${WITHOUT}`,
  no_bus: `Run inside a session (DBUS_SESSION_BUS_ADDRESS, XDG_RUNTIME_DIR); ${WITHOUT}`,
  no_collection: `Log in to the desktop once, so that it makes one; ${WITHOUT}`,
  timeout: "A dialog may be waiting on the screen: answer it, or run where one can be seen",
  policy: "Choose --backend encrypted_file for a new vault",
  disk: "Free some space, and see that the disk can be written",
  denied: "Allow the access when the system asks, or look at the item's access list",
  not_here:
    "Another user, HOME or keyring, one that shows nothing while it is locked, or a vault " +
    "that was moved, rotated or protected anew from another copy of the state root",
  kept: "palyra tries again with the next change; nothing is lost",
  lost_key: "Nothing was deleted: restore the keystore, or the whole state root, from a backup",
  corrupt: "Nothing was put in its place; palyra doctor --only backend looks again",
};

/** Remedies that differ from system to system. */
const OWN_REMEDIES: Readonly<
  Record<KeystoreKind, Partial<Record<KeystoreCause, string>>>
> = {
  linux_secret_service: {
    no_tool: `Install secret-tool (package libsecret-tools or libsecret); ${WITHOUT}`,
    locked: "Log in to the desktop, or unlock the keyring; on a desktop --unlock asks for it",
  },
  macos_keychain: {
    no_tool: "palyra needs /usr/bin/security, which is part of macOS",
    no_service: "The keychain service of the system does not answer: log in again",
    no_collection: "There is no default keychain: security default-keychain tells",
    locked: "security unlock-keychain unlocks it; in a desktop session --unlock asks for it",
  },
  windows_dpapi: {
    no_tool: `palyra needs Windows PowerShell 5.1, which is part of Windows; ${WITHOUT}`,
    lost_key: "The profile is not loaded (SSH, service), it is another user, or the password was " +
      "reset by an administrator; nothing was deleted",
  },
};

/** The error for a cause. It says nothing that the tool wrote: that may hold a secret. */
export function keystoreFailure(
  kind: KeystoreKind,
  cause: KeystoreCause,
  call?: ToolCall,
): PalyraError {
  const hint = OWN_REMEDIES[kind][cause] ?? REMEDIES[cause];
  const tool = call === undefined ? {} : {
    tool: call.tool,
    verb: call.verb,
    ...(call.status === undefined ? {} : { status: call.status }),
  };
  return new PalyraError(CODES[cause] ?? "unavailable", `Cannot use ${kind}: ${WHY[cause]}`, {
    ...(hint === undefined ? {} : { hint }),
    details: { backend: kind, cause, ...tool },
  });
}

/** The cause in an error of {@link keystoreFailure}; `undefined` for any other. */
export function causeOf(error: unknown): KeystoreCause | undefined {
  const cause = error instanceof PalyraError ? error.details?.["cause"] : undefined;
  return typeof cause === "string" && cause in WHY ? cause as KeystoreCause : undefined;
}

/** Why, as a clause for a sentence of the caller's own. */
export function whyOf(cause: KeystoreCause): string {
  return WHY[cause];
}
