/** The whole command line on a real Secret Service, in every state that one can be in. */

import assert from "node:assert/strict";
import { eachOf } from "../support/cli_run.ts";
import {
  assertNoTrace,
  assertNoTraceBelow,
  binaryCanary,
  linesCanary,
  textCanary,
} from "../support/canary.ts";
import { assertBlobsHidden, callsOf } from "../support/keyring_calls.ts";
import { pause, say } from "../support/dice.ts";
import { copyTree, pathsBelow } from "../support/file_trees.ts";
import {
  assertUnavailable,
  errorOf,
  keptTexts,
  type KeyringUser,
  LONGEST_MS,
  type Said,
  userOf,
} from "../support/keyring_user.ts";
import {
  FIRST_STATES,
  LIFE,
  OPENING,
  OPENING_ELSEWHERE,
  OPENING_PROTECTED,
  OTHER_KEYRINGS,
  UNOPENED,
} from "../support/keyring_states.ts";
import { tempRoot } from "../support/palyra.ts";
import { whyNoSecretService, whyNoStrace } from "../support/requirements.ts";
import { startSecretService } from "../support/secret_service.ts";
import { unlessSkipped } from "../support/skip.ts";

const CROWD = 20;
const BACKEND = "linux_secret_service";

const testWithKeyring = unlessSkipped("no-secret-service", whyNoSecretService());
const testWithCalls = unlessSkipped("no-strace", whyNoStrace());

testWithKeyring("Every command works, and the keyring has as many items as it should", async () => {
  await using service = await startSecretService("unlocked");
  using place = tempRoot();
  const user = userOf(place.state, service.env);
  Deno.writeTextFileSync(`${place.path}/passphrase`, "correct horse\n");
  Deno.writeTextFileSync(`${place.path}/palyra.toml`, "", { mode: 0o600 });
  for (const [words, stdin, items] of LIFE) {
    const args = words.replace("PASSPHRASE", `${place.path}/passphrase`).split(" ");
    await user.succeed([...args, "--config", `${place.path}/palyra.toml`], { stdin });
    assert.equal(await service.items(), items, `items after ${words}`);
  }
  const { values } = await user.json(["resolve", "global/a", "global/a#2", "global/openai"]);
  assert.deepEqual(values, {
    "global/a": "sixth",
    "global/a#2": "second",
    "global/openai": "sk-configured",
  });
  say(`steps on a Secret Service: ${LIFE.length}`);
});

testWithKeyring(
  "auto and the explicit backend make the same vault, and it stays where it is",
  async () => {
    await using service = await startSecretService("unlocked");
    for (const words of ["init", "init --backend auto", `init --backend ${BACKEND}`]) {
      using place = tempRoot();
      const user = userOf(place.state, service.env);
      const before = await service.items();
      const made = await user.json(words.split(" "));
      assert.deepEqual([made.backend, made.created], [BACKEND, true]);
      assert.equal(await service.items() - before, 2);
      const again = await user.json(["init"]);
      assert.deepEqual(again, { ...made, created: false });
      await user.succeed(["secrets", "set", "global/a"], { stdin: "value" });
      const other = { PALYRA_VAULT_BACKEND: "encrypted_file" };
      for (const args of [["init"], ["resolve", "global/a"], ["secrets", "set", "global/a"]]) {
        const { status, out, err } = await user.run(args, { env: other, stdin: "other" });
        assert.deepEqual([status, out], [7, ""], args.join(" "));
        assert.match(
          err,
          /^palyra: [^\n]+ pinned to linux_secret_service\nhint: palyra vault migrate/,
        );
      }
      assert.equal((await user.succeed(["resolve", "global/a"])).out, "value");
      assert.equal(await service.items() - before, 2);
    }
  },
);

testWithKeyring("init --protect keystore keeps four items", async () => {
  await using service = await startSecretService("unlocked");
  using place = tempRoot();
  const user = userOf(place.state, service.env);
  const made = await user.json(["init", "--protect", "keystore"]);
  assert.deepEqual([made.backend, made.protect, await service.items()], [BACKEND, "keystore", 4]);
  assert.equal((await user.run(["vault", "migrate", "--to", "encrypted_file"])).status, 7);
  assert.equal(await service.items(), 4);
});

