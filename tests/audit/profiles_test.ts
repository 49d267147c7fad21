/** What `secrets audit`, `inventory` and `explain` say of auth profiles and of the secrets that they name. */

import assert from "node:assert/strict";
import { alter } from "../support/altered_state.ts";
import { type AuditPlace, makeAuditPlace } from "../support/audit_place.ts";
import { differenceOf, pictureOf } from "../support/file_trees.ts";

const SECRET = "sk-value-of-a-profile-91d3";

const KEY = `version = 1

[profiles.work]  # at work
provider = "openai"
type = "api_key"
  api_key_vault_ref = "global/key"
`;
const LOGIN = `version = 1
[profiles."my.hub"]
provider = "github"
type = "oauth"
tokens_vault_ref = "vault://skill:hub/tokens"
client_id = "abc"
client_secret_vault_ref = "skill:hub/client"
token_endpoint = "https://auth.example/token"
`;
const OFF = KEY.replace("type =", "enabled = false\ntype =");
const NAMES = (id: string): string => `[model_provider]\nauth_profile_id = "${id}"\n`;

interface Case {
  readonly what: string;
  readonly profiles?: string;
  readonly mode?: number;
  readonly config?: string;
  readonly before?: (place: AuditPlace) => void | Promise<void>;
  /** Severity and code, sorted. */
  readonly found: readonly string[];
}

const storeKey = async ({ set }: AuditPlace): Promise<void> => await set("global/key", SECRET);

const CASES: readonly Case[] = [
  { what: "a key that is there", profiles: KEY, before: storeKey, found: [] },
  { what: "no vault at all", profiles: KEY, found: ["blocking unresolved_secret_ref"] },
  {
    what: "tokens and a client's secret that are not there",
    profiles: LOGIN,
    before: storeKey,
    found: ["blocking unresolved_secret_ref", "blocking unresolved_secret_ref"],
  },
  {
    what: "a key that has expired",
    profiles: KEY,
    before: async ({ set }) => {
      await set("global/key", SECRET, "--expires-in", "1s");
      await new Promise((done) => setTimeout(done, 1_100));
    },
    found: ["blocking expired_secret_ref"],
  },
  {
    what: "an altered envelope",
    profiles: KEY,
    before: async (place) => {
      await storeKey(place);
      alter(place.machine.stateRoot, "UPDATE versions SET tag = zeroblob(16)");
    },
    found: ["blocking secret_integrity_failed"],
  },
  {
    what: "a key that is not there, of a profile that is switched off",
    profiles: OFF,
    found: ["warning optional_secret_missing"],
  },
  {
    what: "one that has expired, of a profile that is switched off",
    profiles: OFF,
    before: async ({ set }) => {
      await set("global/key", SECRET, "--expires-in", "1s");
      await new Promise((done) => setTimeout(done, 1_100));
    },
    found: ["warning optional_secret_missing"],
  },
  {
    what: "a profile that the config names, and it is there",
    profiles: KEY,
    config: NAMES("work"),
    before: storeKey,
    found: [],
  },
  {
    what: "profiles that the config names, and they are not",
    profiles: KEY,
    config: `${NAMES("worm")}auth_profile_ref = "none"\n` +
      `[[model_provider.providers]]\nprovider_id = "eu"\nauth_profile_id = "none"\n` +
      `[[model_provider.providers]]\nauth_profile_ref = "none"\n` +
      `[[model_provider.providers]]\nauth_profile_id = "work"\n`,
    before: storeKey,
    found: Array(4).fill("blocking missing_auth_profile"),
  },
  {
    what: "no registry at all",
    config: NAMES("work"),
    found: ["blocking missing_auth_profile"],
  },
  {
    what: "names that are none: a secret in the wrong place, a number; a blank one is not set",
    profiles: KEY,
    config: `${NAMES(SECRET)}auth_profile_ref = 7\n` +
      `[[model_provider.providers]]\nauth_profile_id = " "\n`,
    before: storeKey,
    found: Array(2).fill("blocking missing_auth_profile"),
  },
  {
    what: "a profile that the config names, and it is switched off",
    profiles: OFF,
    config: NAMES("work"),
    before: storeKey,
    found: ["blocking missing_auth_profile"],
  },
  {
    what: "a secret that only a profile names is used; another one of its scope is not",
    profiles: KEY,
    config: `a_vault_ref = "global/bound"\n`,
    before: async (place) => {
      await storeKey(place);
      await place.set("global/bound", SECRET);
      await place.set("global/other", SECRET);
    },
    found: ["info potentially_unused_secret"],
  },
  {
    what: "no TOML: then it is not known which profiles there are, and what they name",
    profiles: `${KEY}[profiles.work\n`,
    config: `${NAMES("work")}[x]\na_vault_ref = "global/none"\n`,
    before: storeKey,
    found: ["blocking unreadable_auth_profiles", "blocking unresolved_secret_ref"],
  },
  {
    what: "a value where a reference belongs",
    profiles: KEY.replace("global/key", `${SECRET} `),
    found: ["blocking unreadable_auth_profiles"],
  },
  {
    what: "a document that is no text",
    before: ({ machine, writeProfiles }) => {
      writeProfiles("");
      Deno.writeFileSync(`${machine.stateRoot}/auth_profiles.toml`, new Uint8Array([0xff, 0xfe]));
    },
    found: ["blocking unreadable_auth_profiles"],
  },
  {
    what: "a document that others can write",
    profiles: KEY,
    mode: 0o666,
    before: storeKey,
    found: ["blocking unreadable_auth_profiles", "blocking unsafe_permissions"],
  },
];

