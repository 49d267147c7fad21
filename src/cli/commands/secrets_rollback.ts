/** `palyra secrets rollback`: makes the value of an old version current again. */

import { PalyraError } from "../../errors.ts";
import { liveBlob } from "../../vault/catalog.ts";
import { lockConfigure } from "../../vault/recovery.ts";
import { rollBackSecret } from "../../vault/roll_back_secret.ts";
import type { App } from "../app.ts";
import { openVaultToChange } from "../stores.ts";
import { parseWhole } from "../values.ts";
import type { RecordView } from "../view.ts";
import { secretArgument } from "./secret_argument.ts";
import { writeView } from "./write_view.ts";

/** Flags of `secrets rollback`. */
export interface SecretsRollbackFlags {
  readonly to?: string | undefined;
}

const MAX_VERSION = 999_999_999;

/** Adds a version with the old value: numbers only go up. */
export async function secretsRollback(
  app: App,
  flags: SecretsRollbackFlags,
  first: string,
  second?: string,
): Promise<RecordView> {
  const id = secretArgument(first, second);
  if (flags.to === undefined) {
    throw new PalyraError("usage", "Cannot roll back: --to names the version");
  }
  const to = parseWhole(flags.to, "--to", [1, MAX_VERSION]);
  using vault = await openVaultToChange(app);
  using _lock = await lockConfigure(vault);
  const outcome = await rollBackSecret(vault, id, to);
  return writeView(app, id, outcome, liveBlob(vault.database)!.backend);
}
