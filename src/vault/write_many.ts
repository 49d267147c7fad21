/** Several secrets in one transaction: written at once, or staged until a config names them. */

import { PalyraError } from "../errors.ts";
import { currentVersion, lastVersionNumber, liveScopeKey } from "./catalog.ts";
import { notFound, provenAbsent, readSecret } from "./read_secret.ts";
import type { ScopeKey } from "./scope_key.ts";
import { ensureScopeKey } from "./scope_keys.ts";
import type { VaultScope } from "./scope.ts";
import { expiryOf, instantOf } from "./set_secret.ts";
import { findIntent, insertIntent, insertStaged, type Intent } from "./staged.ts";
import type { Vault } from "./vault.ts";
import { formatSecretId, type SecretId } from "./vault_ref.ts";
import type { SensitiveBytes } from "../crypto/sensitive_bytes.ts";
import { equalBytes } from "../crypto/equal_bytes.ts";
import { isPalyraError } from "../errors.ts";
import { livingVersion, unchanged, type WriteOutcome, writeUnlessSame } from "./write_version.ts";

/** One secret of many. */
export interface WriteRequest {
  readonly id: SecretId;
  /** Without a value the secret must be there. */
  readonly value: SensitiveBytes | undefined;
  readonly ifAbsent: boolean;
  /** Milliseconds; as {@link setSecret} takes it. */
  readonly lifetimeMs: number | undefined;
  /** The field that is to name it. */
  readonly field: string;
}

/** What would become of a write. */
export type Preview = Pick<WriteOutcome, "version" | "created" | "changed">;

const MAX_TRIES = 1_000;

/**
 * Writes all or none. With an intent new versions are staged, and the intent is recorded even if
 * there is none: it tells of the temporary file. The caller holds `configure.lock` and has seen that nothing is staged. Throws `not_found` for
 * a secret without value that is not there.
 */
export async function writeMany(
  vault: Vault,
  requests: readonly WriteRequest[],
  intent?: Intent,
): Promise<WriteOutcome[]> {
  const { database } = vault;
  const scopes = new Set(
    requests.filter(({ value }) => value !== undefined).map(({ id }) => id.scope),
  );
  for (let tries = 0; tries < MAX_TRIES; tries++) {
    const keys = new Map<VaultScope, ScopeKey>();
    for (const scope of scopes) keys.set(scope, await ensureScopeKey(vault, scope));
    const inForce = (): boolean =>
      [...keys].every(([scope, key]) => liveScopeKey(database, scope)?.kid === key.kid);
    const outcomes = await database.write(() =>
      inForce() ? writeAll(vault, requests, { keys, intent }) : undefined
    );
    if (outcomes !== undefined) return outcomes;
  }
  throw new PalyraError("precondition", "Cannot write the secrets: their keys keep changing");
}

/** What {@link writeMany} would do, without writing. */
export async function previewMany(
  vault: Vault | undefined,
  requests: readonly WriteRequest[],
): Promise<Preview[]> {
  const previews = new Map<string, Preview>();
  const list: Preview[] = [];
  for (const request of requests) {
    const name = formatSecretId(request.id);
    const before = previews.get(name);
    const preview = before !== undefined && request.value === undefined
      ? { ...before, created: false, changed: false }
      : await previewOne(vault, request);
    previews.set(name, preview);
    list.push(preview);
  }
  return list;
}

interface Given {
  readonly keys: ReadonlyMap<VaultScope, ScopeKey>;
  readonly intent: Intent | undefined;
}

async function writeAll(
  vault: Vault,
  requests: readonly WriteRequest[],
  { keys, intent }: Given,
): Promise<WriteOutcome[]> {
  const { database, platform } = vault;
  if (findIntent(database) !== undefined) {
    throw new PalyraError("precondition", "Cannot write the secrets: another change has begun");
  }
  const now = platform.clock.now();
  const at = instantOf(now);
  if (intent !== undefined) insertIntent(database, intent, at);
  const outcomes: WriteOutcome[] = [];
  const written = new Map<string, WriteOutcome>();
  for (const { id, value, ifAbsent, lifetimeMs, field } of requests) {
    const name = formatSecretId(id);
    const living = livingVersion(vault, id, at);
    const before = written.get(name);
    let outcome: WriteOutcome;
    if (value === undefined) {
      if (before === undefined && living === undefined) throw absent(vault, id);
      outcome = before === undefined
        ? unchanged(living!)
        : { ...before, created: false, changed: false };
    } else if (living !== undefined && ifAbsent) {
      outcome = unchanged(living);
    } else {
      const key = keys.get(id.scope)!;
      const next = { value, key, at, expiresAt: expiryOf(id, now, lifetimeMs) };
      outcome = await writeUnlessSame(vault, id, {
        living,
        next,
        ...(intent === undefined ? {} : {
          put: (row): void => insertStaged(database, intent.id, { ...row, field }),
        }),
      });
    }
    written.set(name, outcome);
    outcomes.push(outcome);
  }
  return outcomes;
}

async function previewOne(
  vault: Vault | undefined,
  { id, value, ifAbsent, lifetimeMs }: WriteRequest,
): Promise<Preview> {
  const living = vault && await openLiving(vault, id);
  using opened = living;
  if (value === undefined) {
    if (opened === undefined) throw vault === undefined ? notFound(id) : absent(vault, id);
    return { version: opened.version, created: false, changed: false };
  }
  const same = opened !== undefined &&
    (ifAbsent ||
      (equalBytes(opened.value.reveal(), value.reveal()) && lifetimeMs === undefined &&
        opened.expiresAt === undefined));
  if (same) return { version: opened.version, created: false, changed: false };
  const last = vault === undefined ? 0 : lastVersionNumber(vault.database, id);
  return {
    version: Math.max(last, opened?.version ?? 0) + 1,
    created: opened === undefined,
    changed: true,
  };
}

async function openLiving(
  vault: Vault,
  id: SecretId,
): Promise<Awaited<ReturnType<typeof readSecret>> | undefined> {
  try {
    return await readSecret(vault, id);
  } catch (error) {
    if (isPalyraError(error, "not_found")) return undefined;
    throw error;
  }
}

/** Expired counts as absent; what only an index does not find is damage. */
function absent(vault: Vault, id: SecretId): PalyraError {
  return currentVersion(vault.database, id) === undefined ? provenAbsent(vault, id) : notFound(id);
}
