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
}

/** A value that is asked for, and what it is called in the output. */
interface Wanted {
  readonly name: string;
  readonly named: boolean;
  readonly ref: SecretRef;
}

const PRINTABLE_NAME = /^[^\p{Cc}\p{Cs}]{1,256}$/u;

/** Resolves all references before anything is written. */
export async function resolve(
  app: App,
  flags: ResolveFlags,
  ...args: string[]
): Promise<BytesView | SilentView> {
  const wanted = args.map(parseWanted);
  const format = formatOf(flags, app.options.format, wanted);
  requireDistinctNames(wanted);
  using resolved = await resolveSecrets(wanted.map(({ ref }) => ref), {
    openVault: () => openVaultToRead(app),
    environment: app.platform.environment,
  });
  const bytes = new SensitiveBytes(formatted(format, wanted, resolved.values));
  if (flags.out === undefined) {
    const dispose = (): void => bytes[Symbol.dispose]();
    return { kind: "bytes", bytes, newlineOnTerminal: false, [Symbol.dispose]: dispose };
  }
  using _wiped = bytes;
  app.platform.userFiles.replace(flags.out, bytes.reveal());
  return { kind: "silent" };
}

function parseWanted(arg: string): Wanted {
  const equals = arg.indexOf("=");
  if (equals === -1) return { name: arg, named: false, ref: parseSecretRef(arg) };
  const name = arg.slice(0, equals);
  if (!PRINTABLE_NAME.test(name)) {
    throw new PalyraError(
      "usage",
      "Cannot read a NAME=REF argument: the name is empty or not printable",
    );
  }
  return { name, named: true, ref: parseSecretRef(arg.slice(equals + 1)) };
}

function formatOf(
  { format }: ResolveFlags,
  global: OutputFormat,
  wanted: readonly Wanted[],
): "raw" | OutputFormat {
  if (wanted.length === 0) {
    throw new PalyraError("usage", "Cannot resolve: name at least one reference");
  }
  if (format !== undefined && global !== "text" && format !== global) {
    throw new PalyraError(
      "usage",
      `Cannot use --format ${format} and --output-format ${global} together`,
    );
  }
  const chosen = format ?? (global === "text" ? undefined : global);
  const single = wanted.length === 1 && !wanted[0]!.named;
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
  values: readonly SensitiveBytes[],
): Uint8Array<ArrayBuffer> {
  if (format === "raw") return values[0]!.reveal().slice();
  const entries = wanted.map(({ name }, at) => entryOf(name, values[at]!.reveal()));
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
