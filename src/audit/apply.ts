/**
 * Doing what a plan says: store → verify → bind → verify by resolving → scrub last. A crash at any point
 * leaves a secret twice and never nowhere, and the next `apply` goes on where this one ended.
 */

import type { ChangeContext } from "../config/change.ts";
import { commitChange, planChange, requireText, stageChange } from "../config/change.ts";
import { type Config, readConfig } from "../config/config.ts";
import {
  type Binding,
  configure,
  type ConfigureOptions,
  planBindings,
} from "../config/configure.ts";
import { fieldValue, parseField, pathOf } from "../config/field.ts";
import { fieldOfForm } from "../config/logical_secret.ts";
import { referenceAt } from "../config/lookup.ts";
import type { TomlTable } from "../config/toml_document.ts";
import type { TomlEdit } from "../config/toml_meaning.ts";
import { encodeUtf8 } from "../crypto/encoding.ts";
import { equalBytes } from "../crypto/equal_bytes.ts";
import { SensitiveBytes } from "../crypto/sensitive_bytes.ts";
import { isPalyraError, PalyraError } from "../errors.ts";
import { resolveSecrets, type SecretSources } from "../resolver/resolver.ts";
import { readSecret } from "../vault/read_secret.ts";
import { setSecret } from "../vault/set_secret.ts";
import type { Vault } from "../vault/vault.ts";
import { parseSecretId } from "../vault/vault_ref.ts";
import { writeJournal } from "./apply_journal.ts";
import { isHeldForGood } from "./held_for_good.ts";
import type { Plan } from "./plan.ts";
import { heldElsewhere } from "./plan_backups.ts";
import { keyOf, type PlanStep } from "./plan_step.ts";
import { scrub, tightenModes } from "./scrub.ts";

/** Where and with what a plan is applied. */
export interface ApplyContext extends ChangeContext {
  /** The vault to write to; it is made when there is none. */
  readonly openVault: () => Promise<Vault>;
  /** The vault as it is, where there is one. */
  readonly readVault: () => Promise<Vault | undefined>;
  /** What the resolver needs beside the vault. */
  readonly others: Omit<SecretSources, "openVault">;
  /** Takes `configure.lock` for a change of the config alone. */
  readonly lockConfig: () => Promise<Disposable>;
  /** The plan that the user named, which this one completes; its journal is written. */
  readonly journalId: string;
}

type Move = Extract<PlanStep, { action: "move_inline_value" }>;

/** Does every step that palyra can do. Throws `precondition` when something has changed meanwhile. */
export async function applyPlan(context: ApplyContext, plan: Plan): Promise<void> {
  await tightenModes(context, plan);
  const moves = plan.steps.filter((step) => step.action === "move_inline_value");
  const edits = (table: TomlTable): TomlEdit[] => dropsOf(table, plan);
  const options: ConfigureOptions = {
    backups: 0,
    force: false,
    edits,
    ...(plan.config === undefined ? {} : { onlyIf: plan.config.sha256 }),
  };
  const bindings = moves.map(bindingOf);
  const drops = plan.steps.some(({ action }) => action === "drop_form");
  const change = moves.length > 0 || drops
    ? await planBindings(context, bindings, options)
    : undefined;
  const before = plan.config?.sha256 ?? null;
  writeJournal(context.platform, context.stateRoot, {
    plan_id: context.journalId,
    before,
    after: change?.digest ?? before,
    steps: plan.steps.map(keyOf),
  });
  if (moves.length > 0) {
    using values = valuesOf(change!.before.table, moves);
    // A version that is pushed out now may be the one for which a backup was judged to be of no use.
    using vault = { ...await context.openVault(), keepVersions: Number.MAX_SAFE_INTEGER };
    await store(vault, moves, values);
    await configure(context, vault, bindings, options);
    await verify(context, vault, moves, values);
  } else if (change?.changed) {
    await changeAlone(context, plan.config!.sha256, edits);
  }
  if (!plan.steps.some(({ action }) => action === "remove_backup")) return;
  using vault = await context.readVault();
  await scrub(context, plan, await heldElsewhere(await configNow(context), vault));
}

