/** Steps that remove old copies of the config: only where nothing would be lost with them. */

import type { Config } from "../config/config.ts";
import { isBlank, isMisplaced, soundsSecret } from "../config/logical_secret.ts";
import { isTable, parseToml, type TomlTable, type TomlValue } from "../config/toml_document.ts";
import { sha256Hex } from "../crypto/digest.ts";
import { decodeUtf8, encodeUtf8 } from "../crypto/encoding.ts";
import { isPalyraError } from "../errors.ts";
import type { Vault } from "../vault/vault.ts";
import type { AuditSubject } from "./audit.ts";
import { digestsHeld } from "./held_for_good.ts";
import { plaintextBackups } from "./permission_findings.ts";
import type { PlanStep } from "./plan_step.ts";

/** A backup goes when each of its secrets is a version in the vault, or in the config that is moved there. */
export async function planBackups(
  { platform, sources: { vault } }: AuditSubject,
  config: Config,
): Promise<PlanStep[]> {
  const backups = await plaintextBackups(platform, config);
  if (backups.length === 0) return [];
  const isElsewhere = await heldElsewhere(config, vault);
  const steps: PlanStep[] = [];
  for (const { path, bytes } of backups) {
    steps.push(
      await isElsewhere(bytes)
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

/** Tells of a backup whether the config, or the vault for good, holds each of its secrets too. */
export async function heldElsewhere(
  { table, text }: Config,
  vault: Vault | undefined,
): Promise<(backup: Uint8Array) => Promise<boolean>> {
  const known = new Set(await Promise.all(secretsOf(table, text).map(digestOf)));
  const held = vault === undefined ? undefined : await digestsHeld(vault);
  return async (backup) => {
    const backupText = decodeUtf8(backup) ?? "";
    const secrets = secretsOf(parseToml(backupText), backupText);
    const digests = await Promise.all(secrets.map(digestOf));
    return digests.every((digest) => known.has(digest) || held?.has(digest));
  };
}

/** Secrets of a config, also those that stand in lines that were made comments. */
function secretsOf(table: TomlTable, text: string): string[] {
  const comments = text.split("\n").flatMap((line) => /^\s*#+(.*)$/.exec(line)?.[1] ?? []);
  return [table, ...comments.map(parseAnything)].flatMap((one) => secretTexts(one, ""));
}

function parseAnything(text: string): TomlTable {
  try {
    return parseToml(text);
  } catch (error) {
    if (!isPalyraError(error)) throw error;
    return {};
  }
}

/** Every text that is a secret, or may be one: as `holdsSecret` judges; numbers as they are written. */
function secretTexts(value: TomlValue, key: string): string[] {
  if (Array.isArray(value)) return value.flatMap((entry) => secretTexts(entry, key));
  if (isTable(value)) {
    return Object.entries(value).flatMap(([name, inner]) => secretTexts(inner, name));
  }
  if (typeof value === "boolean" || isBlank(value)) return [];
  return soundsSecret(key) || isMisplaced(value, key) ? [String(value)] : [];
}

/** In memory only, to compare. */
async function digestOf(text: string): Promise<string> {
  return await sha256Hex(encodeUtf8(text));
}