for (const { what, profiles, mode, config, before, found } of CASES) {
  Deno.test(`The audit finds what is so with auth profiles and nothing else: ${what}`, async () => {
    using place = makeAuditPlace("nobody");
    const { machine } = place;
    await before?.(place);
    if (profiles !== undefined) place.writeProfiles(profiles, mode);
    if (config !== undefined) place.write(config);
    const picture = pictureOf(machine.directory);
    const findings = await place.audit();
    assert.deepEqual(findings.map(({ severity, code }) => `${severity} ${code}`).sort(), [
      ...found,
    ]);
    const isBlocking = found.some((one) => one.startsWith("blocking"));
    const strict = await machine.run(["secrets", "audit", "--strict"]);
    assert.equal(strict.status, isBlocking ? 10 : 0, strict.stderr);
    const sarif = await machine.succeed(["secrets", "audit", "--format", "sarif"]);
    const [{ results, tool: { driver: { rules } } }] = JSON.parse(sarif.stdout).runs;
    assert.equal(results.length, found.length);
    for (const { ruleId, ruleIndex, locations } of results) {
      assert.equal(rules[ruleIndex].id, ruleId);
      if (ruleId === "potentially_unused_secret") continue; // it has a name, and no place
      const { uri } = locations[0].physicalLocation.artifactLocation;
      assert.match(uri, /^file:.*\/(?:auth_profiles|palyra)\.toml$/);
    }
    for (const text of [strict.stdout, strict.stderr, sarif.stdout, JSON.stringify(findings)]) {
      assert.ok(!text.includes(SECRET), "a value was printed");
    }
    assert.equal(differenceOf(picture, pictureOf(machine.directory)), undefined);
  });
}

Deno.test("A profile's missing secret is told with field, line, and how it gets there", async () => {
  using place = makeAuditPlace();
  const path = `${place.machine.stateRoot}/auth_profiles.toml`;
  place.writeProfiles(LOGIN);
  const rows = (await place.audit()).map((
    { field, ref, path, line, component, remediation },
  ) => [component, field, ref, path, line, remediation]);
  const component = "auth_profile:my.hub";
  assert.deepEqual(rows, [[
    ...[component, 'profiles."my.hub".tokens_vault_ref', "skill:hub/tokens", path, 5],
    "Log in: palyra auth login github --profile my.hub, with its client as before",
  ], [
    ...[component, 'profiles."my.hub".client_secret_vault_ref', "skill:hub/client", path, 7],
    "Store a value: palyra secrets set skill:hub/client",
  ]]);
  place.writeProfiles(OFF);
  const [off] = await place.audit();
  assert.deepEqual([off!.line, off!.ref], [7, "global/key"]);
  assert.match(off!.message, /the profile is switched off$/);
});

