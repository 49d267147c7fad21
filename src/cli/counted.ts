/** A number of things, in words: `1 file`, `2 files`. */

/** The number and its noun, which takes an s where there are more or none. */
export function counted(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? "" : "s"}`;
}
