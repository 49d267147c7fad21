/** The resolver: values for many references, each source opened once and each reference read once. */

import type { SensitiveBytes } from "../crypto/sensitive_bytes.ts";
import { isPalyraError, PalyraError } from "../errors.ts";
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

/** A reference to resolve, and what its owner demands of the value. */
export interface SecretRequest {
  readonly ref: SecretRef;
  /** When it is not there, it has no value; without this that is an error. */
  readonly optional?: boolean;
  /** Most bytes that the value may have. */
  readonly maxBytes?: number | undefined;
}

/** Resolved values, in the order of the references. Disposing wipes them all. */
export interface ResolvedSecrets extends Disposable {
  /** `undefined` for an optional one that is not there. */
  readonly values: readonly (SensitiveBytes | undefined)[];
}

/**
 * Resolves all references or none, side by side. Of several failures the first in the order of the
 * references is thrown, so that the same call always fails with the same words.
 */
export async function resolveSecrets(
  requests: readonly SecretRequest[],
  sources: SecretSources,
): Promise<ResolvedSecrets> {
  const refs = requests.map(({ ref }) => ref);
  const needed = new Set(
    requests.filter(({ optional }) => !optional).map(({ ref }) => formatSecretRef(ref)),
  );
  const distinct = new Map(refs.map((ref) => [formatSecretRef(ref), ref]));
  const vault = refs.some(({ kind }) => kind === "vault") ? await sources.openVault() : undefined;
  const values = new Map<string, SensitiveBytes>();
  const dispose = (): void => values.forEach((value) => value[Symbol.dispose]());
  const failures: unknown[] = [];
  try {
    const waiting = [...distinct];
    while (waiting.length > 0 && failures.length === 0) {
      const resolving = waiting.splice(0, AT_ONCE).map(async ([text, ref]) => {
        try {
          values.set(text, await resolveOne(ref, vault, sources.environment));
        } catch (error) {
          if (needed.has(text) || !isPalyraError(error, "not_found")) throw error;
        }
      });
      for (const result of await Promise.allSettled(resolving)) {
        if (result.status === "rejected") failures.push(result.reason);
      }
    }
  } finally {
    vault?.[Symbol.dispose]();
  }
  failures.push(...tooLarge(requests, values));
  if (failures.length > 0) {
    dispose();
    throw failures[0];
  }
  return {
    values: refs.map((ref) => values.get(formatSecretRef(ref))),
    [Symbol.dispose]: dispose,
  };
}

function tooLarge(
  requests: readonly SecretRequest[],
  values: ReadonlyMap<string, SensitiveBytes>,
): PalyraError[] {
  return requests.flatMap(({ ref, maxBytes = Infinity }) => {
    const text = formatSecretRef(ref);
    const { length } = values.get(text)?.reveal() ?? [];
    if (length <= maxBytes) return [];
    const why = `the value is larger than max_bytes, ${maxBytes}`;
    return [new PalyraError("usage", `Cannot read ${text}: ${why}`)];
  });
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
