/** The resolver: values for many references, each source opened once and each reference read once. */

import type { SensitiveBytes } from "../crypto/sensitive_bytes.ts";
import { isPalyraError, PalyraError } from "../errors.ts";
import type { Platform } from "../platform/platform.ts";
import type { Vault } from "../vault/vault.ts";
import { type ExecRef, formatSecretRef, type SecretRef } from "./secret_ref.ts";

/** References that are read side by side: their rows, while a keystore is waited for. */
const AT_ONCE = 64;

/** Where the resolver reads. */
export interface SecretSources {
  /** Opens the vault; called only when a reference needs it. Throws `not_found` without one. */
  readonly openVault: () => Promise<Vault>;
  /** The credential of an auth profile; without it such references are refused. */
  readonly credentialOf?: (profile: string) => Promise<SensitiveBytes>;
  readonly platform: Pick<Platform, "environment" | "processes" | "secretFiles" | "clock">;
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

/** What became of one reference. */
export interface Resolution {
  readonly request: SecretRequest;
  readonly kind: SecretRef["kind"];
  readonly required: boolean;
  /** RFC 3339, UTC. */
  readonly resolvedAt: string;
  /** `missing`: optional, and certainly not there. */
  readonly status: "resolved" | "missing" | "failed";
  /** With `resolved`. Requests for the same thing share it. */
  readonly value?: SensitiveBytes;
  /** With `failed`. */
  readonly error?: unknown;
}

/** What became of each reference, in their order. Disposing wipes all values. */
export interface Resolutions extends Disposable {
  readonly all: readonly Resolution[];
}

/**
 * Resolves all references or none, side by side. Of several failures the first in the order of the
 * references is thrown, so that the same call always fails with the same words.
 */
export async function resolveSecrets(
  requests: readonly SecretRequest[],
  sources: SecretSources,
): Promise<ResolvedSecrets> {
  const resolutions = await resolveEach(requests, sources);
  const failed = resolutions.all.find(({ status }) => status === "failed");
  if (failed !== undefined) {
    resolutions[Symbol.dispose]();
    throw failed.error;
  }
  return {
    values: resolutions.all.map(({ value }) => value),
    [Symbol.dispose]: () => resolutions[Symbol.dispose](),
  };
}

/** Resolves each reference, whatever becomes of the others; the same one is read once. */
export async function resolveEach(
  requests: readonly SecretRequest[],
  sources: SecretSources,
): Promise<Resolutions> {
  const distinct = new Map(requests.map((request) => [keyOf(request), request]));
  const found = new Map<string, Answer>();
  const vaultNeeded = requests.some(({ ref }) => ref.kind === "vault");
  using vault = vaultNeeded ? await sources.openVault() : undefined;
  const waiting = await withoutAsked(distinct, found, sources);
  while (waiting.length > 0) {
    await Promise.all(
      waiting.splice(0, AT_ONCE).map(async ([key, request]) => {
        found.set(key, await answerOf(() => resolveOne(request, vault, sources)));
      }),
    );
  }
  const resolvedAt = new Date(sources.platform.clock.now()).toISOString();
  return {
    all: requests.map((request) => resolutionOf(request, found.get(keyOf(request))!, resolvedAt)),
    [Symbol.dispose]: () => found.forEach(({ value }) => value?.[Symbol.dispose]()),
  };
}

/** Two limits for one file are two readings: neither may see more than it allows. */
function keyOf({ ref, maxBytes }: SecretRequest): string {
  const text = formatSecretRef(ref);
  return ref.kind === "file" || ref.kind === "exec" ? `${maxBytes ?? ""} ${text}` : text;
}

/** Asks programs that speak a protocol, each once for all its ids; what is left to be resolved. */
async function withoutAsked(
  distinct: ReadonlyMap<string, SecretRequest>,
  found: Map<string, Answer>,
  sources: SecretSources,
): Promise<[string, SecretRequest][]> {
  const all = [...distinct];
  const asked = all.filter(([, { ref }]) => ref.kind === "exec" && ref.id !== undefined);
  if (asked.length === 0) return all;
  const { askPrograms } = await import("./asked_programs.ts");
  const answers = await askPrograms(sources.platform, asked.map(([, { ref }]) => ref as ExecRef));
  asked.forEach(([key], at) => found.set(key, answers[at]!));
  return all.filter(([key]) => !found.has(key));
}

interface Answer {
  readonly value?: SensitiveBytes;
  readonly error?: unknown;
}

async function answerOf(read: () => Promise<SensitiveBytes>): Promise<Answer> {
  try {
    return { value: await read() };
  } catch (error) {
    return { error };
  }
}

function resolutionOf(
  request: SecretRequest,
  { value, error }: Answer,
  resolvedAt: string,
): Resolution {
  const { ref, optional, maxBytes = Infinity } = request;
  const known = { request, kind: ref.kind, required: optional !== true, resolvedAt };
  if (value === undefined) {
    const isMissing = optional === true && isPalyraError(error, "not_found");
    return isMissing ? { ...known, status: "missing" } : { ...known, status: "failed", error };
  }
  if (value.reveal().length <= maxBytes) return { ...known, status: "resolved", value };
  const why = `the value is larger than max_bytes, ${maxBytes}`;
  const tooLarge = new PalyraError("usage", `Cannot read ${sourceOf(ref)}: ${why}`);
  return { ...known, status: "failed", error: tooLarge };
}

/** A source as people write it. Of a program its name alone: arguments may be anything. */
function sourceOf(ref: SecretRef): string {
  if (ref.kind === "file") return ref.path;
  return ref.kind === "exec" ? `the output of ${ref.command[0]}` : formatSecretRef(ref);
}

async function resolveOne(
  { ref, maxBytes }: SecretRequest,
  vault: Vault | undefined,
  { platform, credentialOf }: SecretSources,
): Promise<SensitiveBytes> {
  switch (ref.kind) {
    case "auth":
      if (credentialOf !== undefined) return await credentialOf(ref.profile);
      throw new PalyraError("usage", "Cannot read the reference: auth profiles are not read here");
    case "env": {
      const { resolveFromEnvironment } = await import("./sources/env.ts");
      return resolveFromEnvironment(platform.environment, ref.variable);
    }
    case "vault": {
      const { resolveFromVault } = await import("./sources/vault.ts");
      return await resolveFromVault(vault!, ref.ref);
    }
    case "file": {
      const { resolveFromFile } = await import("./sources/file.ts");
      return resolveFromFile(await platform.secretFiles(), ref, maxBytes);
    }
    case "exec": {
      const { resolveFromProgram } = await import("./sources/exec.ts");
      return await resolveFromProgram(platform, ref, maxBytes);
    }
  }
}
