/** `palyra vault rotate kek` and `palyra vault rotate scope`. */

import { rotateKek } from "../../vault/rotate_kek.ts";
import { type RotatedScope, rotateScope } from "../../vault/rotate_scope.ts";
import { parseScope, type VaultScope } from "../../vault/scope.ts";
import type { App } from "../app.ts";
import { counted } from "../counted.ts";
import type { Vault } from "../../vault/vault.ts";
import { showProgress } from "../progress.ts";
import { openVaultToChange } from "../stores.ts";
import type { RecordView } from "../view.ts";

/** Rotates the KEK and the vault key. */
export async function vaultRotateKek(app: App): Promise<RecordView> {
  using vault = await openVaultToChange(app);
  const { generation, kekKid } = await rotateKek(vault);
  return {
    kind: "record",
    json: { rotated: "kek", generation, kek_kid: kekKid },
    text: `rotated the KEK; vault key generation ${generation}`,
  };
}

/** Rotates the key of one scope. */
export async function vaultRotateScope(
  app: App,
  _flags: Readonly<Record<never, never>>,
  scopeText: string,
): Promise<RecordView> {
  const wanted = parseScope(scopeText);
  using vault = await openVaultToChange(app);
  const { scope, generation, rewrapped } = await rotateWatched(app, vault, wanted);
  return {
    kind: "record",
    json: { rotated: "scope", scope, generation, rewrapped },
    text: `rotated the key of ${scope}: generation ${generation}, ` +
      `${counted(rewrapped, "version")} wrapped anew`,
  };
}

async function rotateWatched(app: App, vault: Vault, scope: VaultScope): Promise<RotatedScope> {
  using shown = showProgress(app, "wrapped");
  return await rotateScope(vault, scope, shown.report);
}