/** Times of commands that could not go on, in milliseconds, by what was run. */
const times = new Map<string, number>();

/** All commands are refused for this cause, or work if they need no keystore. */
async function assertAllRefused(
  user: KeyringUser,
  cause: string,
  state: string,
  commands = OPENING,
): Promise<void> {
  // Those that hold the same lock would wait for each other, and their times would add up.
  const [locking, others] = [commands.filter(holdsLock), commands.filter((one) => !holdsLock(one))];
  const assertRefused = async ([words, stdin]: typeof OPENING[number]): Promise<void> => {
    const what = `${words}, ${state}`;
    const said = await user.run([...words.split(" "), "--json"], { stdin });
    times.set(what, said.ms);
    assertUnavailable(said, cause, what);
  };
  await Promise.all([eachOf(locking, assertRefused, 1), eachOf(others, assertRefused)]);
  for (const words of UNOPENED) {
    if (!commands.some(([opening]) => opening === words)) await user.succeed(words.split(" "));
  }
  await assertFindsCause(user, state);
}

function holdsLock([words]: typeof OPENING[number]): boolean {
  return /rotate|migrate|protect|repair|skill:new/.test(words);
}

/** The doctor finds fault with the backend in words of its own, and in time. */
async function assertFindsCause(user: KeyringUser, state: string): Promise<void> {
  const said = await user.run(["doctor", "--only", "backend", "--json"]);
  assert.equal(said.status, 10, `doctor, ${state}: ${said.err}`);
  const { checks } = JSON.parse(said.out);
  const failed = checks.filter(({ status }: { status: string }) => status === "fail");
  assert.ok(failed.length > 0, `doctor, ${state}`);
}

async function makeVault(user: KeyringUser): Promise<void> {
  for (const stdin of ["first", "second"]) {
    await user.succeed(["secrets", "set", "global/a"], { stdin });
  }
}

async function assertIntact(user: KeyringUser): Promise<void> {
  assert.equal((await user.succeed(["resolve", "global/a"])).out, "second");
  assert.equal((await user.succeed(["resolve", "global/a#1"])).out, "first");
  assert.deepEqual((await user.json(["vault", "check", "--strict"])).bad, []);
}

for (const protect of ["file", "keystore"] as const) {
  const commands = protect === "file" ? OPENING : OPENING_PROTECTED;
  testWithKeyring(
    `A keyring that cannot be read is exit 5 with its cause; the identity protected by ${protect}`,
    async () => {
      await using service = await startSecretService("unlocked");
      using place = tempRoot();
      const user = userOf(place.state, service.env);
      await user.succeed(["init", "--protect", protect]);
      await makeVault(user);
      const items = await service.items();
      const states = [
        ["locked", "locked", service.lock, service.unlock],
        ["daemon killed", "locked", service.kill, service.unlock],
        ["daemon stopped", "timeout", service.stop, service.cont],
      ] as const;
      for (const [state, cause, enter, leave] of states) {
        await enter();
        await assertAllRefused(user, cause, state, commands);
        await leave();
        await assertIntact(user);
        assert.equal(await service.items(), items, state);
      }
      for (const [mode, cause] of OTHER_KEYRINGS) {
        await using other = await startSecretService(mode);
        const asked = cause === "not_here"
          ? commands.filter((one) => one[0] !== "vault protect keystore")
          : commands;
        await assertAllRefused(
          userOf(place.state, other.env),
          cause,
          `elsewhere: ${mode}`,
          asked,
        );
        if (mode === "unlocked") assert.equal(await other.items(), 0);
        await assertIntact(user);
      }
      await service.killBus();
      await assertAllRefused(user, "no_bus", "bus killed", commands);
      assert.equal(Deno.readTextFileSync(`${place.state}/vault/backend.kind`), `${BACKEND}\n`);
      printSlowest();
    },
  );
}

function printSlowest(): void {
  const [what, ms] = [...times].sort(([, a], [, b]) => b - a)[0]!;
  say(`refused: ${times.size} commands; the slowest took ${Math.round(ms)} ms: ${what}`);
}

