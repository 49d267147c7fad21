/** Steps that remove old copies of the config: only where nothing would be lost with them. */

import type { Config } from "../config/config.ts";
import { isBlank, isMisplaced, soundsSecret } from "../config/logical_secret.ts";
import { isTable, parseToml, type TomlValue } from "../config/toml_document.ts";
import { sha256Hex } from "../crypto/digest.ts";
import { decodeUtf8, encodeUtf8 } from "../crypto/encoding.ts";
import { isPalyraError } from "../errors.ts";
import { listSecrets, secretHistory } from "../vault/list_secrets.ts";
import { readSecret } from "../vault/read_secret.ts";
import type { Vault } from "../vault/vault.ts";
import type { AuditSubject } from "./audit.ts";
import { plaintextBackups } from "./permission_findings.ts";
import type { PlanStep } from "./plan_step.ts";

/** A backup goes when each of its secrets is a version in the vault, or in the config that is moved there. */
export async function planBackups(
  { platform, sources: { vault } }: AuditSubject,
  config: Config,
): Promise<PlanStep[]> {
  const backups = await plaintextBackups(platform, config);
  if (backups.length === 0) return [];
  const known = new Set(await Promise.all(secretTexts(config.table, "").map(digestOf)));
  if (vault !== undefined) await addVersions(vault, known);
  const steps: PlanStep[] = [];
  for (const { path, bytes } of backups) {
    const texts = secretTexts(parseToml(decodeUtf8(bytes) ?? ""), "");
    const digests = await Promise.all(texts.map(digestOf));
    steps.push(
      digests.every((digest) => known.has(digest))
        ? { action: "remove_backup", apply_mode: "immediate", path, sha256: await sha256Hex(bytes) }
        : {
          action: "manual",
          code: "plaintext_backup",
          path,
          note:
            "It holds secrets that are nowhere else: store what is still wanted, then remove it",
        },
    );
  }
  return steps;
}

/** Every text that is a secret, or may be one: as `holdsSecret` judges. */
function secretTexts(value: TomlValue, key: string): string[] {
  if (Array.isArray(value)) return value.flatMap((entry) => secretTexts(entry, key));
  if (isTable(value)) {
    return Object.entries(value).flatMap(([name, inner]) => secretTexts(inner, name));
  }
  const isSecret = typeof value === "string" && !isBlank(value) &&
    (soundsSecret(key) || isMisplaced(value, key));
  return isSecret ? [value] : [];
}

async function addVersions(vault: Vault, known: Set<string>): Promise<void> {
  for (const { id } of await listSecrets(vault)) {
    for (const { version } of await secretHistory(vault, id)) {
      try {
        using opened = await readSecret(vault, { ...id, version });
        known.add(await sha256Hex(opened.value.reveal()));
      } catch (error) {
        if (!isPalyraError(error)) throw error; // what cannot be opened holds nothing
      }
    }
  }
}

/** In memory only, to compare. */
async function digestOf(text: string): Promise<string> {
  return await sha256Hex(encodeUtf8(text));
}
