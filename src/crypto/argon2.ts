/** Argon2id (RFC 9106), for keys from passphrases. */

/** The cost of one derivation. */
export interface Argon2Cost {
  /** KiB. */
  readonly memoryKib: number;
  readonly passes: number;
  readonly parallelism: number;
}

/** The second recommended option of RFC 9106 section 4, for less than 2 GiB: about 0.15 s. */
export const ARGON2_COST: Argon2Cost = { memoryKib: 65_536, passes: 3, parallelism: 4 };

/** Length of a salt in bytes (RFC 9106 section 3.1 recommends 16). */
export const ARGON2_SALT_BYTES = 16;

/** Derives 32 bytes from a passphrase. */
export async function argon2id(
  passphrase: Uint8Array<ArrayBuffer>,
  salt: Uint8Array<ArrayBuffer>,
  { memoryKib, passes, parallelism }: Argon2Cost,
): Promise<Uint8Array<ArrayBuffer>> {
  const format = "raw-secret" as "raw"; // "modern algorithms" draft: TypeScript lacks it
  const key = await crypto.subtle.importKey(format, passphrase, "Argon2id", false, ["deriveBits"]);
  const algorithm = { name: "Argon2id", nonce: salt, memory: memoryKib, passes, parallelism };
  return new Uint8Array(await crypto.subtle.deriveBits(algorithm, key, 256));
}
