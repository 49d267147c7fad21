/** `auth token` against a server on this machine: what is refreshed, what is not, and what failures mean. */

import assert from "node:assert/strict";
import { assertRefused, type CliResult, type Machine, makeMachine } from "../support/cli_run.ts";
import { FRESH } from "../support/held_refresh.ts";
import { jsonOf } from "../support/pairing_machines.ts";
import { loginBy, PROFILE, storeTokens, TOKENS_REF } from "../support/token_profile.ts";
import { startTokenServer } from "../support/token_server.ts";

const CROWD = 50;
const BINARY = new Uint8Array([0xff, 0]);

async function token(machine: Machine, ...more: string[]): Promise<CliResult> {
  return await machine.run(["auth", "token", PROFILE, ...more]);
}

Deno.test("a token that is good is printed without asking; one that ends is refreshed once, for all that wait", async () => {
  await using server = startTokenServer();
  using machine = makeMachine();
  await loginBy(machine, server, 600_000);
  assert.equal((await token(machine)).stdout, "access-old");
  assert.equal((await token(machine, "--min-ttl", "9m")).stdout, "access-old");
  assert.equal(server.requests, 0);
  server.wish.delayMs = 300;
  const all = await Promise.all(
    Array.from({ length: CROWD }, () => token(machine, "--min-ttl", "30m")),
  );
  assert.deepEqual([...new Set(all.map(({ stdout, status }) => `${status} ${stdout}`))], [
    "0 access-1",
  ]);
  assert.deepEqual([server.requests, server.reuses], [1, 0]);
  assert.equal(server.last!.get("grant_type"), "refresh_token");
  assert.equal(server.last!.get("client_id"), "client");
  const shown = await jsonOf(machine, ["auth", "profiles", "show", PROFILE]);
  assert.equal(shown["state"], "ok");
  const history = await jsonOf(machine, ["secrets", "history", TOKENS_REF]);
  assert.equal((history["versions"] as unknown[]).length, 1, "no old token is kept");
});

Deno.test("a login that the provider has ended is exit 3, and the server is not asked again", async () => {
  await using server = startTokenServer();
  using machine = makeMachine();
  await loginBy(machine, { endpoint: server.endpoint, refreshToken: "stolen" });
  for (const _ of [1, 2, 3]) {
    const refused = await token(machine);
    assertRefused(refused, 3, "ended");
    assert.match(refused.stderr, /log in again|Log in again/);
  }
  assert.equal(server.requests, 1);
  const shown = await jsonOf(machine, ["auth", "profiles", "show", PROFILE]);
  assert.equal(shown["state"], "revoked");
  await machine.succeed(["auth", "profiles", "cooldown-clear", PROFILE]);
  assertRefused(await token(machine), 3, "still ended");
});

Deno.test("a client that the provider refuses is not tried again until somebody has mended it", async () => {
  await using server = startTokenServer();
  using machine = makeMachine();
  await loginBy(machine, server);
  server.wish.answer = () => Response.json({ error: "invalid_client" }, { status: 401 });
  for (const _ of [1, 2]) assertRefused(await token(machine), 3, "the client");
  assert.equal(server.requests, 1);
  const explain = ["auth", "profiles", "explain-selection"];
  const { candidates } = await jsonOf(machine, explain);
  const [one] = candidates as Record<string, unknown>[];
  assert.equal(one!["reason_code"], "config_missing");
  server.wish.answer = undefined;
  await machine.succeed(["auth", "profiles", "cooldown-clear", PROFILE]);
  assert.equal((await token(machine)).stdout, "access-1");
  server.wish.answer = () => Response.json({ error: "invalid_client" }, { status: 401 });
  const refresh = ["auth", "refresh", PROFILE];
  assertRefused(await machine.run(refresh), 3, "the client again");
  assertRefused(await machine.run(refresh), 3, "not asked");
  assert.equal(server.requests, 3);
  await machine.succeed(["auth", "profiles", "set", PROFILE, "--client-id", "another"]);
  server.wish.answer = undefined;
  await machine.succeed(refresh);
  assert.equal((await token(machine)).stdout, "access-2");
});

