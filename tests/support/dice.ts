/** Reproducible chance: a seeded generator whose seed is printed. */

/** Draws from a seeded stream (mulberry32, public domain). */
export interface Dice {
  readonly seed: number;
  /** A number from 0 up to, not including, 1. */
  next(): number;
  /** One of the items. */
  pick<T>(items: readonly T[]): T;
}

/** Dice of a fresh seed, or of PALYRA_TEST_SEED; prints which. */
export function rollDice(name: string): Dice {
  const given = Deno.env.get("PALYRA_TEST_SEED");
  const seed = given === undefined ? crypto.getRandomValues(new Uint32Array(1))[0]! : Number(given);
  say(`${name}: seed ${seed}`);
  let state = seed >>> 0;
  function next(): number {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  }
  return { seed, next, pick: (items) => items[Math.floor(next() * items.length)]! };
}

/** Prints a line of a test's counts. */
export function say(line: string): void {
  Deno.stdout.writeSync(new TextEncoder().encode(`${line}\n`));
}

/** Waits. */
export function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
