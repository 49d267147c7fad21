/** The resolver: values for many references, each source opened once and each reference read once. */

import type { SensitiveBytes } from "../crypto/sensitive_bytes.ts";
import type { Environment } from "../platform/platform.ts";
import type { Vault } from "../vault/vault.ts";
import { formatSecretRef, type SecretRef } from "./secret_ref.ts";

/** References that are read side by side: more would only fill the memory. */
const AT_ONCE = 16;

/** Where the resolver reads. */
export interface SecretSources {
  /** Opens the vault; called only when a reference needs it. Throws `not_found` without one. */
  readonly openVault: () => Promise<Vault>;
  readonly environment: Environment;
}

/** Resolved values, in the order of the references. Disposing wipes them all. */
export interface ResolvedSecrets extends Disposable {
  readonly values: readonly SensitiveBytes[];
}

/**
 * Resolves all references or none, side by side. Of several failures the first in the order of the
 * references is thrown, so that the same call always fails with the same words.
 */
export async function resolveSecrets(
  refs: readonly SecretRef[],
  sources: SecretSources,
): Promise<ResolvedSecrets> {
  const distinct = new Map(refs.map((ref) => [formatSecretRef(ref), ref]));
  const vault = refs.some(({ kind }) => kind === "vault") ? await sources.openVault() : undefined;
  const values = new Map<string, SensitiveBytes>();
  const dispose = (): void => values.forEach((value) => value[Symbol.dispose]());
  const failures: unknown[] = [];
  try {
    const waiting = [...distinct];
    while (waiting.length > 0 && failures.length === 0) {
      const resolving = waiting.splice(0, AT_ONCE).map(async ([text, ref]) =>
        values.set(text, await resolveOne(ref, vault, sources.environment))
      );
      for (const result of await Promise.allSettled(resolving)) {
        if (result.status === "rejected") failures.push(result.reason);
      }
    }
  } finally {
    vault?.[Symbol.dispose]();
  }
  if (failures.length > 0) {
    dispose();
    throw failures[0];
  }
  return {
    values: refs.map((ref) => values.get(formatSecretRef(ref))!),
    [Symbol.dispose]: dispose,
  };
}

async function resolveOne(
  ref: SecretRef,
  vault: Vault | undefined,
  environment: Environment,
): Promise<SensitiveBytes> {
  if (ref.kind === "env") {
    const { resolveFromEnvironment } = await import("./sources/env.ts");
    return resolveFromEnvironment(environment, ref.variable);
  }
  const { resolveFromVault } = await import("./sources/vault.ts");
  return await resolveFromVault(vault!, ref.ref);
}
