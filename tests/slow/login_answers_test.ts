/** What a login sends and what it takes for an answer: PKCE, state, issuer, ID token, and oddities that do no harm. */

import assert from "node:assert/strict";
import { calculatePKCECodeChallenge } from "oauth4webapi";
import { sha256Hex } from "../../src/crypto/digest.ts";
import { assertRefused, eachOf, type Machine, makeMachine } from "../support/cli_run.ts";
import { jsonOf } from "../support/pairing_machines.ts";
import {
  json,
  metadataOf,
  type PastedLogin,
  pasteLogin,
  plain,
  type ScriptedServer,
  startScriptedServer,
} from "../support/scripted_login.ts";

const TOKENS = {
  access_token: "token-of-the-server",
  token_type: "Bearer",
  refresh_token: "refresh",
  expires_in: 3_600,
};

function words({ issuer }: ScriptedServer, ...more: string[]): string[] {
  return ["custom:test", "--issuer", issuer, "--client-id", "client", "--profile", "work", ...more];
}

/** That a login was refused, stored nothing, and told nothing of what it was given. */
async function assertNothing(
  machine: Machine,
  { result }: PastedLogin,
  status: number,
  what: string,
): Promise<void> {
  assert.equal(result.status, status, `${what}: ${result.stderr}`);
  assert.equal(result.stdout, "", what);
  assert.doesNotMatch(result.stderr, /canary|of-the-server|internal error/i, what);
  assertRefused(await machine.run(["auth", "token", "work"]), 8, what);
  assert.throws(() => Deno.statSync(machine.stateRoot), Deno.errors.NotFound, what);
}

Deno.test("the code challenge is that of RFC 7636, of a fresh verifier each time", async () => {
  // RFC 7636 appendix B.
  assert.equal(
    await calculatePKCECodeChallenge("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"),
    "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM",
  );
  await using server = startScriptedServer(TOKENS);
  const seen = new Set<string>();
  for (let round = 0; round < 3; round++) {
    using machine = makeMachine();
    const { result, asked } = await pasteLogin(machine, words(server), server);
    assert.equal(result.status, 0, result.stderr);
    const sent = asked!.searchParams;
    const verifier = server.seen.at(-1)!.form.get("code_verifier")!;
    assert.match(verifier, /^[A-Za-z0-9._~-]{43,128}$/, "RFC 7636 section 4.1");
    const digest = Uint8Array.fromHex(await sha256Hex(new TextEncoder().encode(verifier)));
    const challenge = digest.toBase64({ alphabet: "base64url", omitPadding: true });
    assert.equal(sent.get("code_challenge"), challenge);
    assert.equal(sent.get("code_challenge_method"), "S256");
    assert.ok(!asked!.href.includes(verifier));
    assert.ok(sent.get("state")!.length >= 22, "128 bits");
    for (const once of [verifier, sent.get("state")!]) {
      assert.ok(!seen.has(once), "used twice");
      seen.add(once);
    }
    assert.equal(server.seen.at(-1)!.form.get("code"), "canary-code-of-the-login");
    assert.equal(server.seen.at(-1)!.form.get("redirect_uri"), sent.get("redirect_uri"));
  }
});