testWithKeyring(
  "A dialog that could be opened is opened for no command on a vault that is there",
  async () => {
    await using service = await startSecretService("unlocked", { dialog: "waits" });
    using place = tempRoot();
    const user = userOf(place.state, service.env);
    await makeVault(user);
    await service.lock();
    const running = service.running().length;
    await assertAllRefused(user, "locked", "dialog within reach", OPENING_ELSEWHERE);
    assert.equal(service.running().length, running, "nothing waits for a person");
    await service.unlock();
    await assertIntact(user);
  },
);

testWithKeyring("A wiped keyring is another keyring, and nothing is put in its place", async () => {
  await using service = await startSecretService("unlocked");
  using place = tempRoot();
  const user = userOf(place.state, service.env);
  await makeVault(user);
  await service.wipe();
  await assertAllRefused(user, "not_here", "wiped", OPENING_ELSEWHERE);
  assert.equal(await service.items(), 0);
});

testWithKeyring(
  "A key that is gone beside its canary is lost; without the canary it may be elsewhere",
  async () => {
    await using service = await startSecretService("unlocked");
    using place = tempRoot();
    const user = userOf(place.state, service.env);
    await makeVault(user);
    await service.tool(["clear", "application", "palyra", "kind", "vault_key"]);
    assert.equal(await service.items(), 1);
    for (const [words, stdin] of OPENING_ELSEWHERE) {
      const said = await user.run([...words.split(" "), "--json"], { stdin });
      assert.deepEqual([said.status, said.out], [9, ""], `${words}: ${said.err}`);
      assert.equal(errorOf(said).code, "integrity");
    }
    assert.equal(await service.items(), 1, "nothing is made anew");
    await service.tool(["clear", "application", "palyra", "kind", "canary"]);
    await assertAllRefused(user, "not_here", "without canary", OPENING_ELSEWHERE);
  },
);

testWithKeyring(
  "A protecting key that is gone beside its canary is lost, and no identity is made",
  async () => {
    await using service = await startSecretService("unlocked");
    using place = tempRoot();
    const user = userOf(place.state, service.env);
    await user.succeed(["init", "--protect", "keystore"]);
    await makeVault(user);
    await service.tool(["clear", "application", "palyra", "kind", "store_key"]);
    for (const words of ["init", "resolve global/a", "secrets set global/b", "vault rotate kek"]) {
      const said = await user.run([...words.split(" "), "--json"], { stdin: "other" });
      assert.deepEqual([said.status, said.out], [9, ""], `${words}: ${said.err}`);
    }
    assert.equal(await service.items(), 3, "nothing is made anew");
  },
);

testWithKeyring(
  "At first use auto says in one line why the key is in a file; asked for by name, it is exit 5",
  async () => {
    let slowest = 0;
    const timed = async (said: Promise<Said>, what: string): Promise<Said> => {
      const { ms, ...rest } = await said;
      slowest = Math.max(slowest, ms);
      assert.ok(ms < LONGEST_MS, `${what} took ${ms} ms`);
      return { ms, ...rest };
    };
    for (const { name, mode, enter, cause, why } of FIRST_STATES) {
      await using service = await startSecretService(mode);
      await enter?.(service);
      const automatic = [
        "secrets set global/a",
        "secrets set global/a --quiet",
        "init --quiet",
        "init",
      ];
      await eachOf(automatic, async (words) => {
        using place = tempRoot();
        const user = userOf(place.state, service.env);
        const { status, err } = await timed(user.run(words.split(" "), { stdin: "value" }), name);
        const line = `palyra: created ${place.state}; the vault key is kept by encrypted_file: ` +
          `${BACKEND} cannot be used, ${why}\n`;
        assert.deepEqual([status, err], [0, line], `${words}, ${name}`);
        assert.equal((await user.json(["vault", "status"])).backend, "encrypted_file", name);
        const again = await user.succeed(["secrets", "set", "global/b"], { stdin: "value" });
        assert.equal(again.err, "", `said once, ${name}`);
        assert.deepEqual((await user.json(["vault", "check", "--strict"])).leftovers, 0);
      });
      const explicit: [string, Record<string, string>][] = [
        [`init --backend ${BACKEND}`, {}],
        [`secrets set global/a`, { PALYRA_VAULT_BACKEND: BACKEND }],
        [`init --protect keystore`, {}],
      ];
      await eachOf(explicit, async ([words, env]) => {
        using place = tempRoot();
        const user = userOf(place.state, service.env);
        const args = [...words.split(" "), "--json"];
        assertUnavailable(
          await timed(user.run(args, { stdin: "value", env }), name),
          cause,
          `${words}, ${name}`,
        );
        assert.equal(
          (await user.run(["resolve", "global/a"])).status,
          8,
          `no vault was made, ${name}`,
        );
        // No dead end: whoever then does without the keystore gets a vault.
        await user.succeed(["init", "--backend", "encrypted_file"]);
        await user.succeed(["secrets", "set", "global/a"], { stdin: "value" });
        assert.equal((await user.succeed(["resolve", "global/a"])).out, "value");
      });
    }
    say(
      `first use in ${FIRST_STATES.length} states; the slowest command took ${
        Math.round(slowest)
      } ms`,
    );
  },
);

