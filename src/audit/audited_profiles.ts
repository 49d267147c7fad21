/**
 * Auth profiles as the audit sees them. They come as plain data: what a profile is, and how its document
 * is read, is another room's business.
 */

import { formatField } from "../config/field.ts";
import { fingerprintOf } from "../config/fingerprint.ts";
import type { PalyraError } from "../errors.ts";
import { formatVaultRef, parseSecretId } from "../vault/vault_ref.ts";
import type { CollectedReference } from "./audited_reference.ts";
import type { Place } from "./finding.ts";

/** The registry. */
export interface AuditedProfiles {
  /** The document, whether it is there or not. */
  readonly path: string;
  /** In the order of the document; empty where it cannot be read. */
  readonly profiles: readonly AuditedProfile[];
  /** Why it cannot be read: then nobody knows what profiles there are, and what they name. */
  readonly mistake: PalyraError | undefined;
}

/** One profile. */
export interface AuditedProfile {
  readonly id: string;
  readonly enabled: boolean;
  readonly references: readonly ProfileReference[];
}

/** A secret that a profile names. */
export interface ProfileReference {
  /** `api_key_vault_ref`, … */
  readonly key: string;
  /** `SCOPE/NAME`. */
  readonly ref: string;
  readonly place: Place;
  /** How a value gets there; `undefined`: by storing it. */
  readonly remedy: string | undefined;
}

const SUFFIX = "_vault_ref";

/**
 * The references of all profiles. Those of one that is switched off need not lead anywhere, for nobody
 * asks for them. A config that is not trusted has no say in them: the registry is the user's own.
 */
export async function referencesOfProfiles(
  { profiles }: AuditedProfiles,
): Promise<CollectedReference[]> {
  const all = profiles.flatMap(({ id, enabled, references }) =>
    references.map(async ({ key, ref, place, remedy }): Promise<CollectedReference> => {
      const vaultRef = parseSecretId(ref);
      const name = key.slice(0, -SUFFIX.length);
      return {
        base: {
          field: formatField(["profiles", id, key]),
          logicalField: formatField(["profiles", id, name]),
          component: componentOfProfile(id),
          form: "auth_profile",
          place,
          sourceKind: "vault",
          source: formatVaultRef(vaultRef),
          ref: vaultRef,
          required: enabled,
          fingerprint: await fingerprintOf({ field: [], form: "vault_ref", value: ref }),
          remedy,
        },
        reference: {
          source: { kind: "vault", ref: vaultRef },
          required: enabled,
          maxBytes: undefined,
        },
        error: undefined,
        blocked: undefined,
      };
    })
  );
  return await Promise.all(all);
}

/** The profiles that name a secret, as components. */
export function profilesThatName({ profiles }: AuditedProfiles, secret: string): string[] {
  return profiles.filter(({ references }) => references.some(({ ref }) => ref === secret))
    .map(({ id }) => componentOfProfile(id));
}

/** All secrets that profiles name, as `SCOPE/NAME`. */
export function secretsOfProfiles({ profiles }: AuditedProfiles): ReadonlySet<string> {
  return new Set(profiles.flatMap(({ references }) => references.map(({ ref }) => ref)));
}

function componentOfProfile(id: string): string {
  return `auth_profile:${id}`;
}
