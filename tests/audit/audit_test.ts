/** `secrets audit`: each code where it belongs and nowhere else, and that nothing is changed or given away. */

import assert from "node:assert/strict";
import { type AuditPlace, makeAuditPlace } from "../support/audit_place.ts";
import { alter } from "../support/altered_state.ts";
import { giveTo } from "../support/config_clone.ts";
import { differenceOf, pictureOf } from "../support/file_trees.ts";

const SECRET = "sk-value-of-the-audit-7c1e";

interface Case {
  readonly what: string;
  readonly config?: string;
  readonly mode?: number;
  readonly before?: (place: AuditPlace) => void | Promise<void>;
  readonly env?: Readonly<Record<string, string>>;
  /** Codes, sorted. */
  readonly codes: readonly string[];
}

const BOUND = `[model_provider]\nopenai_api_key_vault_ref = "global/bound"\n`;
const FILE = (path: string): string =>
  `[a.b]\nc_secret_ref = { kind = "vault", vault_ref = "${path}" }\n`;

const CASES: readonly Case[] = [
  { what: "no config", codes: [] },
  { what: "an empty config", config: "", codes: [] },
  { what: "a reference that resolves", config: BOUND, codes: [] },
  {
    what: "one at any depth, in a list",
    config: `[[x.y]]\nz_vault_ref = "agent:x/none"\n`,
    codes: ["unresolved_secret_ref"],
  },
  { what: "a table that resolves", config: FILE("global/bound"), codes: [] },
  { what: "a missing secret", config: FILE("agent:x/none"), codes: ["unresolved_secret_ref"] },
  {
    what: "a missing one that is not required",
    config:
      `[a]\nb_secret_ref = { kind = "vault", vault_ref = "agent:x/none", required = false }\n`,
    codes: ["optional_secret_missing"],
  },
  {
    what: "a version that is not there",
    config: `a_vault_ref = "global/bound#9"\n`,
    codes: ["unresolved_secret_ref"],
  },
  {
    what: "no reference at all",
    config: `a_vault_ref = "${SECRET}"\n`,
    codes: ["invalid_secret_ref"],
  },
  {
    what: "a misspelt key",
    config: `a_secret_ref = { kind = "env", variabel = "X" }\n`,
    codes: ["invalid_secret_ref"],
  },
  {
    what: "an expired secret",
    config: `${BOUND}[a]\nb_vault_ref = "skill:x/short"\n`,
    before: async ({ set }) => {
      await set("skill:x/short", SECRET, "--expires-in", "1s");
      await new Promise((done) => setTimeout(done, 1_100));
    },
    codes: ["expired_secret_ref"],
  },
  {
    what: "an altered envelope",
    config: BOUND,
    before: ({ machine }) => alter(machine.stateRoot, "UPDATE versions SET tag = zeroblob(16)"),
    codes: ["secret_integrity_failed"],
  },
  {
    what: "a variable that is not allowed",
    config: `a_secret_ref = { kind = "env", variable = "SOME" }\n`,
    env: { SOME: "set" },
    codes: ["secret_ref_blocked"],
  },
  {
    what: "a variable that is allowed and set",
    config: `a_secret_ref = { kind = "env", variable = "SOME" }\n[palyra]\nallow_env = ["SOME"]\n`,
    env: { SOME: "set" },
    codes: [],
  },
  {
    what: "a variable that is not set",
    config: `a_secret_ref = { kind = "env", variable = "SOME" }\n[palyra]\nallow_env = ["SOME"]\n`,
    codes: ["unresolved_secret_ref"],
  },
  {
    what: "inline secrets: a known field, one that sounds like it, one in a list",
    config:
      `[model_provider]\nopenai_api_key = "${SECRET}"\n[x]\npassword = "${SECRET}"\ntokens = ["${SECRET}"]\n` +
      `[[model_provider.providers]]\nprovider_id = "eu"\napi_key = "${SECRET}"\n`,
    codes: Array(4).fill("inline_secret_configured"),
  },
  { what: "a blank inline text", config: `[admin]\nauth_token = "  "\n`, codes: [] },
  {
    what: "two forms",
    config:
      `[admin]\nauth_token = "${SECRET}"\nauth_token_secret_ref = { kind = "vault", vault_ref = "global/bound" }\n`,
    codes: ["conflicting_secret_forms", "inline_secret_configured"],
  },
  {
    what: "an auth profile before a reference",
    config: `${BOUND}auth_profile_id = "work"\n`,
    codes: ["legacy_vault_ref_shadowed", "missing_auth_profile"],
  },
  {
    what: "a secret of a scope in use that nothing names; another scope is nobody's business",
    config: BOUND,
    before: async ({ set }) => {
      await set("global/other", SECRET);
      await set("skill:x/other", SECRET);
    },
    codes: ["potentially_unused_secret"],
  },
  {
    what: "a helper's reference",
    config: `${BOUND}[[helper.git.map]]\nmatch = "https://x"\nref = "agent:x/none"\n`,
    codes: ["unresolved_secret_ref"],
  },
  {
    what: "a config that others can write",
    config: BOUND,
    mode: 0o666,
    codes: ["unsafe_permissions"],
  },
  {
    what: "a config that others can read, without a secret",
    config: BOUND,
    mode: 0o644,
    codes: [],
  },
  {
    what: "a config that others can read, with a secret",
    config: `[admin]\nauth_token = "${SECRET}"\n`,
    mode: 0o644,
    codes: ["inline_secret_configured", "readable_by_others"],
  },
  {
    what: "a state root that others can read",
    config: BOUND,
    before: ({ machine }) => Deno.chmodSync(machine.stateRoot, 0o755),
    codes: ["readable_by_others"],
  },
  {
    what: "a backup with a secret, and one without",
    config: BOUND,
    before: ({ config, machine }) => {
      Deno.writeTextFileSync(`${config}.bak.1`, `[admin]\nauth_token = "${SECRET}"\n`);
      Deno.writeTextFileSync(`${config}.bak.2`, BOUND);
      giveTo(machine, `${config}.bak.1`, `${config}.bak.2`);
    },
    codes: ["plaintext_backup"],
  },
];

