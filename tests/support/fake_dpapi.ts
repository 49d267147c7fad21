/** Stands for the Windows Data Protection API: a master key in a file, and blobs that it alone opens. */

/** HRESULTs that callers of the API meet. */
export const HRESULT = {
  accessDenied: 0x80070005,
  /** Wrong entropy, or not the bytes that were made. */
  invalidData: 0x8007000d,
  /** The master key is another user's, or lost. */
  badKeyState: 0x8009000b,
} as const;

/** DPAPI refuses. */
export class FakeDpapiError extends Error {
  /** One of {@link HRESULT}. */
  readonly hresult: number;

  constructor(hresult: number) {
    super(`DPAPI refuses: 0x${hresult.toString(16)}`);
    this.hresult = hresult;
  }
}

/** How every real blob begins: version 1, and the GUID of the provider. */
const PROVIDER = Uint8Array.fromHex("01000000d08c9ddf0115d1118c7a00c04fc297eb");
const KEY_LENGTH = 32;
const KEY_ID_LENGTH = 16;
const NONCE_LENGTH = 12;
const KEY_ID_END = PROVIDER.length + KEY_ID_LENGTH;
/** As much as real blobs hold beside the data, about: lengths, salt, description, HMAC. */
const PADDING = 100;
const HEADER_LENGTH = KEY_ID_END + PADDING + NONCE_LENGTH;

interface MasterKey {
  readonly id: Uint8Array;
  readonly key: CryptoKey;
}

/** A blob with the data, never twice the same; every byte of it is authenticated. */
export async function protect(
  data: BufferSource,
  entropy: Uint8Array,
  keyFile: string,
): Promise<Uint8Array> {
  const { id, key } = await openMasterKey(keyFile);
  const header = crypto.getRandomValues(new Uint8Array(HEADER_LENGTH));
  header.set(PROVIDER);
  header.set(id, PROVIDER.length);
  const sealed = await crypto.subtle.encrypt(aesGcm(header, entropy), key, data);
  return join(header, new Uint8Array(sealed));
}

/** The data in a blob. Throws {@link FakeDpapiError} unless user, entropy and every byte are right. */
export async function unprotect(
  blob: Uint8Array<ArrayBuffer>,
  entropy: Uint8Array,
  keyFile: string,
): Promise<Uint8Array> {
  const { id, key } = await openMasterKey(keyFile);
  const header = blob.slice(0, HEADER_LENGTH);
  if (header.length < HEADER_LENGTH || !startsWith(header, PROVIDER)) {
    throw new FakeDpapiError(HRESULT.invalidData);
  }
  if (!startsWith(header.subarray(PROVIDER.length), id)) {
    throw new FakeDpapiError(HRESULT.badKeyState);
  }
  try {
    const sealed = blob.slice(HEADER_LENGTH);
    return new Uint8Array(await crypto.subtle.decrypt(aesGcm(header, entropy), key, sealed));
  } catch {
    throw new FakeDpapiError(HRESULT.invalidData);
  }
}

function aesGcm(header: Uint8Array<ArrayBuffer>, entropy: Uint8Array): AesGcmParams {
  const iv = header.slice(-NONCE_LENGTH);
  return { name: "AES-GCM", iv, additionalData: join(header, entropy) };
}

/** The first of several calls at once makes the key; the others wait for it. */
async function openMasterKey(path: string): Promise<MasterKey> {
  const bytes = readOrMake(path);
  const digest = await crypto.subtle.digest("SHA-256", bytes);
  const key = await crypto.subtle.importKey("raw", bytes, "AES-GCM", false, ["encrypt", "decrypt"]);
  return { id: new Uint8Array(digest).subarray(0, KEY_ID_LENGTH), key };
}

function readOrMake(path: string): Uint8Array<ArrayBuffer> {
  using file = Deno.openSync(path, { create: true, read: true, write: true, mode: 0o600 });
  file.lockSync(true);
  const bytes = Deno.readFileSync(path);
  if (bytes.length > 0) return bytes;
  const made = crypto.getRandomValues(new Uint8Array(KEY_LENGTH));
  file.writeSync(made);
  return made;
}

function startsWith(bytes: Uint8Array, start: Uint8Array): boolean {
  return start.every((byte, at) => bytes[at] === byte);
}

function join(first: Uint8Array, second: Uint8Array): Uint8Array<ArrayBuffer> {
  const both = new Uint8Array(first.length + second.length);
  both.set(first);
  both.set(second, first.length);
  return both;
}
