/** One vault on which commands are killed one after the other, and audited after each. */

import assert from "node:assert/strict";
import { assertNothingLeft, auditSecrets, readTables, strayFiles } from "./crash_audit.ts";
import {
  book,
  deleting,
  type KnownSecret,
  type KnownVault,
  livingRefs,
  type Operation,
  rollingBack,
  rotating,
  setting,
} from "./crash_model.ts";
import { lifeOf, medianOf, mustRun, runPalyra } from "./crash_process.ts";
import type { Kill } from "./crash_tally.ts";
import type { Dice } from "./dice.ts";

/** Commands that are killed on a vault that is in use. */
export const KINDS = [
  "set new name",
  "set new value",
  "set new scope",
  "delete",
  "rollback",
  "rotate kek",
  "rotate scope",
] as const;

/** One of {@link KINDS}. */
export type KillKind = typeof KINDS[number];

/** A vault with its books. */
export interface Lane {
  readonly root: string;
  readonly vault: KnownVault;
  readonly dice: Dice;
  /** Typical life of a process by kind, in milliseconds. */
  readonly lives: Map<string, number>;
  /** Rounds so far: names and values are made from it. */
  round: number;
}

/** Written by the command after a kill, and never killed. */
const PROBE = "global/probe";
const NAMES = 6;
const LARGE = 60_000;
const MEASURED = 5;

/** Makes the vault, and measures how long each kind of command lives. */
export async function openLane(root: string, dice: Dice): Promise<Lane> {
  await mustRun(root, ["secrets", "set", PROBE], { stdin: "probe" });
  const vault: KnownVault = {
    secrets: new Map([[PROBE, { kept: [{ version: 1, value: "probe" }], last: 1 }]]),
    keys: readTables(root).keys,
  };
  const lane = { root, vault, dice, lives: new Map<string, number>(), round: 0 };
  for (let at = 0; at < NAMES; at++) {
    await acknowledge(lane, setting(vault, "", `global/key_${at}`, `value ${at}`));
  }
  for (const kind of KINDS) {
    const lives: number[] = [];
    for (let count = 0; count < MEASURED; count++) {
      lane.round++;
      lives.push(await acknowledge(lane, choose(lane, kind)));
    }
    lane.lives.set(kind, medianOf(lives));
  }
  return lane;
}

/** What a round did, for the report of a failure. */
export class RoundFailure extends Error {}

/**
 * Kills one command, sometimes another one right after it, lets palyra recover by a reader or by a
 * writer, and compares everything. Gives the kills that ended a living process.
 */
export async function killAndAudit(lane: Lane, kind: KillKind): Promise<Kill[]> {
  const { root, vault, dice } = lane;
  const kinds = dice.next() < 0.2 ? [kind, dice.pick(KINDS)] : [kind];
  const touched = new Map<string, KnownSecret>();
  const attempts: { operation: Operation; moment: number; left: Kill["left"] }[] = [];
  const printed: string[] = [];
  for (const next of kinds) {
    lane.round++;
    const operation = choose(lane, next, touched);
    const moment = momentOf(dice);
    const { args, stdin, ref, rotates } = operation;
    const life = lane.lives.get(operation.kind)!;
    const ran = await runPalyra(root, args, { stdin, killAfterMs: moment * life });
    // The machine's load changes: a life follows what is seen of it.
    if (!ran.killed) lane.lives.set(operation.kind, (3 * life + lifeOf(ran)) / 4);
    else if (moment > 1) lane.lives.set(operation.kind, life * 1.05);
    if (!ran.killed) {
      assert.equal(ran.status, 0, `${operation.kind}: ${ran.err}`);
      book(vault, operation);
      continue;
    }
    if (ref !== undefined) touched.set(ref, operation.after!);
    if (ran.out.endsWith("\n") && JSON.parse(ran.out).changed !== false) {
      printed.push(ref ?? rotates!);
    }
    attempts.push({ operation, moment, left: leftOf(root) });
  }
  const writeFirst = dice.next() < 0.5;
  if (!writeFirst) await mustRun(root, ["secrets", "list"]);
  await acknowledge(lane, nextWrite(lane));
  const keysBefore = vault.keys;
  const wanted = attempts.flatMap(({ operation: { rotates } }) => rotates ?? []);
  bookKeys(lane, wanted);
  const committed: Set<string> = await auditSecrets(root, vault, touched, lane.round % 20 === 0);
  for (const which of wanted) {
    if (vault.keys[which] > keysBefore[which]) committed.add(which);
  }
  for (const what of printed) assert.ok(committed.has(what), `${what}: printed, yet not kept`);
  await assertNothingLeft(root);
  return attempts.map(({ operation, moment, left }) => ({
    kind: operation.kind,
    moment,
    left,
    committed: committed.has(operation.ref ?? operation.rotates!),
  }));
}