for (const { what, config, mode, before, env, codes } of CASES) {
  Deno.test(`The audit finds what is there and nothing else: ${what}`, async () => {
    using place = makeAuditPlace("nobody");
    await place.set("global/bound", SECRET);
    if (config !== undefined) place.write(config, mode);
    await before?.(place);
    const picture = pictureOf(place.machine.directory);
    const args = ["secrets", "audit"];
    const plain = await place.machine.succeed(args, { env });
    assert.deepEqual(await place.codes([], { env }), [...codes]);
    for (const code of codes) assert.ok(plain.stdout.includes(code), plain.stdout);
    const isBlocking = plain.stdout.includes("blocking  ");
    const strict = await place.machine.run([...args, "--strict"], { env });
    assert.equal(strict.status, isBlocking ? 10 : 0, strict.stderr);
    assert.equal(strict.stdout, plain.stdout);
    const sarif = await place.machine.succeed([...args, "--format", "sarif"], { env });
    for (const text of [plain.stdout, plain.stderr, sarif.stdout]) {
      assert.ok(!text.includes(SECRET), "a value was printed");
    }
    assert.equal(differenceOf(picture, pictureOf(place.machine.directory)), undefined);
  });
}

Deno.test("A finding names field, line and remedy; no value, and a reference is a name", async () => {
  using place = makeAuditPlace();
  place.write(
    `# first\n[admin]\nauth_token_secret_ref = { kind = "vault", vault_ref = "global/none" }\n`,
  );
  const [found] = await place.audit();
  assert.deepEqual([found!.severity, found!.field, found!.ref, found!.line, found!.path], [
    "blocking",
    "admin.auth_token_secret_ref",
    "global/none",
    3,
    place.config,
  ]);
  assert.equal(found!.remediation, "Store a value: palyra secrets set global/none");
});

Deno.test("Of a config that is not trusted nothing is read, and what its text says is told", async () => {
  using place = makeAuditPlace();
  await place.set("global/bound", SECRET);
  const clone = `${place.machine.home}/palyra.toml`;
  Deno.writeTextFileSync(clone, `${BOUND}[admin]\nauth_token = "${SECRET}"\n`, { mode: 0o600 });
  const { stdout } = await place.machine.succeed(["secrets", "audit", "--json"]);
  const { findings, references, summary } = JSON.parse(stdout);
  assert.deepEqual(findings.map(({ code }: { code: string }) => code), [
    "untrusted_config",
    "inline_secret_configured",
    // The scope is in use by name; whether it is, the text says.
  ]);
  assert.deepEqual(references.map(({ status }: { status: string }) => status), ["blocked"]);
  assert.equal(summary.resolved_references, 0);
  await place.machine.succeed(["config", "trust"]);
  assert.deepEqual(await place.codes(), ["inline_secret_configured"]);
});

