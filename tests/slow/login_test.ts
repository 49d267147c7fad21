/** Logging in at a real authorization server: by a browser, by a pasted address, by a code; and what follows. */

import assert from "node:assert/strict";
import { startAuthorizationServer } from "../support/authorization_server.ts";
import { type AuthorizationServer } from "../support/authorization_server.ts";
import { assertRefused, type CliResult, type Machine, makeMachine } from "../support/cli_run.ts";
import { say } from "../support/dice.ts";
import { jsonOf } from "../support/pairing_machines.ts";
import { browse, type Person } from "../support/scripted_browser.ts";

const PERSON: Person = { login: "somebody" };
const ROUNDS = Number(Deno.env.get("PALYRA_TEST_ROUNDS") ?? "3");
/** How long access tokens live at least; palyra takes them to end a tenth earlier. */
const LEAST_TTL_S = 20;
const CROWD = 50;

/** Reads what a child says on standard error until something stands there. */
async function until(
  child: Deno.ChildProcess,
  pattern: RegExp,
): Promise<{ found: string; rest: Promise<string> }> {
  const reader = child.stderr.pipeThrough(new TextDecoderStream()).getReader();
  let text = "";
  for (;;) {
    const found = pattern.exec(text)?.[1];
    if (found !== undefined) {
      const rest = (async () => {
        for (let more = await reader.read(); !more.done; more = await reader.read()) {
          text += more.value;
        }
        return text;
      })();
      return { found, rest };
    }
    const { value, done } = await reader.read();
    if (done) throw new Error(text);
    text += value;
  }
}

function words(server: AuthorizationServer, ...more: string[]): string[] {
  const client = more.includes("--client-id") ? [] : ["--client-id", "public"];
  const scopes = ["--oauth-scope", "openid", "--oauth-scope", "offline_access"];
  const place = ["custom:test", "--issuer", server.issuer, ...client];
  return ["auth", "login", ...place, ...scopes, "--profile", "work", ...more];
}

async function byBrowser(
  machine: Machine,
  server: AuthorizationServer,
  person = PERSON,
  more: readonly string[] = [],
): Promise<CliResult> {
  const child = await machine.spawn([...words(server, ...more, "--browser"), "--json"]);
  const { found, rest } = await until(child, /(http:\S+\/auth\?\S+)/);
  const { end } = await browse(found, person, (url) => url.pathname === "/callback");
  const page = await fetch(end!);
  assert.equal(page.status, 200);
  assert.doesNotMatch(await page.text(), /code=/);
  const [status, out] = await Promise.all([child.status, new Response(child.stdout).text()]);
  return { status: status.code, stdout: out, stderr: await rest, bytes: new Uint8Array() };
}

async function token(machine: Machine, ...more: string[]): Promise<CliResult> {
  return await machine.run(["auth", "token", "work", ...more]);
}

Deno.test("by a browser: tokens are stored, used, refreshed with rotation, and nothing of them is told", async () => {
  await using server = await startAuthorizationServer(600);
  using machine = makeMachine();
  const result = await byBrowser(machine, server);
  assert.equal(result.status, 0, result.stderr);
  const told = JSON.parse(result.stdout);
  assert.deepEqual([told.profile_id, told.way, told.refreshable], ["work", "browser", true]);
  const first = (await token(machine)).stdout;
  assert.ok(first.length > 20);
  assert.equal((await token(machine)).stdout, first);
  await machine.succeed(["auth", "refresh", "work"]);
  const second = (await token(machine)).stdout;
  assert.notEqual(second, first);
  const me = await fetch(`${server.issuer}/me`, { headers: { authorization: `Bearer ${second}` } });
  assert.deepEqual([me.status, (await me.json()).sub], [200, "somebody"]);
  const shown = await machine.succeed(["auth", "profiles", "show", "work"]);
  for (const text of [result.stdout, result.stderr, shown.stdout]) {
    assert.ok(!text.includes(first) && !text.includes(second), "a token was told");
  }
  const files = ["auth_profiles.toml", "auth_profile_runtime_state.toml"]
    .map((name) => Deno.readTextFileSync(`${machine.stateRoot}/${name}`));
  for (const text of files) assert.ok(!text.includes(first) && !text.includes(second));
});

Deno.test("a client with a secret logs in and refreshes; what it revokes is over at the server", async () => {
  await using server = await startAuthorizationServer(600);
  using machine = makeMachine();
  const [id, secret] = ["secretive", "client-secret-of-the-test"];
  await machine.succeed(["secrets", "set", "global/client_secret"], { stdin: secret });
  const client = ["--client-id", id, "--client-secret-ref", "global/client_secret"];
  const result = await byBrowser(machine, server, PERSON, client);
  assert.equal(result.status, 0, result.stderr);
  await machine.succeed(["auth", "refresh", "work"]);
  const { secrets } = await jsonOf(machine, ["auth", "profiles", "show", "work"]);
  const [ref] = secrets as string[];
  const { refresh_token } = JSON.parse((await machine.succeed(["resolve", ref!])).stdout);
  await machine.succeed(["auth", "revoke", "work"]);
  assertRefused(await token(machine), 8, "the profile is gone");
  assertRefused(await machine.run(["resolve", ref!]), 8, "and its tokens are");
  const form = { grant_type: "refresh_token", refresh_token };
  const body = new URLSearchParams({ ...form, client_id: id!, client_secret: secret! });
  const answer = await fetch(`${server.issuer}/token`, { method: "POST", body });
  assert.deepEqual([answer.status, (await answer.json()).error], [400, "invalid_grant"]);
});

