/** The payload of a backup: a manifest, its signature, and the entries that it speaks for. Format: FORMAT.md 8. */

import { sha256Hex } from "../crypto/digest.ts";
import { decodeBase64Url, decodeUtf8, encodeBase64Url, encodeUtf8 } from "../crypto/encoding.ts";
import { SensitiveBytes } from "../crypto/sensitive_bytes.ts";
import { PalyraError } from "../errors.ts";
import { type BackupEntry, compareEntries, formatHead, malformed, parseEntry } from "./entry.ts";

/** What a backup says of itself. */
export interface Manifest {
  readonly createdAt: string;
  /** The device that made it, and its Ed25519 public key. */
  readonly deviceId: string;
  readonly signer: Uint8Array<ArrayBuffer>;
  readonly vaultId: string;
}

/** A backup that was read; disposing of it wipes its values. */
export interface OpenedBackup extends Disposable {
  readonly manifest: Manifest;
  readonly entries: readonly BackupEntry[];
}

/** Signs bytes with the key whose public half the manifest names. */
export type Sign = (message: Uint8Array<ArrayBuffer>) => Promise<Uint8Array<ArrayBuffer>>;

/** Most bytes of a payload. */
export const MAX_PAYLOAD_BYTES = 268_435_456;

const MAGIC = encodeUtf8("palyra-backup-1\n");
const VERSION = 1;
const LABEL = "palyra/v1/backup";
const LENGTH_BYTES = 4;
const SIGNATURE_BYTES = 64;
const PUBLIC_KEY_BYTES = 32;
const MAX_HEAD_BYTES = 4_096;
const INSTANT = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/;

/** Builds the payload. Throws `usage` when it would be too large. */
export async function formatPayload(
  manifest: Manifest,
  entries: readonly BackupEntry[],
  sign: Sign,
): Promise<SensitiveBytes> {
  using body = formatBody(entries);
  const text = encodeUtf8(manifestText(manifest, {
    entries: entries.length,
    bytes: body.reveal().length,
    sha256: await sha256Hex(body.reveal()),
  }));
  const signature = await sign(await signedMessage(text));
  const writer = new Writer(
    MAGIC.length + LENGTH_BYTES + text.length + SIGNATURE_BYTES + body.reveal().length,
  );
  writer.raw(MAGIC);
  writer.sized(text);
  writer.raw(signature);
  writer.raw(body.reveal());
  return writer.done();
}

/** Reads a payload. Throws `integrity` for anything that {@link formatPayload} would not have written. */
export async function parsePayload(payload: SensitiveBytes): Promise<OpenedBackup> {
  const reader = new Reader(payload.reveal());
  if (decodeUtf8(reader.take(MAGIC.length)) !== decodeUtf8(MAGIC)) throw otherVersion();
  const text = reader.sized(MAX_HEAD_BYTES);
  const signature = reader.take(SIGNATURE_BYTES);
  const body = reader.rest();
  const { manifest, facts } = parseManifest(text);
  const isWhole = facts.bytes === body.length && facts.sha256 === await sha256Hex(body);
  const key = await crypto.subtle.importKey("raw", manifest.signer, "Ed25519", false, ["verify"])
    .catch(() => undefined);
  const isSigned = key !== undefined &&
    await crypto.subtle.verify("Ed25519", key, signature, await signedMessage(text));
  if (!isWhole || !isSigned) throw altered();
  const entries = parseBody(body);
  const wipe = (): void => {
    for (const entry of entries) if (entry.kind === "version") entry.value[Symbol.dispose]();
  };
  if (entries.length !== facts.entries || !isOrdered(entries)) {
    wipe();
    throw malformed();
  }
  return { manifest, entries, [Symbol.dispose]: wipe };
}

interface Facts {
  readonly entries: number;
  readonly bytes: number;
  readonly sha256: string;
}

function manifestText(
  { createdAt, deviceId, signer, vaultId }: Manifest,
  { entries, bytes, sha256 }: Facts,
): string {
  return JSON.stringify({
    version: VERSION,
    created_at: createdAt,
    device_id: deviceId,
    signer: encodeBase64Url(signer),
    vault_id: vaultId,
    entries,
    body_bytes: bytes,
    body_sha256: sha256,
  });
}

