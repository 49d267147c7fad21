/** Crash safety on a real Secret Service: no kill loses a key, and the next command leaves nothing over. */

import assert from "node:assert/strict";
import { eachOf } from "../support/cli_run.ts";
import { readTables } from "../support/crash_audit.ts";
import { momentOf } from "../support/crash_lane.ts";
import { lifeOf, medianOf, type Ran, runPalyra } from "../support/crash_process.ts";
import { type Kill, printKills } from "../support/crash_tally.ts";
import { type Dice, pause, rollDice, say } from "../support/dice.ts";
import {
  assertSettled,
  auditKept,
  bringTo,
  type KeptVault,
  openKeptVault,
  type Whereabouts,
  whereabouts,
  write,
} from "../support/keyring_audit.ts";
import type { Injection } from "../support/crash_calls.ts";
import { cut, cutsFor, rehearse } from "../support/keyring_cuts.ts";
import { whyNoSecretService, whyNoStrace } from "../support/requirements.ts";
import { unlessSkipped } from "../support/skip.ts";

/** Kills that must have ended a living process. */
const KILLS = 110;
const LEAST_OF_KIND = 3;
const LEAST_COMMITTED = 3;
const MOST_ROUNDS = 900;
const FIRST_KILLS = 25;
const LANES = [1, 2];
/** What a passphrase adds to the life of a command. */
const PASSPHRASE_MS = 200;
const BACKEND = "linux_secret_service";

const testWithKeyring = unlessSkipped("no-secret-service", whyNoSecretService());
const testWithStrace = unlessSkipped("no-strace", whyNoStrace());

const KINDS = [
  "set",
  "set new scope",
  "rotate kek",
  "rotate scope",
  "migrate",
  "protect keystore",
  "protect file",
  "protect passphrase",
] as const;
type KindOfKill = typeof KINDS[number];

/** A command line that is to be killed. */
interface Doomed {
  readonly args: readonly string[];
  readonly ref?: string;
  readonly value?: string;
}

/** What a kind of command does just now; `undefined` where it would change nothing. */
function doomed(kind: KindOfKill, where: Whereabouts, round: number): Doomed | undefined {
  const setting = (ref: string): Doomed => {
    return { args: ["secrets", "set", ref], ref, value: `doomed ${round}` };
  };
  if (kind === "set") return setting(`global/key_${round % 5}`);
  if (kind === "set new scope") return setting(`skill:s${round}/key`);
  if (kind === "rotate kek") return { args: ["vault", "rotate", "kek"] };
  if (kind === "rotate scope") return { args: ["vault", "rotate", "scope", "global"] };
  if (kind === "migrate") {
    const to = where.backend === BACKEND ? "encrypted_file" : BACKEND;
    return where.protect === "keystore" ? undefined : { args: ["vault", "migrate", "--to", to] };
  }
  const protector = kind.slice("protect ".length);
  if (where.protect === protector) return undefined;
  if (protector === "keystore" && where.backend !== BACKEND) return undefined;
  return { args: ["vault", "protect", protector] };
}

/** Runs a command, kills it at a moment of its life, and reads a value all the while. */
async function killBesideReader(
  vault: KeptVault,
  { args, value }: Doomed,
  killAfterMs: number | undefined,
): Promise<Ran> {
  const { root, service, user, known } = vault;
  const words = [...args, "--passphrase-file", `${service.directory}/passphrase`];
  const env = { ...service.env, PALYRA_VAULT_BACKEND: "" };
  const [ran, read] = await Promise.all([
    runPalyra(root, words, { stdin: value ?? "", env, killAfterMs }),
    user.succeed(["resolve", "global/steady"]),
  ]);
  assert.equal(read.out, known.get("global/steady")![0], "beside a command that is killed");
  return ran;
}

/** How long each kind of command lives beside a reader, in milliseconds. */
async function typicalLives(vault: KeptVault): Promise<Map<KindOfKill, number>> {
  const lives = new Map<KindOfKill, number>();
  for (const kind of KINDS) {
    const times: number[] = [];
    for (let time = 0; time < 3; time++) {
      const protect = kind === "protect file" ? "keystore" : "file";
      await bringTo(vault, { backend: BACKEND, protect });
      const command = doomed(kind, await whereabouts(vault), -1 - time)!;
      const ran = await killBesideReader(vault, command, undefined);
      assert.equal(ran.status, 0, ran.err);
      if (command.ref !== undefined) vault.known.set(command.ref, [command.value]);
      times.push(lifeOf(ran));
    }
    lives.set(kind, medianOf(times));
  }
  return lives;
}

