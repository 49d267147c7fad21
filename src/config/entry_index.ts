/** Entries of a list by a key of theirs: looked up once for each entry, a long list would take minutes. */

import { isTable, type TomlValue } from "./toml_document.ts";

type Positions = ReadonlyMap<TomlValue, readonly number[]>;

const known = new WeakMap<readonly TomlValue[], Map<string, Positions>>();

/** The positions of the entries that have each value of a key. The list does not change any more. */
export function positionsByKey(list: readonly TomlValue[], key: string): Positions {
  const ofList = known.get(list) ?? new Map<string, Positions>();
  known.set(list, ofList);
  const found = ofList.get(key);
  if (found !== undefined) return found;
  const positions = new Map<TomlValue, number[]>();
  list.forEach((entry, at) => {
    if (!isTable(entry) || !Object.hasOwn(entry, key)) return;
    const value = entry[key]!;
    const others = positions.get(value);
    if (others === undefined) positions.set(value, [at]);
    else others.push(at);
  });
  ofList.set(key, positions);
  return positions;
}