function parseManifest(bytes: Uint8Array): { manifest: Manifest; facts: Facts } {
  const text = decodeUtf8(bytes) ?? "";
  const fields = parseObject(text);
  if (typeof fields["version"] === "number" && fields["version"] !== VERSION) throw otherVersion();
  const signer = decodeBase64Url(String(fields["signer"]));
  if (signer?.length !== PUBLIC_KEY_BYTES) throw malformed();
  const manifest = {
    createdAt: String(fields["created_at"]),
    deviceId: String(fields["device_id"]),
    signer,
    vaultId: String(fields["vault_id"]),
  };
  const facts = {
    entries: Number(fields["entries"]),
    bytes: Number(fields["body_bytes"]),
    sha256: String(fields["body_sha256"]),
  };
  const isPlain = INSTANT.test(manifest.createdAt) && /^[0-9A-Z]{26}$/.test(manifest.deviceId) &&
    /^[0-9a-f]{32}$/.test(manifest.vaultId);
  if (!isPlain || manifestText(manifest, facts) !== text) throw malformed();
  return { manifest, facts };
}

async function signedMessage(manifest: Uint8Array<ArrayBuffer>): Promise<Uint8Array<ArrayBuffer>> {
  return encodeUtf8(JSON.stringify([LABEL, await sha256Hex(manifest)]));
}

function formatBody(entries: readonly BackupEntry[]): SensitiveBytes {
  const heads = entries.map(formatHead);
  const valueOf = (entry: BackupEntry): Uint8Array =>
    entry.kind === "version" ? entry.value.reveal() : new Uint8Array(0);
  const size = entries.reduce(
    (sum, entry, at) => sum + 2 * LENGTH_BYTES + heads[at]!.length + valueOf(entry).length,
    0,
  );
  if (size > MAX_PAYLOAD_BYTES - 2 * MAX_HEAD_BYTES) {
    throw new PalyraError(
      "usage",
      `Cannot back up: the values have more than ${MAX_PAYLOAD_BYTES} bytes`,
    );
  }
  const writer = new Writer(size);
  entries.forEach((entry, at) => {
    writer.sized(heads[at]!);
    writer.sized(valueOf(entry));
  });
  return writer.done();
}

function parseBody(body: Uint8Array): BackupEntry[] {
  const reader = new Reader(body);
  const entries: BackupEntry[] = [];
  while (!reader.isAtEnd()) {
    const head = reader.sized(MAX_HEAD_BYTES);
    entries.push(parseEntry(head, new SensitiveBytes(reader.sized(body.length).slice())));
  }
  return entries;
}

/** Strictly ascending; a secret was either deleted or has versions. */
function isOrdered(entries: readonly BackupEntry[]): boolean {
  return entries.every((entry, at) => {
    const before = entries[at - 1];
    if (before === undefined) return true;
    const isSame = before.id.scope === entry.id.scope && before.id.name === entry.id.name;
    return compareEntries(before, entry) < 0 && !(isSame && before.kind === "deleted");
  });
}

function parseObject(text: string): Record<string, unknown> {
  try {
    return Object(JSON.parse(text)) as Record<string, unknown>;
  } catch {
    return {};
  }
}

class Writer {
  readonly #bytes: Uint8Array<ArrayBuffer>;
  #at = 0;

  constructor(size: number) {
    this.#bytes = new Uint8Array(size);
  }

  raw(bytes: Uint8Array): void {
    this.#bytes.set(bytes, this.#at);
    this.#at += bytes.length;
  }

  sized(bytes: Uint8Array): void {
    new DataView(this.#bytes.buffer).setUint32(this.#at, bytes.length);
    this.#at += LENGTH_BYTES;
    this.raw(bytes);
  }

  done(): SensitiveBytes {
    return new SensitiveBytes(this.#bytes);
  }
}

class Reader {
  readonly #bytes: Uint8Array;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  isAtEnd(): boolean {
    return this.#at === this.#bytes.length;
  }

  take(length: number): Uint8Array<ArrayBuffer> {
    if (length > this.#bytes.length - this.#at) throw malformed();
    const taken = this.#bytes.subarray(this.#at, this.#at + length);
    this.#at += length;
    return taken as Uint8Array<ArrayBuffer>;
  }

  sized(most: number): Uint8Array<ArrayBuffer> {
    const at = this.#at;
    this.take(LENGTH_BYTES);
    const { buffer, byteOffset } = this.#bytes;
    const length = new DataView(buffer, byteOffset + at).getUint32(0);
    if (length > most) throw malformed();
    return this.take(length);
  }

  rest(): Uint8Array<ArrayBuffer> {
    return this.take(this.#bytes.length - this.#at);
  }
}

function altered(): PalyraError {
  return new PalyraError("integrity", "Cannot read the backup: its signature does not fit it");
}

function otherVersion(): PalyraError {
  return new PalyraError("usage", "Cannot read the backup: it is none, or of a later palyra", {
    hint: "This palyra reads version 1",
  });
}
