/** `palyra secrets configure apply`: a manifest of secrets and fields, applied as one change. */

import { decodeUtf8, encodeBase64Url, encodeUtf8 } from "../../crypto/encoding.ts";
import { SensitiveBytes } from "../../crypto/sensitive_bytes.ts";
import { PalyraError } from "../../errors.ts";
import {
  type Binding,
  configure,
  type Configured,
  generateFor,
  planBindings,
  previewConfigure,
  requireFormat,
} from "../../config/configure.ts";
import { namedFor } from "../../config/entry.ts";
import { type ManifestEntry, MAX_MANIFEST_BYTES, parseManifest } from "../../config/manifest.ts";
import { MAX_VALUE_BYTES } from "../../vault/envelope.ts";
import { requireLifetimeFits, requireValueFits } from "../../vault/set_secret.ts";
import type { App } from "../app.ts";
import { changeContext } from "../configs.ts";
import { withoutLineEnd } from "../read_value.ts";
import { hasVault, openVaultToChange, openVaultToRead, openVaultToWrite } from "../stores.ts";
import { parseDuration } from "../values.ts";
import type { RecordView } from "../view.ts";
import {
  type ChangeFlags,
  configJson,
  itemJson,
  itemText,
  noteShadows,
  optionsOf,
} from "./configure_view.ts";

/** Most bytes of the JSON object on standard input. */
const MAX_INPUT_BYTES = 64 * MAX_VALUE_BYTES;

/** Reads and checks all of it before anything is written. */
export async function configureApply(
  app: App,
  flags: ChangeFlags,
  path: string,
): Promise<RecordView> {
  const { platform } = app;
  const options = optionsOf(flags);
  const entries = parseManifest(await platform.userFiles.read(path, MAX_MANIFEST_BYTES), path);
  const context = await changeContext(app);
  using values = new ManifestValues();
  const bindings = await values.read(app, entries, path);
  await planBindings(context, bindings, options);
  if (flags["dry-run"]) {
    using vault = hasVault(app) ? await openVaultToRead(app) : undefined;
    return viewOf(await previewConfigure(context, vault, bindings, options));
  }
  const bindsOnly = bindings.every(({ value }) => value === undefined);
  using vault = bindsOnly
    ? await openVaultToChange(app, { newConfig: true })
    : (await openVaultToWrite(app, { newConfig: true })).vault;
  const done = await configure(context, vault, bindings, options);
  await noteShadows(app, context);
  return viewOf(done);
}

/** The values of a manifest's entries, wiped together. */
class ManifestValues implements Disposable {
  readonly #values: SensitiveBytes[] = [];

  /** Reads the value of every entry. Throws for the first that cannot be read, by its number. */
  async read(app: App, entries: readonly ManifestEntry[], path: string): Promise<Binding[]> {
    const input = entries.some(({ fromStdin }) => fromStdin !== undefined)
      ? await readInputObject(app)
      : undefined;
    const bindings: Binding[] = [];
    for (const entry of entries) {
      try {
        bindings.push(await this.#bindingOf(app, entry, { path, input }));
      } catch (error) {
        throw namedFor(entry.number, error);
      }
    }
    return bindings;
  }

  async #bindingOf(
    app: App,
    entry: ManifestEntry,
    given: { readonly path: string; readonly input: ReadonlyMap<string, string> | undefined },
  ): Promise<Binding> {
    const { number, target, field, id, ifAbsent, expiresIn } = entry;
    const lifetimeMs = expiresIn === undefined ? undefined : parseDuration(expiresIn, "expires_in");
    if (lifetimeMs !== undefined) requireLifetimeFits(app.platform.clock.now(), lifetimeMs);
    const bytes = await bytesOf(app, entry, given);
    if (bytes === undefined) {
      return { entry: number, target, field, id, value: undefined, ifAbsent, lifetimeMs };
    }
    const value = entry.raw || entry.generate !== undefined
      ? new SensitiveBytes(bytes)
      : withoutLineEnd(app, bytes);
    this.#values.push(value);
    requireValueFits(value);
    requireFormat(field, value);
    return { entry: number, target, field, id, value, ifAbsent, lifetimeMs };
  }

  [Symbol.dispose](): void {
    for (const value of this.#values) value[Symbol.dispose]();
  }
}

async function bytesOf(
  { platform }: App,
  { fromFile, fromStdin, generate, field }: ManifestEntry,
  { path, input }: {
    readonly path: string;
    readonly input: ReadonlyMap<string, string> | undefined;
  },
): Promise<Uint8Array<ArrayBuffer> | undefined> {
  if (generate !== undefined) {
    const made = generateFor(field, platform.random.bytes);
    if (made !== undefined) return made;
    using random = new SensitiveBytes(platform.random.bytes(generate));
    return encodeUtf8(encodeBase64Url(random.reveal()));
  }
  if (fromFile !== undefined) {
    return await platform.userFiles.read(besides(path, fromFile), MAX_VALUE_BYTES + 2);
  }
  if (fromStdin === undefined) return undefined;
  const text = input?.get(fromStdin);
  if (text !== undefined && !text.isWellFormed()) {
    throw new PalyraError("usage", "Cannot read the value: it is not valid Unicode");
  }
  if (text !== undefined) return encodeUtf8(text);
  throw new PalyraError("usage", "Cannot read the value: standard input has no such key");
}

/** A path relative to the manifest. */
function besides(manifest: string, path: string): string {
  const cut = manifest.lastIndexOf("/");
  return path.startsWith("/") || cut === -1 ? path : `${manifest.slice(0, cut + 1)}${path}`;
}

async function readInputObject({ platform }: App): Promise<ReadonlyMap<string, string>> {
  if (platform.terminal.inputIsTerminal()) {
    throw new PalyraError("usage", "Cannot read the values: the manifest has from_stdin", {
      hint: "Give one JSON object of strings on standard input",
    });
  }
  using bytes = new SensitiveBytes(await platform.streams.readInput(MAX_INPUT_BYTES));
  const object = parseObject(decodeUtf8(bytes.reveal()));
  const entries = Object.entries(object ?? {});
  if (object !== undefined && entries.every(([, text]) => typeof text === "string")) {
    return new Map(entries as [string, string][]);
  }
  throw new PalyraError(
    "usage",
    "Cannot read the values: standard input is no JSON object of strings",
  );
}

function parseObject(text: string | undefined): object | undefined {
  try {
    const value: unknown = JSON.parse(text ?? "");
    return typeof value === "object" && value !== null && !Array.isArray(value) ? value : undefined;
  } catch { // the message would quote the text
    return undefined;
  }
}

function viewOf(done: Configured): RecordView {
  const items = done.items.map((item) => itemJson(item, done));
  return {
    kind: "record",
    json: { changed: done.changed, items, config: configJson(done.config) },
    text: done.items.map((item) => itemText(item, done)).join("\n"),
  };
}
