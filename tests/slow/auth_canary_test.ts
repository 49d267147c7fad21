/** Tokens, codes, verifiers, client secrets and keys go to their server and to who asked for them, and nowhere else. */

import assert from "node:assert/strict";
import { assertNoTrace, assertNoTraceBelow, keyCanary, textCanary } from "../support/canary.ts";
import type { Canary } from "../support/canary.ts";
import { makeMachine } from "../support/cli_run.ts";
import { testWithStrace } from "../support/config_watch.ts";
import { say } from "../support/dice.ts";
import { json, pasteLogin, plain, startScriptedServer } from "../support/scripted_login.ts";
import { STRACE } from "../support/strace.ts";

const FORMS = [["--json"], ["--verbose"]];

function textOf({ value }: Canary): string {
  return new TextDecoder().decode(value);
}

testWithStrace(
  "no token, code, verifier, client secret or key is in a document, an output, an argument or a variable",
  async () => {
    const [access, refresh, secret, key, device, old] = [
      ...["access token", "refresh token", "client secret", "key", "device code", "old token"],
    ].map(textCanary) as [Canary, Canary, Canary, Canary, Canary, Canary];
    await using server = startScriptedServer({
      access_token: textOf(access),
      token_type: "Bearer",
      refresh_token: textOf(refresh),
      expires_in: 3_600,
    });
    const { issuer } = server;
    using machine = makeMachine();
    const trace = `${machine.directory}/trace`;
    const through = [
      ...STRACE,
      "-v",
      "-s",
      "99999",
      "-e",
      "trace=execve",
      "-o",
      trace,
    ];
    const told: [string, string][] = [];
    let programs = 0;
    const note = (what: string, ...texts: string[]): void => {
      const calls = Deno.readTextFileSync(trace);
      programs += calls.split("\n").filter((line) => / = 0$/.test(line)).length;
      Deno.removeSync(trace);
      for (const text of [...texts, calls]) told.push([what, text]);
    };
    const run = async (args: string[], stdin?: string): Promise<number> => {
      const { status, stdout, stderr } = await machine.run(args, { through, stdin });
      note(args.join(" "), stdout, stderr);
      return status;
    };
    await machine.succeed(["secrets", "set", "global/client"], { stdin: textOf(secret) });
    const login = [
      ...["custom:test", "--issuer", issuer, "--client-id", "client", "--profile", "work"],
      ...["--client-secret-ref", "global/client", "--verbose"],
    ];
    const sent = (name: string): string => server.seen.at(-1)!.form.get(name)!;
    const { result } = await pasteLogin(machine, login, { issuer, through });
    note("login", result.stdout, result.stderr);
    assert.equal(result.status, 0, result.stderr);
    assert.equal(sent("client_secret"), textOf(secret), "it was sent");
    const once = [sent("code_verifier"), sent("code")]
      .map((text, at) => keyCanary(["verifier", "code"][at]!, new TextEncoder().encode(text)));
    const canaries = [access, refresh, secret, key, device, old, ...once];

    server.talks.set("/token", () => plain(textOf(old), 503));
    const failed = await pasteLogin(machine, login, { issuer, through });
    note("login", failed.result.stdout, failed.result.stderr);
    assert.equal(failed.result.status, 4);
    canaries.push(keyCanary("verifier", new TextEncoder().encode(sent("code_verifier"))));
    server.talks.set("/device", () =>
      json({
        device_code: textOf(device),
        user_code: "AAAA",
        verification_uri: `${issuer}/a`,
        expires_in: 9,
        interval: 1,
      }));
    server.talks.set("/token", () => json({ error: textOf(old), access_token: textOf(old) }, 400));
    assert.equal(await run(["auth", "login", ...login, "--device-code"]), 3);
    assert.equal(sent("device_code"), textOf(device), "it was sent");

    for (const form of FORMS) {
      for (const answer of [plain(textOf(old), 500), json({ error: "invalid_client" }, 401)]) {
        server.talks.set("/token", () => answer);
        assert.notEqual(await run(["auth", "refresh", "work", ...form]), 0);
        assert.equal(sent("refresh_token"), textOf(refresh), "it was sent");
        assert.equal(await run(["auth", "profiles", "cooldown-clear", "work", ...form]), 0);
      }
      server.talks.delete("/token");
      assert.equal(await run(["auth", "refresh", "work", ...form]), 0);
      server.talks.set("/v1/models", () => plain(textOf(old), 401));
      const apiKey = ["auth", "openai", "api-key", "--base-url", `${issuer}/v1`, "--value-stdin"];
      assert.equal(await run([...apiKey, ...form], textOf(key)), 3);
      server.talks.delete("/v1/models");
      assert.equal(await run([...apiKey, ...form], textOf(key)), 0);
      assert.ok(server.seen.at(-1)!.head.includes(textOf(key)), "it was sent");
      const looks = [
        ...[["list"], ["show", "work"], ["show", "openai"], ["health", "--include-profiles"]],
        ...[["explain-selection"], ["order-set", "work", "openai"]],
        ...[["set", "work", "--name", "W"], ["set", "openai", "--disable"], [
          "set",
          "openai",
          "--enable",
        ]],
      ].map((words) => ["auth", "profiles", ...words]);
      for (const words of [...looks, ["secrets", "list"], ["secrets", "audit"], ["doctor"]]) {
        await run([...words, ...form]);
      }
      server.talks.set("/revoke", () => plain(textOf(old), 503));
      assert.equal(await run(["auth", "revoke", "work", ...form]), 4);
      assert.equal(sent("token"), textOf(refresh), "it was sent");
    }
    // Who asks for a token gets it, and its arguments and variables are nobody's business all the same.
    const printed = await machine.succeed(["auth", "token", "work", "--verbose"], { through });
    note("auth token", printed.stderr);
    assert.equal(printed.stdout, textOf(access));

    for (const [what, text] of told) assertNoTrace(canaries, text, what);
    assertNoTraceBelow(canaries, machine.directory);
    assert.ok(programs >= 40, `only ${programs} programs were watched`);
    say(`auth canaries: ${canaries.length} in ${told.length} texts of ${programs} programs`);
    server.talks.delete("/revoke");
    assert.equal(await run(["auth", "revoke", "work"]), 0);
  },
);
