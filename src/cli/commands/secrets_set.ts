/** `palyra secrets set`: stores a value as a new version. */

import {
  requireLifetimeFits,
  requireValueFits,
  requireVersion,
  type SetOptions,
  setSecret,
} from "../../vault/set_secret.ts";
import { formatSecretId } from "../../vault/vault_ref.ts";
import type { App } from "../app.ts";
import { hasVault, openVaultToWrite } from "../stores.ts";
import { readValue, type ValueFlags } from "../read_value.ts";
import { parseDuration, parseWhole } from "../values.ts";
import type { RecordView } from "../view.ts";
import { secretArgument } from "./secret_argument.ts";
import { writeView } from "./write_view.ts";

/** Flags of `secrets set`. */
export interface SecretsSetFlags extends ValueFlags {
  readonly "if-absent"?: boolean | undefined;
  readonly "if-version"?: string | undefined;
  readonly "expires-in"?: string | undefined;
}

const MAX_VERSION = 999_999_999;

/** Checks everything that can be checked, then reads the value, then opens the vault. */
export async function secretsSet(
  app: App,
  flags: SecretsSetFlags,
  first: string,
  second?: string,
): Promise<RecordView> {
  const id = secretArgument(first, second);
  const options = optionsOf(flags);
  const { lifetimeMs, ifVersion } = options;
  if (lifetimeMs !== undefined) requireLifetimeFits(app.platform.clock.now(), lifetimeMs);
  using value = await readValue(app, flags, formatSecretId(id));
  requireValueFits(value);
  if (!hasVault(app)) requireVersion(id, 0, ifVersion); // what is refused makes no vault either
  const { vault, backend } = await openVaultToWrite(app);
  using _open = vault;
  const outcome = await setSecret(vault, id, value, options);
  return writeView(app, id, outcome, backend);
}

function optionsOf(flags: SecretsSetFlags): SetOptions {
  const expiresIn = flags["expires-in"];
  const ifVersion = flags["if-version"];
  return {
    ifAbsent: flags["if-absent"] ?? false,
    ...(expiresIn === undefined ? {} : { lifetimeMs: parseDuration(expiresIn, "--expires-in") }),
    ...(ifVersion === undefined
      ? {}
      : { ifVersion: parseWhole(ifVersion, "--if-version", [0, MAX_VERSION]) }),
  };
}