Deno.test("A profile that cannot be used is told where the config names it, and why", async () => {
  using place = makeAuditPlace();
  place.writeProfiles(OFF);
  await place.set("global/key", SECRET);
  place.write(`[[model_provider.providers]]\nprovider_id = "eu"\nauth_profile_id = "work"\n`);
  const [off] = await place.audit();
  assert.deepEqual(
    [off!.component, off!.field, off!.path, off!.line],
    [
      "model_provider_registry",
      "model_provider.providers[provider_id=eu].auth_profile_id",
      place.config,
      3,
    ],
  );
  assert.equal(off!.message, "the auth profile work is switched off");
  assert.match(off!.remediation, /palyra auth profiles set work --enable /);
  await place.machine.succeed(["auth", "profiles", "set", "work", "--enable"]);
  assert.deepEqual(await place.codes(), []);
  place.write(NAMES("worm"));
  const [missing] = await place.audit();
  assert.match(missing!.remediation, /palyra auth profiles list .*palyra auth login /);
});

Deno.test("A mistake in the profiles is told with its place, and all else is told beside it", async () => {
  using place = makeAuditPlace();
  await place.set("global/key", SECRET);
  place.write(`a_vault_ref = "global/key"\nb_vault_ref = "global/none"\n`);
  const rows: [string, number, number, RegExp][] = [
    [KEY.replace("global/key", `${SECRET} `), 6, 3, /^line 6, api_key_vault_ref: /],
    [KEY.replace("openai", SECRET), 4, 1, /^line 4, provider: /],
    [KEY.replace("version = 1", "version = 2"), 1, 1, /^line 1, version: /],
    [`${KEY}${SECRET}\n`, 7, 27, /^invalid TOML at line 7, column 27$/],
  ];
  for (const [text, line, column, message] of rows) {
    place.writeProfiles(text);
    const findings = await place.audit();
    const [found, other, ...more] = findings.toSorted((a, b) => a.code < b.code ? -1 : 1);
    assert.deepEqual([found!.code, found!.line, found!.column, found!.component], [
      ...["unreadable_auth_profiles", line, column, "auth_profiles"],
    ]);
    assert.match(found!.message, message);
    assert.deepEqual([other!.code, more], ["unresolved_secret_ref", []]);
    const listed = await place.machine.succeed(["secrets", "inventory"]);
    assert.equal(listed.stdout.split("\n").length, 3);
    assert.match(listed.stderr, /auth profiles are left out: Cannot read auth_profiles\.toml: /);
    const told = await place.machine.succeed(["secrets", "explain", "global/key"]);
    assert.match(told.stderr, /auth profiles are left out/);
    for (const output of [JSON.stringify(findings), listed.stderr, told.stderr]) {
      assert.ok(!output.includes(SECRET), "a value was printed");
    }
  }
});

Deno.test("The inventory lists the profiles' references behind the config's, each with its file", async () => {
  using place = makeAuditPlace();
  await place.set("global/key", SECRET);
  place.writeProfiles(KEY);
  place.write(`a_vault_ref = "global/key"\n`);
  const { stdout } = await place.machine.succeed(["secrets", "inventory", "--json"]);
  const [first, second, ...more] = JSON.parse(stdout).references;
  assert.deepEqual(more, []);
  assert.deepEqual([first.field, first.path, first.line], ["a_vault_ref", place.config, 1]);
  const { resolved_at: _time, ...rest } = second;
  assert.deepEqual(rest, {
    field: "profiles.work.api_key_vault_ref",
    component: "auth_profile:work",
    path: `${place.machine.stateRoot}/auth_profiles.toml`,
    line: 6,
    column: 3,
    source_kind: "vault",
    ref: "global/key",
    status: "resolved",
    version: 1,
    required: true,
    fingerprint: first.fingerprint,
  });
});

