/** `auth openai oauth-start`, `oauth-state` and `reconnect`: a login in two commands, whose answer counts once. */

import assert from "node:assert/strict";
import { assertRefused, type CliResult, type Machine, makeMachine } from "../support/cli_run.ts";
import { jsonOf } from "../support/pairing_machines.ts";
import { json, type ScriptedServer, startScriptedServer } from "../support/scripted_login.ts";

const TOKENS = {
  access_token: "token-of-the-server",
  token_type: "Bearer",
  refresh_token: "refresh-of-the-server",
  expires_in: 3_600,
};
const OPENAI = ["auth", "openai"];
const CROWD = 8;

interface Begun {
  readonly id: string;
  readonly page: URL;
  /** Where the browser ends when the person has agreed. */
  readonly answer: string;
}

async function begin(
  machine: Machine,
  server: ScriptedServer,
  ...more: string[]
): Promise<Begun> {
  const words = [
    "oauth-start",
    "--issuer",
    server.issuer,
    "--client-id",
    "client",
    "--oauth-scope",
    "models",
  ];
  return begunBy(
    server,
    await jsonOf(machine, [...OPENAI, ...words, "--profile", "work", ...more]),
  );
}

function begunBy({ issuer }: ScriptedServer, told: Record<string, unknown>): Begun {
  const page = new URL(String(told["authorization_url"]));
  const back = new URL(String(told["redirect_uri"]));
  back.searchParams.set("code", "code-of-the-server");
  back.searchParams.set("state", page.searchParams.get("state")!);
  back.searchParams.set("iss", issuer);
  return { id: String(told["attempt_id"]), page, answer: back.href };
}

async function answer(machine: Machine, { id, answer }: Begun): Promise<CliResult> {
  const words = ["oauth-state", id, "--answer-stdin", "--json"];
  return await machine.run([...OPENAI, ...words], { stdin: `${answer}\n` });
}

/** What the profile of these tests names first. */
async function secretOf(machine: Machine): Promise<string> {
  const { secrets } = await jsonOf(machine, ["auth", "profiles", "show", "work"]);
  return (secrets as string[])[0]!;
}

async function stateOf(machine: Machine, { id }: Begun): Promise<string> {
  return String((await jsonOf(machine, [...OPENAI, "oauth-state", id]))["state"]);
}

/** Every byte below the state root. */
function allBytes(machine: Machine, directory = machine.stateRoot): string {
  return [...Deno.readDirSync(directory)].map(({ name, isDirectory }) => {
    const path = `${directory}/${name}`;
    if (isDirectory) return allBytes(machine, path);
    return new TextDecoder("latin1").decode(Deno.readFileSync(path));
  }).join("\n");
}

