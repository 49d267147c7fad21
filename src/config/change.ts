/** A change of a config: computed from one text of it, and put in place only over that very text. */

import { encodeUtf8 } from "../crypto/encoding.ts";
import { sha256Hex } from "../crypto/digest.ts";
import { isPalyraError, PalyraError } from "../errors.ts";
import type { Backup, Documents, Platform } from "../platform/platform.ts";
import { type Config, MAX_CONFIG_BYTES, readConfig } from "./config.ts";
import type { ConfigLocation } from "./location.ts";
import { isBlank, isMisplaced, soundsSecret } from "./logical_secret.ts";
import { isTable, type TomlTable, type TomlValue } from "./toml_document.ts";
import type { TomlEdit } from "./toml_meaning.ts";
import { isRecorded, isTrusted, recordTrust } from "./trust.ts";

/** What becomes of a config. */
export interface ConfigChange {
  readonly before: Config;
  /** Where it is, or will be made. */
  readonly realPath: string;
  readonly changed: boolean;
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** SHA-256 of the text after. */
  readonly digest: string;
  readonly tempPath: string;
}

/** Where the change takes place. */
export interface ChangeContext {
  readonly platform: Platform;
  readonly stateRoot: string;
  readonly location: ConfigLocation;
}

/**
 * Reads the config and computes its text after the edits. Writes nothing. Throws `usage` for a config
 * that is no TOML or cannot be edited, `denied` where it could not be replaced.
 */
export async function planChange(
  { platform, stateRoot, location }: ChangeContext,
  editsFor: (table: TomlTable) => readonly TomlEdit[],
): Promise<ConfigChange> {
  const documents = await platform.documents();
  const now = documents.realPath(location.path);
  if (location.realPath !== undefined && now !== location.realPath) {
    throw new PalyraError("precondition", `Cannot write ${location.path}: it leads elsewhere now`, {
      hint: "Nothing was changed; try again",
    });
  }
  const realPath = now ?? newPathOf(location);
  documents.requireReplaceable(realPath);
  const before = await readConfig(documents, {
    ...location,
    realPath: documents.realPath(realPath),
  });
  requireOwnPlace(platform, stateRoot, before);
  const edits = editsFor(before.table);
  if (edits.length === 0) {
    return unchanged(before, realPath);
  }
  const { editToml } = await import("./toml_edit.ts"); // the parser with positions is not small
  const text = editToml(before.text, edits);
  const bytes = encodeUtf8(text);
  if (bytes.length > MAX_CONFIG_BYTES) {
    throw new PalyraError(
      "usage",
      `Cannot write ${location.path}: it would be larger than ${MAX_CONFIG_BYTES} bytes`,
    );
  }
  if (text === before.text) return unchanged(before, realPath);
  return {
    before,
    realPath,
    changed: true,
    bytes,
    digest: await sha256Hex(bytes),
    tempPath: documents.tempPath(realPath),
  };
}

/** Where a config will be made: not by a name that may lead elsewhere tomorrow. */
function newPathOf({ path, realDirectory }: ConfigLocation): string {
  if (realDirectory === undefined) return path;
  const name = path.slice(Math.max(path.lastIndexOf("/"), path.lastIndexOf("\\")) + 1);
  return realDirectory === "/" ? `/${name}` : `${realDirectory}/${name}`;
}

/** A clone may bring a link to a config that is not its own: nobody is to change that unawares. */
function requireOwnPlace(platform: Platform, stateRoot: string, config: Config): void {
  const { origin, path, realPath } = config.location;
  if (origin !== "search" || realPath === undefined) return;
  const name = path.slice(directoryOf(path).length);
  if (realPath.endsWith(name) && directoryOf(realPath) === config.location.realDirectory) return;
  if (isTrusted(platform, stateRoot, config)) return;
  throw new PalyraError("denied", `Cannot write ${path}: it is a link, and it is not trusted`, {
    hint: "Name what it leads to with --config, or run palyra config trust",
  });
}

/**
 * Writes the new text beside the old one, and holds it there until the result is disposed of; the
 * caller knows how to remove it again.
 */
export async function stageChange(
  { platform, location }: ChangeContext,
  { bytes, tempPath, realPath }: ConfigChange,
): Promise<Disposable> {
  const documents = await platform.documents();
  if (location.origin === "user") documents.makeDirectory(directoryOf(realPath));
  return documents.stage(tempPath, bytes, realPath);
}

