/** Places in a TOML document: keys, and positions in arrays. */

/** From the root; numbers are positions in arrays of tables or in inline arrays. */
export type TomlPath = readonly (string | number)[];

const BARE = /^[A-Za-z0-9_-]+$/;

/** The text of a path; keys that are not bare are quoted, so that control characters are escaped. */
export function formatTomlPath(path: TomlPath): string {
  return path.map((step, at) => {
    if (typeof step === "number") return `[${step}]`;
    const key = BARE.test(step) ? step : JSON.stringify(step);
    return at === 0 ? key : `.${key}`;
  }).join("");
}