function killsOf(kills: readonly Kill[], kind: KindOfKill): number {
  return kills.filter((kill) => kill.kind === kind).length;
}

/** What was not hit often enough yet, in words; empty when all was. */
function lacksOf(kills: readonly Kill[]): string[] {
  const late = kills.filter(({ committed }) => committed).length;
  return [
    ...(kills.length < KILLS ? [`only ${kills.length} kills ended a living process`] : []),
    ...KINDS.filter((kind) => killsOf(kills, kind) < LEAST_OF_KIND)
      .map((kind) => `too few kills of ${kind}`),
    ...(late < LEAST_COMMITTED ? ["too few kills after a commit"] : []),
  ];
}

/** Kills one command, seldom killed ones more often, and audits; no kill when it was faster. */
async function killOne(
  vault: KeptVault,
  lives: Map<KindOfKill, number>,
  { dice, round, before, kills }: {
    readonly dice: Dice;
    readonly kills: readonly Kill[];
    readonly round: number;
    readonly before: Whereabouts;
  },
): Promise<{ kill: Kill | undefined; where: Whereabouts }> {
  const possible = KINDS.filter((kind) => doomed(kind, before, round) !== undefined);
  const rare = possible.toSorted((a, b) => killsOf(kills, a) - killsOf(kills, b))[0]!;
  const kind = dice.next() < 0.5 ? rare : dice.pick(possible);
  const command = doomed(kind, before, round)!;
  const { keys } = readTables(vault.root);
  const moment = momentOf(dice);
  const life = lives.get(kind)! + (before.protect === "passphrase" ? PASSPHRASE_MS : 0);
  const ran = await killBesideReader(vault, command, moment * life);
  const { killed, status, err } = ran;
  const what = `round ${round}, seed ${dice.seed}, ${kind} at ${moment.toFixed(2)} of its life`;
  assert.ok(killed || status === 0, `${what}: ${status} ${err}`);
  // The machine's load changes: a life follows what is seen of it.
  if (!killed) lives.set(kind, lives.get(kind)! + (lifeOf(ran) - life) / 4);
  else if (moment > 1) lives.set(kind, lives.get(kind)! * 1.05);
  const { ref, value } = command;
  if (ref !== undefined) {
    vault.known.set(ref, killed ? [...vault.known.get(ref) ?? [undefined], value] : [value]);
  }
  const where = await auditKept(vault, what);
  const now = readTables(vault.root).keys;
  const committed = ref !== undefined
    ? vault.known.get(ref)![0] === value
    : kind === "rotate scope"
    ? now.global > keys.global
    : kind === "rotate kek"
    ? now.kek > keys.kek
    : where.backend !== before.backend || where.protect !== before.protect;
  return { kill: killed ? { kind, moment, left: undefined, committed } : undefined, where };
}

testWithKeyring(
  "A command killed at any moment loses no key, and the next one clears up",
  async () => {
    const dice = rollDice("kills on a Secret Service");
    const kills: Kill[] = [];
    let rounds = 0;
    await eachOf(LANES, async () => {
      await using vault = await openKeptVault();
      for (const name of ["steady", "key_0", "key_1"]) await write(vault, `global/${name}`);
      const lives = await typicalLives(vault);
      let before = await whereabouts(vault);
      while (lacksOf(kills).length > 0 && rounds < MOST_ROUNDS) {
        const { kill, where } = await killOne(vault, lives, {
          dice,
          kills,
          round: ++rounds,
          before,
        });
        if (kill !== undefined) kills.push(kill);
        // Each command takes longer with a passphrase: it should not stay too long.
        const stays = where.protect !== "passphrase" || dice.next() < 0.6;
        if (!stays) await bringTo(vault, { ...where, protect: "file" });
        before = stays ? where : await whereabouts(vault);
      }
    });
    printKills("on a Secret Service", kills);
    assert.deepEqual(lacksOf(kills), []);
  },
);

/** Ways to make the first vault; each is gone on with by itself, or by another one. */
const FIRST = [
  ["init"],
  ["init", "--protect", "keystore"],
  ["init", "--protect", "passphrase"],
  ["secrets", "set", "global/first"],
] as const;

/** A new state root on the same keyring. */
async function startAgain(vault: KeptVault): Promise<void> {
  await Deno.remove(vault.root, { recursive: true }).catch(() => {});
  vault.known.clear();
  vault.ids = "";
  vault.foreign = await vault.service.items();
}

