/** `palyra secrets delete`: removes a secret with all its versions. */

import { deleteSecret } from "../../vault/delete_secret.ts";
import { PalyraError } from "../../errors.ts";
import { lockConfigure } from "../../vault/recovery.ts";
import { formatSecretId, type SecretId } from "../../vault/vault_ref.ts";
import type { App } from "../app.ts";
import { referringConfigs } from "../configs.ts";
import { openVaultToChange } from "../stores.ts";
import type { RecordView } from "../view.ts";
import { secretArgument } from "./secret_argument.ts";

/** Flags of `secrets delete`. */
export interface SecretsDeleteFlags {
  readonly force?: boolean | undefined;
}

/**
 * Deletes. Throws `not_found` when there is nothing to delete, and makes no vault to find that out;
 * `precondition` while the config refers to the secret.
 */
export async function secretsDelete(
  app: App,
  flags: SecretsDeleteFlags,
  first: string,
  second?: string,
): Promise<RecordView> {
  const id = secretArgument(first, second);
  const ref = formatSecretId(id);
  using vault = await openVaultToChange(app);
  using _lock = await lockConfigure(vault); // no config begins to name it meanwhile
  if (!flags.force) await requireUnreferenced(app, id);
  await deleteSecret(vault, id);
  return { kind: "record", json: { ref, deleted: true }, text: `deleted ${ref}` };
}

/** A config or auth profiles that cannot be read may refer to it: then only `--force` deletes. */
async function requireUnreferenced(app: App, id: SecretId): Promise<void> {
  const profile = await profileThatNames(app, formatSecretId(id));
  if (profile !== undefined) {
    throw new PalyraError(
      "precondition",
      `Cannot delete ${formatSecretId(id)}: the auth profile ${profile} refers to it`,
      { hint: `palyra auth profiles delete ${profile} comes first, or add --force` },
    );
  }
  const { fieldsThatName } = await import("../../config/references.ts");
  for (const config of await referringConfigs(app)) {
    const fields = fieldsThatName(config.table, id);
    if (fields.length === 0) continue;
    throw new PalyraError(
      "precondition",
      `Cannot delete ${formatSecretId(id)}: ${config.location.path} refers to it`,
      { hint: "Bind another secret first, or add --force", details: { referred_by: fields } },
    );
  }
}

async function profileThatNames(app: App, ref: string): Promise<string | undefined> {
  const [{ profilePaths, readProfiles }, { refsOf }] = await Promise.all([
    import("../../auth/profiles_file.ts"),
    import("../../auth/profile.ts"),
  ]);
  const profiles = await readProfiles(app.platform, profilePaths(app.stateRoot));
  return [...profiles.values()].find((profile) => refsOf(profile).includes(ref))?.profileId;
}
