/** `palyra init`: state root, identity and vault; a second run only reports. */

import { PalyraError } from "../../errors.ts";
import { parsePreference } from "../../vault/backend.ts";
import type { App } from "../app.ts";
import { openVaultToWrite } from "../stores.ts";
import type { RecordView } from "../view.ts";

/** Flags of `init`. */
export interface InitFlags {
  readonly backend?: string | undefined;
}

/** Makes what is missing. Throws `precondition` when the vault is pinned to another backend. */
export async function init(app: App, flags: InitFlags): Promise<RecordView> {
  const wanted = flags.backend === undefined
    ? undefined
    : parsePreference(flags.backend, "--backend");
  const { vault, backend, created } = await openVaultToWrite(app, { wanted });
  using _open = vault;
  const { openIdentityStore } = await import("../../identity/store.ts");
  const { readDevice } = await import("../../identity/device.ts");
  using store = openIdentityStore(app.platform, app.identityDirectory);
  const device = store && await readDevice(store);
  if (device === undefined) {
    throw new PalyraError("integrity", "Cannot read the device identity: it is missing");
  }
  const { stateRoot } = app;
  const { deviceId } = device;
  const { vaultId } = vault;
  return {
    kind: "record",
    json: { state_root: stateRoot, device_id: deviceId, vault_id: vaultId, backend, created },
    text: [
      `state root  ${stateRoot}`,
      `device      ${deviceId}`,
      `vault       ${vaultId}`,
      `backend     ${backend}`,
      created ? "created" : "already there: nothing changed",
    ].join("\n"),
  };
}