Deno.test("explain tells which profiles use a secret, and explains a field of theirs", async () => {
  using place = makeAuditPlace();
  const { machine } = place;
  await place.set("global/key", SECRET);
  place.write(`a_vault_ref = "global/key"\n`);
  place.writeProfiles(`${KEY}${KEY.replace("version = 1\n", "").replace("work", "spare")}`);
  const told = await machine.succeed(["secrets", "explain", "global/key"]);
  assert.match(told.stdout, /^used by {4}a, auth_profile:work, auth_profile:spare$/m);
  const field = "profiles.work.api_key_vault_ref";
  const stored = JSON.parse(
    (await machine.succeed(["secrets", "explain", field, "--json"])).stdout,
  );
  assert.deepEqual(
    stored.forms.map((one: Record<string, unknown>) => [one["form"], one["line"], one["path"]]),
    [["auth_profile", 6, `${machine.stateRoot}/auth_profiles.toml`]],
  );
  await machine.succeed(["secrets", "delete", "global/key", "--force"]);
  const missing = await machine.run(["secrets", "explain", "profiles.spare.api_key"]);
  assert.equal(missing.status, 8);
  assert.match(missing.stdout, /^remedy {5}Store a value: palyra secrets set global\/key$/m);
  const wrong = await machine.run(["secrets", "explain", "profiles.spare.tokens_vault_ref"]);
  assert.equal(wrong.status, 8);
});

Deno.test("A config that is not trusted has no say in the profiles, which are the user's own", async () => {
  using place = makeAuditPlace();
  await place.set("global/key", SECRET);
  place.writeProfiles(KEY);
  Deno.writeTextFileSync(
    `${place.machine.home}/palyra.toml`,
    `${NAMES("worm")}[a]\nb_vault_ref = "global/none"\nprofiles_secret_ref = "global/key"\n`,
    { mode: 0o600 },
  );
  const { stdout } = await place.machine.succeed(["secrets", "audit", "--json"]);
  const { references, findings } = JSON.parse(stdout);
  assert.deepEqual(
    references.map(({ field, status }: Record<string, string>) => [field, status]),
    [
      ["a.b_vault_ref", "blocked"],
      ["a.profiles_secret_ref", "invalid"],
      ["profiles.work.api_key_vault_ref", "resolved"],
    ],
  );
  assert.deepEqual(findings.map(({ code }: { code: string }) => code).sort(), [
    ...["invalid_secret_ref", "missing_auth_profile", "untrusted_config"],
  ]);
});

Deno.test("A plan leaves to people what is wrong with profiles, and lets none of them decide a conflict", async () => {
  using place = makeAuditPlace();
  await place.set("global/key", SECRET);
  // The config has fields of the same names as the registry's.
  place.write(
    `[profiles.work]\napi_key_vault_ref = "global/none"\n` +
      `api_key_secret_ref = { kind = "vault", vault_ref = "global/key" }\n[x]\n` +
      `[profiles.spare]\napi_key_vault_ref = "global/none"\n` +
      `api_key_secret_ref = { kind = "vault", vault_ref = "global/none" }\n` + NAMES("worm"),
  );
  place.writeProfiles(`${KEY}${KEY.replace("version = 1\n", "").replace("work", "spare")}`);
  const { stdout } = await place.machine.succeed(["secrets", "plan", "--json"]);
  const steps = JSON.parse(stdout).steps.map((
    { action, field, form, code }: Record<string, string>,
  ) => [action, field, form ?? code]);
  assert.ok(
    steps.some((step: string[]) => step.join() === "drop_form,profiles.work.api_key,vault_ref"),
  );
  assert.ok(
    steps.some((step: string[]) =>
      step.join() === "manual,profiles.spare.api_key,conflicting_secret_forms"
    ),
    JSON.stringify(steps),
  );
  assert.ok(steps.some((step: string[]) => step.includes("missing_auth_profile")));
});
