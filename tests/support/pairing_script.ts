/** The life of a pairing as command lines, step by step, on two state roots; any step can be made to fail. */

import assert from "node:assert/strict";
import { mustRun, type Ran, type RunOptions, runPalyra } from "./crash_process.ts";
import { copyTree } from "./file_trees.ts";

/** Two devices, and the documents that have been on their way. */
export interface Stage extends Disposable {
  readonly approver: string;
  readonly joiner: string;
  readonly documents: Record<string, string>;
}

/** One command line. */
export interface ScriptStep {
  readonly name: string;
  /** Whose state root it works on. */
  readonly on: "approver" | "joiner";
  args(documents: Stage["documents"]): readonly string[];
  /** Which document stands on standard input. */
  readonly reads?: string;
  /** Keeps what was printed. */
  keep?(documents: Stage["documents"], out: string): void;
  /** Statuses of a repetition after the first run was interrupted. */
  readonly again?: readonly number[];
}

/** The steps in their order. */
export const SCRIPT: readonly ScriptStep[] = [
  { name: "code", on: "approver", args: () => ["pairing", "code"], keep: printed("code") },
  {
    name: "request",
    on: "joiner",
    args: () => ["pairing", "request", "--ttl", "24h"],
    reads: "code",
    keep: printed("request"),
  },
  {
    name: "submit",
    on: "approver",
    args: () => ["pairing", "submit", "--json"],
    reads: "request",
    keep: (documents, out) => {
      const { request_id, device_id } = JSON.parse(out);
      documents["id"] = request_id;
      documents["device"] = device_id;
    },
  },
  {
    name: "approve",
    on: "approver",
    args: ({ id }) => ["pairing", "approve", id!],
    keep: printed("decision"),
  },
  { name: "complete", on: "joiner", args: () => ["pairing", "complete"], reads: "decision" },
  { name: "csr", on: "joiner", args: () => ["identity", "csr"], keep: printed("ask") },
  {
    name: "rotate",
    on: "approver",
    args: () => ["devices", "rotate", "--request", "-"],
    reads: "ask",
    keep: printed("answer"),
  },
  {
    name: "renew",
    on: "joiner",
    args: () => ["identity", "renew", "--answer", "-"],
    reads: "answer",
  },
  { name: "own leaf", on: "approver", args: () => ["identity", "renew", "--force"] },
  { name: "revoke", on: "approver", args: ({ device }) => ["devices", "revoke", device!] },
  { name: "crl", on: "approver", args: () => ["identity", "crl"] },
  {
    name: "remove",
    on: "approver",
    args: ({ device }) => ["devices", "remove", device!],
    again: [0, 8],
  },
];

/** Two new devices. */
export async function makeStage(): Promise<Stage> {
  const place = Deno.realPathSync(Deno.makeTempDirSync({ prefix: "palyra-test-" }));
  const [approver, joiner] = [`${place}/approver`, `${place}/joiner`];
  await Promise.all([approver, joiner].map((root) => mustRun(root, ["init"])));
  return stageIn(place, {});
}

/** The same two devices once more. */
export function copyOfStage({ approver, joiner, documents }: Stage): Stage {
  const place = Deno.realPathSync(Deno.makeTempDirSync({ prefix: "palyra-test-" }));
  copyTree(approver, `${place}/approver`);
  copyTree(joiner, `${place}/joiner`);
  return stageIn(place, { ...documents });
}

/** Runs one step, by this way of running. */
export async function take<T>(
  stage: Stage,
  step: ScriptStep,
  run: (root: string, args: readonly string[], stdin: string | undefined) => Promise<T>,
): Promise<T> {
  const stdin = step.reads === undefined ? undefined : stage.documents[step.reads]!;
  return await run(stage[step.on], step.args(stage.documents), stdin);
}

/** Runs one step; keeps what it says when it succeeds. */
export async function takePlainly(
  stage: Stage,
  step: ScriptStep,
  options: RunOptions = {},
): Promise<Ran> {
  const ran = await take(
    stage,
    step,
    (root, args, stdin) =>
      runPalyra(root, args, { ...options, ...(stdin === undefined ? {} : { stdin }) }),
  );
  if (ran.status === 0) step.keep?.(stage.documents, ran.out);
  return ran;
}

/** Takes an interrupted step once more, then some that come after it; all must succeed. */
export async function goOn(stage: Stage, from: number, count: number): Promise<void> {
  for (const [at, step] of SCRIPT.slice(from, from + count).entries()) {
    const { status, err } = await takePlainly(stage, step);
    const expected = at === 0 ? step.again ?? [0] : [0];
    assert.ok(expected.includes(status), `${step.name} afterwards: ${status} ${err}`);
  }
}

/** Fails unless both devices tell of a state that a whole number of steps leads to. */
export async function assertConsistent({ approver, joiner, documents }: Stage): Promise<void> {
  const list = async (...args: string[]): Promise<Record<string, Record<string, string>[]>> =>
    JSON.parse((await mustRun(approver, [...args, "--json"])).out);
  const { requests } = await list("pairing", "list");
  const { devices } = await list("devices", "list");
  await mustRun(approver, ["identity", "crl"]);
  await mustRun(joiner, ["identity", "show"]);
  assert.ok(requests!.length <= 1 && devices!.length <= 1);
  const isPaired = devices![0]?.["state"] === "paired";
  if (isPaired) assert.equal(requests![0]?.["state"], "approved");
  if (requests![0]?.["state"] === "pending") assert.equal(devices!.length, 0);
  const shown = await runPalyra(joiner, ["identity", "export-certificate"]);
  if (shown.status !== 0) return;
  const path = `${joiner}/../leaf.pem`;
  Deno.writeTextFileSync(path, shown.out);
  const verified = await runPalyra(approver, ["identity", "verify", path]);
  assert.equal(verified.status, isPaired ? 0 : 6, `${JSON.stringify(documents)} ${verified.err}`);
}

function printed(name: string): (documents: Stage["documents"], out: string) => void {
  return (documents, out) => void (documents[name] = out.trim());
}

function stageIn(place: string, documents: Stage["documents"]): Stage {
  const [approver, joiner] = [`${place}/approver`, `${place}/joiner`];
  const dispose = (): void => Deno.removeSync(place, { recursive: true });
  return { approver, joiner, documents, [Symbol.dispose]: dispose };
}
