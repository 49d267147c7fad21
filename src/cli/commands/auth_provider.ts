/** `palyra auth openai|anthropic status` and `use-profile`, and the commands of a profile, held to its provider. */

import { hintOf } from "../../auth/hint.ts";
import type { ProviderKey } from "../../auth/provider.ts";
import { fieldValue } from "../../config/field.ts";
import { PalyraError } from "../../errors.ts";
import type { App } from "../app.ts";
import { knownProfiles, profileOfProvider } from "../auth/profiles.ts";
import { healthLine, healthOfAll, hintedJson, summaryOf } from "../auth/told.ts";
import { readExistingConfig } from "../configs.ts";
import { editConfig, type FieldEdit } from "../edit_config.ts";
import type { RecordView } from "../view.ts";
import { authRevoke } from "./auth_revoke.ts";
import { authRefresh } from "./auth_token.ts";

/** A profile, and whose it has to be. */
export interface ProviderProfile {
  readonly provider: ProviderKey;
  readonly id: string;
}

const DEFAULT = ["model_provider", "auth_profile_id"];
/** The older way to name one. */
const REFERENCE = ["model_provider", "auth_profile_ref"];
const KIND = ["model_provider", "auth_provider_kind"];

/** The profiles of a provider and how they are, and which of them the config names. Changes nothing. */
export async function providerStatus(app: App, provider: ProviderKey): Promise<RecordView> {
  const known = await knownProfiles(app);
  const profiles = [...known.profiles.values()]
    .filter((profile) => profile.provider === provider)
    .sort((a, b) => a.profileId < b.profileId ? -1 : 1);
  const named = await namedProfile(app);
  const hints = profiles.map((profile) => hintOf(profile, known.facts));
  const state = profiles.length === 0 ? "none" : summaryOf(hints).status;
  const healths = healthOfAll(known, profiles);
  const isDefault = ({ profile }: (typeof healths)[number]): boolean => profile.profileId === named;
  return {
    kind: "record",
    json: {
      provider,
      provider_state: state,
      ...(named === undefined || !profiles.some(({ profileId }) => profileId === named)
        ? {}
        : { default_profile_id: named }),
      profiles: healths.map((health, at) => ({
        ...hintedJson(health, hints[at]),
        is_default: isDefault(health),
      })),
    },
    text: healths.map((health) => `${healthLine(health)}${isDefault(health) ? "  (default)" : ""}`)
      .join("\n") || `no profiles of ${provider}`,
  };
}

/** Names a profile in the config as the one that model providers are asked with. */
export async function useProfile(
  app: App,
  { provider, id }: ProviderProfile,
): Promise<RecordView> {
  const { profileId, scope } = await profileOfProvider(app, id, provider);
  if (scope !== "global") {
    throw new PalyraError("usage", `Cannot use ${profileId} for everybody: it belongs to ${scope}`);
  }
  const set = (field: readonly string[], value: string): FieldEdit => ({
    field,
    editOf: (path) => ({ kind: "set", path, value }),
  });
  const config = await editConfig(app, [
    set(DEFAULT, profileId),
    set(KIND, provider),
    { field: REFERENCE, editOf: (path) => ({ kind: "remove", path }) },
  ]);
  return {
    kind: "record",
    json: { changed: config.changed, profile_id: profileId, provider, config },
    text: `${config.changed ? "changed" : "unchanged:"} ${config.path}: it uses ${profileId}`,
  };
}

/** `auth refresh`, for a profile of this provider. */
export async function providerRefresh(
  app: App,
  { provider, id }: ProviderProfile,
): Promise<RecordView> {
  const { profileId } = await profileOfProvider(app, id, provider);
  return await authRefresh(app, {}, profileId);
}

/** `auth revoke`, for a profile of this provider. */
export async function providerRevoke(
  app: App,
  { provider, id }: ProviderProfile,
): Promise<RecordView> {
  const { profileId } = await profileOfProvider(app, id, provider);
  return await authRevoke(app, {}, profileId);
}

async function namedProfile(app: App): Promise<string | undefined> {
  const config = await readExistingConfig(app);
  const value = config && fieldValue(config.table, DEFAULT);
  return typeof value === "string" ? value : undefined;
}
