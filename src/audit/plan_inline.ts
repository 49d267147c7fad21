/** Steps that move secrets from the config into the vault. */

import type { Config } from "../config/config.ts";
import { requireFormat } from "../config/configure.ts";
import { type Field, formatField } from "../config/field.ts";
import { heldForms } from "../config/logical_secret.ts";
import { vaultRefOf } from "../config/references.ts";
import { encodeUtf8 } from "../crypto/encoding.ts";
import { equalBytes } from "../crypto/equal_bytes.ts";
import { SensitiveBytes } from "../crypto/sensitive_bytes.ts";
import { isPalyraError } from "../errors.ts";
import { readSecret } from "../vault/read_secret.ts";
import { isSessionScope } from "../vault/scope.ts";
import type { Vault } from "../vault/vault.ts";
import { formatSecretId, parseSecretId, type SecretId } from "../vault/vault_ref.ts";
import type { AuditSubject } from "./audit.ts";
import { inlineSecrets } from "./config_findings.ts";
import { isHeldForGood } from "./held_for_good.ts";
import { applyModeOf, type PlanStep } from "./plan_step.ts";

const MAX_NAMES = 100;

/** One step for each inline secret; `manual` where palyra cannot know what is meant. */
export async function planInline(
  { sources: { vault, vaultError } }: AuditSubject,
  config: Config,
): Promise<PlanStep[]> {
  const steps: PlanStep[] = [];
  const given = new Map<string, SensitiveBytes>();
  for (const { field, value } of inlineSecrets(config.table)) {
    const name = formatField(field);
    const manual = (note: string): void =>
      void steps.push({ action: "manual", code: "inline_secret_configured", field: name, note });
    if (typeof value !== "string" || typeof field.at(-1) !== "string") {
      manual("It is a list, which no reference can stand for: store its entries by name");
      continue;
    }
    if (vaultError !== undefined) {
      manual(vaultError.hint ?? "The vault cannot be opened");
      continue;
    }
    const bytes = new SensitiveBytes(encodeUtf8(value));
    if (!isUsable(field, bytes)) {
      manual("Its value is not in the form that its consumer wants: store a new one");
      continue;
    }
    const held = heldForms(config.table, field).filter(({ form }) => form !== "inline");
    const bound = held.map((one) =>
      vaultRefOf({ field, form: one.form as "vault_ref", value: one.value })
    );
    if (held.length > 1 || bound.some((ref) => ref === undefined || ref.version !== undefined)) {
      manual("It is also held as a reference that palyra does not write: leave one of them");
      continue;
    }
    if (bound[0] !== undefined && isSessionScope(bound[0].scope)) {
      manual("What it refers to is a session's, which ends: bind it to another secret");
      continue;
    }
    const chosen = await choose(vault, bound[0] ?? candidates(field), bytes, given);
    if (chosen === undefined) {
      manual("No free name was found for it: palyra secrets configure takes one");
      continue;
    }
    given.set(formatSecretId(chosen.id), bytes);
    steps.push({
      action: "move_inline_value",
      apply_mode: applyModeOf(name),
      field: name,
      ref: formatSecretId(chosen.id),
      expected_version: chosen.version,
      is_stored: chosen.isStored,
    });
  }
  for (const bytes of given.values()) bytes[Symbol.dispose]();
  return steps;
}

interface Chosen {
  readonly id: SecretId;
  readonly version: number;
  readonly isStored: boolean;
}

/** The one that the field names already, or the first name that is free or holds this very value. */
async function choose(
  vault: Vault | undefined,
  wanted: SecretId | Generator<SecretId>,
  value: SensitiveBytes,
  given: ReadonlyMap<string, SensitiveBytes>,
): Promise<Chosen | undefined> {
  const isBound = "scope" in wanted;
  for (const id of isBound ? [wanted] : wanted) {
    const { version, isStored } = await stateOf(vault, id, value);
    const other = given.get(formatSecretId(id));
    const isTaken = other !== undefined && !equalBytes(other.reveal(), value.reveal());
    // What the config holds itself comes before what it refers to: the old value stays a version.
    if (!isTaken && (version === 0 || isStored || (isBound && version > 0))) {
      return { id, version, isStored };
    }
  }
  return undefined;
}

async function stateOf(
  vault: Vault | undefined,
  id: SecretId,
  value: SensitiveBytes,
): Promise<{ version: number; isStored: boolean }> {
  if (vault === undefined) return { version: 0, isStored: false };
  try {
    using opened = await readSecret(vault, id);
    return {
      version: opened.version,
      isStored: isHeldForGood(opened, value),
    };
  } catch (error) {
    if (isPalyraError(error, "not_found")) return { version: 0, isStored: false };
    if (!isPalyraError(error)) throw error;
    return { version: -1, isStored: false }; // something is there that cannot be opened
  }
}

/** `global/` and the last key; then all keys; then numbers. */
function* candidates(field: Field): Generator<SecretId> {
  const words = field.map((step) => typeof step === "object" ? step.equals : String(step));
  const last = words.at(-1)!;
  const entry = field.findLast((step) => typeof step === "object");
  const names = [entry === undefined ? last : `${entry.equals}_${last}`, words.join("_")];
  for (let number = 2; number < MAX_NAMES; number++) names.push(`${words.join("_")}_${number}`);
  for (const name of names) {
    const plain = name.toLowerCase().replaceAll(/[^a-z0-9._-]+/g, "_").replace(/^[^a-z0-9]+/, "");
    try {
      yield parseSecretId(`global/${plain}`);
    } catch { /* too long, or nothing left of it */ }
  }
}

function isUsable(field: Field, value: SensitiveBytes): boolean {
  try {
    requireFormat(field, value);
    return true;
  } catch {
    return false;
  }
}
