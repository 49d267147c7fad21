/** Servers that stall, lie, never end or go wrong, at every place where auth asks one: nothing stored, nothing told. */

import assert from "node:assert/strict";
import { assertNoTrace, assertNoTraceBelow, type Canary, textCanary } from "../support/canary.ts";
import { type CliResult, eachOf, type Machine, makeMachine, resultOf } from "../support/cli_run.ts";
import { say } from "../support/dice.ts";
import { type HostileCase, hostileCases, PATHS } from "../support/hostile_answers.ts";
import { pasteLogin, type ScriptedServer, startScriptedServer } from "../support/scripted_login.ts";

/** Cases at a time: most of them wait. */
const AT_ONCE = 10;
/** A request has 10 seconds; a login makes up to three. */
const LONGEST_MS = 30_000;
const MOST_KIB = 300 * 1024;
const GOOD = { access_token: "never to be stored", token_type: "Bearer", expires_in: 3_600 };

interface Staged extends HostileCase {
  readonly id: string;
  readonly server: ScriptedServer;
}

function textOf({ value }: Canary): string {
  return new TextDecoder().decode(value);
}

/** A machine whose children are watched: the most memory that one of them ever had, in KiB. */
function watched(machine: Machine, peak: (kib: number) => void): Machine {
  return {
    ...machine,
    spawn: async (args, options) => {
      const child = await machine.spawn(args, options);
      const look = (): void => {
        try {
          const status = Deno.readTextFileSync(`/proc/${child.pid}/status`);
          peak(Number(/VmHWM:\s*(\d+)/.exec(status)?.[1] ?? 0));
        } catch { /* it has ended, or there is no /proc */ }
      };
      const timer = setInterval(look, 50);
      child.status.finally(() => clearInterval(timer));
      return child;
    },
  };
}

/** Profiles for all cases, as a person may have written them, and their tokens. */
async function prepare(machine: Machine, cases: readonly Staged[], refresh: string): Promise<void> {
  const sets = Object.fromEntries(cases.map(({ id }) => [id, {
    version: 1,
    access_token: "access-old",
    token_type: "bearer",
    refresh_token: `${refresh}`,
    expires_at: 1,
    obtained_at: 0,
  }]));
  const file = `${machine.home}/tokens.json`;
  const texts = Object.entries(sets).map(([id, set]) => [id, JSON.stringify(set)]);
  Deno.writeTextFileSync(file, JSON.stringify(Object.fromEntries(texts)));
  await machine.succeed(["secrets", "import", "--from", "json", file, "--scope", "global"]);
  Deno.removeSync(file);
  const tables = cases.map(({ id, server: { issuer } }) =>
    [
      `[profiles.${id}]`,
      'provider = "custom:test"',
      'type = "oauth"',
      `tokens_vault_ref = "global/${id}"`,
      'client_id = "client"',
      'client_secret_vault_ref = "global/client_secret"',
      `token_endpoint = "${issuer}/token"`,
      `revocation_endpoint = "${issuer}/revoke"`,
    ].join("\n")
  );
  const path = `${machine.stateRoot}/auth_profiles.toml`;
  Deno.writeTextFileSync(path, `version = 1\n\n${tables.join("\n\n")}\n`, { mode: 0o600 });
}

/** All that is stored: names and versions, the profiles, and every token set. */
async function storedIn(machine: Machine, cases: readonly Staged[]): Promise<unknown> {
  const list = JSON.parse((await machine.succeed(["secrets", "list", "--json"])).stdout);
  const refs = cases.map(({ id }) => `${id}=global/${id}`);
  const values = JSON.parse((await machine.succeed(["resolve", "--json", ...refs])).stdout).values;
  return {
    names: list.secrets.map(({ ref }: { ref: string }) => ref),
    profiles: Deno.readTextFileSync(`${machine.stateRoot}/auth_profiles.toml`),
    tokens: Object.entries(values as Record<string, string>).map(([id, text]) => {
      const { refreshing: _begun, begun_at: _when, ...set } = JSON.parse(text);
      return [id, set];
    }),
  };
}

async function run(machine: Machine, staged: Staged, key: string): Promise<CliResult> {
  const { id, place, server: { issuer } } = staged;
  const stdin = place === "key" ? key : undefined;
  const login = [
    ...["custom:test", "--issuer", issuer, "--client-id", "client", "--profile", `login-${id}`],
    ...["--client-secret-ref", "global/client_secret"],
  ];
  const words: Readonly<Record<string, readonly string[]>> = {
    device: ["auth", "login", ...login, "--device-code"],
    refresh: ["auth", "token", id],
    key: [
      ...["auth", "openai", "api-key", "--profile", `key-${id}`],
      ...["--base-url", `${issuer}/v1`, "--value-stdin"],
    ],
    revoke: ["auth", "revoke", id],
  };
  const args = words[place];
  if (args === undefined) return (await pasteLogin(machine, login, { issuer })).result;
  return await resultOf(await machine.spawn(args, { stdin }), stdin);
}

Deno.test("whatever a server does, the status is right, nothing is stored, told or kept waiting, and memory stays small", async () => {
  const [told, refresh, secret, key] = ["an answer", "a refresh token", "a client secret", "a key"]
    .map(textCanary) as [Canary, Canary, Canary, Canary];
  const canaries = [told, refresh, secret, key];
  await using servers = new AsyncDisposableStack();
  const cases = hostileCases(textOf(told)).map((one, at): Staged => {
    const server = servers.use(startScriptedServer(GOOD));
    server.talks.set(PATHS[one.place], one.talk(server.issuer));
    return { ...one, id: `p${at}`, server };
  });
  using machine = makeMachine();
  await machine.succeed(["secrets", "set", "global/client_secret"], { stdin: textOf(secret) });
  await prepare(machine, cases, textOf(refresh));
  const before = await storedIn(machine, cases);
  let [peakKib, longestMs] = [0, 0];
  const seen = watched(machine, (kib) => peakKib = Math.max(peakKib, kib));
  const start = performance.now();
  await eachOf(cases, async (staged) => {
    const what = `${staged.place}: a server that sends, or ${staged.what}`;
    const begun = performance.now();
    const { status, stdout, stderr } = await run(seen, staged, textOf(key));
    longestMs = Math.max(longestMs, performance.now() - begun);
    assert.ok(
      staged.server.seen.some(({ path }) => path === PATHS[staged.place]),
      `${what}: asked`,
    );
    assert.equal(status, staged.status, `${what}: ${stderr}`);
    assert.equal(stdout, "", what);
    assert.doesNotMatch(stderr, /[^\n\x20-\x7e]|internal error|unexpected|^\s+at /m, what);
    assertNoTrace(canaries, stderr, what);
  }, AT_ONCE);
  assert.deepEqual(await storedIn(machine, cases), before);
  assertNoTraceBelow(canaries, machine.directory);
  assert.ok(longestMs < LONGEST_MS, `${longestMs} ms`);
  assert.ok(peakKib > 0 && peakKib < MOST_KIB, `${peakKib} KiB`);
  const seconds = Math.round((performance.now() - start) / 1_000);
  say(
    `hostile servers: ${cases.length} cases in ${seconds} s, the longest ${
      Math.round(longestMs)
    } ms, at most ${Math.round(peakKib / 1024)} MiB`,
  );
});
