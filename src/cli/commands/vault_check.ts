/** `palyra vault check`: opens every envelope and tells what cannot be opened or was left behind. */

import { PalyraError } from "../../errors.ts";
import { strayFiles } from "../../identity/identity.ts";
import { type CheckReport, checkVault } from "../../vault/check_vault.ts";
import type { App } from "../app.ts";
import { counted } from "../counted.ts";
import type { Vault } from "../../vault/vault.ts";
import { showProgress } from "../progress.ts";
import { openVaultToChange, openVaultToRead } from "../stores.ts";
import type { RecordView } from "../view.ts";

/** Flags of `vault check`. */
export interface VaultCheckFlags {
  readonly repair?: boolean | undefined;
  readonly strict?: boolean | undefined;
}

/** Reports, then fails: with `integrity` for bad entries, with `findings` for leftovers if `--strict`. */
export async function vaultCheck(app: App, flags: VaultCheckFlags): Promise<RecordView> {
  const repair = flags.repair ?? false;
  using vault = repair ? await openVaultToChange(app) : await openVaultToRead(app);
  const found = await checkWatched(app, vault, repair);
  const { strayFiles: strayTrust } = await import("../../config/trust.ts");
  const elsewhere = [
    ...strayFiles(app.platform, app.identityDirectory),
    ...strayTrust(app.platform, app.stateRoot),
  ];
  const report = { ...found, leftovers: found.leftovers + elsewhere.length };
  const { checked, bad, leftovers, repaired } = report;
  const failure = failureOf(report, flags.strict ?? false);
  return {
    kind: "record",
    json: { checked, bad, leftovers, repaired },
    text: [
      `checked    ${counted(checked, "version")}`,
      ...bad.map(({ ref, version, cause }) => `bad        ${ref}#${version}: ${cause}`),
      `leftovers  ${leftovers}`,
      ...(repair ? [`repaired   ${repaired}`] : []),
    ].join("\n"),
    ...(failure === undefined ? {} : { failure }),
  };
}

async function checkWatched(app: App, vault: Vault, repair: boolean): Promise<CheckReport> {
  using shown = showProgress(app, "checked");
  return await checkVault(vault, { repair, progress: shown.report });
}

function failureOf({ bad, leftovers }: CheckReport, strict: boolean): PalyraError | undefined {
  if (bad.length > 0) {
    return new PalyraError(
      "integrity",
      `Cannot open ${bad.length} of the vault's entries: wrong key or altered data`,
    );
  }
  if (leftovers > 0 && strict) {
    return new PalyraError(
      "findings",
      `Found ${counted(leftovers, "leftover")} of interrupted writers`,
      {
        hint: "palyra vault check --repair removes them",
      },
    );
  }
  return undefined;
}