Deno.test("a login that one command begins and another ends: sealed in between, used up by its answer", async () => {
  await using server = startScriptedServer(TOKENS);
  using machine = makeMachine();
  const begun = await begin(machine, server, "--name", "At work");
  const sent = begun.page.searchParams;
  assert.deepEqual(
    ["client_id", "scope", "code_challenge_method", "response_type"].map((key) => sent.get(key)),
    ["client", "models", "S256", "code"],
  );
  assert.equal(await stateOf(machine, begun), "pending");
  assertRefused(await machine.run(["auth", "token", "work"]), 8, "no profile yet");
  assert.ok(!allBytes(machine).includes(sent.get("state")!), "the state is sealed");
  const { secrets } = await jsonOf(machine, ["secrets", "list"]);
  const [kept] = secrets as Record<string, string>[];
  const lifeMs = Date.parse(kept!["expires_at"]!) - Date.parse(kept!["created_at"]!);
  assert.deepEqual([kept!["ref"], lifeMs], [`session:auth/login_${begun.id}`, 600_000]);

  const done = await answer(machine, begun);
  assert.equal(done.status, 0, done.stderr);
  const told = JSON.parse(done.stdout);
  assert.deepEqual([told.state, told.profile_id, told.refreshable], ["succeeded", "work", true]);
  assert.equal((await machine.succeed(["auth", "token", "work"])).stdout, TOKENS.access_token);
  const shown = await jsonOf(machine, ["auth", "profiles", "show", "work"]);
  assert.deepEqual([shown["provider"], shown["profile_name"]], ["openai", "At work"]);
  const { form } = server.seen.at(-1)!;
  const verifier = form.get("code_verifier")!;
  assert.deepEqual([form.get("code"), form.get("redirect_uri")], [
    "code-of-the-server",
    "http://127.0.0.1/callback",
  ]);
  const left = (await machine.succeed(["resolve", kept!["ref"]!])).stdout;
  assert.ok(
    !left.includes(verifier) && !left.includes(sent.get("state")!),
    "nothing to use is left",
  );
  const history = await jsonOf(machine, ["secrets", "history", kept!["ref"]!]);
  assert.equal((history["versions"] as unknown[]).length, 1);
  assert.equal(await stateOf(machine, begun), "succeeded");
  assertRefused(
    await machine.run([...OPENAI, "oauth-state", begun.id, "--answer-stdin"], {
      stdin: begun.answer,
    }),
    7,
    "a second answer",
  );
  for (const text of [done.stdout, done.stderr]) {
    for (const secret of [TOKENS.access_token, TOKENS.refresh_token, verifier]) {
      assert.ok(!text.includes(secret));
    }
  }
});

Deno.test("an address that is no answer to the login leaves it as it is; a refusal ends it", async () => {
  await using server = startScriptedServer(TOKENS);
  using machine = makeMachine();
  const begun = await begin(machine, server);
  const give = (stdin: string): Promise<CliResult> =>
    machine.run([...OPENAI, "oauth-state", begun.id, "--answer-stdin"], { stdin });
  assertRefused(await give(""), 2, "nothing");
  assertRefused(await give("no address"), 2, "no address");
  const state = begun.page.searchParams.get("state")!;
  const other = (state.startsWith("A") ? "B" : "A") + state.slice(1);
  assertRefused(await give(begun.answer.replace(state, other)), 2, "another state");
  assertRefused(await give("http://127.0.0.1/callback?code=x"), 2, "no state");
  assert.equal(await stateOf(machine, begun), "pending");
  assert.ok(server.seen.every(({ path }) => path !== "/token"), "nobody was asked");

  const denied = begun.answer.replace(/code=[^&]*/, "error=access_denied");
  const refused = await give(denied);
  assertRefused(refused, 3, "denied");
  assert.match(refused.stderr, /access_denied/);
  assert.equal(await stateOf(machine, begun), "failed");
  assertRefused(await give(begun.answer), 7, "after a refusal");

  const second = await begin(machine, server);
  server.talks.set("/token", () => json({ error: "invalid_grant" }, 400));
  assert.equal((await answer(machine, second)).status, 3);
  assert.equal(await stateOf(machine, second), "failed");
  assertRefused(await machine.run(["auth", "token", "work"]), 8, "nothing was stored");
});

Deno.test("of many processes with one answer, one asks the server", async () => {
  await using server = startScriptedServer(TOKENS);
  using machine = makeMachine();
  const begun = await begin(machine, server);
  const all = await Promise.all(Array.from({ length: CROWD }, () => answer(machine, begun)));
  const statuses = all.map(({ status }) => status).sort();
  assert.deepEqual(statuses, [0, ...Array.from({ length: CROWD - 1 }, () => 7)]);
  assert.equal(server.seen.filter(({ path }) => path === "/token").length, 1);
  assert.equal((await machine.succeed(["auth", "token", "work"])).stdout, TOKENS.access_token);
});

