/** What an edit of a TOML document means for its values, apart from its text. */

import { TomlDate } from "smol-toml";
import { PalyraError } from "../errors.ts";
import { isTable, type TomlTable, type TomlValue } from "./toml_document.ts";
import { formatTomlPath, type TomlPath } from "./toml_path.ts";

/**
 * One change of a document. `set` writes a value over the old one or adds it; `remove` takes it away
 * (nothing, where it is not); `replace` gives a key that is there another name and another value.
 */
export type TomlEdit =
  | { readonly kind: "set"; readonly path: TomlPath; readonly value: TomlValue }
  | { readonly kind: "remove"; readonly path: TomlPath }
  | {
    readonly kind: "replace";
    readonly path: TomlPath;
    readonly name: string;
    readonly value: TomlValue;
  };

const RESERVED: ReadonlySet<unknown> = new Set(["__proto__", "constructor", "prototype"]);

/** The error for an edit that cannot be done. It says where and why, and never quotes the document. */
export function cannotEdit(path: TomlPath, why: string): PalyraError {
  return new PalyraError("usage", `Cannot edit ${formatTomlPath(path)}: ${why}`);
}

/**
 * Applies an edit to the values. Returns whether anything is different. Throws `usage` for an edit
 * that has no meaning here.
 */
export function applyToValues(table: TomlTable, edit: TomlEdit): boolean {
  const { path } = edit;
  const last = path.at(-1);
  if (last === undefined) throw cannotEdit(path, "it is the whole document");
  if ([...path, edit.kind === "replace" ? edit.name : ""].some((step) => RESERVED.has(step))) {
    throw cannotEdit(path, "such a key is not supported");
  }
  const parent = parentOf(table, path, edit.kind === "set");
  if (Array.isArray(parent)) return applyToEntry(parent, last, edit);
  if (typeof last === "number") throw cannotEdit(path, "its parent is no list");
  const found = parent === undefined || !Object.hasOwn(parent, last) ? undefined : parent[last];
  if (edit.kind === "remove") {
    if (parent === undefined || found === undefined) return false;
    delete parent[last];
    return true;
  }
  if (edit.kind === "set") {
    if (found !== undefined && isSame(found, edit.value)) return false;
    parent![last] = copyOf(edit.value);
    return true;
  }
  if (parent === undefined || found === undefined) throw cannotEdit(path, "it is not there");
  if (edit.name === last && isSame(found, edit.value)) return false;
  if (edit.name !== last && Object.hasOwn(parent, edit.name)) {
    throw cannotEdit(path, "its new name is taken");
  }
  delete parent[last];
  parent[edit.name] = copyOf(edit.value);
  return true;
}

/** Whether two documents or values are the same; the order of keys is of no matter. */
export function isSame(a: TomlValue, b: TomlValue): boolean {
  if (typeof a !== "object" || typeof b !== "object") return Object.is(a, b);
  if (a instanceof TomlDate || b instanceof TomlDate) {
    return a instanceof TomlDate && b instanceof TomlDate && a.toISOString() === b.toISOString();
  }
  if (Array.isArray(a) || Array.isArray(b)) {
    return Array.isArray(a) && Array.isArray(b) && a.length === b.length &&
      a.every((entry, at) => isSame(entry, b[at]!));
  }
  if (!isTable(a) || !isTable(b)) return false;
  const keys = Object.keys(a);
  return keys.length === Object.keys(b).length &&
    keys.every((key) => Object.hasOwn(b, key) && isSame(a[key]!, b[key]!));
}

/**
 * A table that only dotted keys or longer headers made is gone with the last of them: drops from
 * `meant` what a removal left empty and `got` no longer has.
 */
export function dropVanished(meant: TomlTable, got: TomlTable, removed: TomlPath): void {
  for (let length = removed.length - 1; length > 0; length--) {
    const path = removed.slice(0, length);
    const last = path.at(-1)!;
    const holder = parentOf(meant, path, false);
    if (typeof last === "number" || holder === undefined || Array.isArray(holder)) return;
    const left = holder[last];
    if (!isTable(left) || Object.keys(left).length > 0) return;
    const other = parentOf(got, path, false);
    if (isTable(other) && Object.hasOwn(other, last)) return;
    delete holder[last];
  }
}

function applyToEntry(list: TomlValue[], last: string | number, edit: TomlEdit): boolean {
  const found = typeof last === "number" ? list[last] : undefined;
  if (found === undefined) throw cannotEdit(edit.path, "there is no such entry");
  if (edit.kind !== "set") throw cannotEdit(edit.path, "it is an entry of a list");
  if (isSame(found, edit.value)) return false;
  list[last as number] = copyOf(edit.value);
  return true;
}

/** Later edits may change what an earlier one wrote; the values of the edits stay as they are. */
function copyOf(value: TomlValue): TomlValue {
  if (Array.isArray(value)) return value.map(copyOf);
  if (!isTable(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, copyOf(inner)]));
}

/** The table or list that holds the path's last step; undefined when it is not there. */
function parentOf(
  table: TomlTable,
  path: TomlPath,
  create: boolean,
): TomlTable | TomlValue[] | undefined {
  let at: TomlTable | TomlValue[] = table;
  for (const [index, step] of path.slice(0, -1).entries()) {
    const found: TomlValue | undefined = Array.isArray(at)
      ? typeof step === "number" ? at[step] : undefined
      : Object.hasOwn(at, step)
      ? at[step]
      : undefined;
    if (found === undefined) {
      if (!create) return undefined;
      if (typeof step === "number" || Array.isArray(at)) {
        throw cannotEdit(path.slice(0, index + 1), "there is no such entry");
      }
      at = at[step] = {};
    } else if (isTable(found) || Array.isArray(found)) {
      at = found;
    } else {
      if (!create) return undefined;
      throw cannotEdit(path.slice(0, index + 1), "it is no table");
    }
  }
  return at;
}