testWithKeyring(
  "A first command that is killed leaves nothing in the way, and nothing in the keyring",
  async () => {
    const dice = rollDice("first kills on a Secret Service");
    const kills: Kill[] = [];
    await eachOf(LANES, async () => {
      await using vault = await openKeptVault();
      for (let round = 0; kills.length < FIRST_KILLS && round < 10 * FIRST_KILLS; round++) {
        await startAgain(vault);
        const args = dice.pick(FIRST);
        const words = [...args, "--passphrase-file", `${vault.service.directory}/passphrase`];
        const env = { ...vault.service.env, PALYRA_VAULT_BACKEND: "" };
        const moment = dice.next();
        const life = args[2] === "passphrase" ? 500 : 250;
        const ran = await runPalyra(vault.root, words, {
          stdin: "first",
          env,
          killAfterMs: 15 + moment * life,
        });
        const what = `${args.join(" ")}, killed at ${moment.toFixed(2)}, seed ${dice.seed}`;
        assert.ok(ran.killed || ran.status === 0, `${what}: ${ran.err}`);
        if (args[0] === "secrets") {
          vault.known.set("global/first", ran.killed ? [undefined, "first"] : ["first"]);
        }
        await goOn(vault, args, dice, what);
        const { backend } = await auditKept(vault, what);
        assert.equal(backend, BACKEND, what);
        if (ran.killed) {
          kills.push({
            kind: args.slice(0, 3).join(" "),
            moment,
            left: undefined,
            committed: false,
          });
        }
      }
    });
    printKills("first commands on a Secret Service", kills);
    assert.ok(kills.length >= FIRST_KILLS, `only ${kills.length} kills ended a living process`);
  },
);

/** The user tries again, or goes on without. */
async function goOn(
  vault: KeptVault,
  args: readonly string[],
  dice: Dice,
  what: string,
): Promise<void> {
  if (args[0] !== "init" || dice.next() < 0.4) return;
  const { status, err } = await vault.user.run(args);
  // What protects an identity is settled with its key: the first one may have been without.
  assert.equal(status, 0, `${what}, again: ${status} ${err}`);
}

/** A command that is cut at each of its calls, and the state that it begins in. */
interface Cut {
  readonly args: readonly string[];
  readonly from: Whereabouts;
}

const CUTS: readonly Cut[] = [
  {
    args: ["vault", "migrate", "--to", BACKEND],
    from: { backend: "encrypted_file", protect: "file" },
  },
  {
    args: ["vault", "migrate", "--to", "encrypted_file"],
    from: { backend: BACKEND, protect: "file" },
  },
  { args: ["vault", "protect", "keystore"], from: { backend: BACKEND, protect: "file" } },
  { args: ["vault", "protect", "file"], from: { backend: BACKEND, protect: "keystore" } },
];
const MOST_OF_CALL = 3;
const MOST_OF_FIRST = 3;

testWithStrace("vault migrate and vault protect survive a kill at each system call", async () => {
  let cuts = 0;
  await eachOf(CUTS, async ({ args, from }) => {
    await using vault = await openKeptVault();
    await makeVaultAt(vault, from);
    const calls = await rehearse(vault.user, args);
    assert.ok(calls.length > 20, `only ${calls.length} calls of ${args.join(" ")} were seen`);
    const failures: string[] = [];
    for (const injection of cutsFor(calls, MOST_OF_CALL)) {
      await bringTo(vault, from);
      const { what, isCut } = await cutAt(vault, args, injection);
      if (isCut) cuts++;
      const failure = await failureOf(() => auditKept(vault, what));
      if (failure === undefined) continue;
      failures.push(failure);
      await makeVaultAt(vault, from); // the others are worth knowing, too
    }
    assert.deepEqual(failures, [], failures.join("\n"));
  });
  say(`calls of migrate and protect: ${cuts} cut`);
  assert.ok(cuts >= 50, `only ${cuts} cuts`);
});

testWithStrace("init survives a kill at each system call", async () => {
  let cuts = 0;
  await eachOf([FIRST[0], FIRST[1]], async (args) => {
    await using vault = await openKeptVault();
    await startAgain(vault);
    const calls = await rehearse(vault.user, args);
    assert.ok(calls.length > 20, `only ${calls.length} calls of ${args.join(" ")} were seen`);
    const failures: string[] = [];
    for (const injection of cutsFor(calls, MOST_OF_FIRST)) {
      await startAgain(vault);
      const { what, isCut } = await cutAt(vault, args, injection);
      if (isCut) cuts++;
      const failure = await failureOf(async () => {
        await vault.user.succeed(args);
        const { backend } = await auditKept(vault, what);
        assert.equal(backend, BACKEND, what);
      });
      if (failure !== undefined) failures.push(failure);
    }
    assert.deepEqual(failures, [], failures.join("\n"));
  });
  say(`calls of init: ${cuts} cut`);
  assert.ok(cuts >= 30, `only ${cuts} cuts`);
});

