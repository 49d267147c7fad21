/** `auth profiles doctor` and `audit`: what is said of profiles that fail, and of what none of them needs. */

import assert from "node:assert/strict";
import { hintOf } from "../../src/auth/hint.ts";
import type { AuthProfile, ProfileId } from "../../src/auth/profile.ts";
import { parseProvider } from "../../src/auth/provider.ts";
import type { ProfileRecord } from "../../src/auth/runtime_state.ts";
import { assertRefused, type Machine, makeMachine } from "../support/cli_run.ts";
import { jsonOf } from "../support/pairing_machines.ts";
import { loginBy, PROFILE } from "../support/token_profile.ts";
import { startTokenServer } from "../support/token_server.ts";

const NOW = 1_000_000;
const DOCTOR = ["auth", "profiles", "doctor"];
const AUDIT = ["auth", "profiles", "audit"];

const WORK: AuthProfile = {
  profileId: "work" as ProfileId,
  provider: parseProvider("openai"),
  profileName: "work",
  scope: "global",
  enabled: true,
  credential: {
    type: "oauth",
    tokensRef: "global/t",
    clientId: "c",
    clientSecretRef: undefined,
    tokenEndpoint: "https://a.example/token",
    revocationEndpoint: undefined,
    issuer: undefined,
    scopes: [],
  },
};

function hint(
  record: Partial<ProfileRecord>,
  { isPresent = true, profile = WORK }: { isPresent?: boolean; profile?: AuthProfile } = {},
): string | undefined {
  const records = new Map([["work", { credential: "", failures: 0, ...record }]]);
  const found = hintOf(profile, {
    state: { records, orders: new Map() },
    isPresent: () => isPresent,
    now: NOW,
  });
  return found && `${found.severity} ${found.code}`;
}

Deno.test("the first thing that is wrong with a profile is told; what the next use mends is not wrong", () => {
  const failed = { failures: 2, cooldownUntil: NOW + 5_000 };
  assert.equal(hint({}), undefined);
  assert.equal(hint({ expiresAt: NOW - 1, refreshable: true }), undefined);
  assert.equal(hint({ expiresAt: NOW + 1, refreshable: false }), undefined);
  assert.equal(hint({ expiresAt: NOW, refreshable: false }), "error token_expired");
  assert.equal(hint({ ...failed, failure: "auth_invalid" }), "error auth_invalid");
  assert.equal(hint({ failures: 1, failure: "config_missing" }), "error config_missing");
  for (const failure of ["refresh_failed", "rate_limit"] as const) {
    assert.equal(hint({ ...failed, failure }), `warning ${failure}_cooldown`);
    assert.equal(hint({ ...failed, failure, cooldownUntil: NOW }), "warning refresh_due");
  }
  const gone = { isPresent: false };
  assert.equal(hint({ failure: "auth_invalid" }, gone), "error credential_missing");
  const idle = { profile: { ...WORK, enabled: false } };
  assert.equal(hint({}, { ...gone, ...idle }), undefined);
  assert.equal(hint({ ...failed, failure: "refresh_failed" }, idle), undefined);
});

async function findings(machine: Machine): Promise<string[]> {
  const { findings } = await jsonOf(machine, AUDIT);
  return (findings as Record<string, string>[]).map(({ severity, code, subject }) =>
    `${severity} ${code} ${subject}`
  );
}

