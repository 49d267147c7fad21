/** Reads the files of vectors; their members are explained at the head of `make.py`. */

import assert from "node:assert/strict";
import { isPalyraError } from "../../src/errors.ts";

/** What opens, and to what. */
export interface OpeningVector<Given, Gives> {
  readonly name: string;
  readonly expect: "opens";
  readonly given: Given;
  readonly gives: Gives;
  readonly steps: Readonly<Record<string, string>>;
  readonly drawn: Readonly<Record<string, string>>;
}

/** What must be refused: a vector that opens, with a change. */
export interface RefusedVector<Given> {
  readonly failure: string;
  /** With the change already made. */
  readonly given: Given;
}

/** One file. */
export interface Vectors<Given, Gives> {
  readonly opens: readonly OpeningVector<Given, Gives>[];
  readonly refused: readonly RefusedVector<Given>[];
}

interface StoredRefusal<Given> {
  readonly expect: "integrity";
  readonly failure: string;
  readonly base: string;
  readonly change: Partial<Given>;
  readonly why: string;
}

/** Reads `<name>.json`, and makes the changes that its refused vectors tell of. */
export function readVectors<Given extends object, Gives>(name: string): Vectors<Given, Gives> {
  type Stored = OpeningVector<Given, Gives> | StoredRefusal<Given>;
  const document = JSON.parse(Deno.readTextFileSync(`${import.meta.dirname}/${name}.json`));
  const vectors = document.vectors as Stored[];
  const opens = vectors.filter((vector) => vector.expect === "opens");
  const bases = new Map(opens.map((vector) => [vector.name, vector.given]));
  assert.equal(bases.size, opens.length, `${name}: two vectors of one name`);
  const refused = vectors.flatMap((vector) => {
    if (vector.expect === "opens") return [];
    const { expect, failure, base, change, why } = vector;
    assert.equal(expect, "integrity", failure);
    assert.ok(why, failure);
    const given = bases.get(base);
    assert.ok(given, `${name}: ${failure} is a copy of nothing`);
    assert.ok(Object.keys(change).every((member) => member in given), failure);
    return [{ failure, given: { ...given, ...change } }];
  });
  const failures = new Set(refused.map(({ failure }) => failure));
  assert.equal(failures.size, refused.length, `${name}: two vectors of one failure`);
  return { opens, refused };
}

/**
 * Runs every refused vector: the names of those that were not refused, and how many were. The
 * functions of the rooms say `undefined` or throw `integrity`; any other error is a failure.
 */
export async function countRefusals<Given>(
  refused: readonly RefusedVector<Given>[],
  open: (given: Given) => Promise<unknown>,
): Promise<{ accepted: string[]; count: number }> {
  const accepted: string[] = [];
  for (const { failure, given } of refused) {
    try {
      if (await open(given) !== undefined) accepted.push(failure);
    } catch (error) {
      if (!isPalyraError(error, "integrity")) throw new Error(failure, { cause: error });
    }
  }
  return { accepted, count: refused.length - accepted.length };
}