Deno.test("failures rest the profile, in growing measure; cooldown-clear ends that", async () => {
  await using server = startTokenServer();
  using machine = makeMachine();
  await loginBy(machine, server);
  server.wish.answer = () => new Response("busy, secret-in-body", { status: 503 });
  /** Fails once; the end of the rest, counted from before the failure and from after it. */
  const failed = async (what: string): Promise<{ least: number; most: number }> => {
    const before = Date.now();
    const refused = await token(machine);
    const after = Date.now();
    assertRefused(refused, 4, what);
    assert.doesNotMatch(refused.stderr, /secret-in-body/);
    const { cooldown_until } = await jsonOf(machine, ["auth", "profiles", "show", PROFILE]);
    const end = Date.parse(String(cooldown_until));
    return { least: end - after, most: end - before };
  };
  const one = await failed("503");
  assert.ok(one.most >= 15_000 && one.least <= 30_000, JSON.stringify(one));
  assertRefused(await token(machine), 4, "resting");
  assert.equal(server.requests, 1);
  await machine.succeed(["auth", "profiles", "cooldown-clear", PROFILE]);
  server.wish.answer = () =>
    Response.json({ error: "slow_down" }, { status: 429, headers: { "retry-after": "900" } });
  const two = await failed("429");
  assert.ok(two.most >= 900_000 && two.least <= 900_000, JSON.stringify(two));
  await machine.succeed(["auth", "profiles", "cooldown-clear", PROFILE]);
  server.wish.answer = undefined;
  assert.equal((await token(machine)).stdout, "access-1");
  const shown = await jsonOf(machine, ["auth", "profiles", "show", PROFILE]);
  assert.deepEqual([shown["failures"], shown["cooldown_until"]], [0, undefined]);
});

Deno.test("expiries that are missing, negative, huge, fractional or text are unknown or what they say, and never old ones", async () => {
  const rows: [unknown, boolean][] = [
    [undefined, false],
    [-5, false],
    [0, false],
    [1e30, false],
    ["soon", false],
    [null, false],
    [true, false],
    [3_599.9, true],
    ["3600", true],
  ];
  for (const [expiresIn, isKnown] of rows) {
    await using server = startTokenServer();
    using machine = makeMachine();
    await loginBy(machine, server);
    server.wish.expiresIn = expiresIn;
    const what = `expires_in ${JSON.stringify(expiresIn)}`;
    assert.equal((await token(machine)).stdout, "access-1", what);
    const { expires_at } = await jsonOf(machine, ["auth", "profiles", "show", PROFILE]);
    assert.equal(expires_at !== undefined, isKnown, what);
    if (isKnown) assert.ok(Date.parse(String(expires_at)) > Date.now() + 3_500_000, what);
    assert.equal((await token(machine)).stdout, "access-1", `${what}: not refreshed again`);
  }
});

Deno.test("answers that are no tokens store nothing, and leak nothing", async () => {
  const answers: Record<string, () => Response> = {
    "HTML": () =>
      new Response("<html>secret-in-body</html>", { headers: { "content-type": "text/html" } }),
    "no access token": () =>
      Response.json({ token_type: "Bearer", refresh_token: "secret-in-body" }),
    "another type": () => Response.json({ access_token: "secret-in-body", token_type: "mac" }),
    "no type": () => Response.json({ access_token: "secret-in-body" }),
    "a token of lines": () =>
      Response.json({ access_token: "secret-in-body\n", token_type: "Bearer" }),
    "an empty token": () => Response.json({ access_token: "", token_type: "Bearer" }),
    "a list": () => Response.json(["secret-in-body"]),
    "an unknown error": () =>
      Response.json({ error: "secret-in-body", error_description: "secret-in-body" }, {
        status: 400,
      }),
    "a redirect": () =>
      new Response(null, {
        status: 302,
        headers: { location: "http://169.254.169.254/secret-in-body" },
      }),
    "too much": () => new Response("secret-in-body".repeat(100_000)),
  };
  for (const [what, answer] of Object.entries(answers)) {
    await using server = startTokenServer();
    using machine = makeMachine();
    await loginBy(machine, server);
    server.wish.answer = answer;
    const result = await token(machine);
    assert.ok([3, 4, 6].includes(result.status), `${what}: ${result.status} ${result.stderr}`);
    assertRefused(result, result.status, what);
    assert.doesNotMatch(result.stderr, /secret-in-body/, what);
    const stored = (await machine.succeed(["resolve", TOKENS_REF])).stdout;
    assert.equal(JSON.parse(stored).access_token, "access-old", what);
    assert.doesNotMatch(stored, /secret-in-body/, what);
  }
});