/** Runs a command that is killed at a call, if it comes to it; says so, for whoever finds something wrong. */
async function cutAt(
  { user }: KeptVault,
  args: readonly string[],
  injection: Injection,
): Promise<{ readonly what: string; readonly isCut: boolean }> {
  const { said, isReached } = await cut(user, args, injection);
  const what = `${args.join(" ")}, cut at ${injection.name} ${injection.at}`;
  const isCut = said.signal === "SIGKILL";
  assert.ok(isCut || (!isReached && said.status === 0), `${what}: ${said.status} ${said.err}`);
  return { what, isCut };
}

/** A new vault in this state, with values in it. */
async function makeVaultAt(vault: KeptVault, from: Whereabouts): Promise<void> {
  await startAgain(vault);
  for (const name of ["steady", "other"]) await write(vault, `global/${name}`);
  await bringTo(vault, from);
}

async function failureOf(body: () => Promise<unknown>): Promise<string | undefined> {
  try {
    await body();
    return undefined;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

const WRITERS = 20;
/** More of them where too few met a writer, or had the lock in time. */
const [MIGRATIONS, MOST_MIGRATIONS] = [8, 40];

testWithKeyring("Twenty writers lose nothing while the key is moved to and fro", async () => {
  await using vault = await openKeptVault();
  const { user, known } = vault;
  await write(vault, "global/steady");
  const moves: { from: number; to: number }[] = [];
  const writes: { from: number; to: number }[] = [];
  let [refused, reads] = [0, 0];
  let isOver = false;
  const overlaps = (): number =>
    writes.filter((write) => moves.some((move) => move.from < write.to && write.to < move.to))
      .length;
  const isEnough = (): boolean => moves.length >= MIGRATIONS / 2 && overlaps() >= WRITERS;
  const migrate = async (): Promise<void> => {
    for (let at = 0; at < MIGRATIONS || (at < MOST_MIGRATIONS && !isEnough()); at++) {
      const from = performance.now();
      const said = await user.run([
        "vault",
        "migrate",
        "--to",
        at % 2 === 0 ? "encrypted_file" : BACKEND,
      ]);
      if (said.status === 0) moves.push({ from, to: performance.now() });
      else assertBusy(said.status, said.err);
      await pause(50);
    }
    isOver = true;
  };
  const keepWriting = async (writer: number): Promise<void> => {
    for (let at = 0; !isOver; at++) {
      const ref = at % 3 === 0 ? `skill:w${writer}_${at}/key` : `global/writer_${writer}_${at}`;
      const from = performance.now();
      const said = await user.run(["secrets", "set", ref], { stdin: ref });
      if (said.status === 0) {
        known.set(ref, [ref]);
        writes.push({ from, to: performance.now() });
      } else {
        assertBusy(said.status, said.err);
        refused++;
      }
    }
  };
  const keepReading = async (): Promise<void> => {
    while (!isOver) {
      assert.equal(
        (await user.succeed(["resolve", "global/steady"])).out,
        known.get("global/steady")![0],
      );
      reads++;
    }
  };
  const from = performance.now();
  const all = [
    migrate(),
    keepReading(),
    ...Array.from({ length: WRITERS }, (_, at) => keepWriting(at)),
  ];
  const ended = await Promise.allSettled(all.map((one) =>
    one.catch((error) => {
      isOver = true;
      throw error;
    })
  ));
  for (const one of ended) if (one.status === "rejected") throw one.reason;
  await auditKept(vault, "after the crowd");
  await assertSettled(vault);
  say(
    `migrations among ${WRITERS} writers: ${moves.length}, ${writes.length} writes kept, ${overlaps()} of ` +
      `them acknowledged during one, ${refused} refused, ${reads} reads, ` +
      `${Math.round((performance.now() - from) / 1_000)} s`,
  );
  assert.ok(isEnough());
});

/** A writer may say that it did not get the lock in time, and nothing else. */
function assertBusy(status: number, err: string): void {
  assert.equal(status, 7, err);
  assert.match(err, /lock|busy|another/i);
}
