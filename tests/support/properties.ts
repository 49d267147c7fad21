/** Property tests: at least 1,000 cases each, from a seed that is printed and can be given again. */

import fc from "fast-check";

/** Cases of one property. */
export const CASES = 1_000;

/** Checks a property and prints its seed; PALYRA_TEST_SEED repeats a run. */
export async function checkProperty<T>(
  name: string,
  property: fc.IRawProperty<T>,
  cases = CASES,
): Promise<void> {
  const given = Deno.env.get("PALYRA_TEST_SEED");
  const seed = given === undefined ? crypto.getRandomValues(new Int32Array(1))[0]! : Number(given);
  Deno.stdout.writeSync(new TextEncoder().encode(`${name}: ${cases} cases, seed ${seed}\n`));
  await fc.assert(property, { numRuns: cases, seed });
}