Deno.test("a refresh that somebody began and did not end is tried once more with the same token", async () => {
  await using server = startTokenServer();
  using machine = makeMachine();
  await loginBy(machine, server);
  await storeTokens(machine, {
    access_token: "x",
    refresh_token: "refresh-0",
    expires_at: 0,
    refreshing: true,
  });
  assert.equal((await token(machine)).stdout, "access-1");
  await storeTokens(machine, {
    access_token: "x",
    refresh_token: "refresh-0",
    expires_at: 0,
    refreshing: true,
  });
  assertRefused(await token(machine), 3, "its answer was lost");
  assert.deepEqual([server.requests, server.reuses], [2, 1]);
});

Deno.test("a login that comes while a refresh is under way stays", async () => {
  await using server = startTokenServer();
  using machine = makeMachine();
  await loginBy(machine, server);
  const [asked, loggedIn] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  server.wish.answer = async () => {
    asked.resolve();
    await loggedIn.promise; // however long that takes
    return Response.json(FRESH);
  };
  const refreshing = token(machine);
  await asked.promise;
  const login = { access_token: "access-of-new-login", refresh_token: "new" };
  await storeTokens(machine, { ...login, expires_at: Date.now() + 3_600_000 })
    .finally(() => loggedIn.resolve());
  assert.equal((await refreshing).stdout, "access-of-new-login");
  const stored = (await machine.succeed(["resolve", TOKENS_REF])).stdout;
  assert.equal(JSON.parse(stored).access_token, "access-of-new-login");
});

Deno.test("keys are printed as they are; what is switched off, missing or not logged in is refused", async () => {
  using machine = makeMachine();
  assertRefused(await token(machine), 8, "no profile");
  await machine.succeed(["secrets", "set", "global/key"], { stdin: "sk-key" });
  const set = (...args: string[]) => machine.succeed(["auth", "profiles", "set", PROFILE, ...args]);
  await set("--provider", "openai", "--api-key-ref", "global/key");
  assert.equal((await token(machine)).stdout, "sk-key");
  assertRefused(await machine.run(["auth", "refresh", PROFILE]), 2, "a key");
  await set("--disable");
  assertRefused(await token(machine), 6, "switched off");
  await set(
    "--enable",
    "--tokens-ref",
    "global/none",
    "--client-id",
    "c",
    "--token-endpoint",
    "https://a.example/t",
  );
  assertRefused(await token(machine), 8, "not logged in");
  await set("--tokens-ref", "global/key");
  assertRefused(await token(machine), 9, "no token set");
});

Deno.test("in JSON a token or key stands with its profile, its type and its end, where they are known", async () => {
  await using server = startTokenServer();
  using machine = makeMachine();
  await loginBy(machine, server, 600_000);
  const told = (...args: string[]): Promise<Record<string, unknown>> =>
    jsonOf(machine, ["auth", "token", ...args]);
  const { expires_at, ...first } = await told(PROFILE);
  const of = { schema_version: 1, profile_id: PROFILE, provider: "custom:test" };
  assert.deepEqual(first, { ...of, token: "access-old", token_type: "bearer" });
  const left = Date.parse(String(expires_at)) - Date.now();
  assert.ok(left > 500_000 && left <= 600_000, `${left}`);
  const { token: fresh } = await told("--provider", "custom:test", "--min-ttl", "30m");
  assert.equal(fresh, "access-1");
  await storeTokens(machine, { access_token: "endless" });
  assert.deepEqual(await told(PROFILE), { ...of, token: "endless", token_type: "bearer" });
  const set = ["auth", "profiles", "set", PROFILE, "--api-key-ref", "global/key"];
  await machine.succeed(set);
  for (
    const [bytes, known] of [["sk-ü", { token: "sk-ü" }], [BINARY, { base64: "/wA=" }]] as const
  ) {
    await machine.succeed(["secrets", "set", "global/key"], { stdin: bytes });
    assert.deepEqual(await told(PROFILE), { ...of, ...known });
  }
});

