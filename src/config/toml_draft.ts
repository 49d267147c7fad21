/** Pending changes of one TOML text: which bytes go, and where which lines are added. */

import type { AST } from "toml-eslint-parser";
import type { TomlValue } from "./toml_document.ts";
import { type Pair, type Place, placeKey, type Section, type TomlLayout } from "./toml_layout.ts";
import { cannotEdit } from "./toml_meaning.ts";
import type { TomlPath } from "./toml_path.ts";
import {
  addLines,
  applySplices,
  followsBlankLine,
  indentation,
  lineEnd,
  lineStart,
  removeLines,
  type Splice,
} from "./toml_splice.ts";
import { formatKey, formatValue } from "./toml_text.ts";

const ROOT = placeKey([]);

/**
 * Changes that do not touch each other, so that the text need not be read anew after each of them.
 * They are right as long as `isOpenTo` says so.
 */
export class Draft {
  readonly #splices: Splice[] = [];
  /** New keys of the root and new tables, each with what stands before and after them. */
  readonly #groups = new Map<string, { at: number; before: string[]; lines: string[] }>();
  readonly #written = new Set<string>();
  readonly #above = new Set<string>();
  #closed = false;

  constructor(readonly layout: TomlLayout) {}

  text(): string {
    const { text } = this.layout;
    const root = this.#groups.get(ROOT);
    const groups: Splice[] = [];
    if (root !== undefined) { // before every new header
      const after = root.at < text.length && !/^\r?\n/.test(text.slice(root.at)) ? [""] : [];
      groups.push(addLines(text, root.at, [...root.lines, ...after]));
    }
    for (const [key, { at, before, lines }] of this.#groups) {
      if (key !== ROOT) groups.push(addLines(text, at, [...before, ...lines]));
    }
    return applySplices(text, [...this.#splices, ...groups]);
  }

  /** Whether the layout still tells the truth about a path. */
  isOpenTo(path: TomlPath): boolean {
    return !this.#closed && !this.#above.has(placeKey(path)) &&
      !path.some((_step, at) => this.#written.has(placeKey(path.slice(0, at + 1))));
  }

  set(path: TomlPath, value: TomlValue): void {
    this.#note(path);
    const old = this.layout.at(path)?.value;
    if (old === undefined) this.#add(path, value);
    else this.#overwrite(old, value);
  }

  /** A key that is written out changes in place; a table with a header gives way to a line. */
  replace(path: TomlPath, name: string, value: TomlValue): void {
    const renamed = [...path.slice(0, -1), name];
    this.#note(path);
    this.#note(renamed);
    const { pair, value: old } = this.layout.at(path) ?? {};
    if (pair === undefined || old === undefined) return this.#add(renamed, value);
    const key = pair.node.key.keys.at(-1)!;
    if (name !== path.at(-1)) this.#splice(key.range, formatKey([name]));
    this.#overwrite(old, value);
  }

  /** Takes away a pair that has lines of its own. */
  removeLines({ path, node }: Pair): void {
    const { text } = this.layout;
    const removed = removeLines(text, node.range[0], node.range[1]);
    this.#note(path);
    this.#splices.push(removed);
    this.#closed ||= removed.end === text.length; // what is added there would begin another line
  }

  /** Takes away every section and line of a path, or one of its pairs in inline tables. */
  remove(path: TomlPath): void {
    const { text, sections } = this.layout;
    this.#closed = true;
    const leads = ({ path: other }: { readonly path: TomlPath }): boolean =>
      path.every((step, at) => step === other[at]);
    for (const section of sections) {
      const { header, pairs } = section;
      const isGone = header !== undefined && leads(section);
      if (isGone) this.#splices.push(removeLines(text, header.range[0], headerEnd(header)));
      for (const { node } of pairs.filter((pair) => isGone || leads(pair))) {
        this.#splices.push(removeLines(text, node.range[0], node.range[1]));
      }
    }
    const { pair, through } = this.layout.at(path) ?? {};
    const inner = pair ?? through;
    if (this.#splices.length > 0) return;
    if (!inner?.inline) throw cannotEdit(path, "it cannot be removed");
    this.#removeInline(inner, inner.inline, path);
  }

  #add(path: TomlPath, value: TomlValue): void {
    for (let length = path.length - 1; length >= 0; length--) {
      const base = path.slice(0, length);
      const place: Partial<Place> | undefined = length === 0 ? {} : this.layout.at(base);
      if (place === undefined) continue;
      const { value: holder, section, through, within } = place;
      const line = (from: TomlPath): string =>
        `${formatKey(path.slice(from.length))} = ${formatValue(value)}`;
      if (holder?.type === "TOMLInlineTable") return this.#addInline(holder, line(base));
      if (section !== undefined) return this.#addToSection(section, line(base));
      if (through?.inline) return this.#addInline(through.inline, line(through.base));
      if (through !== undefined) return this.#addAfter(through.node.range, line(through.base));
      if (length === 0 && path.length === 1) return this.#addToRoot(line(base));
      if (holder === undefined) return this.#addToNewTable(path.slice(0, -1), within, line);
      break;
    }
    throw cannotEdit(path, "it cannot be added there");
  }

  #addInline({ range, body }: AST.TOMLInlineTable, pair: string): void {
    const last = body.at(-1);
    if (last === undefined) this.#splice(range, `{ ${pair} }`);
    else this.#splice([last.range[1], last.range[1]], `, ${pair}`);
    this.#closed ||= last === undefined;
  }

  #addToSection({ header, pairs }: Section, line: string): void {
    this.#addAfter(pairs.at(-1)?.node.range ?? [header!.range[0], headerEnd(header!)], line);
  }

  #addAfter([start, end]: readonly [number, number], line: string): void {
    const { text } = this.layout;
    const added = indentation(text, start) + line;
    this.#splices.push(addLines(text, lineEnd(text, end), [added]));
  }

