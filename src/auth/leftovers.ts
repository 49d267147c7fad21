/** What profiles have left behind: orders, records and secrets that belong to nothing any more. */

import { type AuthProfile, refsOf } from "./profile.ts";
import type { RuntimeState } from "./runtime_state.ts";

/** Something that does no harm where it is, and is of no use either. */
export interface Leftover {
  /** Public: `order_without_profile`, `record_without_profile`, `secret_without_profile`, `shared_tokens`. */
  readonly code: string;
  readonly severity: "warning" | "info";
  /** A profile's id, or `SCOPE/NAME` of a secret. */
  readonly subject: string;
  /** One clause. */
  readonly message: string;
  /** What to do. */
  readonly remedy: string;
}

/** All that is there. */
export interface Inventory {
  readonly profiles: ReadonlyMap<string, AuthProfile>;
  readonly state: RuntimeState;
  /** Secrets of the vault that palyra has stored for one profile each. */
  readonly owned: readonly string[];
}

/** Looks for what is left over. */
export function leftoversOf({ profiles, state, owned }: Inventory): Leftover[] {
  const all = [...profiles.values()];
  const named = new Set(all.flatMap(refsOf));
  const tokens = Map.groupBy(
    all.filter(({ credential }) => credential.type === "oauth"),
    (profile) => refsOf(profile)[0]!,
  );
  return [
    ...[...state.orders].flatMap(([key, ids]) =>
      ids.filter((id) => !profiles.has(id)).map((id): Leftover => ({
        code: "order_without_profile",
        severity: "warning",
        subject: id,
        message: `the order of ${key} names it, and there is no such profile`,
        remedy: "palyra auth profiles order-set sets the order",
      }))
    ),
    ...[...tokens].filter(([, users]) => users.length > 1).map(([ref, users]): Leftover => ({
      code: "shared_tokens",
      severity: "info",
      subject: ref,
      message: `${users.map(({ profileId }) => profileId).join(" and ")} are one login`,
      remedy: "Log in with each of them where they should not end together",
    })),
    ...owned.filter((ref) => !named.has(ref)).map((ref): Leftover => ({
      code: "secret_without_profile",
      severity: "warning",
      subject: ref,
      message: "it was stored for a profile, and none names it",
      remedy: `palyra secrets delete ${ref}`,
    })),
    ...[...state.records.keys()].filter((id) => !profiles.has(id)).map((id): Leftover => ({
      code: "record_without_profile",
      severity: "info",
      subject: id,
      message: "what happened to it is still written down, and there is no such profile",
      remedy: "The cache auth_profile_runtime_state.toml may be deleted",
    })),
  ];
}
