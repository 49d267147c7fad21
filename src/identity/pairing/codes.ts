/** Pairing codes at the approver: made, kept without their token, used once. */

import { SensitiveBytes } from "../../crypto/sensitive_bytes.ts";
import { PalyraError } from "../../errors.ts";
import type { SqlRow } from "../../platform/platform.ts";
import type { DeviceCa } from "../ca_certificate.ts";
import { prune } from "../registry/certificates.ts";
import type { Registry } from "../registry/registry.ts";
import { numberOf, textOf } from "../registry/rows.ts";
import { CODES } from "../registry/tables.ts";
import { CODE_TOKEN_BYTES, deriveCodeKeys, formatCode } from "./code.ts";

/** Most codes that can be used at a time. */
export const MAX_ACTIVE_CODES = 8;
/** How long a code or a request may be good, in milliseconds: 30 seconds to 24 hours. */
export const LIFETIME_BOUNDS_MS = [30_000, 86_400_000] as const;
/** How long a code or a request is good unless somebody says otherwise. */
export const DEFAULT_LIFETIME_MS = 600_000;

/** A code that can be used; times in milliseconds since 1970. */
export interface ActiveCode {
  readonly codeId: string;
  readonly createdAt: number;
  readonly expiresAt: number;
}

/** A code that was just made, with the one copy of its text. */
export interface NewCode extends ActiveCode, Disposable {
  readonly text: SensitiveBytes;
}

/** Makes a code. Throws `precondition` when there are too many. */
export async function createCode(
  registry: Registry,
  ca: DeviceCa,
  lifetimeMs: number,
): Promise<NewCode> {
  const { platform, rows } = registry;
  using token = new SensitiveBytes(platform.random.bytes(CODE_TOKEN_BYTES));
  using keys = await deriveCodeKeys(token);
  const { codeId } = keys;
  const text = await formatCode({ token, caFingerprint: Uint8Array.fromHex(ca.fingerprint) });
  const sealed = await registry.seal(codeId, keys.macKey);
  try {
    return await rows.database.write(async () => {
      const createdAt = platform.clock.now();
      prune(registry);
      const active = rows.count(CODES, "WHERE state = 'active' AND expires_at > ?", createdAt);
      if (active >= MAX_ACTIVE_CODES) throw tooManyCodes();
      const expiresAt = createdAt + lifetimeMs;
      await rows.put(CODES, {
        code_id: codeId,
        created_at: createdAt,
        expires_at: expiresAt,
        state: "active",
        ...sealed,
      });
      return { codeId, createdAt, expiresAt, text, [Symbol.dispose]: () => text[Symbol.dispose]() };
    });
  } catch (error) {
    text[Symbol.dispose]();
    throw error;
  }
}

/** The codes that can be used now. */
export async function listCodes({ platform, rows }: Registry): Promise<ActiveCode[]> {
  const now = platform.clock.now();
  const condition = "WHERE state = 'active' AND expires_at > ? ORDER BY created_at, code_id";
  return (await rows.all(CODES, condition, now)).map(activeOf);
}

/** Takes a code back that nobody has used. `false` when there is none. In a write transaction. */
export async function cancelCode({ rows }: Registry, codeId: string): Promise<boolean> {
  const row = await rows.get(CODES, codeId);
  if (row === undefined || textOf(row, "state") !== "active") return false;
  return rows.remove(CODES, "WHERE code_id = ?", codeId) > 0;
}

/** A code with its key, as it is in its row. */
export interface KeptCode extends Disposable {
  readonly row: SqlRow;
  readonly state: string;
  readonly expiresAt: number;
  readonly macKey: SensitiveBytes;
}

/** A code by its id; `undefined` when there is none. Throws `integrity`. */
export async function findCode(registry: Registry, codeId: string): Promise<KeptCode | undefined> {
  const row = await registry.rows.get(CODES, codeId);
  if (row === undefined) return undefined;
  const sealed = { nonce: textOf(row, "nonce"), sealed: textOf(row, "sealed") };
  const macKey = await registry.unseal(codeId, sealed);
  return {
    row,
    state: textOf(row, "state"),
    expiresAt: numberOf(row, "expires_at"),
    macKey,
    [Symbol.dispose]: () => macKey[Symbol.dispose](),
  };
}

function activeOf(row: SqlRow): ActiveCode {
  return {
    codeId: textOf(row, "code_id"),
    createdAt: numberOf(row, "created_at"),
    expiresAt: numberOf(row, "expires_at"),
  };
}

function tooManyCodes(): PalyraError {
  return new PalyraError(
    "precondition",
    `Cannot make a pairing code: ${MAX_ACTIVE_CODES} are waiting to be used`,
    { hint: "They expire by themselves; palyra pairing reject takes one back" },
  );
}