Deno.test("what is no attempt, or one of nobody, is refused; wrong flags make nothing", async () => {
  await using server = startScriptedServer(TOKENS);
  using machine = makeMachine();
  const start = ["oauth-start", "--issuer", server.issuer];
  const rows: [number, string[]][] = [
    [2, ["oauth-state", "x"]],
    [8, ["oauth-state", "01j00000000000000000000000"]],
    [2, start],
    [2, [...start, "--client-id", "c", "--redirect-uri", "https://a.example/cb"]],
    [2, [...start, "--client-id", "c", "--redirect-uri", "http://127.0.0.1.a.example/cb"]],
    [2, [...start, "--client-id", "c", "--redirect-uri", "http://localhost/cb#x"]],
    [8, [...start, "--client-id", "c", "--client-secret-ref", "global/none"]],
    [8, ["reconnect", "work"]],
    [8, ["refresh", "work"]],
    [8, ["revoke", "work"]],
    [8, ["use-profile", "work"]],
  ];
  for (const [status, words] of rows) {
    assertRefused(await machine.run([...OPENAI, ...words]), status, words.join(" "));
  }
  assert.throws(() => Deno.statSync(machine.stateRoot), Deno.errors.NotFound);
  const begun = await begin(
    machine,
    server,
    "--redirect-uri",
    "http://localhost:1455/auth/callback",
  );
  assert.equal(
    begun.page.searchParams.get("redirect_uri"),
    "http://localhost:1455/auth/callback",
  );
});

Deno.test("a login for another scope leaves no tokens where the ones before were, but what the config names", async () => {
  await using server = startScriptedServer(TOKENS);
  using machine = makeMachine();
  assert.equal((await answer(machine, await begin(machine, server))).status, 0);
  const first = await secretOf(machine);
  const mine = await begin(machine, server, "--scope", "agent:me");
  assert.equal((await answer(machine, mine)).status, 0);
  const second = await secretOf(machine);
  assert.notEqual(second, first);
  assertRefused(await machine.run(["resolve", first]), 8, "the tokens of before");
  const asked = ["auth", "token", "work", "--agent", "me"];
  assert.equal((await machine.succeed(asked)).stdout, TOKENS.access_token);
  assert.deepEqual((await jsonOf(machine, ["auth", "profiles", "audit"]))["findings"], []);

  await machine.succeed(["secrets", "configure", "openai-api-key", second, "--no-value"]);
  const back = await begin(machine, server, "--scope", "global");
  assert.equal((await answer(machine, back)).status, 0);
  assert.equal(await secretOf(machine), first);
  assert.match((await machine.succeed(["resolve", second])).stdout, /token-of-the-server/);
});

Deno.test("what was stored for a profile goes with its next login, key or end, whatever scope and type it had", async () => {
  await using server = startScriptedServer(TOKENS);
  using machine = makeMachine();
  const login = async (): Promise<string> => {
    assert.equal((await answer(machine, await begin(machine, server))).status, 0);
    return await secretOf(machine);
  };
  const set = (...words: string[]): Promise<CliResult> =>
    machine.succeed(["auth", "profiles", "set", ...words]);
  const assertGone = async (ref: string, what: string): Promise<void> =>
    assertRefused(await machine.run(["resolve", ref]), 8, what);
  const key = async (...more: string[]): Promise<string> => {
    const words = ["api-key", "--value-stdin", "--base-url", `${server.issuer}/v1`];
    const stored = [...OPENAI, ...words, "--profile", "work", ...more];
    return String((await jsonOf(machine, stored, "sk-of-the-test"))["secret"]);
  };
  const first = await login();
  await set("work", "--scope", "agent:me");
  const second = await login();
  assert.notEqual(second, first);
  await assertGone(first, "the tokens of the scope before");
  await set("work", "--scope", "agent:you");
  assert.deepEqual((await jsonOf(machine, ["auth", "revoke", "work"]))["secrets"], [second]);
  await assertGone(second, "the tokens of a profile that is gone");
  const third = await login();
  const keyRef = await key();
  await assertGone(third, "the tokens that a key has replaced");
  await key("--scope", "agent:me");
  await assertGone(keyRef, "the key of the scope before");
  assert.deepEqual((await jsonOf(machine, ["auth", "profiles", "audit"]))["findings"], []);

  await machine.succeed(["auth", "profiles", "delete", "work"]);
  const shared = await login();
  const client = ["--client-id", "client", "--token-endpoint", `${server.issuer}/token`];
  await set("other", "--provider", "openai", "--tokens-ref", shared, ...client);
  await key();
  assert.match((await machine.succeed(["resolve", shared])).stdout, /token-of-the-server/);
});