Deno.test("the doctor tells what a server's answers have led to, changes nothing, and fails for what needs somebody", async () => {
  await using server = startTokenServer();
  const refuse = (status: number, error: string) => () => Response.json({ error }, { status });
  const rows = [
    [undefined, 0, undefined],
    [refuse(503, "busy"), 0, "warning refresh_failed_cooldown"],
    [refuse(429, "slow_down"), 0, "warning rate_limit_cooldown"],
    [refuse(401, "invalid_client"), 10, "error config_missing"],
    [refuse(400, "invalid_grant"), 10, "error auth_invalid"],
  ] as const;
  for (const [answer, status, wanted] of rows) {
    using machine = makeMachine();
    await loginBy(machine, server);
    server.wish.answer = answer;
    await machine.run(["auth", "token", PROFILE]);
    const state = Deno.readTextFileSync(`${machine.stateRoot}/auth_profile_runtime_state.toml`);
    const said = await machine.run([...DOCTOR, "--json"]);
    const told = JSON.parse(said.stdout);
    const [one] = told.profiles;
    assert.equal(one.hint && `${one.hint.severity} ${one.hint.code}`, wanted);
    assert.equal(said.status, status, said.stderr);
    assert.equal(told.status, wanted?.split(" ")[0] ?? "ok");
    const count = (severity: string): number => wanted?.startsWith(severity) ? 1 : 0;
    assert.deepEqual(told.summary, {
      profile_count: 1,
      warning_count: count("warning"),
      error_count: count("error"),
    });
    const strict = await machine.run([...DOCTOR, "--strict"]);
    assert.equal(strict.status, wanted === undefined ? 0 : 10);
    const { checks } = JSON.parse(
      (await machine.run(["doctor", "--only", "auth_profiles", "--json"])).stdout,
    );
    const whole = { ok: "ok", warning: "warn", error: "fail" }[told.status as string];
    assert.equal(checks[0].status, whole);
    const after = Deno.readTextFileSync(`${machine.stateRoot}/auth_profile_runtime_state.toml`);
    assert.equal(after, state);
  }
});

Deno.test("the doctor says where a document is wrong, and that there is none", async () => {
  using machine = makeMachine();
  const check = async (): Promise<string> => {
    const { stdout } = await machine.run(["doctor", "--only", "auth_profiles", "--json"]);
    const [{ status, cause }] = JSON.parse(stdout).checks;
    return `${status} ${cause}`;
  };
  assert.equal(await check(), "skipped there are none");
  assert.deepEqual((await jsonOf(machine, DOCTOR))["profiles"], []);
  await machine.succeed(["secrets", "set", "global/a"], { stdin: "value" });
  await machine.succeed(
    ["auth", "profiles", "set", "work", "--provider", "openai", "--api-key-ref", "global/a"],
  );
  assert.equal(await check(), "ok 1 known, and none has failed");
  assertRefused(await machine.run(["secrets", "delete", "global/a"]), 7, "a profile names it");
  await machine.succeed(["secrets", "delete", "global/a", "--force"]);
  assert.equal(await check(), "fail 1 of 1 cannot be used");
  const file = `${machine.stateRoot}/auth_profiles.toml`;
  Deno.writeTextFileSync(file, `${Deno.readTextFileSync(file)}colour = "blue"\n`);
  assert.match(await check(), /^fail Cannot read auth_profiles\.toml: line \d+, colour: /);
});

Deno.test("the audit names orders, records, secrets and logins that are left over or shared", async () => {
  await using server = startTokenServer();
  using machine = makeMachine();
  await loginBy(machine, server);
  await machine.succeed(["auth", "token", PROFILE]);
  await machine.succeed(["auth", "profiles", "order-set", PROFILE]);
  assert.deepEqual(await findings(machine), []);
  const { records, orders } = await jsonOf(machine, AUDIT);
  const [record] = records as Record<string, unknown>[];
  assert.deepEqual([record!["profile_id"], record!["failures"], record!["current"]], [
    PROFILE,
    0,
    true,
  ]);
  assert.deepEqual(orders, [{ scope: "global", profile_ids: [PROFILE] }]);
  assert.deepEqual((await jsonOf(machine, [...AUDIT, "--provider", "openai"]))["records"], []);
  const owned = "global/auth_openai_0123456789abcdef_oauth_tokens";
  await machine.succeed(["secrets", "set", owned], { stdin: "left by a command that was killed" });
  const file = `${machine.stateRoot}/auth_profiles.toml`;
  const text = Deno.readTextFileSync(file);
  Deno.writeTextFileSync(file, text + text.slice(text.indexOf("[profiles")).replace("work", "two"));
  assert.deepEqual(await findings(machine), [
    "info shared_tokens global/tokens",
    `warning secret_without_profile ${owned}`,
  ]);
  Deno.writeTextFileSync(file, "version = 1\n");
  const all = [
    `warning order_without_profile ${PROFILE}`,
    `warning secret_without_profile ${owned}`,
    `info record_without_profile ${PROFILE}`,
  ];
  assert.deepEqual(await findings(machine), all);
  assert.equal((await machine.run([...AUDIT, "--strict"])).status, 10);
  await machine.succeed(["secrets", "delete", owned]);
  Deno.removeSync(`${machine.stateRoot}/auth_profile_runtime_state.toml`);
  assert.deepEqual(await findings(machine), []);
});
