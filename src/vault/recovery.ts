/** Finishing or undoing a `configure` that did not get to its end, under the lock that it held. */

import { isPalyraError, PalyraError } from "../errors.ts";
import type { Platform } from "../platform/platform.ts";
import { buryAll, currentVersion, insertVersion, removeVersionsUpTo } from "./catalog.ts";
import { judgeIntent, type Verdict } from "./commitment.ts";
import { damagedIndex, hasExpired } from "./read_secret.ts";
import { dropIntent, findIntent, type StagedRow } from "./staged.ts";
import type { Vault, VaultPaths } from "./vault.ts";

/** How long a writer waits for `configure.lock`, in milliseconds. */
export const CONFIGURE_LOCK_TIMEOUT_MS = 10_000;

const INTERRUPTED = "Cannot finish an interrupted configure";
/** Between two looks at a document that somebody may be saving, in milliseconds. */
export const SETTLE_MS = 100;
const MAX_LOOKS = 50;

/**
 * Takes `configure.lock` and finishes or undoes what a killed process left. Whoever holds the lock
 * knows that there is no intent. Throws `precondition` when it cannot be had in time.
 */
export async function lockConfigure(vault: Vault): Promise<Disposable> {
  const lock = await acquireConfigureLock(vault.platform, vault.paths);
  try {
    await recover(vault);
    return lock;
  } catch (error) {
    lock[Symbol.dispose]();
    throw error;
  }
}

/** Takes `configure.lock` where there may be no vault; its directory must be there. */
export async function acquireConfigureLock(
  { locks }: Platform,
  { configureLock }: VaultPaths,
): Promise<Disposable> {
  return await locks.acquire(configureLock, CONFIGURE_LOCK_TIMEOUT_MS);
}

/** What every writer does that sees an intent: it waits for its owner, or for the proof that it died. */
export async function settleIntent(vault: Vault): Promise<void> {
  if (findIntent(vault.database) === undefined) return;
  (await lockConfigure(vault))[Symbol.dispose]();
}

/** Makes the committed versions current and forgets the rest. The caller holds `configure.lock`. */
export async function recover(vault: Vault): Promise<void> {
  const verdict = await told(() => steadyVerdict(vault));
  if (verdict === undefined) return;
  try {
    // First, while the intent still names it: what no row knows would stay for ever.
    (await vault.platform.documents()).discard(verdict.intent.tempPath);
  } catch {
    /* it must not keep the vault from its writers; the next change of the config sees it */
  }
  await concludeIntent(vault, verdict.committed);
}

/** Says what palyra was about when the document could not be read. */
async function told<T>(look: () => Promise<T>): Promise<T> {
  try {
    return await look();
  } catch (error) {
    if (!isPalyraError(error) || error.message.startsWith(INTERRUPTED)) throw error;
    throw new PalyraError(error.code, `${INTERRUPTED}: ${error.message}`, {
      hint: "Mend, remove or move away this config, and it is finished or undone",
      cause: error,
    });
  }
}

/** Makes these staged versions current, drops the others and the intent, in one transaction. */
export async function concludeIntent(vault: Vault, committed: readonly StagedRow[]): Promise<void> {
  const { database, platform } = vault;
  const nowAt = new Date(platform.clock.now()).toISOString();
  await database.write(() => {
    for (const row of committed) promote(vault, row, nowAt);
    dropIntent(database);
  });
}

function promote(vault: Vault, row: StagedRow, nowAt: string): void {
  const { database, keepVersions } = vault;
  const before = currentVersion(database, row.id);
  if (before !== undefined && hasExpired(before.expiresAt, nowAt)) buryAll(database, row.id, nowAt);
  // Its key may have been rotated since it was read: the row itself is moved.
  const now = database.get("SELECT kid, encrypted_key FROM staged WHERE id = ?", row.rowId);
  if (now === undefined) throw damagedIndex();
  const encryptedKey = now["encrypted_key"] as Uint8Array<ArrayBuffer>;
  insertVersion(database, {
    ...row,
    kid: String(now["kid"]),
    parts: { ...row.parts, encryptedKey },
  });
  if (currentVersion(database, row.id)?.version !== row.version) throw damagedIndex();
  removeVersionsUpTo(database, row.id, row.version - keepVersions);
}

/**
 * A verdict on a document that others have changed is believed when it stays the same for a moment:
 * an editor may be in the middle of saving, and what it has emptied names nothing.
 */
async function steadyVerdict(vault: Vault): Promise<Verdict | undefined> {
  let verdict = await judgeIntent(vault);
  for (let looks = 0; verdict?.changedByOthers && looks < MAX_LOOKS; looks++) {
    await vault.platform.clock.pause(SETTLE_MS);
    const again = await judgeIntent(vault);
    if (again === undefined || again.found === verdict.found) return again;
    verdict = again;
  }
  if (!verdict?.changedByOthers) return verdict;
  throw new PalyraError(
    "precondition",
    `${INTERRUPTED}: ${verdict.intent.path} keeps changing`,
  );
}
