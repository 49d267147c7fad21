/** Every system call that writes is made to fail, or to be the last one, and the vault is audited. */

import assert from "node:assert/strict";
import {
  assertNothingLeft,
  assertResolves,
  auditSecrets,
  readTables,
} from "../support/crash_audit.ts";
import {
  type Call,
  type Injection,
  injectionsFor,
  isReached,
  watch,
} from "../support/crash_calls.ts";
import { bookKeys } from "../support/crash_lane.ts";
import {
  book,
  deleting,
  type KnownVault,
  type Operation,
  rotating,
  setting,
} from "../support/crash_model.ts";
import { listingOf, mustRun, type Ran, runPalyra } from "../support/crash_process.ts";
import { say } from "../support/dice.ts";
import { tempRoot } from "../support/palyra.ts";
import { whyNoStrace } from "../support/requirements.ts";
import { unlessSkipped } from "../support/skip.ts";

/** Injections into one command, for each system call and effect: all, or so many spread evenly. */
const MOST_OF_CALL = 16;
const LEAST_OF_COMMAND = 20;
const UNAVAILABLE = 5;

const testWithStrace = unlessSkipped("no-strace", whyNoStrace());

/** Commands by name, made for the vault as it is just then. */
const COMMANDS: Readonly<Record<string, (vault: KnownVault, at: number) => Operation>> = {
  "secrets set": (vault, at) => setting(vault, "set", "global/a", `value ${at}`),
  "vault rotate kek": () => rotating("kek"),
  "vault rotate scope": () => rotating("global"),
  "secrets delete": (vault) => deleting(vault, "global/b"),
};

testWithStrace("secrets set syncs journal, database and directory, in this order", async () => {
  using place = tempRoot();
  const root = place.state;
  await mustRun(root, ["secrets", "set", "global/a"], { stdin: "first" });
  const args = ["secrets", "set", "global/a"];
  const { ran, calls } = await watch({ root, args, stdin: "second" });
  assert.equal(ran.status, 0, ran.err);
  const steps = calls.filter(({ name }) => /sync$|^unlink$/.test(name)).map((call) =>
    `${call.name.replace("fdata", "f")} ${call.paths[0]!.slice(root.length)}`
  );
  assert.deepEqual(steps, [
    "fsync /vault/vault.db-journal", // what was there before
    "fsync /vault",
    "fsync /vault/vault.db-journal", // its header: from here on a crash rolls back
    "fsync /vault/vault.db",
    "unlink /vault/vault.db-journal", // the commit
    "fsync /vault",
  ]);
  say(`syncs of secrets set: ${steps.length - 1}`);
});

for (const [name, make] of Object.entries(COMMANDS)) {
  testWithStrace(
    `${name} survives a kill, and reports a failure, at each system call`,
    async () => {
      const both = [tamper(name, make, () => "signal=SIGKILL"), tamper(name, make, errorOf)];
      await Promise.allSettled(both); // none may go on when the other has failed
      const [kills, errors] = await Promise.all(both);
      say(`calls of ${name}: ${summary([...kills!, ...errors!])}`);
      assert.ok(kills!.length >= LEAST_OF_COMMAND, "too few kills");
      assert.ok(errors!.length >= LEAST_OF_COMMAND, "too few failures");
    },
  );
}

testWithStrace("init survives a kill, and reports a failure, at each system call", async () => {
  using first = tempRoot();
  const { ran, calls } = await watch({ root: first.state, args: ["init"] });
  assert.equal(ran.status, 0, ran.err);
  const few = Math.floor(MOST_OF_CALL / 2);
  const injections = [
    ...injectionsFor(calls, () => "signal=SIGKILL", few),
    ...injectionsFor(calls, errorOf, few),
  ];
  const hits: string[] = [];
  for (const injection of injections) {
    using place = tempRoot();
    const root = place.state;
    await orExplain(`init, ${describe(injection)}`, root, async () => {
      const watched = await watch({ root, args: ["init"] }, injection);
      if (requireTyped(watched.ran, watched.calls, injection, root)) hits.push(injection.effect);
      const { status, err } = await runPalyra(root, ["secrets", "list"]);
      assert.ok(status === 0 || status === 8, `secrets list: ${status} ${err}`);
      await mustRun(root, ["secrets", "set", "global/a"], { stdin: "a" });
      await assertResolves(root, [["global/a", "a"]]);
      await assertNothingLeft(root);
    });
  }
  say(`calls of init: ${summary(hits)}`);
  assert.ok(hits.length >= 50, "too few injections");
});

