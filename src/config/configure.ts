/**
 * `configure`: secrets and the config that names them, changed as one unit. The rename of the config
 * is the moment from which the new versions count; before it they are staged, and whoever comes after
 * a crash finishes or undoes the change by looking at the config alone.
 */

import { decodeUtf8, encodeUtf8 } from "../crypto/encoding.ts";
import type { SensitiveBytes } from "../crypto/sensitive_bytes.ts";
import { PalyraError } from "../errors.ts";
import { readSecret } from "../vault/read_secret.ts";
import { concludeIntent, lockConfigure, recover, SETTLE_MS } from "../vault/recovery.ts";
import { stagedRows, type Witness } from "../vault/staged.ts";
import type { Vault } from "../vault/vault.ts";
import { formatSecretId, type SecretId } from "../vault/vault_ref.ts";
import { type Preview, previewMany, writeMany, type WriteRequest } from "../vault/write_many.ts";
import { planBinding } from "./bind.ts";
import { bindingOf } from "./bindings.ts";
import {
  backUp,
  backupPath,
  type ChangeContext,
  commitChange,
  type ConfigChange,
  planChange,
  requireNoInlineSecret,
  requireText,
  stageChange,
} from "./change.ts";
import { inEntry } from "./entry.ts";
import { type Field, formatField, pathOf } from "./field.ts";
import type { TomlTable } from "./toml_document.ts";
import type { TomlEdit } from "./toml_meaning.ts";

/** A secret, and the field that is to name it. */
export interface Binding {
  /** Its number in the manifest, which errors name. */
  readonly entry?: number;
  /** The target it was chosen by, if it was. */
  readonly target: string | undefined;
  readonly field: Field;
  readonly id: SecretId;
  /** Without a value the field is only bound. */
  readonly value: SensitiveBytes | undefined;
  readonly ifAbsent: boolean;
  readonly lifetimeMs: number | undefined;
}

/** What is done beside the change itself. */
export interface ConfigureOptions {
  /** Backups of the config that are kept; 0: none is made. */
  readonly backups: number;
  /** Also where the backup would hold a secret. */
  readonly force: boolean;
  /** Only when the config is still this text: its SHA-256. */
  readonly onlyIf?: string;
  /** Further edits in the same change. */
  readonly edits?: (table: TomlTable) => readonly TomlEdit[];
}

/** What became of one binding. */
export interface ConfiguredItem {
  readonly target: string | undefined;
  readonly field: string;
  readonly ref: string;
  readonly secret: Preview;
}

/** What became of all of them. */
export interface Configured {
  readonly changed: boolean;
  readonly items: readonly ConfiguredItem[];
  readonly config: {
    readonly path: string;
    readonly changed: boolean;
    readonly backup: string | undefined;
  };
}

const INTENT_ID_BYTES = 16;
const STATE_KEY_BYTES = 32;
const STATE_KEY_FIELD = "tool_call.browser_service.state_key";

/**
 * Computes what would be done, and writes nothing. Throws all that can be known before: what the
 * config, its place and the values do not allow.
 */
export async function previewConfigure(
  context: ChangeContext,
  vault: Vault | undefined,
  bindings: readonly Binding[],
  options: ConfigureOptions,
): Promise<Configured> {
  const change = await planBindings(context, bindings, options);
  if (vault !== undefined) await requireStoredFormats(vault, bindings);
  const outcomes = await previewMany(vault, bindings.map(requestOf));
  return report(bindings, change, { outcomes, options });
}

/** Checks the config and its place before any value is asked for. */
export async function planBindings(
  context: ChangeContext,
  bindings: readonly Pick<Binding, "entry" | "field" | "id" | "value">[],
  { backups, force, onlyIf, edits }: ConfigureOptions,
): Promise<ConfigChange> {
  for (const { field, value } of bindings) requireFormat(field, value);
  const change = await planChange(context, (table) => {
    requireDistinctPlaces(table, bindings);
    const binding = bindings.flatMap(({ entry, field, id }) =>
      inEntry(entry, () => planBinding(table, field, id))
    );
    return edits === undefined ? binding : [...binding, ...edits(table)];
  });
  if (onlyIf !== undefined) requireText(change.before, onlyIf);
  if (change.changed && backups > 0) requireNoInlineSecret(change.before, force);
  return change;
}

/** Two fields may be written differently and be the same place; it can name one secret only. */
function requireDistinctPlaces(
  table: TomlTable,
  bindings: readonly Pick<Binding, "entry" | "field">[],
): void {
  const places = new Set<string>();
  for (const { entry, field } of bindings) {
    const place = JSON.stringify(pathOf(table, field) ?? field);
    if (places.has(place)) {
      inEntry(entry, () => {
        throw new PalyraError("usage", `Cannot bind ${formatField(field)}: it is named twice`);
      });
    }
    places.add(place);
  }
}

/** Stores and binds: everything or nothing. */
export async function configure(
  context: ChangeContext,
  vault: Vault,
  bindings: readonly Binding[],
  options: ConfigureOptions,
): Promise<Configured> {
  using _lock = await lockConfigure(vault);
  const change = await planSettled(context, bindings, options);
  const requests = bindings.map(requestOf);
  await requireStoredFormats(vault, bindings);
  if (!change.changed) {
    return report(bindings, change, { outcomes: await writeMany(vault, requests), options });
  }
  const intent = {
    id: vault.platform.random.bytes(INTENT_ID_BYTES).toHex(),
    path: change.realPath,
    before: change.before.digest,
    after: change.digest,
    tempPath: change.tempPath,
    witnesses: witnessesOf(change, bindings),
  };
  const outcomes = await writeMany(vault, requests, intent);
  await replaceConfig(context, vault, change, options);
  return report(bindings, change, { outcomes, options });
}

