/** A config that has been read: its text, its digest, and its fields. */

import { decodeUtf8 } from "../crypto/encoding.ts";
import { sha256Hex } from "../crypto/digest.ts";
import { PalyraError } from "../errors.ts";
import type { Documents } from "../platform/platform.ts";
import type { ConfigLocation } from "./location.ts";
import { parseToml, type TomlTable } from "./toml_document.ts";

/** Most bytes of a config. */
export const MAX_CONFIG_BYTES = 1_048_576;

/** A config as it was at one moment. */
export interface Config {
  readonly location: ConfigLocation;
  readonly text: string;
  /** SHA-256 of its bytes; `undefined` when there is no file. */
  readonly digest: string | undefined;
  readonly table: TomlTable;
}

/** Reads a config; one that is not there reads as empty. Throws `usage` for what is no TOML. */
export async function readConfig(documents: Documents, location: ConfigLocation): Promise<Config> {
  const bytes = location.realPath === undefined
    ? undefined
    : documents.read(location.realPath, MAX_CONFIG_BYTES);
  if (bytes === undefined) return { location, text: "", digest: undefined, table: {} };
  const text = textOf(bytes, location.path);
  return { location, text, digest: await sha256Hex(bytes), table: parseToml(text, location.path) };
}

/** The text of a config. Throws `usage` when it is not UTF-8. */
export function textOf(bytes: Uint8Array, path: string): string {
  const text = decodeUtf8(bytes);
  if (text !== undefined) return text;
  throw new PalyraError("usage", `Cannot read ${path}: it is not valid UTF-8`);
}
