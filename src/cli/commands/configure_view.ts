/** What the two forms of `configure` share: their flags, and how their outcome is told. */

import type { ChangeContext } from "../../config/change.ts";
import { readConfig } from "../../config/config.ts";
import type { Configured, ConfiguredItem, ConfigureOptions } from "../../config/configure.ts";
import { isTable, type TomlTable } from "../../config/toml_document.ts";
import { isBlank } from "../../config/logical_secret.ts";
import { PalyraError } from "../../errors.ts";
import type { App } from "../app.ts";
import { parseWhole } from "../values.ts";
import type { JsonObject } from "../view.ts";

/** Flags of every `configure`. */
export interface ChangeFlags {
  readonly "dry-run"?: boolean | undefined;
  readonly backups?: string | undefined;
  readonly force?: boolean | undefined;
}

const MAX_BACKUPS = 100;

/** The options of a change. Throws `usage`. */
export function optionsOf({ backups, force }: ChangeFlags): ConfigureOptions {
  if (force && backups === undefined) {
    throw new PalyraError("usage", "Cannot use --force: it goes with --backups");
  }
  return {
    backups: backups === undefined ? 0 : parseWhole(backups, "--backups", [0, MAX_BACKUPS]),
    force: force ?? false,
  };
}

/** The object of one binding. */
export function itemJson(item: ConfiguredItem, { config }: Configured): JsonObject {
  const { target, field, ref, secret } = item;
  return {
    changed: config.changed || secret.changed,
    ...(target === undefined ? {} : { target }),
    field,
    ref,
    secret,
    config: configJson(config),
  };
}

/** What became of the config. */
export function configJson({ path, changed, backup }: Configured["config"]): JsonObject {
  return { path, changed, ...(backup === undefined ? {} : { backup }) };
}

/** A line for people. */
export function itemText({ field, ref, secret }: ConfiguredItem, { config }: Configured): string {
  const did = secret.created ? "stored" : secret.changed ? "updated" : "unchanged";
  const where = config.changed ? `bound in ${config.path}` : `already bound in ${config.path}`;
  return `${did} ${ref} version ${secret.version}; ${field} ${where}`;
}

/**
 * An auth profile comes before every form of a key: then nobody would read what was just bound. What was
 * done is done: a config that somebody is saving at this moment gives no note, and no error either.
 */
export async function noteShadows(app: App, context: ChangeContext): Promise<void> {
  const provider = (await tableOf(context))?.["model_provider"];
  if (!isTable(provider)) return;
  for (const key of ["auth_profile_id", "auth_profile_ref"]) {
    const value = provider[key];
    if (value === undefined || isBlank(value)) continue;
    app.note(`model_provider.${key} is set, and comes before the keys of model_provider`);
  }
}

async function tableOf({ platform, location }: ChangeContext): Promise<TomlTable | undefined> {
  try {
    const documents = await platform.documents();
    const realPath = documents.realPath(location.path);
    return (await readConfig(documents, { ...location, realPath })).table;
  } catch (error) {
    if (error instanceof PalyraError) return undefined;
    throw error;
  }
}