testWithKeyring(
  "Twenty first commands at once make one vault with one key; twenty readers read it",
  async () => {
    await using service = await startSecretService("unlocked");
    using place = tempRoot();
    const user = userOf(place.state, service.env);
    const names = Array.from({ length: CROWD }, (_, at) => `global/key_${at}`);
    const from = performance.now();
    const written = await Promise.all(
      names.map((name) => user.succeed(["secrets", "set", name], { stdin: `value of ${name}` })),
    );
    const wroteMs = performance.now() - from;
    assert.equal(written.filter(({ err }) => err.includes("created ")).length, 1);
    assert.equal(await service.items(), 2);
    const expected = Object.fromEntries(names.map((name) => [name, `value of ${name}`]));
    const read = await Promise.all(names.map(() => user.json(["resolve", ...names])));
    for (const { values } of read) assert.deepEqual(values, expected);
    await user.succeed(["vault", "check", "--strict"]);
    assert.equal(await service.items(), 2);
    say(`crowd: ${CROWD} first commands in ${Math.round(wroteMs)} ms, ${CROWD} readers`);
  },
);

/** Commands that open a value, or the identity, of a copied state root. */
const THEFTS: readonly (readonly [words: string, stdin?: string])[] = [
  ["resolve global/a"],
  ["secrets get global/a#1 --reveal"],
  ["secrets set global/b", "b"],
  ["vault check"],
  ["vault status"],
  ["vault rotate kek"],
];

/** Copies a state root to users who have another keyring, and none; asserts what all of them meet. */
async function assertStolenFor(
  root: string,
  assertRefused: (said: Said, what: string, cause: string) => void,
  more: readonly string[] = [],
): Promise<void> {
  for (const [mode, cause] of [["unlocked", "not_here"], ["nobus", "no_bus"]] as const) {
    await using elsewhere = await startSecretService(mode);
    const copy = `${elsewhere.directory}/stolen`;
    copyTree(root, copy);
    const thief = userOf(copy, elsewhere.env);
    const words = [...THEFTS, ...more.map((words) => [words] as const)];
    await eachOf(words, async ([words, stdin]) => {
      const said = await thief.run([...words.split(" "), "--json"], { stdin });
      assert.equal(said.out, "", words);
      assertRefused(said, `${words}, ${mode}`, cause);
    });
    if (mode === "unlocked") assert.equal(await elsewhere.items(), 0);
  }
}

/** Fails when the bytes stand in a file below the directory. */
function assertNowhere(bytes: Uint8Array, directory: string): void {
  const text = bytes.toHex();
  for (const path of pathsBelow(directory)) {
    if (!Deno.statSync(`${directory}/${path}`).isFile) continue;
    assert.ok(!Deno.readFileSync(`${directory}/${path}`).toHex().includes(text), path);
  }
}