Deno.test("a login comes back with its own state and issuer, each once, or is refused before the code is used", async () => {
  const changes: Readonly<Record<string, (back: URL) => void>> = {
    "no state": ({ searchParams }) => searchParams.delete("state"),
    "another state": ({ searchParams }) => searchParams.set("state", "another"),
    "two states": ({ searchParams }) => searchParams.append("state", "another"),
    "no issuer, of a server that says it names itself": ({ searchParams }) =>
      searchParams.delete("iss"),
    "another issuer": ({ searchParams }) => searchParams.set("iss", "https://canary.example"),
    "no code": ({ searchParams }) => searchParams.delete("code"),
    "two codes": ({ searchParams }) => searchParams.append("code", "canary"),
    "tokens in place of a code": ({ searchParams }) => searchParams.set("response", "canary"),
  };
  await eachOf(Object.entries(changes), async ([what, change]) => {
    await using server = startScriptedServer(TOKENS);
    using machine = makeMachine();
    const login = await pasteLogin(machine, words(server), { ...server, change });
    // An address of another login is a mistake of who gives it, and not the server's.
    const isAnother = ["no state", "another state"].includes(what);
    await assertNothing(machine, login, isAnother ? 2 : 4, what);
    if (isAnother) {
      assert.match(login.result.stderr, /the address is no answer to it\nhint: /, what);
    }
    assert.ok(server.seen.every(({ path }) => path !== "/token"), what);
  });
  await using server = startScriptedServer(TOKENS);
  using machine = makeMachine();
  const refuse = ({ searchParams }: URL): void => {
    searchParams.set("error", "access_denied");
    searchParams.set("error_description", "\x1b[2Jcanary");
  };
  const refused = await pasteLogin(machine, words(server), { ...server, change: refuse });
  await assertNothing(machine, refused, 3, "refused");
});

Deno.test("an ID token is asked for with openid, and is this login's own, or nothing is stored", async () => {
  type Claims = Record<string, unknown>;
  const part = (value: unknown): string =>
    new TextEncoder().encode(JSON.stringify(value))
      .toBase64({ alphabet: "base64url", omitPadding: true });
  const now = Math.floor(Date.now() / 1_000);
  const rows: Readonly<Record<string, (good: Claims) => [Claims | string | undefined, object?]>> = {
    "none": () => [undefined],
    "another nonce": (good) => [{ ...good, nonce: "canary" }],
    "no nonce": ({ nonce: _nonce, ...good }) => [good],
    "another audience": (good) => [{ ...good, aud: "canary" }],
    "several audiences, and not authorized": (good) => [{ ...good, aud: ["client", "canary"] }],
    "another issuer": (good) => [{ ...good, iss: "https://canary.example" }],
    "expired": (good) => [{ ...good, exp: now - 3_600 }],
    "no end": ({ exp: _exp, ...good }) => [good],
    "of the future": (good) => [{ ...good, nbf: now + 7_200 }],
    "no subject": ({ sub: _sub, ...good }) => [good],
    "alg none": (good) => [good, { alg: "none" }],
    "alg of a shared key": (good) => [good, { alg: "HS256" }],
    "critical extensions": (good) => [good, { alg: "RS256", crit: ["canary"] }],
    "no token at all": () => ["canary"],
    "not JSON": () => [`${part({ alg: "RS256" })}.canary.sig`],
  };
  const scopes = ["--oauth-scope", "openid"];
  const attempt = async (
    machine: Machine,
    answer: (good: Claims) => [Claims | string | undefined, object?],
  ): Promise<PastedLogin> => {
    await using server = startScriptedServer(TOKENS);
    let nonce = "";
    server.talks.set("/token", () => {
      const good = { iss: server.issuer, aud: "client", sub: "s", exp: now + 600, iat: now, nonce };
      const [claims, header = { alg: "RS256" }] = answer(good);
      const token = typeof claims === "object"
        ? `${part(header)}.${part(claims)}.${part("signature")}`
        : claims;
      return json({ ...TOKENS, id_token: token });
    });
    const change = (_back: URL, asked: URL): void => {
      nonce = asked.searchParams.get("nonce")!;
    };
    return await pasteLogin(machine, words(server, ...scopes), { ...server, change });
  };
  await eachOf(Object.entries(rows), async ([what, answer]) => {
    using machine = makeMachine();
    await assertNothing(machine, await attempt(machine, answer), 4, what);
  });
  using machine = makeMachine();
  const { result } = await attempt(machine, (good) => [good]);
  assert.equal(result.status, 0, result.stderr);
});