/** Runs an operation to its end and books it; how long it lived. */
export async function acknowledge({ root, vault }: Lane, operation: Operation): Promise<number> {
  const { args, stdin, after } = operation;
  const ran = await mustRun(root, args, { stdin });
  book(vault, operation);
  const { version } = JSON.parse(ran.out);
  if (after !== undefined && version !== undefined) assert.equal(version, after.last);
  return lifeOf(ran);
}

/** Takes over the generations of keys: each wanted rotation happened or it did not. */
export function bookKeys(
  { root, vault }: Pick<Lane, "root" | "vault">,
  wanted: readonly string[],
): void {
  const { keys } = readTables(root);
  for (const which of ["kek", "global"] as const) {
    const most = vault.keys[which] + wanted.filter((one) => one === which).length;
    const found = keys[which];
    assert.ok(
      found >= vault.keys[which] && found <= most,
      `generation of ${which} is ${found}, not ${vault.keys[which]} to ${most}`,
    );
  }
  vault.keys = keys;
}

/** What a kill has left, looked at before anything recovers it. */
export function leftOf(root: string): Kill["left"] {
  const strays = strayFiles(root);
  if (strays.some((path) => path.includes(".tmp"))) return "temporary files";
  return strays.length > 0 ? "journal" : "nothing";
}

/** All of a life, and a little more; where the writing and the end are, more often. */
export function momentOf(dice: Dice): number {
  const phase = dice.next();
  if (phase < 0.15) return dice.next() * 0.5;
  return phase < 0.6 ? 0.45 + dice.next() * 0.55 : 0.8 + dice.next() * 0.35;
}

function choose(
  { vault, dice, round }: Lane,
  kind: KillKind,
  taken: ReadonlyMap<string, unknown> = new Map(),
): Operation {
  const value = `value ${round}${dice.next() < 0.15 ? " and more".repeat(LARGE / 9) : ""}`;
  if (kind === "rotate kek") return rotating("kek");
  if (kind === "rotate scope") return rotating("global");
  if (kind === "set new scope") return setting(vault, kind, `skill:s${round}/key`, value);
  const free = livingRefs(vault).filter((ref) => ref !== PROBE && !taken.has(ref));
  if (kind === "delete" && free.length > 0) return deleting(vault, dice.pick(free));
  const old = free.filter((ref) => vault.secrets.get(ref)!.kept.length > 1);
  if (kind === "rollback" && old.length > 0) return rollingBack(vault, dice.pick(old));
  const names = Array.from({ length: NAMES }, (_, at) => `global/key_${at}`);
  const name = names.filter((ref) => !taken.has(ref));
  if (kind !== "set new name") return setting(vault, "set new value", dice.pick(name), value);
  return setting(vault, kind, `global/new_${round}`, value);
}

function nextWrite({ vault, dice, round }: Lane): Operation {
  const last = vault.secrets.get(PROBE)!;
  const turn = dice.next();
  if (turn < 0.15) return rotating("kek");
  if (turn < 0.3) return rotating("global");
  if (turn < 0.45 && last.kept.length > 0) return deleting(vault, PROBE);
  return setting(vault, "probe", PROBE, `probe ${round}`);
}
