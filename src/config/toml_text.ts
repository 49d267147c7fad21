/** Keys and values as TOML text (toml.io v1.0.0), on one line. */

import { TomlDate, type TomlValue } from "smol-toml";

const BARE = /^[A-Za-z0-9_-]+$/;

/** A dotted key. */
export function formatKey(names: readonly (string | number)[]): string {
  return names.map((name) => BARE.test(`${name}`) ? name : basicString(`${name}`)).join(".");
}

/** A value; tables are written inline. With `literal`, a text in single quotes where it can be. */
export function formatValue(value: TomlValue, literal = false): string {
  if (typeof value === "string") {
    return literal && !/['\p{Cc}]/u.test(value) ? `'${value}'` : basicString(value);
  }
  if (typeof value === "number") return floatText(value);
  if (typeof value !== "object") return String(value);
  if (value instanceof TomlDate) return value.toISOString(); // as it was written
  if (Array.isArray(value)) return `[${value.map((entry) => formatValue(entry)).join(", ")}]`;
  const pairs = Object.entries(value).map(([key, inner]) =>
    `${formatKey([key])} = ${formatValue(inner)}`
  );
  return pairs.length === 0 ? "{}" : `{ ${pairs.join(", ")} }`;
}

/** JSON's escapes are TOML's, but TOML allows no bare DEL, and nobody likes the codes behind it. */
function basicString(text: string): string {
  return JSON.stringify(text).replaceAll(
    /[\x7f-\x9f]/g,
    (character) => `\\u00${character.charCodeAt(0).toString(16)}`,
  );
}

function floatText(value: number): string {
  if (Number.isNaN(value)) return "nan";
  if (!Number.isFinite(value)) return value > 0 ? "inf" : "-inf";
  const text = Object.is(value, -0) ? "-0" : String(value);
  return /[.e]/.test(text) ? text : `${text}.0`;
}
