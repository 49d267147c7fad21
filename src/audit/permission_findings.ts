/** Who else can read or change what secrets come from: the config, its backups, the state root. */

import { type Config, MAX_CONFIG_BYTES } from "../config/config.ts";
import { holdsSecret } from "../config/change.ts";
import { parseToml } from "../config/toml_document.ts";
import { decodeUtf8 } from "../crypto/encoding.ts";
import { isPalyraError } from "../errors.ts";
import type { FoundEntry, Platform } from "../platform/platform.ts";
import { type Finding, finding } from "./finding.ts";

const OTHERS_MAY_WRITE = 0o022;
const OTHERS_MAY_ANYTHING = 0o077;
const STICKY = 0o1000;
/** Palyra makes no directory deeper than this in a state root. */
const MAX_DEPTH = 3;

/** A mode that is too wide, and what it should be. */
export interface WideMode {
  readonly path: string;
  readonly mode: number;
  /** Whether the file may only be read by its owner, or only not be written by others. */
  readonly severity: "unsafe" | "readable";
  /** It is palyra's own or the config itself, so that palyra may tighten it. */
  readonly isOurs: boolean;
}

/** Modes that are too wide. Empty where the system has none. */
export function wideModes(
  { directories }: Platform,
  stateRoot: string,
  config: Config | undefined,
): WideMode[] {
  const found: WideMode[] = [];
  function look(path: string, mode: number, wanted: number, isOurs: boolean): void {
    if ((mode & wanted) === 0) return;
    const isUnsafe = (mode & OTHERS_MAY_WRITE) !== 0;
    found.push({ path, mode: mode & ~wanted, severity: isUnsafe ? "unsafe" : "readable", isOurs });
  }
  function below(path: string, entry: FoundEntry, depth: number): void {
    if (entry.mode === undefined || entry.owner !== "self") return;
    if (entry.kind !== "file" && entry.kind !== "directory") return;
    look(path, entry.mode, OTHERS_MAY_ANYTHING, true);
    if (entry.kind !== "directory" || depth === MAX_DEPTH) return;
    for (const name of directories.list(path).toSorted()) {
      const inner = directories.inspect(`${path}/${name}`);
      if (inner !== undefined) below(`${path}/${name}`, inner, depth + 1);
    }
  }
  const root = directories.inspect(stateRoot);
  if (root !== undefined) below(stateRoot, root, 0);
  const path = config?.location.realPath;
  const file = path === undefined ? undefined : directories.inspect(path);
  if (path !== undefined && file?.mode !== undefined && file.owner === "self") {
    const secret = holdsSecret(config!.table, "");
    look(path, file.mode, secret ? OTHERS_MAY_ANYTHING : OTHERS_MAY_WRITE, true);
    const parent = path.slice(0, path.lastIndexOf("/")) || "/";
    const { mode = 0 } = directories.inspect(parent) ?? {};
    if ((mode & STICKY) === 0) look(parent, mode, OTHERS_MAY_WRITE, false);
  }
  return found;
}

/** One finding for each mode that is too wide. */
export function findWideModes(modes: readonly WideMode[]): Finding[] {
  return modes.map(({ path, mode, severity }) =>
    finding(severity === "unsafe" ? "unsafe_permissions" : "readable_by_others", {
      component: "permissions",
      place: { path },
      message: severity === "unsafe" ? "other users can write to it" : "other users can read it",
      remedy: `chmod ${(mode & 0o7777).toString(8)} ${path}`,
    })
  );
}

/** An old copy of the config that holds secrets. */
export interface PlaintextBackup {
  readonly path: string;
  readonly bytes: Uint8Array<ArrayBuffer>;
}

/** Backups beside the config in which a secret stands in the clear. */
export async function plaintextBackups(
  platform: Platform,
  config: Config | undefined,
): Promise<PlaintextBackup[]> {
  const path = config?.location.realPath;
  if (path === undefined) return [];
  const cut = path.lastIndexOf("/");
  const [parent, name] = [path.slice(0, cut) || "/", path.slice(cut + 1)];
  const documents = await platform.documents();
  const found: PlaintextBackup[] = [];
  for (const other of platform.directories.list(parent).toSorted()) {
    if (!other.startsWith(`${name}.bak`)) continue;
    const backup = `${path.slice(0, cut)}/${other}`;
    if (platform.directories.inspect(backup)?.kind !== "file") continue;
    const bytes = documents.read(backup, MAX_CONFIG_BYTES);
    if (bytes !== undefined && isPlaintext(bytes)) found.push({ path: backup, bytes });
  }
  return found;
}

/** One finding for each of them. */
export function findBackups(backups: readonly PlaintextBackup[]): Finding[] {
  return backups.map(({ path }) =>
    finding("plaintext_backup", {
      component: "config",
      place: { path },
      message: "an old copy of the config holds secrets in the clear",
      remedy: `Remove it: palyra secrets plan tells whether all of it is in the vault`,
    })
  );
}

function isPlaintext(bytes: Uint8Array): boolean {
  try {
    return holdsSecret(parseToml(decodeUtf8(bytes) ?? ""), "");
  } catch (error) {
    if (!isPalyraError(error)) throw error;
    return false; // no TOML: --scan finds values of the vault in anything
  }
}