testWithKeyring("A copied state root opens no value without what keeps its key", async () => {
  await using service = await startSecretService("unlocked");
  using place = tempRoot();
  const user = userOf(place.state, service.env);
  await makeVault(user);
  const storeKey = Deno.readFileSync(`${place.state}/identity/store.key`);
  await assertStolenFor(place.state, (said, what, cause) => assertUnavailable(said, cause, what), [
    "vault migrate --to encrypted_file",
  ]);
  await user.succeed(["vault", "protect", "keystore"]);
  assertNowhere(storeKey, place.state);
  await assertStolenFor(
    place.state,
    (said, what, cause) => assertUnavailable(said, cause, what),
    ["init", "vault protect file"],
  );
  const passphrase = `${place.path}/passphrase`;
  Deno.writeTextFileSync(passphrase, "correct horse");
  await user.succeed(["vault", "protect", "passphrase", "--passphrase-file", passphrase]);
  await user.succeed([
    "vault",
    "migrate",
    "--to",
    "encrypted_file",
    "--passphrase-file",
    passphrase,
  ]);
  assertNowhere(storeKey, place.state);
  const isAsked = ({ status, err }: Said, what: string): void =>
    assert.equal(status, 12, `${what}: ${err}`);
  await assertStolenFor(place.state, isAsked, ["init", "vault protect file"]);
  Deno.writeTextFileSync(passphrase, "wrong horse");
  const wrong = ["--passphrase-file", passphrase];
  assert.equal((await user.run(["resolve", "global/a", ...wrong])).status, 9);
  Deno.writeTextFileSync(passphrase, "correct horse");
  assert.equal((await user.succeed(["resolve", "global/a", ...wrong])).out, "second");
});

const SCOPES = 10;
const SECRETS = 50;

testWithCalls(
  "What opens fifty secrets asks the keyring once, and what opens none never",
  async () => {
    await using service = await startSecretService("unlocked");
    using place = tempRoot();
    const user = userOf(place.state, service.env);
    const canary = textCanary("value");
    const refs = Array.from({ length: SECRETS }, (_, at) => `skill:s${at % SCOPES}/key_${at}`);
    await user.succeed(["init", "--backend", "encrypted_file"]);
    await user.succeed(["secrets", "set", "global/a"], { stdin: "other" });
    const calls = callsOf(user, canary);
    const stored = await calls(["vault", "migrate", "--to", BACKEND]);
    assert.ok(stored.verbs.includes("store"), "what stores a key is watched as well");
    await eachOf(refs, async (ref) => {
      await user.succeed(["secrets", "set", ref], { stdin: canary.value });
    });
    await assertBlobsHidden(service, stored);
    for (const args of [["resolve", "--format", "json", ...refs], ["secrets", "get", refs[0]!]]) {
      const read = await calls(args);
      assert.deepEqual(read.verbs, ["search"], args.join(" "));
    }
    assert.deepEqual((await calls(["secrets", "set", refs[0]!], "other")).verbs, ["search"]);
    for (
      const words of [...UNOPENED, "", `secrets delete ${refs[1]}`, "__complete -- resolve skill:"]
    ) {
      const opened = await calls(words.split(" ").filter((word) => word !== ""));
      assert.deepEqual(opened.verbs, [], words);
    }
    await assertBlobsHidden(service, await calls(["vault", "rotate", "kek"]));
    await assertBlobsHidden(service, await calls(["vault", "protect", "keystore"]));
    const twice = await calls(["resolve", "--format", "json", ...refs.slice(2)]);
    assert.deepEqual(twice.verbs, ["search", "search"]);
    assert.ok(twice.isTogether, "the second is started before the first has ended");
    assert.equal(
      new Set(twice.kinds).size,
      2,
      "the one for the vault's key, the other for the identity's",
    );
    for (const words of UNOPENED.filter((words) => words !== "init")) {
      assert.deepEqual((await calls(words.split(" "))).verbs, [], words);
    }
    await assertBlobsHidden(service, await calls(["vault", "protect", "file"]));
    await calls(["vault", "migrate", "--to", "encrypted_file"]);
    assert.deepEqual((await calls(["resolve", refs[2]!])).verbs, []);
    say(`calls watched: ${calls.count()} commands, ${calls.started()} calls of secret-tool`);
  },
);

