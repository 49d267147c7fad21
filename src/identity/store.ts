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

const KEY_BYTES = 32;
const MAX_RECORD_BYTES = 65_536;
const MAGIC = "PIS1";
const RECORD = /^PIS1\.([1-9][0-9]{0,9})\.([A-Za-z0-9_-]{16})\.([A-Za-z0-9_-]+)\n$/;

/** An open identity store. */
export interface IdentityStore extends Disposable {
  /** A record's content; `undefined` when there is none. Throws `integrity` when it cannot be opened. */
  get(key: string): Promise<SensitiveBytes | undefined>;
  /** Adds the first generation of a record; `false`, and nothing changed, when it is there already. */
  add(key: string, content: SensitiveBytes): Promise<boolean>;
}

/** Opens the store of a directory; `undefined` when it has no key yet. */
export function openIdentityStore(
  platform: Platform,
  directory: string,
): IdentityStore | undefined {
  const bytes = platform.files.read(`${directory}/store.key`, KEY_BYTES);
  if (bytes === undefined) return undefined;
  if (bytes.length !== KEY_BYTES) {
    throw damaged(`${directory}/store.key`);
  }
  return new FileIdentityStore(platform, directory, new SensitiveBytes(bytes));
}

/** Makes the store's key unless it is there: the first writer wins, it is never replaced. */
export function createStoreKey({ files, random }: Platform, directory: string): void {
  using key = new SensitiveBytes(random.bytes(KEY_BYTES));
  files.create(`${directory}/store.key`, key.reveal());
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
    return new SensitiveBytes(opened);
  }

  async add(key: string, content: SensitiveBytes): Promise<boolean> {
    const generation = "1";
    const nonce = this.#platform.random.bytes(NONCE_BYTES);
    const sealed = await sealChaCha(content.reveal(), this.#aead(key, generation, nonce));
    const text = [MAGIC, generation, encodeBase64Url(nonce), encodeBase64Url(sealed)].join(".");
    return this.#platform.files.create(this.#pathOf(key), encodeUtf8(`${text}\n`));
  }

  #pathOf(key: string): string {
    return `${this.#directory}/${key}.sealed`;
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
