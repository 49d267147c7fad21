/** Counts of kills: what was killed, when in its life, and what the kill left behind. */

import { say } from "./dice.ts";

/** One kill that ended a living process. */
export interface Kill {
  readonly kind: string;
  /** The moment of the kill as a part of the typical life of such a process. */
  readonly moment: number;
  /** What it left on disk: nothing, a journal, temporary files; unknown where others go on. */
  readonly left: "nothing" | "journal" | "temporary files" | undefined;
  readonly committed: boolean;
}

/** Parts into which a life is cut. */
const PARTS = 10;

/** Prints the kills in one line by kind, one by moment, and one by what they left. */
export function printKills(name: string, kills: readonly Kill[]): void {
  const late = kills.filter(({ committed }) => committed).length;
  say(`${name}: ${kills.length} kills ended a living process, ${late} of them after its commit`);
  say(`  ${countsOf(kills.map(({ kind }) => kind))}`);
  say(`  by tenth of a life: ${killsByPart(kills).join(" ")}`);
  const left = kills.flatMap((kill) => kill.left ?? []);
  if (left.length > 0) say(`  left behind: ${countsOf(left)}`);
}

/** How many kills came in each tenth of a life; the last one has those that came later, too. */
export function killsByPart(kills: readonly Kill[]): number[] {
  const counts: number[] = new Array(PARTS).fill(0);
  for (const { moment } of kills) counts[Math.min(PARTS - 1, Math.floor(moment * PARTS))]!++;
  return counts;
}

function countsOf(words: readonly string[]): string {
  const groups = Object.entries(Object.groupBy(words, (word) => word));
  return groups.map(([word, all]) => `${word} ${all!.length}`).sort().join(", ");
}
