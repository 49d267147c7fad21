/** The resolver: values for many references, each source opened once and each reference read once. */

import type { SensitiveBytes } from "../crypto/sensitive_bytes.ts";
import type { Environment } from "../platform/platform.ts";
import type { Vault } from "../vault/vault.ts";
import { formatSecretRef, type SecretRef } from "./secret_ref.ts";

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

/** Resolves all references or none: the first failure, in their order, is thrown. */
export async function resolveSecrets(
  refs: readonly SecretRef[],
  sources: SecretSources,
): Promise<ResolvedSecrets> {
  const byText = new Map<string, SensitiveBytes>();
  const dispose = (): void => byText.forEach((value) => value[Symbol.dispose]());
  let vault: Vault | undefined;
  try {
    for (const ref of refs) {
      const text = formatSecretRef(ref);
      if (byText.has(text)) continue;
      if (ref.kind === "vault") vault ??= await sources.openVault();
      byText.set(text, await resolveOne(ref, vault, sources.environment));
    }
  } catch (error) {
    dispose();
    throw error;
  } finally {
    vault?.[Symbol.dispose]();
  }
  return {
    values: refs.map((ref) => byText.get(formatSecretRef(ref))!),
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
