/** Changes fields of the config that hold no secrets: all of them or none, and no other byte. */

import { type ChangeContext, commitChange, planChange, stageChange } from "../config/change.ts";
import { type Config, textOf } from "../config/config.ts";
import { type Field, formatField, pathOf } from "../config/field.ts";
import { parseToml } from "../config/toml_document.ts";
import type { TomlEdit } from "../config/toml_meaning.ts";
import { PalyraError } from "../errors.ts";
import type { App } from "./app.ts";
import { lockConfig } from "./config_lock.ts";
import { changeContext } from "./configs.ts";

/** A change of one field. */
export interface FieldEdit {
  readonly field: Field;
  /** The edit at the path where the field stands now. */
  readonly editOf: (path: (string | number)[]) => TomlEdit;
}

/** Puts the edits in place. Throws `not_found` for an entry that is not there, and as `planChange` does. */
export async function editConfig(
  app: App,
  edits: readonly FieldEdit[],
): Promise<{ readonly path: string; readonly changed: boolean }> {
  const context = await changeContext(app);
  const editsFor = (table: Config["table"]): TomlEdit[] =>
    edits.map(({ field, editOf }) => {
      const path = pathOf(table, field);
      if (path !== undefined) return editOf([...path]);
      throw new PalyraError(
        "not_found",
        `Cannot change ${formatField(field)}: there is no such entry`,
      );
    });
  await planChange(context, editsFor); // before anything is made
  using _lock = await lockConfig(app);
  const planned = await planChange(context, editsFor);
  // Taking a setting away only mends.
  const isSetting = edits.some(({ field, editOf }) =>
    field[0] === "palyra" && editOf([]).kind === "set"
  );
  if (isSetting && planned.changed) await requireSettings(planned.bytes, context);
  if (planned.changed) await putInPlace(context, planned);
  return { path: context.location.path, changed: planned.changed };
}

/** Settings that are wrong would keep everybody from the vault. */
async function requireSettings(
  bytes: Uint8Array<ArrayBuffer>,
  { location }: ChangeContext,
): Promise<void> {
  const { readSettings } = await import("../config/settings.ts");
  readSettings({ table: parseToml(textOf(bytes, location.path), location.path) });
}

async function putInPlace(
  context: ChangeContext,
  planned: Awaited<ReturnType<typeof planChange>>,
): Promise<void> {
  using _held = await stageChange(context, planned);
  try {
    await commitChange(context, planned);
  } catch (error) {
    (await context.platform.documents()).discard(planned.tempPath);
    throw error;
  }
}