Deno.test("reconnect begins a profile's login anew with its client, its server and what it asked for", async () => {
  await using server = startScriptedServer(TOKENS);
  using machine = makeMachine();
  await machine.succeed(["secrets", "set", "global/client_secret"], { stdin: "s3cret" });
  const more = ["--client-secret-ref", "global/client_secret"];
  const first = await begin(machine, server, ...more, "--name", "At work");
  assert.equal((await answer(machine, first)).status, 0);
  const told = await jsonOf(machine, [...OPENAI, "reconnect", "work"]);
  const again = begunBy(server, told);
  assert.equal(again.page.searchParams.get("scope"), "models");
  assert.equal(again.page.searchParams.get("client_id"), "client");
  assert.notEqual(again.page.searchParams.get("state"), first.page.searchParams.get("state"));
  assert.equal((await machine.succeed(["auth", "token", "work"])).stdout, TOKENS.access_token);
  server.talks.set("/token", () => json({ ...TOKENS, access_token: "token-of-today" }));
  assert.equal((await answer(machine, again)).status, 0);
  assert.equal((await machine.succeed(["auth", "token", "work"])).stdout, "token-of-today");
  const shown = await jsonOf(machine, ["auth", "profiles", "show", "work"]);
  assert.equal(shown["profile_name"], "At work");

  await machine.succeed(["secrets", "set", "global/key"], { stdin: "sk" });
  const set = ["auth", "profiles", "set"];
  await machine.succeed([...set, "work", "--scope", "agent:me"]);
  const third = await begin(machine, server);
  assert.equal((await answer(machine, third)).status, 0);
  const kept = await jsonOf(machine, ["auth", "profiles", "show", "work"]);
  assert.deepEqual([kept["profile_name"], kept["scope"]], ["At work", "agent:me"]);
  const elsewhere = [
    "custom:x",
    "--issuer",
    server.issuer,
    "--client-id",
    "c",
    "--profile",
    "work",
  ];
  assertRefused(await machine.run(["auth", "login", ...elsewhere]), 7, "of another provider");

  await machine.succeed([...set, "key", "--provider", "openai", "--api-key-ref", "global/key"]);
  assertRefused(await machine.run([...OPENAI, "reconnect", "key"]), 2, "a key");
  const tokens = ["--tokens-ref", "global/t", "--client-id", "c", "--token-endpoint"];
  await machine.succeed([
    ...set,
    "bare",
    "--provider",
    "openai",
    ...tokens,
    `${server.issuer}/token`,
  ]);
  assertRefused(await machine.run([...OPENAI, "reconnect", "bare"]), 2, "no issuer");
  const page = ["--authorization-endpoint", `${server.issuer}/authorize`];
  await machine.succeed([...OPENAI, "reconnect", "bare", ...page]);
  await machine.succeed([...set, "other", "--provider", "slack", "--api-key-ref", "global/key"]);
  assertRefused(await machine.run([...OPENAI, "reconnect", "other"]), 2, "of another provider");
});

