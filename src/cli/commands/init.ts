/** `palyra init`: state root, identity and vault; a second run only reports. */

import { PalyraError } from "../../errors.ts";
import { type Protector, PROTECTORS } from "../../identity/protector.ts";
import { parsePreference } from "../../vault/backend.ts";
import type { App } from "../app.ts";
import { openVaultToWrite } from "../stores.ts";
import type { RecordView } from "../view.ts";

/** Flags of `init`. */
export interface InitFlags {
  readonly backend?: string | undefined;
  readonly protect?: string | undefined;
}

/**
 * Makes what is missing. Throws `precondition` when the vault is pinned to another backend, or its
 * identity is protected in another way.
 */
export async function init(app: App, flags: InitFlags): Promise<RecordView> {
  const wanted = flags.backend === undefined
    ? undefined
    : parsePreference(flags.backend, "--backend");
  const protect = parseProtector(flags.protect);
  await requireProtector(app, protect);
  const { vault, backend, created } = await openVaultToWrite(app, { wanted, protect });
  using _open = vault;
  const protectedBy = await requireProtector(app, protect);
  const { openIdentityStore } = await import("../../identity/store.ts");
  const { readDevice } = await import("../../identity/device.ts");
  using store = await openIdentityStore(app.platform, app.identityDirectory, app.access);
  const device = store && await readDevice(store);
  if (device === undefined) {
    throw new PalyraError("integrity", "Cannot read the device identity: it is missing");
  }
  const { stateRoot } = app;
  const { deviceId } = device;
  const { vaultId } = vault;
  return {
    kind: "record",
    json: {
      state_root: stateRoot,
      device_id: deviceId,
      vault_id: vaultId,
      backend,
      protect: protectedBy,
      created,
    },
    text: [
      `state root  ${stateRoot}`,
      `device      ${deviceId}`,
      `vault       ${vaultId}`,
      `backend     ${backend}`,
      `protected   ${protectedBy === "file" ? "by file modes only" : `by ${protectedBy}`}`,
      created ? "created" : "already there: nothing changed",
    ].join("\n"),
  };
}

/** Reads what is to protect the identity. Throws `usage`. */
export function parseProtector(text: string | undefined): Protector | undefined {
  const found = PROTECTORS.find((known) => known === text);
  if (text === undefined || found !== undefined) return found;
  throw new PalyraError("usage", "Cannot use --protect: it is file, keystore or passphrase");
}

/** What protects the identity that is there. Throws `precondition` when that is not what is wanted. */
async function requireProtector(
  { platform, stateRoot, identityDirectory }: App,
  wanted: Protector | undefined,
): Promise<Protector | undefined> {
  const { directories } = platform;
  if (!directories.check(stateRoot) || !directories.check(identityDirectory)) return undefined;
  const { protectorOf } = await import("../../identity/protection.ts");
  const found = protectorOf(platform, identityDirectory);
  if (wanted === undefined || found === undefined || found === wanted) return found;
  throw new PalyraError(
    "precondition",
    `Cannot protect the identity by ${wanted}: it is protected by ${found}`,
    { hint: `palyra vault protect ${wanted} changes that` },
  );
}
