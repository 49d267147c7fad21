/** An editor: a person's program that reads the config, changes one line, and saves it later. */

import { MARK, type Place, textOf } from "./configure_place.ts";
import { type Dice, pause } from "./dice.ts";

/** One save. Instants are those of `performance.now()`. */
export interface Save {
  readonly how: "rename" | "in place";
  /** When it read what it saved over. */
  readonly readAt: number;
  readonly from: number;
  readonly to: number;
}

/** Longest time that it holds a text before it saves it. */
const LONGEST_THOUGHT_MS = 25;
/** A save that takes longer, from reading the text on, nobody waits for: what is there meanwhile is believed. */
export const SHORT_MS = 95;
const IN_PLACE = 0.25;

/** The editor of one place. */
export class Editor {
  readonly saves: Save[] = [];
  readonly #place: Place;
  readonly #dice: Dice;
  #mark = 0;

  constructor(place: Place, dice: Dice) {
    this.#place = place;
    this.#dice = dice;
    this.#mark = markIn(textOf(place)!)!;
  }

  /** The number that it has saved last. */
  get mark(): number {
    return this.#mark;
  }

  /** Saves a few times while something goes on. */
  async work(times: number, withinMs: number): Promise<void> {
    for (let time = 0; time < times; time++) {
      await pause(this.#dice.next() * withinMs / times);
      const readAt = performance.now();
      const text = textOf(this.#place);
      if (text === undefined || !MARK.test(text)) continue; // half of the saves of nobody else
      if (this.#dice.next() < 0.5) await pause(this.#dice.next() * LONGEST_THOUGHT_MS);
      this.save(text, this.#dice.next() < IN_PLACE ? "in place" : "rename", readAt);
    }
  }

  /** Saves a text with the next number in it, in one breath; gives what it has saved. */
  save(text: string, how: Save["how"], readAt = performance.now()): string {
    const { config, path } = this.#place;
    const next = text.replace(MARK, `saved = ${++this.#mark}`);
    const from = performance.now();
    if (how === "in place") {
      Deno.writeTextFileSync(config, next);
    } else {
      Deno.writeTextFileSync(`${path}/palyra.toml~`, next, { mode: 0o600 });
      Deno.renameSync(`${path}/palyra.toml~`, config);
    }
    this.saves.push({ how, readAt, from, to: performance.now() });
    return next;
  }

  /** Whether a save took so long, on a busy machine, that nothing is promised for it. */
  wasLate(): boolean {
    return this.saves.some(({ readAt, to }) => to - readAt >= SHORT_MS);
  }

  /** Whether it saved between two instants. */
  savedBetween(from: number, to: number): boolean {
    return this.saves.some((save) => save.from <= to && from <= save.to);
  }
}

/** The number of the last save that a text knows of. */
export function markIn(text: string): number | undefined {
  const [, mark] = MARK.exec(text) ?? [];
  return mark === undefined ? undefined : Number(mark);
}
