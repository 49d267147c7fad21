/**
 * The identity store: small records, each sealed in a file of its own (format: FORMAT.md).
 *
 * A record is ChaCha20-Poly1305 under `store.key`, with the record's logical key and generation
 * as AAD, so that neither can be exchanged for another record nor for an older one's number.
 */

import { NONCE_BYTES, openChaCha, sealChaCha } from "../crypto/aead.ts";
import { decodeBase64Url, decodeUtf8, encodeBase64Url, encodeUtf8 } from "../crypto/encoding.ts";
import { SensitiveBytes } from "../crypto/sensitive_bytes.ts";
import { PalyraError } from "../errors.ts";
import type { Platform } from "../platform/platform.ts";
import type { ProtectorAccess } from "./protector.ts";
import { readStoreKey } from "./store_key.ts";

const MAX_RECORD_BYTES = 65_536;
const MAGIC = "PIS1";
const SUFFIX = ".sealed";
const RECORD = /^PIS1\.([1-9][0-9]{0,9})\.([A-Za-z0-9_-]{16})\.([A-Za-z0-9_-]+)\n$/;

/** An open identity store. */
export interface IdentityStore extends Disposable {
  /** A record's content; `undefined` when there is none. Throws `integrity` when it cannot be opened. */
  get(key: string): Promise<SensitiveBytes | undefined>;
  /** Adds the first generation of a record; `false`, and nothing changed, when it is there already. */
  add(key: string, content: SensitiveBytes): Promise<boolean>;
  /** Writes the next generation of a record, or its first one. Callers hold the identity's lock. */
  replace(key: string, content: SensitiveBytes): Promise<void>;
  /** Removes a record; one that is not there counts as removed. */
  remove(key: string): void;
  /** The keys of all records that begin with a prefix, in order. */
  keys(prefix: string): string[];
}

/**
 * Opens the store of a directory; `undefined` when it has no key yet. Throws what its protector
 * throws: locked, gone, a wrong passphrase.
 */
export async function openIdentityStore(
  platform: Platform,
  directory: string,
  access: ProtectorAccess,
): Promise<IdentityStore | undefined> {
  const key = await readStoreKey(platform, directory, access);
  return key === undefined ? undefined : identityStoreWith(platform, directory, key);
}

/** The store under a key that has been read; it takes the key over. */
export function identityStoreWith(
  platform: Platform,
  directory: string,
  key: SensitiveBytes,
): IdentityStore {
  return new FileIdentityStore(platform, directory, key);
}

class FileIdentityStore implements IdentityStore {
  readonly #platform: Platform;
  readonly #directory: string;
  readonly #key: SensitiveBytes;

  constructor(platform: Platform, directory: string, key: SensitiveBytes) {
    this.#platform = platform;
    this.#directory = directory;
    this.#key = key;
  }

  async get(key: string): Promise<SensitiveBytes | undefined> {
    return (await this.#open(key))?.content;
  }

  async #open(
    key: string,
  ): Promise<{ readonly content: SensitiveBytes; readonly generation: string } | undefined> {
    const path = this.#pathOf(key);
    const file = this.#platform.files.read(path, MAX_RECORD_BYTES);
    if (file === undefined) return undefined;
    const [, generation, nonce, sealed] = RECORD.exec(decodeUtf8(file) ?? "") ?? [];
    const nonceBytes = decodeBase64Url(nonce ?? "");
    const sealedBytes = decodeBase64Url(sealed ?? "");
    if (generation === undefined || nonceBytes === undefined || sealedBytes === undefined) {
      throw damaged(path);
    }
    const opened = await openChaCha(sealedBytes, this.#aead(key, generation, nonceBytes));
    if (opened === undefined) throw damaged(path);
    return { content: new SensitiveBytes(opened), generation };
  }

  async add(key: string, content: SensitiveBytes): Promise<boolean> {
    return this.#platform.files.create(this.#pathOf(key), await this.#seal(key, "1", content));
  }

  async replace(key: string, content: SensitiveBytes): Promise<void> {
    const old = await this.#open(key);
    using _wiped = old?.content;
    const generation = String(Number(old?.generation ?? "0") + 1);
    const sealed = await this.#seal(key, generation, content);
    this.#platform.files.replace(this.#pathOf(key), sealed);
  }

  remove(key: string): void {
    this.#platform.files.remove(this.#pathOf(key));
  }

  keys(prefix: string): string[] {
    return this.#platform.directories.list(this.#directory)
      .filter((name) => name.startsWith(prefix) && name.endsWith(SUFFIX))
      .map((name) => name.slice(0, -SUFFIX.length)).sort();
  }

  async #seal(
    key: string,
    generation: string,
    content: SensitiveBytes,
  ): Promise<Uint8Array<ArrayBuffer>> {
    const nonce = this.#platform.random.bytes(NONCE_BYTES);
    const sealed = await sealChaCha(content.reveal(), this.#aead(key, generation, nonce));
    const text = [MAGIC, generation, encodeBase64Url(nonce), encodeBase64Url(sealed)].join(".");
    return encodeUtf8(`${text}\n`);
  }

  #pathOf(key: string): string {
    return `${this.#directory}/${key}${SUFFIX}`;
  }

  #aead(key: string, generation: string, nonce: Uint8Array<ArrayBuffer>): {
    key: Uint8Array<ArrayBuffer>;
    nonce: Uint8Array<ArrayBuffer>;
    aad: Uint8Array<ArrayBuffer>;
  } {
    const aad = JSON.stringify(["palyra/v1/identity-record", key, Number(generation)]);
    return { key: this.#key.reveal(), nonce, aad: encodeUtf8(aad) };
  }

  [Symbol.dispose](): void {
    this.#key[Symbol.dispose]();
  }
}

function damaged(path: string): PalyraError {
  return new PalyraError("integrity", `Cannot open ${path}: wrong key or altered data`, {
    hint: "The identity cannot be made anew: restore the state root from a backup",
  });
}