Deno.test("Another identity is told as integrity, not as missing", async () => {
  using place = makeAuditPlace();
  using other = makeAuditPlace();
  await place.set("global/bound", SECRET);
  await other.set("global/bound", SECRET);
  place.write(BOUND);
  Deno.removeSync(`${place.machine.stateRoot}/identity`, { recursive: true });
  Deno.renameSync(`${other.machine.stateRoot}/identity`, `${place.machine.stateRoot}/identity`);
  assert.deepEqual(await place.codes(), ["secret_integrity_failed"]);
});

Deno.test("A state root that others can write to is a finding, and its secrets are blocked", async () => {
  using place = makeAuditPlace("nobody");
  await place.set("global/bound", SECRET);
  place.write(BOUND);
  Deno.chmodSync(place.machine.stateRoot, 0o770);
  assert.deepEqual(await place.codes(), ["secret_ref_blocked", "unsafe_permissions"]);
});

Deno.test("The inventory tells state, version and fingerprint of every reference, in their order", async () => {
  using place = makeAuditPlace();
  await place.set("global/openai_api_key", "one-value");
  await place.set("global/openai_api_key", SECRET);
  place.write(
    `a_vault_ref = "global/openai_api_key"\n` +
      `b_secret_ref = { kind = "vault", vault_ref = "global/openai_api_key" }\n` +
      `c_secret_ref = { kind = "env", variable = "PALYRA_OPENAI_API_KEY" }\n` +
      `d_vault_ref = "global/openai_api_key#1"\n`,
  );
  const { stdout } = await place.machine.succeed(["secrets", "inventory", "--json"]);
  const rows = JSON.parse(stdout).references.map((one: Record<string, unknown>) => [
    one["field"],
    one["status"],
    one["version"],
    one["fingerprint"],
  ]);
  // The fingerprints are the original's own.
  assert.deepEqual(rows.slice(0, 3), [
    ["a_vault_ref", "resolved", 2, "8113d34719086cd3"],
    ["b_secret_ref", "resolved", 2, "a8a23fe817616139"],
    ["c_secret_ref", "blocked", undefined, "43dc180bfe816561"],
  ]);
  assert.deepEqual(rows[3].slice(0, 3), ["d_vault_ref", "resolved", 1]);
});

Deno.test("explain takes what list prints, and a field in any spelling; it fails as reading would", async () => {
  using place = makeAuditPlace();
  await place.set("global/bound", SECRET);
  place.write(
    `${BOUND}[admin]\nauth_token_secret_ref = { kind = "vault", vault_ref = "global/none" }\n`,
  );
  const listed = JSON.parse((await place.machine.succeed(["secrets", "list", "--json"])).stdout);
  const explain = (text: string): ReturnType<AuditPlace["machine"]["run"]> =>
    place.machine.run(["secrets", "explain", text, "--json"]);
  const stored = await explain(listed.secrets[0].ref);
  const { status, used_by, version } = JSON.parse(stored.stdout);
  assert.deepEqual([stored.status, status, version, used_by], [
    0,
    "stored",
    1,
    ["model_provider.openai_api_key"],
  ]);
  for (const field of ["admin.auth_token", "admin.auth_token_secret_ref"]) {
    const missing = await explain(field);
    assert.equal(missing.status, 8);
    const [form] = JSON.parse(missing.stdout).forms;
    assert.deepEqual([form.line, form.reference.status], [4, "missing"]);
    assert.equal(form.remediation, "Store a value: palyra secrets set global/none");
  }
  const unknown = await explain("global/none");
  assert.deepEqual([unknown.status, JSON.parse(unknown.stdout).used_by], [8, ["admin.auth_token"]]);
  assert.equal((await explain("x.y")).status, 8);
  assert.equal((await explain("Global/Wrong")).status, 2);
  assert.ok(!stored.stdout.includes(SECRET));
});