Deno.test("by a pasted address, and by a code", async () => {
  await using server = await startAuthorizationServer(600);
  using machine = makeMachine();
  const pasting = await machine.spawn(words(server, "--paste"), { stdin: "" });
  const { found } = await until(pasting, /(http:\S+\/auth\?\S+)/);
  const { end } = await browse(found, PERSON, (url) => url.pathname === "/callback");
  const writer = pasting.stdin.getWriter();
  await writer.write(new TextEncoder().encode(`${end!.href}\n`));
  await writer.close();
  const [pasted] = await Promise.all([pasting.status, new Response(pasting.stdout).text()]);
  assert.equal(pasted.code, 0);
  const first = (await token(machine)).stdout;
  const asking = await machine.spawn(words(server, "--device-code"));
  const { found: code, rest } = await until(asking, /type (\S+)/);
  const page = await browse(`${server.issuer}/device`, { ...PERSON, userCode: code }, () => false);
  assert.match(page.page, /Success/i);
  const [asked] = await Promise.all([asking.status, new Response(asking.stdout).text()]);
  assert.equal(asked.code, 0, await rest);
  assert.notEqual((await token(machine)).stdout, first);
});

Deno.test("a login that is refused, forged or replayed stores nothing", async () => {
  await using server = await startAuthorizationServer(600);
  using machine = makeMachine();
  const paste = async (change: (url: URL) => void): Promise<number> => {
    const pasting = await machine.spawn(words(server, "--paste"), { stdin: "" });
    const { found, rest } = await until(pasting, /(http:\S+\/auth\?\S+)/);
    const { end } = await browse(found, PERSON, (url) => url.pathname === "/callback");
    change(end!);
    const writer = pasting.stdin.getWriter();
    await writer.write(new TextEncoder().encode(end!.href));
    await writer.close();
    const [ended] = await Promise.all([pasting.status, new Response(pasting.stdout).text(), rest]);
    return ended.code;
  };
  assert.equal(await paste((url) => url.searchParams.set("state", "another")), 2, "state");
  assert.equal(await paste((url) => url.searchParams.delete("state")), 2, "no state");
  assert.equal(await paste((url) => url.searchParams.set("iss", "https://evil.example")), 4, "iss");
  assert.equal(await paste((url) => url.searchParams.set("code", "forged")), 3, "code");
  const refused = await byBrowser(machine, server, { ...PERSON, refuses: true });
  assert.equal(refused.status, 3, refused.stderr);
  assert.match(refused.stderr, /access_denied/);
  assertRefused(await token(machine), 8, "no profile");
  assert.throws(
    () => Deno.statSync(`${machine.stateRoot}/auth_profiles.toml`),
    Deno.errors.NotFound,
  );
});

Deno.test("fifty processes at the moment of expiry: one request, one token, and the login goes on", async () => {
  using machine = makeMachine();
  const ttlS = await longerThanCrowd(machine);
  await using server = await startAuthorizationServer(ttlS);
  await byBrowser(machine, server);
  let before = server.tokenRequests.length;
  for (let round = 0; round < ROUNDS; round++) {
    // Once they end by the clock; later on they are said to have ended.
    if (round === 0) await new Promise((resolve) => setTimeout(resolve, ttlS * 900 - 700));
    else await endTokens(machine);
    const all = await Promise.all(
      Array.from({ length: CROWD }, () => token(machine, "--min-ttl", "1s")),
    );
    const failed = all.filter(({ status }) => status !== 0);
    assert.deepEqual(failed.map(({ stderr }) => stderr), [], `round ${round}`);
    assert.equal(new Set(all.map(({ stdout }) => stdout)).size, 1, `round ${round}`);
    const requests = server.tokenRequests.length - before;
    before = server.tokenRequests.length;
    assert.equal(requests, 1, `round ${round}`);
    assert.equal(server.revokedGrants, 0);
  }
  // The first one is the login's.
  say(`fifty at a time: ${server.tokenRequests.length - 1} token requests for ${ROUNDS} expiries`);
  const shown = await jsonOf(machine, ["auth", "profiles", "show", "work"]);
  assert.equal(shown["failures"], 0);
});

/** Seconds that no crowd takes here: a token that ended while the last ones ask would be renewed for them. */
async function longerThanCrowd(machine: Machine): Promise<number> {
  const started = performance.now();
  const all = await Promise.all(Array.from({ length: CROWD }, () => token(machine)));
  all.forEach((result) => assertRefused(result, 8, "there is no profile yet"));
  return Math.max(LEAST_TTL_S, Math.ceil(4 * (performance.now() - started) / 1_000));
}

/** Says of the tokens of the profile that they have just ended. */
async function endTokens(machine: Machine): Promise<void> {
  const { secrets } = await jsonOf(machine, ["auth", "profiles", "show", "work"]);
  const [ref] = secrets as string[];
  const { stdout } = await machine.succeed(["secrets", "get", ref!, "--reveal"]);
  const set = { ...JSON.parse(stdout), expires_at: Date.now() - 1 };
  await machine.succeed(["secrets", "set", ref!], { stdin: JSON.stringify(set) });
}
