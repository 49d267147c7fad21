/** Counts of the rounds in which `configure` was killed, and whether they prove enough. */

import assert from "node:assert/strict";
import type { Place } from "./configure_place.ts";
import { listingOf } from "./crash_process.ts";
import { type Dice, say } from "./dice.ts";

/** What one round counted. */
export interface RoundCounts {
  readonly kind: string;
  /** The kill ended a living process. */
  readonly killed: boolean;
  readonly outcome: "finished" | "undone" | "refused";
  /** An editor's save was replaced in the instant of the rename. */
  readonly lostSave: boolean;
  /** Saves of the editor, `set` commands and looks of a reader while it lived. */
  readonly saves: number;
  readonly sets: number;
  readonly looks: number;
}

/** Sums over rounds. */
export interface Tally {
  readonly rounds: number;
  readonly kills: number;
  readonly killedFinished: number;
  readonly killedUndone: number;
  readonly refused: number;
  readonly saves: number;
  readonly lostSaves: number;
  readonly sets: number;
  readonly looks: number;
}

/** Adds rounds up. */
export function tallyOf(rounds: readonly RoundCounts[]): Tally {
  const count = (pick: (round: RoundCounts) => boolean): number => rounds.filter(pick).length;
  const sum = (pick: (round: RoundCounts) => number): number =>
    rounds.reduce((total, round) => total + pick(round), 0);
  return {
    rounds: rounds.length,
    kills: count(({ killed }) => killed),
    killedFinished: count(({ killed, outcome }) => killed && outcome === "finished"),
    killedUndone: count(({ killed, outcome }) => killed && outcome === "undone"),
    refused: count(({ outcome }) => outcome === "refused"),
    saves: sum(({ saves }) => saves),
    lostSaves: count(({ lostSave }) => lostSave),
    sets: sum(({ sets }) => sets),
    looks: sum(({ looks }) => looks),
  };
}

/** Prints a tally in one line. */
export function printTally(name: string, tally: Tally): void {
  const parts = Object.entries(tally).map(([what, total]) => `${what} ${total}`);
  say(`${name}: ${parts.join(", ")}`);
}

/** The counts that do not reach what is asked, in words; empty when all of them do. */
export function lacksOf(tally: Tally, least: Partial<Tally>): string[] {
  return Object.entries(least).flatMap(([what, wanted]) => {
    const found = tally[what as keyof Tally];
    return found >= wanted ? [] : [`${what}: only ${found}, not ${wanted}`];
  });
}

/** Asserts that each count reaches what is asked. */
export function assertEnough(tally: Tally, least: Partial<Tally>): void {
  const lacks = lacksOf(tally, least);
  assert.ok(lacks.length === 0, lacks.join("; "));
}

/** Does something; a failure tells what it was, with the seed and what lies on disk. */
export async function orExplain(
  { seed }: Dice,
  what: string,
  { path }: Place,
  body: () => Promise<void>,
): Promise<void> {
  try {
    await body();
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    say(`failed: ${what}, seed ${seed}: ${why}`); // at once: of a log that is cut short this remains
    throw new Error(`${what}, seed ${seed}: ${why}\n${listingOf(path)}`, { cause });
  }
}