  /** After the last key of the root; without one, before the first header and its own comments. */
  #addToRoot(line: string): void {
    const { text, sections: [root, first] } = this.layout;
    if (root!.pairs.length > 0) return this.#addToSection(root!, line);
    let at = first === undefined ? text.length : lineStart(text, first.header!.range[0]);
    for (let above = at; first !== undefined && above > 0; at = above) {
      above = lineStart(text, at - 1);
      if (!/^[ \t]*#/.test(text.slice(above, at))) break;
    }
    this.#group([], at, [], line);
  }

  #addToNewTable(
    path: TomlPath,
    within: Section | undefined,
    line: (from: TomlPath) => string,
  ): void {
    const { text } = this.layout;
    const last = within?.pairs.at(-1)?.node.range[1] ?? (within && headerEnd(within.header!));
    const at = last === undefined ? text.length : lineEnd(text, last);
    const isFirst = ![...this.#groups.values()].some((group) => group.at === at);
    const blank = isFirst && followsBlankLine(text, at) ? [] : [""];
    const header = `[${formatKey(path.filter((step) => typeof step === "string"))}]`;
    this.#group(path, at, [...blank, header], line(path));
  }

  #group(path: TomlPath, at: number, before: string[], line: string): void {
    const key = placeKey(path);
    const known = this.#groups.get(key);
    if (known === undefined) this.#groups.set(key, { at, before, lines: [line] });
    else known.lines.push(line);
  }

  #removeInline({ node }: Pair, { body, range }: AST.TOMLInlineTable, path: TomlPath): void {
    const at = body.indexOf(node);
    const [before, after] = [body[at - 1], body[at + 1]];
    const piece: [number, number] = before !== undefined
      ? [before.range[1], node.range[1]]
      : after !== undefined
      ? [node.range[0], after.range[0]]
      : range;
    const outside = this.layout.text.slice(piece[0], node.range[0]) +
      this.layout.text.slice(node.range[1], piece[1]);
    if (outside.includes("#")) throw cannotEdit(path, "a comment would be lost");
    this.#splice(piece, before ?? after ? "" : "{}");
  }

  #overwrite(old: AST.TOMLContentNode, value: TomlValue): void {
    const literal = old.type === "TOMLValue" && old.kind === "string" && old.style === "literal";
    this.#splice(old.range, formatValue(value, literal));
  }

  #splice([start, end]: readonly [number, number], text: string): void {
    this.#splices.push({ start, end, text });
  }

  #note(path: TomlPath): void {
    path.forEach((_step, at) => this.#above.add(placeKey(path.slice(0, at + 1))));
    this.#written.add(placeKey(path));
  }
}

function headerEnd(header: AST.TOMLTable): number {
  return header.key.range[1];
}