testWithKeyring(
  "Only the keyring that keeps the vault's key may protect its identity",
  async () => {
    await using service = await startSecretService("unlocked");
    await using elsewhere = await startSecretService("unlocked");
    using place = tempRoot();
    const user = userOf(place.state, service.env);
    await makeVault(user);
    const stranger = userOf(place.state, elsewhere.env);
    const said = await stranger.run(["vault", "protect", "keystore", "--json"]);
    assertUnavailable(said, "not_here", "vault protect keystore");
    assert.deepEqual([await service.items(), await elsewhere.items()], [2, 0]);
    await assertIntact(user);
  },
);

testWithKeyring(
  "No value is in the keyring, below the state root, in an output or a process",
  async () => {
    await using service = await startSecretService("unlocked");
    using place = tempRoot();
    const user = userOf(place.state, service.env);
    const canaries = [textCanary("text"), binaryCanary("binary"), linesCanary("lines")];
    const refs = canaries.map(({ name }) => `skill:canaries/${name}`);
    const silent: [string, (string | Uint8Array)?][] = [
      ...canaries.map((
        { value },
        at,
      ): [string, Uint8Array] => [`secrets set ${refs[at]} --raw`, value]),
      ...["vault rotate kek", "vault rotate scope skill:canaries", "vault protect keystore"]
        .map((words): [string] => [words]),
      ...refs.flatMap((
        ref,
      ): [string][] => [[`secrets get ${ref}`], [`secrets history ${ref} --json`]]),
      ...["vault check -v", "vault status", "doctor", "vault protect file", "secrets list"]
        .map((words): [string] => [words]),
      ["vault migrate --to encrypted_file"],
      [`vault migrate --to ${BACKEND}`],
    ];
    let processes = 0;
    for (const [words, stdin] of silent) {
      const running = user.succeed(words.split(" "), { stdin });
      processes += await watchProcesses(running, (bytes) => assertNoTrace(canaries, bytes, words));
      const { out, err } = await running;
      assertNoTrace(canaries, `${out}${err}`, words);
    }
    for (const [at, ref] of refs.entries()) {
      const { stdout } = await user.succeed(["resolve", ref]);
      assert.deepEqual(stdout, canaries[at]!.value);
      assert.throws(() => assertNoTrace(canaries, stdout, "a value"));
    }
    assertNoTrace(canaries, await service.dump(), "the keyring");
    assertNoTraceBelow(canaries, place.state);
    const kept = await keptTexts(service);
    assert.equal(kept.length, 1);
    assertNowhere(new TextEncoder().encode(kept[0]), place.state);
    // The search finds what is there.
    for (const form of [canaries[0]!.value, canaries[2]!.value.toBase64()]) {
      const planted = typeof form === "string" ? form : new TextDecoder().decode(form);
      const words = ["store", "--label=planted", "application", "palyra", "kind", "planted"];
      await service.tool(words, planted);
      const dump = await service.dump();
      assert.throws(() => assertNoTrace(canaries, dump, "the keyring"), /the keyring holds/);
    }
    Deno.writeTextFileSync(`${place.state}/planted`, canaries[1]!.value.toHex());
    assert.throws(() => assertNoTraceBelow(canaries, place.state), /planted holds binary as hex/);
    assert.ok(processes > 0, "no process was looked at");
    say(`canaries: ${silent.length} commands, ${processes} looks at a running process`);
  },
);

/** Looks at words and variables of all processes of a command until it ends; how many it saw. */
async function watchProcesses(
  running: Promise<unknown>,
  look: (bytes: Uint8Array) => void,
): Promise<number> {
  let isOver = false;
  const over = running.finally(() => isOver = true).catch(() => {});
  let seen = 0;
  while (!isOver) {
    for (const { name } of Deno.readDirSync("/proc")) {
      if (!/^\d+$/.test(name)) continue;
      try {
        const words = Deno.readFileSync(`/proc/${name}/cmdline`);
        if (!/secret-tool|main\.js/.test(new TextDecoder("latin1").decode(words))) continue;
        look(words);
        look(Deno.readFileSync(`/proc/${name}/environ`));
        seen++;
      } catch (error) {
        if (error instanceof assert.AssertionError) throw error;
      } // it has just ended, or is another user's
    }
    await pause(2);
  }
  await over;
  return seen;
}