/** Tampers with the calls of a command, one a run; gives what was done each time. */
async function tamper(
  name: string,
  make: (vault: KnownVault, at: number) => Operation,
  effectOf: (call: Call) => Injection["effect"] | undefined,
): Promise<string[]> {
  using place = tempRoot();
  const root = place.state;
  const vault = await openVault(root);
  const rehearsed = make(vault, 0);
  const { args, stdin } = rehearsed;
  const rehearsal = await watch({ root, args, stdin });
  assert.equal(rehearsal.ran.status, 0, rehearsal.ran.err);
  book(vault, rehearsed);
  const hits: string[] = [];
  let at = 0;
  for (const injection of injectionsFor(rehearsal.calls, effectOf, MOST_OF_CALL)) {
    at++;
    await orExplain(`${name}, ${describe(injection)}`, root, async () => {
      await acknowledge(root, vault, setting(vault, "set", "global/b", `b ${at}`));
      const operation = make(vault, at);
      const command = { root, args: operation.args, stdin: operation.stdin };
      const { ran, calls } = await watch(command, injection);
      if (requireTyped(ran, calls, injection, root)) hits.push(injection.effect);
      if (ran.status === 0) book(vault, operation);
      await mustRun(root, ["secrets", "list"]);
      bookKeys({ root, vault }, ran.status !== 0 ? [operation.rotates ?? []].flat() : []);
      const touched = ran.status !== 0 && operation.ref !== undefined
        ? new Map([[operation.ref, operation.after!]])
        : new Map();
      await auditSecrets(root, vault, touched);
      await acknowledge(root, vault, nextWrite(vault, at));
      await assertNothingLeft(root);
    });
  }
  await auditSecrets(root, vault, new Map(), true);
  return hits;
}

async function openVault(root: string): Promise<KnownVault> {
  await mustRun(root, ["init"]);
  const vault: KnownVault = { secrets: new Map(), keys: { kek: 0, global: 0 } };
  for (const ref of ["global/a", "global/b", "skill:other/c"]) {
    await acknowledge(root, vault, setting(vault, "set", ref, `first of ${ref}`));
  }
  vault.keys = readTables(root).keys;
  return vault;
}

async function acknowledge(root: string, vault: KnownVault, operation: Operation): Promise<void> {
  await mustRun(root, operation.args, { stdin: operation.stdin });
  book(vault, operation);
}

function nextWrite(vault: KnownVault, at: number): Operation {
  if (at % 3 === 0) return rotating("kek");
  return at % 3 === 1 ? rotating("global") : setting(vault, "set", "global/next", `next ${at}`);
}

/** Writing fails for want of room, everything else because the medium is broken. */
function errorOf({ name }: Call): Injection["effect"] {
  return /sync|unlink/.test(name) ? "error=EIO" : "error=ENOSPC";
}

/**
 * The process was killed, or it says `unavailable`; success only when all is durable nevertheless.
 * False where this run made fewer calls than the one that was watched before, and all went well.
 */
function requireTyped(
  ran: Ran,
  calls: readonly Call[],
  injection: Injection,
  root: string,
): boolean {
  if (!isReached(injection, calls)) {
    assert.equal(ran.status, 0, ran.err);
    return false;
  }
  if (injection.effect === "signal=SIGKILL") {
    assert.ok(ran.killed, `exit status ${ran.status}, not killed`);
    return true;
  }
  const hit = calls.findIndex(({ injected }) => injected);
  assert.ok(hit >= 0, "the call was not reached");
  const what = `${calls[hit]!.name} ${calls[hit]!.paths.join()}`;
  if (ran.status === 0) {
    assert.ok(isMadeUpFor(calls, hit, root), `${what} failed, and the exit status is 0`);
    return true;
  }
  assert.equal(ran.status, UNAVAILABLE, `${what}: ${ran.err}`);
  assert.equal(ran.out, "");
  assert.match(ran.err, /^palyra: Cannot [^\n]+\n(?:hint: [^\n]+\n)?(?:\{[^\n]+\}\n)?$/);
  return true;
}

/**
 * SQLite passes over the failure to sync the directory before a commit. Nothing is lost by it when
 * the directory is synced after the commit.
 */
function isMadeUpFor(calls: readonly Call[], hit: number, root: string): boolean {
  const isSync = ({ name, paths }: Call): boolean =>
    name === "fsync" && paths[0] === `${root}/vault`;
  return isSync(calls[hit]!) && calls.slice(hit + 1).some((call) => isSync(call) && !call.failed);
}

function describe({ name, at, effect }: Injection): string {
  return `${effect} at ${name} ${at}`;
}

function summary(words: readonly string[]): string {
  const groups = Object.entries(Object.groupBy(words, (word) => word));
  return groups.map(([word, all]) => `${word} ${all!.length}`).join(", ");
}

async function orExplain(what: string, root: string, body: () => Promise<void>): Promise<void> {
  try {
    await body();
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new Error(`${what}: ${why}\n${listingOf(root)}`, { cause });
  }
}