Deno.test("a client shows its secret as its server takes it: at the login, at a refresh, at the end", async () => {
  const rows = [
    [undefined, "basic"],
    [["client_secret_basic"], "basic"],
    [["client_secret_basic", "client_secret_post"], "post"],
  ] as const;
  for (const [methods, wanted] of rows) {
    await using server = startScriptedServer(TOKENS);
    const { issuer } = server;
    server.talks.set("/.well-known/openid-configuration", () =>
      json({
        issuer,
        authorization_endpoint: `${issuer}/authorize`,
        token_endpoint: `${issuer}/token`,
        revocation_endpoint: `${issuer}/revoke`,
        ...(methods === undefined ? {} : { token_endpoint_auth_methods_supported: methods }),
      }));
    using machine = makeMachine();
    await machine.succeed(["secrets", "set", "global/client_secret"], { stdin: "s3cret" });
    const begun = await begin(machine, server, "--client-secret-ref", "global/client_secret");
    assert.equal((await answer(machine, begun)).status, 0);
    await machine.succeed(["auth", "refresh", "work"]);
    await machine.succeed([...OPENAI, "revoke", "work"]);
    const asked = server.seen.filter(({ path }) => path === "/token" || path === "/revoke");
    assert.equal(asked.length, 3);
    const ways = asked.map(({ head, form }) =>
      form.get("client_secret") === "s3cret"
        ? "post"
        : head.includes(`Basic ${btoa("client:s3cret")}`)
        ? "basic"
        : "none"
    );
    assert.deepEqual(ways, [wanted, wanted, wanted]);
  }
});

Deno.test("status tells a provider's profiles and the one that the config names; use-profile names one", async () => {
  using machine = makeMachine();
  const anthropic = ["auth", "anthropic"];
  assert.equal((await jsonOf(machine, [...anthropic, "status"]))["provider_state"], "none");
  await machine.succeed(["secrets", "set", "global/key"], { stdin: "sk" });
  const set = async (id: string, provider: string, ref = "global/key", more: string[] = []) => {
    const words = ["auth", "profiles", "set", id, "--provider", provider, "--api-key-ref", ref];
    await machine.succeed([...words, ...more]);
  };
  await set("a", "anthropic");
  await set("o", "openai");
  await set("mine", "anthropic", "global/key", ["--scope", "agent:me"]);
  await set("gone", "anthropic", "global/none");
  assertRefused(await machine.run([...anthropic, "use-profile", "o"]), 2, "another provider");
  assertRefused(await machine.run([...anthropic, "use-profile", "mine"]), 2, "an agent's own");
  const config = `${machine.home}/.config/palyra/palyra.toml`;
  assert.throws(() => Deno.statSync(config), Deno.errors.NotFound);
  Deno.mkdirSync(`${machine.home}/.config/palyra`, { recursive: true, mode: 0o700 });
  const text = '# mine\n[model_provider]\nauth_profile_ref = "old"  # before\nkind = "anthropic"\n';
  Deno.writeTextFileSync(config, text, { mode: 0o600 });
  const use = [...anthropic, "use-profile", "a"];
  assert.equal((await jsonOf(machine, use))["changed"], true);
  const after = Deno.readTextFileSync(config);
  assert.match(after, /^# mine\n\[model_provider\]\n/);
  assert.match(after, /auth_profile_id = "a"/);
  assert.match(after, /auth_provider_kind = "anthropic"/);
  assert.doesNotMatch(after, /auth_profile_ref/);
  assert.equal((await jsonOf(machine, use))["changed"], false);
  const status = await jsonOf(machine, [...anthropic, "status"]);
  assert.deepEqual([status["provider_state"], status["default_profile_id"]], ["error", "a"]);
  const profiles = status["profiles"] as Record<string, unknown>[];
  assert.deepEqual(profiles.map((one) => [one["profile_id"], one["is_default"]]), [
    ["a", true],
    ["gone", false],
    ["mine", false],
  ]);
  assert.equal((await jsonOf(machine, [...OPENAI, "status"]))["default_profile_id"], undefined);
});
