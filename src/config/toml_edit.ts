/** Editing a TOML document so that exactly the bytes change that must, checked by reading it again. */

import { isPalyraError } from "../errors.ts";
import { parseToml } from "./toml_document.ts";
import { Draft } from "./toml_draft.ts";
import { TomlLayout } from "./toml_layout.ts";
import { applyToValues, cannotEdit, dropVanished, isSame, type TomlEdit } from "./toml_meaning.ts";
import type { TomlPath } from "./toml_path.ts";

/** Most times that a text is read anew to take one path away. */
const MAX_PARTS = 100;

/**
 * The document after the edits. Comments, order, blank lines, quoting and line ends of everything
 * else stay. A new key becomes one line in the closest table that is there, or a new table at the
 * end; entries of lists are never made. Throws `usage` for a document that is no TOML, and for an
 * edit that is impossible or would not read back as meant.
 */
export function editToml(text: string, edits: readonly TomlEdit[]): string {
  const mark = text.startsWith("\ufeff") ? "\ufeff" : "";
  const meant = parseToml(text);
  const done = edits.filter((edit) => applyToValues(meant, edit));
  if (done.length === 0) return text;
  const edited = mark + splice(text.slice(mark.length), done);
  const got = readBack(edited, done[0]!.path);
  for (const { kind, path } of done) if (kind !== "set") dropVanished(meant, got, path);
  if (!isSame(meant, got)) throw cannotEdit(done[0]!.path, "it would not read back as meant");
  return edited;
}

function splice(text: string, edits: readonly TomlEdit[]): string {
  let draft = new Draft(layoutOf(text, edits[0]!.path));
  const settle = (path: TomlPath): void => {
    draft = new Draft(layoutOf(draft.text(), path));
  };
  for (const edit of edits) {
    const { path } = edit;
    if (!draft.isOpenTo(path)) settle(path);
    const place = draft.layout.at(path);
    if (edit.kind === "remove" && place?.pair?.inline === undefined && place?.pair) {
      draft.removeLines(place.pair);
    } else if (edit.kind === "remove" || (place !== undefined && place.value === undefined)) {
      if (typeof path.at(-1) === "number") throw cannotEdit(path, "it is an entry of a list");
      for (let parts = 0; draft.layout.at(path) !== undefined; parts++) {
        // Sections first, then keys in inline tables, one by one.
        if (parts > MAX_PARTS) throw cannotEdit(path, "it is in too many parts");
        settle(path);
        draft.remove(path);
        settle(path);
      }
    }
    if (edit.kind === "set") draft.set(path, edit.value);
    if (edit.kind === "replace") draft.replace(path, edit.name, edit.value);
  }
  return draft.text();
}

/** The parser's message may quote the source, which may hold a secret. */
function layoutOf(text: string, path: TomlPath): TomlLayout {
  try {
    return new TomlLayout(text);
  } catch {
    throw cannotEdit(path, "the document cannot be edited in place");
  }
}

function readBack(text: string, path: TomlPath): ReturnType<typeof parseToml> {
  try {
    return parseToml(text);
  } catch (error) {
    if (!isPalyraError(error)) throw error;
    throw cannotEdit(path, "it would not be TOML any more");
  }
}
