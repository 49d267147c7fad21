/** `palyra resolve`: the values of references, as raw bytes, as one JSON object, or as variables. */

import { decodeUtf8, encodeUtf8 } from "../../crypto/encoding.ts";
import { SensitiveBytes } from "../../crypto/sensitive_bytes.ts";
import { PalyraError } from "../../errors.ts";
import { resolveSecrets } from "../../resolver/resolver.ts";
import type { App } from "../app.ts";
import type { ExportFormat } from "../export_values.ts";
import type { OutputFormat } from "../global_flags.ts";
import { openVaultToRead } from "../stores.ts";
import type { BytesView, SilentView } from "../view.ts";
import { type Asked, parseWanted, requireDistinct, type Wanted, wantedOf } from "../wanted.ts";

/** Flags of `resolve`. */
export interface ResolveFlags {
  readonly format?: "raw" | "json" | ExportFormat | undefined;
  /** Take the format of the CI around. */
  readonly ci?: "auto" | undefined;
  readonly out?: string | undefined;
  /** Every reference of the config. */
  readonly all?: boolean | undefined;
  readonly "allow-unmasked"?: boolean | undefined;
}

/** Resolves all references before anything is written. */
export async function resolve(
  app: App,
  flags: ResolveFlags,
  ...args: string[]
): Promise<BytesView | SilentView> {
  const asked = args.map(parseWanted);
  const format = await formatOf(app, flags, asked);
  const exports = isPlain(format) ? undefined : await import("../export_values.ts");
  const target = exports?.prepareExport(app, format as ExportFormat, flags);
  for (let tries = 1;; tries++) {
    const { wanted, isCurrent } = await wantedOf(app, asked, flags.all ?? false);
    requireDistinct(exports?.requireNames(wanted) ?? wanted.map(({ name }) => name));
    using resolved = await resolveSecrets(wanted, {
      openVault: () => openVaultToRead(app, { opensValues: true }),
      credentialOf: async (id) => (await import("../auth/credential.ts")).credentialOf(app, id),
      platform: app.platform,
    });
    if (!await isCurrent()) { // some of the values may be older than the config, others newer
      if (tries < MAX_TRIES) continue;
      throw new PalyraError("precondition", "Cannot resolve: the config keeps changing");
    }
    const { values } = resolved;
    if (target !== undefined) return await exports!.exportValues(app, target, wanted, values);
    const bytes = new SensitiveBytes(formatted(format as PlainFormat, wanted, values));
    if (flags.out === undefined) return printed(bytes);
    using _wiped = bytes;
    app.platform.userFiles.replace(flags.out, bytes.reveal());
    return { kind: "silent" };
  }
}

/** How often everything is read again while the config changes. */
const MAX_TRIES = 10;

type PlainFormat = "raw" | OutputFormat;

function isPlain(format: PlainFormat | ExportFormat): format is PlainFormat {
  return format === "raw" || format === "json" || format === "ndjson";
}

async function formatOf(
  { options, platform }: App,
  { format, ci, all, "allow-unmasked": allowUnmasked }: ResolveFlags,
  asked: readonly Asked[],
): Promise<PlainFormat | ExportFormat> {
  if (asked.length === 0 && !all) {
    throw new PalyraError("usage", "Cannot resolve: name at least one reference");
  }
  const given = ci === undefined ? format : await ciAround(platform.environment, format);
  const global = options.format === "text" ? undefined : options.format;
  if (given !== undefined && global !== undefined && given !== global) {
    throw new PalyraError(
      "usage",
      `Cannot use --format ${given} and --output-format ${global} together`,
    );
  }
  const single = !all && asked.length === 1 && !asked[0]!.named;
  const chosen = given ?? global;
  if (chosen === "raw" && !single) {
    throw new PalyraError(
      "usage",
      "Cannot print named or several values raw: choose another --format",
    );
  }
  if (chosen === undefined && !single) {
    throw new PalyraError("usage", "Cannot print named or several values without a format", {
      hint: "Add --format, for example --format json",
    });
  }
  if (allowUnmasked && chosen !== "gitlab" && chosen !== "buildkite") {
    throw new PalyraError(
      "usage",
      "Cannot use --allow-unmasked: it goes with gitlab and buildkite",
    );
  }
  return chosen ?? "raw";
}

async function ciAround(
  environment: App["platform"]["environment"],
  format: ResolveFlags["format"],
): Promise<ExportFormat> {
  if (format !== undefined) {
    throw new PalyraError("usage", "Cannot use --format and --ci together");
  }
  const { detectCi } = await import("../../ci/detect.ts");
  const found = detectCi((name) => environment.get(name));
  if (found !== undefined) return found;
  throw new PalyraError("usage", "Cannot tell which CI this is", {
    hint: "Name it with --format: github, gitlab, azure or buildkite",
  });
}

function formatted(
  format: PlainFormat,
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

function printed(bytes: SensitiveBytes): BytesView {
  const dispose = (): void => bytes[Symbol.dispose]();
  return { kind: "bytes", bytes, newlineOnTerminal: false, [Symbol.dispose]: dispose };
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