Deno.test("what cannot be refreshed is told to have ended only where it has", async () => {
  await using server = startTokenServer();
  using machine = makeMachine();
  await loginBy(machine, server);
  const refused = async (expires_at: number | undefined, ...args: string[]): Promise<string> => {
    await storeTokens(machine, { access_token: "alone", expires_at });
    const result = await machine.run(["auth", ...args, PROFILE]);
    assertRefused(result, 3, args.join(" "));
    return result.stderr;
  };
  assert.match(await refused(1, "token"), /its token has ended, and it has no refresh token/);
  const soon = Date.now() + 60_000;
  for (const end of [undefined, soon]) {
    assert.match(await refused(end, "refresh"), /Cannot refresh work: it has no refresh token/);
    if (end === undefined) assert.equal((await token(machine)).stdout, "alone");
  }
  assert.match(await refused(soon, "token"), /Cannot refresh work: it has no refresh token/);
  assert.equal(server.requests, 0);
});

Deno.test("a refresh that fails on this machine begins nothing, and leaves what is known as it was", async () => {
  await using server = startTokenServer();
  using machine = makeMachine();
  await loginBy(machine, server);
  await machine.succeed(["secrets", "set", "global/client"], { stdin: "secret" });
  const set = ["auth", "profiles", "set", PROFILE, "--client-secret-ref"];
  await machine.succeed([...set, "global/client"]);
  server.wish.answer = () => new Response("busy", { status: 503 });
  assertRefused(await token(machine), 4, "503");
  server.wish.answer = undefined;
  await machine.succeed(["auth", "profiles", "cooldown-clear", PROFILE]);
  const known = async (): Promise<unknown[]> => {
    const { version } = await jsonOf(machine, ["secrets", "get", TOKENS_REF]);
    const { state, expires_at } = await jsonOf(machine, ["auth", "profiles", "show", PROFILE]);
    return [version, state, expires_at];
  };
  const before = await known();
  assert.equal(before[1], "expired");
  const config = `${machine.home}/.config/palyra/palyra.toml`;
  Deno.mkdirSync(`${machine.home}/.config/palyra`, { recursive: true });
  Deno.writeTextFileSync(config, "[auth.network]\nbogus = 1\n");
  assertRefused(await token(machine), 2, "a wrong table");
  assert.deepEqual(await known(), before);
  Deno.removeSync(config);
  assert.equal((await token(machine)).stdout, "access-1");
  const good = (await known())[0];
  await machine.succeed([...set, "global/none"]);
  assertRefused(await machine.run(["auth", "refresh", PROFILE]), 8, "no secret of the client");
  assert.equal((await known())[0], good);
});

Deno.test("auth:PROFILE is a reference like any other: resolve, run and inject get a token that is good now", async () => {
  await using server = startTokenServer();
  using machine = makeMachine();
  await loginBy(machine, server);
  const ref = `auth:${PROFILE}`;
  assert.equal((await machine.succeed(["resolve", ref])).stdout, "access-1");
  const run = await machine.succeed(["run", "--env", `TOKEN=${ref}`, "--", "printenv", "TOKEN"]);
  assert.equal(run.stdout, "access-1\n");
  const both = await machine.succeed(["resolve", `A=${ref}`, `B=${ref}`, "--format", "json"]);
  assert.deepEqual(JSON.parse(both.stdout).values, { A: "access-1", B: "access-1" });
  assert.equal(server.requests, 1);
  assertRefused(await machine.run(["resolve", "auth:none"]), 8, "no profile");
  assertRefused(await machine.run(["resolve", "auth:Nobody"]), 2, "no id");
});
