/** Logins that one command begins and another one ends: kept in the vault, sealed, for ten minutes. */

import {
  ATTEMPT_MS,
  type EndedAttempt,
  formatAttempt,
  type LoginAttempt,
  parseAttempt,
} from "../../auth/login_attempt.ts";
import { isPalyraError, PalyraError } from "../../errors.ts";
import { makeUlid, ULID } from "../../identity/ulid.ts";
import { readSecret } from "../../vault/read_secret.ts";
import { setSecret } from "../../vault/set_secret.ts";
import { parseSecretId, type SecretId } from "../../vault/vault_ref.ts";
import type { App } from "../app.ts";
import { hasVault, openVaultToRead, openVaultToWrite } from "../stores.ts";

/** An attempt that was found. */
export interface KeptAttempt {
  readonly id: string;
  readonly attempt: LoginAttempt;
  /** Of its secret: who changes it names the one that was read. */
  readonly version: number;
}

const ULID_RANDOM_BYTES = 10;

/** Keeps a new attempt; its id, which gives nobody anything. */
export async function keepAttempt(app: App, attempt: LoginAttempt): Promise<string> {
  const { clock, random } = app.platform;
  const id = makeUlid(clock.now(), random.bytes(ULID_RANDOM_BYTES)).toLowerCase();
  await write(app, { id, attempt, version: 0 });
  return id;
}

/** Finds an attempt. Throws `usage` for what is no id, `not_found` for one that is over. */
export async function findAttempt(app: App, text: string): Promise<KeptAttempt> {
  const id = text.toLowerCase();
  if (!ULID.test(id.toUpperCase())) {
    throw new PalyraError("usage", "Cannot read the attempt: it is the id that oauth-start gave");
  }
  if (!hasVault(app)) throw over();
  try {
    using vault = await openVaultToRead(app, { opensValues: true });
    using opened = await readSecret(vault, secretOf(id));
    return { id, attempt: parseAttempt(opened.value), version: opened.version };
  } catch (error) {
    throw isPalyraError(error, "not_found") ? over() : error;
  }
}

/**
 * Says what has become of an attempt, in place of what was kept of it; it is told for ten minutes more.
 * Throws `precondition` where another process has been faster.
 */
export async function endAttempt(
  app: App,
  { id, version }: KeptAttempt,
  attempt: EndedAttempt,
): Promise<KeptAttempt> {
  return await write(app, { id, attempt, version });
}

async function write(app: App, { id, attempt, version }: KeptAttempt): Promise<KeptAttempt> {
  const { vault } = await openVaultToWrite(app);
  using _open = vault;
  using value = formatAttempt(attempt);
  // What was used up must not live on in the history.
  const kept = { ...vault, keepVersions: 1 };
  const options = { lifetimeMs: ATTEMPT_MS, ifVersion: version };
  try {
    const written = await setSecret(kept, secretOf(id), value, options);
    return { id, attempt, version: written.version };
  } catch (error) {
    if (!isPalyraError(error, "precondition")) throw error;
    throw new PalyraError(
      "precondition",
      "Cannot end the login: another process has used the answer",
    );
  }
}

function secretOf(id: string): SecretId {
  return parseSecretId(`session:auth/login_${id}`);
}

function over(): PalyraError {
  return new PalyraError("not_found", "Cannot find the login: there is none, or its time is over", {
    hint: "A login has ten minutes; begin it again",
  });
}