/**
 * An editor that saves in place empties the config first. What is empty names nothing: fields that named
 * their secrets all along would testify for a change that was cut off, and part of it would be stored.
 */
async function planSettled(...plan: Parameters<typeof planBindings>): Promise<ConfigChange> {
  const change = await planBindings(...plan);
  const { digest, text } = change.before;
  if (digest === undefined || text !== "") return change;
  await plan[0].platform.clock.pause(SETTLE_MS);
  return await planBindings(...plan);
}

/** From the staged versions to the config that names them; whatever fails, both end up alike. */
async function replaceConfig(
  context: ChangeContext,
  vault: Vault,
  change: ConfigChange,
  options: ConfigureOptions,
): Promise<void> {
  let mayBeInPlace = false;
  try {
    using _held = await stageChange(context, change);
    using backup = await backUp(context, change, options);
    await commitChange(context, change, () => mayBeInPlace = true);
    backup?.keep();
    await concludeIntent(vault, stagedRows(vault.database));
  } catch (error) {
    const documents = await context.platform.documents();
    try {
      // Only where the rename was tried may the config tell; otherwise it certainly did not happen.
      documents.discard(change.tempPath); // first, while the intent still names it
      if (mayBeInPlace) await recover(vault);
      else await concludeIntent(vault, []);
    } catch { /* the next writer tries again; what failed first is what the user is told */ }
    throw error;
  }
}

/** The fields that the change makes name their secrets. */
function witnessesOf({ before }: ConfigChange, bindings: readonly Binding[]): Witness[] {
  return bindings.flatMap(({ field, id }) => {
    const old = bindingOf(before.table, field);
    const ref = formatSecretId(id);
    if (old.ref === ref && old.exact) return [];
    return [{ field: formatField(field), ref, exact: old.ref === ref }];
  });
}

function requestOf({ id, value, ifAbsent, lifetimeMs, field }: Binding): WriteRequest {
  return { id, value, ifAbsent, lifetimeMs, field: formatField(field) };
}

function report(
  bindings: readonly Binding[],
  change: ConfigChange,
  { outcomes, options }: {
    readonly outcomes: readonly Preview[];
    readonly options: ConfigureOptions;
  },
): Configured {
  const backup = backupPath(change, options.backups);
  const items = bindings.map(({ target, field, id }, at) => {
    const { created, changed, version } = outcomes[at]!;
    const secret = { created, changed, version };
    return { target, field: formatField(field), ref: formatSecretId(id), secret };
  });
  const changed = change.changed || items.some(({ secret }) => secret.changed);
  const path = change.before.location.path;
  return { changed, items, config: { path, changed: change.changed, backup } };
}

/** Throws `usage` for a value that the field's consumer would refuse. */
export function requireFormat(field: Field, value: SensitiveBytes | undefined): void {
  if (value === undefined || formatField(field) !== STATE_KEY_FIELD) return;
  if (isStateKey(value.reveal())) return;
  throw new PalyraError(
    "usage",
    `Cannot use the value for ${STATE_KEY_FIELD}: it is not the base64 of ${STATE_KEY_BYTES} bytes`,
    { hint: "--generate makes a valid one" },
  );
}

/** A new value in the form that the field's consumer wants; `undefined` where any will do. */
export function generateFor(
  field: Field,
  randomBytes: (length: number) => Uint8Array<ArrayBuffer>,
): Uint8Array<ArrayBuffer> | undefined {
  if (formatField(field) !== STATE_KEY_FIELD) return undefined;
  const bytes = randomBytes(STATE_KEY_BYTES);
  const text = encodeUtf8(bytes.toBase64());
  bytes.fill(0);
  return text;
}

/** What is only bound is opened as well: a field must not name what its consumer cannot use. */
async function requireStoredFormats(vault: Vault, bindings: readonly Binding[]): Promise<void> {
  for (const { entry, field, id, value, ifAbsent } of bindings) {
    if (formatField(field) !== STATE_KEY_FIELD || (value !== undefined && !ifAbsent)) continue;
    const given = bindings.find((one) =>
      one.value !== undefined && !one.ifAbsent && formatSecretId(one.id) === formatSecretId(id)
    );
    if (given !== undefined) { // another entry gives the secret its value
      inEntry(entry, () => requireFormat(field, given.value));
      continue;
    }
    try {
      using stored = await readSecret(vault, id);
      inEntry(entry, () => requireFormat(field, stored.value));
    } catch (error) {
      if (value === undefined || !isAbsent(error)) throw error;
    }
  }
}

function isAbsent(error: unknown): boolean {
  return error instanceof PalyraError && error.code === "not_found";
}

function isStateKey(value: Uint8Array): boolean {
  const text = decodeUtf8(value);
  if (text === undefined) return false;
  try {
    const bytes = Uint8Array.fromBase64(text, { lastChunkHandling: "strict" });
    return bytes.length === STATE_KEY_BYTES && bytes.toBase64() === text;
  } catch {
    return false;
  }
}