async function configNow({ platform, location }: ApplyContext): Promise<Config> {
  const documents = await platform.documents();
  return await readConfig(documents, { ...location, realPath: documents.realPath(location.path) });
}

/** Values that are being moved, wiped together. */
interface MovedValues extends Disposable {
  readonly of: ReadonlyMap<string, SensitiveBytes>;
}

function valuesOf(table: TomlTable, moves: readonly Move[]): MovedValues {
  const of = new Map(moves.map(({ field }) => {
    const value = fieldValue(table, parseField(field));
    if (typeof value !== "string") {
      throw new PalyraError(
        "precondition",
        `Cannot move ${field}: its value is not there any more`,
      );
    }
    return [field, new SensitiveBytes(encodeUtf8(value))];
  }));
  return { of, [Symbol.dispose]: () => of.forEach((value) => value[Symbol.dispose]()) };
}

/** Stores what is not there yet, and reads every value back: the config still holds all of them. */
async function store(vault: Vault, moves: readonly Move[], { of }: MovedValues): Promise<void> {
  for (const { field, ref, expected_version: ifVersion } of moves) {
    const id = parseSecretId(ref);
    const value = of.get(field)!;
    if (!await holds(vault, ref, value)) await setSecret(vault, id, value, { ifVersion });
    if (await holds(vault, ref, value)) continue;
    throw new PalyraError(
      "integrity",
      `Cannot move ${field}: ${ref} does not read back as stored`,
      {
        hint: "Nothing was taken from the config; palyra vault check tells more",
      },
    );
  }
}

async function holds(vault: Vault, ref: string, value: SensitiveBytes): Promise<boolean> {
  try {
    using opened = await readSecret(vault, parseSecretId(ref));
    return isHeldForGood(opened, value);
  } catch (error) {
    if (isPalyraError(error, "not_found")) return false;
    throw error;
  }
}

/** Resolves what was bound as a consumer would. */
async function verify(
  context: ApplyContext,
  vault: Vault,
  moves: readonly Move[],
  { of }: MovedValues,
): Promise<void> {
  const config = await configNow(context);
  const requests = moves.map(({ field }) => ({ ref: referenceAt(config, field).source }));
  const openVault = (): Promise<Vault> => Promise.resolve({ ...vault, [Symbol.dispose]: () => {} });
  using resolved = await resolveSecrets(requests, { ...context.others, openVault });
  moves.forEach(({ field, ref }, at) => {
    if (equalBytes(resolved.values[at]!.reveal(), of.get(field)!.reveal())) return;
    throw new PalyraError(
      "integrity",
      `Cannot verify ${field}: it does not resolve to the value that was moved`,
      { hint: `The value is in the history of ${ref}` },
    );
  });
}

/** A change of the config that concerns no secret of the vault. */
async function changeAlone(
  context: ApplyContext,
  sha256: string,
  edits: (table: TomlTable) => TomlEdit[],
): Promise<void> {
  using _lock = await context.lockConfig();
  const change = await planChange(context, edits);
  requireText(change.before, sha256);
  using _held = await stageChange(context, change);
  try {
    await commitChange(context, change);
  } catch (error) {
    (await context.platform.documents()).discard(change.tempPath);
    throw error;
  }
}

function dropsOf(table: TomlTable, { steps }: Plan): TomlEdit[] {
  return steps.flatMap((step) => {
    if (step.action !== "drop_form") return [];
    const path = pathOf(table, fieldOfForm(parseField(step.field), step.form));
    return path === undefined ? [] : [{ kind: "remove", path }];
  });
}

function bindingOf({ field, ref }: Move): Binding {
  return {
    target: undefined,
    field: parseField(field),
    id: parseSecretId(ref),
    value: undefined,
    ifAbsent: false,
    lifetimeMs: undefined,
  };
}
