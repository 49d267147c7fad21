/** `palyra doctor`: looks at everything that palyra depends on, and says what to do. Changes nothing. */

import { PalyraError } from "../../errors.ts";
import type { Vault } from "../../vault/vault.ts";
import type { App } from "../app.ts";
import { checkBackend } from "../doctor/backend_checks.ts";
import { type Check, CHECK_IDS, findingsFailure, skipped } from "../doctor/check.ts";
import { checkConfig } from "../doctor/config_checks.ts";
import { checkIdentity } from "../doctor/identity_checks.ts";
import { checkState } from "../doctor/state_checks.ts";
import { checkClock, checkDatabase, noVault } from "../doctor/vault_checks.ts";
import { hasVault, openVaultToRead } from "../stores.ts";
import type { RecordView } from "../view.ts";

/** Flags of `doctor`. */
export interface DoctorFlags {
  readonly only?: string | undefined;
  readonly strict?: boolean | undefined;
}

/** Reports, then fails with `findings`: for what does not work, with `--strict` for warnings too. */
export async function doctor(app: App, flags: DoctorFlags): Promise<RecordView> {
  const wanted = wantedChecks(flags.only);
  const checks = (await runChecks(app.unattended(), wanted)).filter(({ id }) => wanted(id));
  const failure = failureOf(checks, flags.strict ?? false);
  return {
    kind: "record",
    json: { checks },
    text: checks.flatMap(linesOf).join("\n"),
    ...(failure === undefined ? {} : { failure }),
  };
}

/** A name stands for the check and its parts. Throws `usage` for an unknown one. */
function wantedChecks(only: string | undefined): (id: string) => boolean {
  if (only === undefined) return () => true;
  if (!CHECK_IDS.some((id) => id === only)) {
    throw new PalyraError("usage", "Cannot use --only: there is no such check", {
      hint: `Checks are ${CHECK_IDS.join(", ")}`,
    });
  }
  return (id) => id === only || id.startsWith(`${only}.`);
}

async function runChecks(app: App, wanted: (id: string) => boolean): Promise<Check[]> {
  const isWanted = (room: string): boolean =>
    CHECK_IDS.some((id) => wanted(id) && (id === room || id.startsWith(`${room}.`)));
  const checks: Check[] = [];
  if (["state_root", "owners", "modes"].some(isWanted)) checks.push(...checkState(app));
  if (["identity", "protection"].some(isWanted)) checks.push(...await checkIdentity(app));
  if (["certificates", "devices"].some(isWanted)) {
    const { checkCertificates } = await import("../doctor/certificate_checks.ts");
    checks.push(...await checkCertificates(app));
  }
  if (isWanted("auth_profiles")) {
    const { checkProfiles } = await import("../doctor/profile_checks.ts");
    checks.push(await checkProfiles(app));
  }
  if (["backend", "database", "clock"].some(isWanted)) {
    const { vault, error } = await tryOpen(app);
    using _open = vault;
    if (isWanted("backend")) {
      checks.push(
        ...(error === undefined
          ? await checkBackend(app, vault)
          : [skipped("backend", "the vault cannot be opened")]),
      );
    }
    if (isWanted("database")) {
      checks.push(vault === undefined ? noVault(error) : checkDatabase(vault));
    }
    checks.push(checkClock(app, vault));
  }
  if (isWanted("config")) checks.push(await checkConfig(app));
  const order: readonly string[] = CHECK_IDS;
  return checks.toSorted((a, b) => order.indexOf(a.id) - order.indexOf(b.id));
}

async function tryOpen(
  app: App,
): Promise<{ readonly vault: Vault | undefined; readonly error: unknown }> {
  try {
    if (!hasVault(app)) return { vault: undefined, error: undefined };
    return { vault: await openVaultToRead(app, { anyBackend: true }), error: undefined };
  } catch (error) {
    return { vault: undefined, error };
  }
}

function linesOf({ id, status, cause, remedy }: Check): string[] {
  const line = `${status.padEnd(8)} ${id.padEnd(16)} ${cause}`;
  return remedy === "" ? [line] : [line, `${" ".repeat(26)}${remedy}`];
}

function failureOf(checks: readonly Check[], strict: boolean): PalyraError | undefined {
  const count = (wanted: Check["status"]): number =>
    checks.filter(({ status }) => status === wanted).length;
  return findingsFailure(count("fail"), strict ? count("warn") : 0);
}