Deno.test("oddities that do no harm keep nobody from logging in", async () => {
  const more = (field: string): string =>
    plain(
      JSON.stringify(TOKENS).replace("}", `,${field}}`),
      200,
      "content-type: application/json\r\n",
    );
  const answers: Readonly<Record<string, readonly [string, isKnown?: boolean]>> = {
    "a type in capitals": [json({ ...TOKENS, token_type: "BEARER" }), true],
    "a type in both": [json({ ...TOKENS, token_type: "bEaReR" }), true],
    "an end as a text": [json({ ...TOKENS, expires_in: "3600" }), true],
    "an end in parts of seconds": [json({ ...TOKENS, expires_in: 3_599.9 }), true],
    "no end": [json({ ...TOKENS, expires_in: undefined })],
    "an end of null": [json({ ...TOKENS, expires_in: null })],
    "an end in the past": [json({ ...TOKENS, expires_in: -1 })],
    "an end of nothing": [json({ ...TOKENS, expires_in: 0 })],
    "an end beyond belief": [json({ ...TOKENS, expires_in: 1e300 })],
    "an end of words": [json({ ...TOKENS, expires_in: "soon" })],
    "an end that is true": [json({ ...TOKENS, expires_in: true })],
    "no refresh token": [json({ ...TOKENS, refresh_token: undefined }), true],
    "a key twice: the last one counts": [
      more('"access_token":"token-of-the-server"').replace(
        "token-of-the-server",
        "first-of-two-tokens",
      ),
      true,
    ],
    "a second answer behind the first": [
      json(TOKENS) + json({ ...TOKENS, access_token: "smuggled" }),
      true,
    ],
    "keys of objects": [more('"__proto__":{"access_token":"wrong"}'), true],
  };
  await eachOf(Object.entries(answers), async ([what, [answer, isKnown = false]]) => {
    await using server = startScriptedServer(TOKENS);
    server.talks.set("/token", () => answer);
    using machine = makeMachine();
    const { result } = await pasteLogin(machine, words(server), server);
    assert.equal(result.status, 0, `${what}: ${result.stderr}`);
    assert.equal(
      (await machine.succeed(["auth", "token", "work"])).stdout,
      TOKENS.access_token,
      what,
    );
    const { expires_at, state } = await jsonOf(machine, ["auth", "profiles", "show", "work"]);
    assert.equal(expires_at !== undefined, isKnown, what);
    assert.notEqual(state, "expired", what);
  });
});

Deno.test("a code is shown with nothing that a terminal would obey, and is asked for as slowly as the server says", async () => {
  await using server = startScriptedServer(TOKENS);
  const device = { device_code: "d", user_code: "AB CD", expires_in: 9, interval: 1 };
  const page = `${server.issuer}/a\u001b]0;x\u0007\u202e?\u009b2J`;
  server.talks.set("/device", () => json({ ...device, verification_uri: page }));
  const at: number[] = [];
  server.talks.set("/token", () => {
    at.push(performance.now());
    return at.length < 2 ? json({ error: "authorization_pending" }, 400) : json(TOKENS);
  });
  using machine = makeMachine();
  const result = await machine.succeed(["auth", "login", ...words(server, "--device-code")]);
  assert.match(result.stderr, /^palyra: open http:\S+ on any device, and type AB CD\n/);
  assert.doesNotMatch(result.stderr, /[^\n\x20-\x7e]/);
  assert.ok(at[1]! - at[0]! > 900, "the interval");
  server.talks.set("/device", () => json({ ...device, verification_uri: page, expires_in: 2 }));
  for (const error of ["authorization_pending", "slow_down"]) {
    server.talks.set("/token", () => json({ error }, 400));
    const late = await machine.run(["auth", "login", ...words(server, "--device-code")]);
    assert.deepEqual([late.status, late.stdout], [3, ""], error);
    assert.match(late.stderr, /nobody has typed the code in time/, error);
  }
});

Deno.test("metadata of another kind, and of both, is found", async () => {
  await using server = startScriptedServer(TOKENS);
  server.talks.set("/.well-known/openid-configuration", () => plain("", 404));
  server.talks.set(
    "/.well-known/oauth-authorization-server",
    () => json(metadataOf(server.issuer)),
  );
  using machine = makeMachine();
  const { result } = await pasteLogin(machine, words(server), server);
  assert.equal(result.status, 0, result.stderr);
});