/**
 * Puts the new text in place, if the old one is still what it was computed from. Trust goes over to
 * the new text. `onTry` is called when nothing is left but the rename. Throws `precondition` when
 * somebody has saved the config meanwhile.
 */
export async function commitChange(
  { platform, stateRoot }: ChangeContext,
  change: ConfigChange,
  onTry: () => void = () => {},
): Promise<void> {
  const { before, realPath, tempPath, digest } = change;
  const documents = await platform.documents();
  // Also of one that is named this time: it is found by search the next time.
  const trusted = isRecorded(platform, stateRoot, { path: realPath, digest: before.digest });
  // Both, until it is known which of them stays.
  if (trusted) trust(platform, stateRoot, realPath, [before.digest!, digest]);
  try {
    if (await digestOf(documents, realPath) !== before.digest) {
      throw new PalyraError("precondition", `Cannot write ${realPath}: it was saved meanwhile`, {
        hint: "Nothing was changed; try again",
      });
    }
    onTry();
    documents.commit(tempPath, realPath);
  } catch (error) {
    // After any other failure nobody knows which of the texts is there.
    const isOld = isPalyraError(error, "precondition");
    if (trusted && isOld) trust(platform, stateRoot, realPath, [before.digest!]);
    throw error;
  }
  if (trusted) trust(platform, stateRoot, realPath, [digest]);
}

/**
 * Writes a backup of the text before, when backups are wanted; it is kept when the change is done.
 * Throws `precondition` for a text with secrets in it.
 */
export async function backUp(
  { platform }: ChangeContext,
  { before, realPath }: ConfigChange,
  { backups, force }: { readonly backups: number; readonly force: boolean },
): Promise<Backup | undefined> {
  if (backups === 0 || before.digest === undefined) return undefined;
  requireNoInlineSecret(before, force);
  return (await platform.documents()).backUp(realPath, encodeUtf8(before.text), backups);
}

/** Where the newest backup of a change is; `undefined` when it makes none. */
export function backupPath(
  { changed, before, realPath }: ConfigChange,
  backups: number,
): string | undefined {
  return changed && backups > 0 && before.digest !== undefined ? `${realPath}.bak.1` : undefined;
}

/** Throws `precondition` when the config holds a secret itself: a backup of it would be a leak. */
export function requireNoInlineSecret({ table, location }: Config, force: boolean): void {
  if (force || !holdsSecret(table, "")) return;
  throw new PalyraError(
    "precondition",
    `Cannot back up ${location.path}: it holds a secret, which would stay in the backup`,
    { hint: "Leave --backups out, or add --force" },
  );
}

/** Throws `precondition` when a config is not the text that a change was computed from. */
export function requireText({ digest, location }: Config, sha256: string): void {
  if (digest === sha256) return;
  throw new PalyraError("precondition", `Cannot write ${location.path}: it was saved meanwhile`, {
    hint: "Nothing of it was changed; try again",
  });
}

/** Whether a value, or anything in it, is or may be a secret. */
export function holdsSecret(value: TomlValue, key: string): boolean {
  if (Array.isArray(value)) return value.some((entry) => holdsSecret(entry, key));
  if (isTable(value)) {
    return Object.entries(value).some(([name, inner]) => holdsSecret(inner, name));
  }
  return typeof value === "string" && !isBlank(value) &&
    (soundsSecret(key) || isMisplaced(value, key));
}

function trust(platform: Platform, stateRoot: string, path: string, sha256: string[]): void {
  recordTrust(platform, stateRoot, { path, sha256 });
}

async function digestOf(documents: Documents, path: string): Promise<string | undefined> {
  const bytes = documents.read(path, MAX_CONFIG_BYTES);
  return bytes && await sha256Hex(bytes);
}

function unchanged(before: Config, realPath: string): ConfigChange {
  const bytes = encodeUtf8(before.text);
  return { before, realPath, changed: false, bytes, digest: before.digest ?? "", tempPath: "" };
}

function directoryOf(path: string): string {
  return path.slice(0, Math.max(path.lastIndexOf("/"), path.lastIndexOf("\\"))) || "/";
}
