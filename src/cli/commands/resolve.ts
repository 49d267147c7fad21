/** `palyra resolve`: the values of references, as raw bytes or as one JSON object. */

import { decodeUtf8, encodeUtf8 } from "../../crypto/encoding.ts";
import { SensitiveBytes } from "../../crypto/sensitive_bytes.ts";
import { PalyraError } from "../../errors.ts";
import { resolveSecrets } from "../../resolver/resolver.ts";
import { parseSecretRef, type SecretRef } from "../../resolver/secret_ref.ts";
import type { App } from "../app.ts";
import { openVaultToRead } from "../stores.ts";
import type { OutputFormat } from "../global_flags.ts";
import type { BytesView, SilentView } from "../view.ts";

/** Flags of `resolve`. */
export interface ResolveFlags {
  readonly format?: "raw" | "json" | undefined;
  readonly out?: string | undefined;
  /** Every reference of the config. */
  readonly all?: boolean | undefined;
}

/** A value that is asked for, and what it is called in the output. */
interface Wanted {
  readonly name: string;
  readonly named: boolean;
  readonly ref: SecretRef;
  /** Where the config says so: left out when it is not there. */
  readonly optional?: boolean;
  /** Most bytes, where the config says so. */
  readonly maxBytes?: number | undefined;
}

/** As {@link Wanted}, before the config was asked. */
interface Asked {
  readonly name: string;
  readonly named: boolean;
  /** The field of a `config:` reference. */
  readonly field?: string;
  readonly ref?: SecretRef;
}

const CONFIG = "config:";
const PRINTABLE_NAME = /^[^\p{Cc}\p{Cs}]{1,256}$/u;

/** Resolves all references before anything is written. */
export async function resolve(
  app: App,
  flags: ResolveFlags,
  ...args: string[]
): Promise<BytesView | SilentView> {
  const asked = args.map(parseWanted);
  const format = formatOf(flags, app.options.format, asked);
  const wanted = await wantedOf(app, asked, flags.all ?? false);
  requireDistinctNames(wanted);
  using resolved = await resolveSecrets(wanted, {
    openVault: () => openVaultToRead(app),
    environment: app.platform.environment,
  });
  const { values } = resolved;
  const bytes = new SensitiveBytes(formatted(format, wanted, values));
  if (flags.out === undefined) {
    const dispose = (): void => bytes[Symbol.dispose]();
    return { kind: "bytes", bytes, newlineOnTerminal: false, [Symbol.dispose]: dispose };
  }
  using _wiped = bytes;
  app.platform.userFiles.replace(flags.out, bytes.reveal());
  return { kind: "silent" };
}

function parseWanted(arg: string): Asked {
  if (arg.startsWith(CONFIG)) return { name: arg, named: false, field: arg.slice(CONFIG.length) };
  const equals = arg.indexOf("=");
  if (equals === -1) return { name: arg, named: false, ref: parseSecretRef(arg) };
  const name = arg.slice(0, equals);
  if (!PRINTABLE_NAME.test(name)) {
    throw new PalyraError(
      "usage",
      "Cannot read a NAME=REF argument: the name is empty or not printable",
    );
  }
  const text = arg.slice(equals + 1);
  return text.startsWith(CONFIG)
    ? { name, named: true, field: text.slice(CONFIG.length) }
    : { name, named: true, ref: parseSecretRef(text) };
}

/** Asks the config for what only it knows; without such references it is neither found nor read. */
async function wantedOf(app: App, asked: readonly Asked[], all: boolean): Promise<Wanted[]> {
  if (!all && asked.every(({ field }) => field === undefined)) {
    return asked.map(({ name, named, ref }) => ({ name, named, ref: ref! }));
  }
  const { referencesOfConfig } = await import("../config_references.ts");
  const { referenceAt, allReferences } = await referencesOfConfig(app);
  const wanted: Wanted[] = asked.map(({ name, named, ref, field }) => {
    if (field === undefined) return { name, named, ref: ref! };
    const { source, maxBytes } = referenceAt(field);
    return { name, named, ref: source, maxBytes };
  });
  if (!all) return wanted;
  return [
    ...wanted,
    ...allReferences().map(({ field, source, required, maxBytes }) => ({
      name: field,
      named: true,
      ref: source,
      optional: !required,
      maxBytes,
    })),
  ];
}

function formatOf(
  { format, all }: ResolveFlags,
  global: OutputFormat,
  wanted: readonly Asked[],
): "raw" | OutputFormat {
  if (wanted.length === 0 && !all) {
    throw new PalyraError("usage", "Cannot resolve: name at least one reference");
  }
  if (format !== undefined && global !== "text" && format !== global) {
    throw new PalyraError(
      "usage",
      `Cannot use --format ${format} and --output-format ${global} together`,
    );
  }
  const chosen = format ?? (global === "text" ? undefined : global);
  const single = !all && wanted.length === 1 && !wanted[0]!.named;
  if (chosen === "raw" && !single) {
    throw new PalyraError("usage", "Cannot print several values raw: choose --format json");
  }
  if (chosen === undefined && !single) {
    throw new PalyraError("usage", "Cannot print named or several values without a format", {
      hint: "Add --format json",
    });
  }
  return chosen ?? "raw";
}

function requireDistinctNames(wanted: readonly Wanted[]): void {
  if (new Set(wanted.map(({ name }) => name)).size === wanted.length) return;
  throw new PalyraError("usage", "Cannot resolve: two values have the same name", {
    hint: "NAME=REF gives a value another name",
  });
}

function formatted(
  format: "raw" | OutputFormat,
  wanted: readonly Wanted[],
  values: readonly (SensitiveBytes | undefined)[],
): Uint8Array<ArrayBuffer> {
  if (format === "raw") return values[0]!.reveal().slice();
  const entries = wanted.flatMap(({ name }, at) => {
    const value = values[at];
    return value === undefined ? [] : [entryOf(name, value.reveal())];
  });
  if (format === "ndjson") {
    const line = ({ name, text, base64 }: Entry): string =>
      `${JSON.stringify({ schema_version: 1, name, value: text, base64 })}\n`;
    return encodeUtf8(entries.map(line).join(""));
  }
  const texts = entries.flatMap(({ name, text }) => text === undefined ? [] : [[name, text]]);
  const binary = entries.flatMap(({ name, base64 }) =>
    base64 === undefined ? [] : [[name, base64]]
  );
  const document = {
    schema_version: 1,
    values: Object.fromEntries(texts), // own properties, whatever the names are
    base64: Object.fromEntries(binary),
  };
  return encodeUtf8(`${JSON.stringify(document)}\n`);
}

interface Entry {
  readonly name: string;
  readonly text: string | undefined;
  readonly base64: string | undefined;
}

function entryOf(name: string, bytes: Uint8Array): Entry {
  const text = decodeUtf8(bytes);
  return { name, text, base64: text === undefined ? bytes.toBase64() : undefined };
}
