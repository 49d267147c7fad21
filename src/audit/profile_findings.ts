/** What is wrong with the auth profiles themselves, and with what the config says of them. */

import type { Config } from "../config/config.ts";
import { type Field, fieldValue, formatField } from "../config/field.ts";
import { isBlank } from "../config/logical_secret.ts";
import { stepTo } from "../config/references.ts";
import { isTable, type TomlTable } from "../config/toml_document.ts";
import { positionsOf } from "../config/toml_positions.ts";
import { positionOf } from "../config/validate.ts";
import { clauseOf } from "../errors.ts";
import type { AuditedProfiles } from "./audited_profiles.ts";
import { componentOf, type Finding, finding } from "./finding.ts";

/** The keys by which the config names a profile. */
const NAMING_KEYS = ["auth_profile_id", "auth_profile_ref"];

/** The mistake that keeps all profiles from being used, if there is one. */
export function findUnreadable({ path, mistake }: AuditedProfiles): Finding[] {
  if (mistake === undefined) return [];
  const { line, column } = mistake.details ?? {};
  const place = typeof line === "number"
    ? { path, line, ...(typeof column === "number" ? { column } : {}) }
    : { path };
  return [finding("unreadable_auth_profiles", {
    component: "auth_profiles",
    place,
    message: clauseOf(mistake),
    remedy: mistake.hint ?? "Correct it: until then no auth profile can be used",
  })];
}

/**
 * One finding for each field that names a profile that is not there, or is switched off. Where the
 * profiles cannot be read, nobody knows. What stands in the field is not repeated unless it is the id
 * of a profile: it may be a key in the wrong place.
 */
export function findMissingProfiles(
  { table, text, location }: Config,
  { profiles, mistake }: AuditedProfiles,
): Finding[] {
  if (mistake !== undefined) return [];
  const known = new Map(profiles.map((profile) => [profile.id, profile]));
  const wrong = namingFields(table).flatMap((field) => {
    const value = fieldValue(table, field);
    if (value === undefined || isBlank(value)) return [];
    const profile = typeof value === "string" ? known.get(value) : undefined;
    return profile?.enabled ? [] : [{ field, profile }];
  });
  const positions = wrong.length === 0 ? undefined : positionsOf(text);
  return wrong.map(({ field, profile }) => {
    const name = formatField(field);
    return finding("missing_auth_profile", {
      component: componentOf(name),
      field: name,
      place: { path: location.path, ...positionOf(positions!, table, field) },
      ...(profile === undefined
        ? {
          message: "there is no auth profile of this id",
          remedy: "palyra auth profiles list shows what there is; palyra auth login makes one",
        }
        : {
          message: `the auth profile ${profile.id} is switched off`,
          remedy: `palyra auth profiles set ${profile.id} --enable switches it on; ` +
            "palyra auth profiles list shows what else there is",
        }),
    });
  });
}

/** Where the config may name a profile: for all of `model_provider`, and for each of its providers. */
function namingFields(table: TomlTable): Field[] {
  const provider = table["model_provider"];
  if (!isTable(provider)) return [];
  const { providers } = provider;
  const entries: Field[] = Array.isArray(providers)
    ? providers.map((_, at) => ["model_provider", "providers", stepTo(providers, at)])
    : [];
  return [["model_provider"], ...entries].flatMap((owner) =>
    NAMING_KEYS.map((key) => [...owner, key])
  );
}
