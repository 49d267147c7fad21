/** Keys that are tried before they are stored, and logins that are revoked. */

import assert from "node:assert/strict";
import { assertRefused, type CliResult, type Machine, makeMachine } from "../support/cli_run.ts";
import { jsonOf } from "../support/pairing_machines.ts";
import { loginBy, PROFILE, TOKENS_REF } from "../support/token_profile.ts";
import { startTokenServer } from "../support/token_server.ts";

const KEY = "sk-test-0123456789abcdef";

interface Seen {
  readonly path: string;
  readonly headers: Headers;
}

/** A provider that takes one key; what it was sent. */
function startProvider(status = 200): AsyncDisposable & { base: string; seen: Seen[] } {
  const seen: Seen[] = [];
  const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => {} }, (request) => {
    seen.push({ path: new URL(request.url).pathname, headers: new Headers(request.headers) });
    const sent = request.headers.get("x-api-key") ??
      request.headers.get("authorization")?.replace("Bearer ", "");
    if (status !== 200) return new Response("secret-in-body", { status });
    return sent === KEY
      ? Response.json({ data: [] })
      : new Response("secret-in-body", { status: 401 });
  });
  return {
    base: `http://127.0.0.1:${(server.addr as Deno.NetAddr).port}`,
    seen,
    [Symbol.asyncDispose]: () => server.shutdown(),
  };
}

async function apiKey(
  machine: Machine,
  provider: string,
  base: string,
  key = KEY,
): Promise<CliResult> {
  const args = ["auth", provider, "api-key", "--base-url", base, "--value-stdin"];
  return await machine.run(args, { stdin: `${key}\n` });
}

Deno.test("a key is tried as each provider documents it, stored, and used", async () => {
  for (
    const [provider, path, header] of [
      ["openai", "/models", "authorization"],
      ["anthropic", "/v1/models", "x-api-key"],
    ] as const
  ) {
    await using server = startProvider();
    using machine = makeMachine();
    const result = await apiKey(machine, provider, server.base);
    assert.equal(result.status, 0, result.stderr);
    assert.ok(!result.stdout.includes(KEY));
    const [request] = server.seen;
    assert.equal(request!.path, path);
    assert.ok(request!.headers.get(header)!.includes(KEY));
    if (provider === "anthropic") {
      assert.equal(request!.headers.get("anthropic-version"), "2023-06-01");
    }
    assert.equal((await machine.succeed(["auth", "token", provider])).stdout, KEY);
    const gone = await jsonOf(machine, ["auth", "profiles", "delete", provider]);
    assert.equal((gone["secrets"] as string[]).length, 1, "what only it has had goes with it");
    assert.deepEqual((await jsonOf(machine, ["secrets", "list"]))["secrets"], []);
  }
});

Deno.test("a key that is refused, or cannot be tried, is not stored, and nothing of it is told", async () => {
  for (
    const [status, expected] of [[401, 3], [403, 3], [429, 4], [500, 4], [503, 4], [404, 4], [
      302,
      6,
    ]] as const
  ) {
    await using server = startProvider(status);
    using machine = makeMachine();
    const result = await apiKey(machine, "openai", server.base, "sk-wrong-key");
    const isRedirect = status === 302;
    assert.ok(
      result.status === expected || (isRedirect && result.status === 4),
      `${status}: ${result.stderr}`,
    );
    assert.equal(result.stdout, "");
    assert.doesNotMatch(result.stderr, /sk-wrong|secret-in-body/);
    assert.throws(() => Deno.statSync(machine.stateRoot), Deno.errors.NotFound, String(status));
  }
  using machine = makeMachine();
  assertRefused(await apiKey(machine, "openai", "http://10.0.0.1"), 2, "plain http elsewhere");
  assertRefused(await apiKey(machine, "openai", "https://10.0.0.1"), 6, "a private address");
  assertRefused(await apiKey(machine, "openai", "https://a.example/?k=1"), 2, "a query");
  await using server = startProvider();
  assertRefused(await apiKey(machine, "openai", server.base, "two words"), 2, "a blank in it");
  assert.equal(server.seen.length, 0);
});

Deno.test("a revoked login is told to the provider and forgotten; where that fails all of it stays", async () => {
  await using server = startTokenServer();
  using machine = makeMachine();
  await loginBy(machine, server, 600_000);
  assertRefused(await machine.run(["auth", "revoke", PROFILE]), 2, "no endpoint");
  const endpoint = ["--revocation-endpoint", server.endpoint];
  await machine.succeed(["auth", "profiles", "set", PROFILE, ...endpoint]);
  server.wish.answer = () => new Response("secret-in-body", { status: 503 });
  const failed = await machine.run(["auth", "revoke", PROFILE]);
  assertRefused(failed, 4, "503");
  assert.doesNotMatch(failed.stderr, /secret-in-body/);
  assert.equal((await machine.succeed(["auth", "token", PROFILE])).stdout, "access-old");
  server.wish.answer = () => new Response(null, { status: 200 });
  const told = await jsonOf(machine, ["auth", "revoke", PROFILE]);
  assert.equal(told["deleted"], true);
  assert.equal(server.last!.get("token"), "refresh-0");
  assertRefused(await machine.run(["auth", "token", PROFILE]), 8, "gone");
  assert.deepEqual(told["kept"], [TOKENS_REF], "a secret that palyra did not store stays");
});
