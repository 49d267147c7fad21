/** Where everything in a TOML document stands: sections, pairs and values, with their offsets. */

import { type AST, parseTOML } from "toml-eslint-parser";
import type { TomlPath } from "./toml_path.ts";

/** `key = value`, with the path that the key leads to. */
export interface Pair {
  readonly path: TomlPath;
  /** The path of what holds the pair; the rest of `path` is written in the key. */
  readonly base: TomlPath;
  readonly node: AST.TOMLKeyValue;
  /** The inline table that holds it; undefined for a pair on lines of its own. */
  readonly inline: AST.TOMLInlineTable | undefined;
}

/** A header with the pairs under it; the first section of a document has no header. */
export interface Section {
  readonly path: TomlPath;
  readonly header: AST.TOMLTable | undefined;
  readonly pairs: readonly Pair[];
}

/** What a document has at one path. */
export interface Place {
  /** Where its key stands first. */
  readonly start: AST.Position;
  /** A value that is written out, also an entry of an inline array. */
  value?: AST.TOMLContentNode;
  pair?: Pair;
  /** The section whose header names the path. */
  section?: Section;
  /** The last section whose header names the path or leads through it. */
  within?: Section;
  /** The last pair whose dotted key leads through the path. */
  through?: Pair;
}

/** A document's sections in order, and its places by their paths. */
export class TomlLayout {
  readonly sections: readonly Section[];
  readonly #places = new Map<string, Place>();

  /** Throws the parser's error for what is no TOML 1.1; its message may quote the source. */
  constructor(readonly text: string) {
    const [top] = parseTOML(text, { tomlVersion: "1.1" }).body;
    const sections = [this.#section(undefined, top.body.filter((node) => isPair(node)))];
    for (const node of top.body) {
      if (node.type === "TOMLTable") sections.push(this.#section(node, node.body));
    }
    this.sections = sections;
  }

  /** What stands at a path, or undefined. */
  at(path: TomlPath): Place | undefined {
    return this.#places.get(placeKey(path));
  }

  /** Every place, by the key that `placeKey` gives. */
  places(): ReadonlyMap<string, Place> {
    return this.#places;
  }

  #section(header: AST.TOMLTable | undefined, nodes: readonly AST.TOMLKeyValue[]): Section {
    const path = header?.resolvedKey ?? [];
    const pairs: Pair[] = [];
    const section: Section = { path, header, pairs };
    if (header !== undefined) this.#addHeader(section, header.key.keys);
    for (const node of nodes) pairs.push(this.#addPair(path, node, undefined));
    return section;
  }

  #addHeader(section: Section, keys: AST.TOMLKey["keys"]): void {
    let named = -1; // a position in an array stands at the key before it
    section.path.forEach((step, at) => {
      if (typeof step === "string") named++;
      const place = this.#place(section.path.slice(0, at + 1), keys[named]!.loc.start);
      place.within = section;
      if (at === section.path.length - 1) place.section = section;
    });
  }

  #addPair(
    base: TomlPath,
    node: AST.TOMLKeyValue,
    inline: AST.TOMLInlineTable | undefined,
  ): Pair {
    const names = node.key.keys.map(nameOf);
    const pair: Pair = { path: [...base, ...names], base, node, inline };
    names.forEach((_name, at) => {
      const path = pair.path.slice(0, base.length + at + 1);
      const place = this.#place(path, node.key.keys[at]!.loc.start);
      if (at < names.length - 1) {
        place.through = pair;
      } else {
        place.pair = pair;
        this.#addValue(place, path, node.value);
      }
    });
    return pair;
  }

  #addValue(place: Place, path: TomlPath, value: AST.TOMLContentNode): void {
    place.value = value;
    if (value.type === "TOMLInlineTable") {
      for (const node of value.body) this.#addPair(path, node, value);
    } else if (value.type === "TOMLArray") {
      value.elements.forEach((element, at) => {
        const inner = [...path, at];
        this.#addValue(this.#place(inner, element.loc.start), inner, element);
      });
    }
  }

  #place(path: TomlPath, start: AST.Position): Place {
    const key = placeKey(path);
    const known = this.#places.get(key);
    if (known !== undefined) return known;
    const place: Place = { start };
    this.#places.set(key, place);
    return place;
  }
}

/** The key of a path in a map. */
export function placeKey(path: TomlPath): string {
  return JSON.stringify(path);
}

function isPair(node: AST.TOMLKeyValue | AST.TOMLTable): node is AST.TOMLKeyValue {
  return node.type === "TOMLKeyValue";
}

function nameOf(key: AST.TOMLBare | AST.TOMLQuoted): string {
  return key.type === "TOMLBare" ? key.name : key.value;
}
