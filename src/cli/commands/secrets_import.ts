/** `palyra secrets import`: store, read back, and only then scrub where it came from. */

import {
  type LeftEntry,
  type NamedEntry,
  nameEntries,
  type SourceEntries,
} from "../../importing/entry.ts";
import { previewEntries, storeEntries } from "../../importing/store.ts";
import { PalyraError } from "../../errors.ts";
import { isSessionScope, parseScope } from "../../vault/scope.ts";
import { formatSecretId } from "../../vault/vault_ref.ts";
import type { Preview } from "../../vault/write_many.ts";
import type { App } from "../app.ts";
import { type ImportFlags, openSource, type Source } from "../import_sources.ts";
import { showProgress } from "../progress.ts";
import { shown } from "../shown.ts";
import { hasVault, openVaultToRead, openVaultToWrite } from "../stores.ts";
import type { RecordView } from "../view.ts";

/** Flags of `secrets import`. */
export interface SecretsImportFlags extends ImportFlags {
  readonly scope?: string | undefined;
  readonly plan?: boolean | undefined;
  readonly scrub?: boolean | undefined;
  readonly replace?: boolean | undefined;
}

/** Imports what a source holds, or the entries that are named after it. */
export async function secretsImport(
  app: App,
  flags: SecretsImportFlags,
  ...args: string[]
): Promise<RecordView> {
  if (flags.scope === undefined) {
    throw new PalyraError("usage", "Cannot import: --scope is missing", {
      hint: "palyra secrets import --from dotenv .env --scope global",
    });
  }
  const scope = parseScope(flags.scope);
  const source = openSource(app, flags, args);
  if (flags.scrub && source.scrub === undefined) {
    throw new PalyraError("usage", "Cannot use --scrub: the environment is not palyra's to change");
  }
  if (flags.scrub && isSessionScope(scope)) {
    throw new PalyraError(
      "usage",
      "Cannot use --scrub: secrets of a session expire, and the source holds the only lasting copy",
      { hint: "Import into a scope that lasts, or leave the source as it is" },
    );
  }
  using read = await source.read();
  const chosen = only(read, source);
  const entries = nameEntries(chosen.entries, scope);
  using watched = showProgress(app, "imported");
  const options = { replace: flags.replace ?? false, progress: watched.report };
  if (flags.plan) {
    using vault = hasVault(app) ? await openVaultToRead(app, { opensValues: true }) : undefined;
    const previews = await previewEntries(vault, entries, options);
    return viewOf(flags, entries, { outcomes: previews, left: chosen.left, scrubbed: 0 });
  }
  if (flags.scrub) await source.requireScrubbable?.(entries);
  const outcomes = entries.length === 0 ? [] : await store(app, entries, options);
  const scrubbed = flags.scrub ? await source.scrub!(entries) : 0;
  return viewOf(flags, entries, { outcomes, left: chosen.left, scrubbed });
}

async function store(
  app: App,
  entries: readonly NamedEntry[],
  options: Parameters<typeof storeEntries>[2],
): Promise<Preview[]> {
  using vault = (await openVaultToWrite(app)).vault;
  return await storeEntries(vault, entries, options);
}

/** Throws `not_found` for a name that the source does not hold. */
function only({ entries, left }: SourceEntries, { wanted }: Source): Omit<SourceEntries, symbol> {
  if (wanted.length === 0) return { entries, left };
  const keys = new Set([...entries, ...left].map(({ key }) => key));
  const missing = wanted.find((name) => !keys.has(name));
  if (missing !== undefined) {
    throw new PalyraError("not_found", "Cannot import: the source holds no entry of a name given");
  }
  const isWanted = ({ key }: { readonly key: string }): boolean => wanted.includes(key);
  return { entries: entries.filter(isWanted), left: left.filter(isWanted) };
}

interface Imported {
  readonly outcomes: readonly Preview[];
  readonly left: readonly LeftEntry[];
  readonly scrubbed: number;
}

function viewOf(
  { plan = false, from }: SecretsImportFlags,
  entries: readonly NamedEntry[],
  { outcomes, left, scrubbed }: Imported,
): RecordView {
  const items = entries.map(({ key, id }, at) => {
    const { created, changed, version } = outcomes[at]!;
    return { key, ref: formatSecretId(id), created, changed, version };
  });
  const lines = items.map(({ key, ref, created, changed, version }) => {
    const did = created ? "stored" : changed ? "updated" : "unchanged";
    return `${plan ? `would be ${did}` : did} ${ref} version ${version}, from ${key}`;
  });
  return {
    kind: "record",
    json: {
      from,
      planned: plan,
      changed: !plan && (scrubbed > 0 || items.some(({ changed }) => changed)),
      items,
      left,
      scrubbed,
    },
    text: [
      ...lines,
      ...left.map(({ key, why }) => `left ${key}: ${why}`),
      ...(scrubbed === 0 ? [] : [`scrubbed ${scrubbed} where they came from`]),
    ].map(shown).join("\n"),
  };
}
