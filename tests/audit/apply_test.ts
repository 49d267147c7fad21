/** `secrets plan` and `apply`: what is repaired, in which order, and what is left alone. */

import assert from "node:assert/strict";
import { type AuditPlace, makeAuditPlace } from "../support/audit_place.ts";
import { assertRefused, type CliResult } from "../support/cli_run.ts";
import { giveTo } from "../support/config_clone.ts";
import { differenceOf, pictureOf } from "../support/file_trees.ts";
import { jsonOf } from "../support/pairing_machines.ts";

const BROKEN = `# mine
[model_provider]
openai_api_key = "sk-openai-inline-1"   # keep this comment
anthropic_api_key = 'sk-anthropic-inline-2'
anthropic_api_key_vault_ref = "global/claude"

[[model_provider.providers]]
provider_id = "EU West"
api_key = "sk-provider-inline-3"

[admin]
auth_token_secret_ref = { kind = "vault", vault_ref = "global/bound", required = true }
auth_token_vault_ref = "global/bound"

[x.y]
password = "pw-unknown-field-4"
`;

async function broken(): Promise<AuditPlace> {
  const place = makeAuditPlace("nobody");
  await place.set("global/bound", "value-bound-0");
  await place.set("global/claude", "value-claude-old");
  place.write(BROKEN, 0o644);
  Deno.writeTextFileSync(`${place.config}.bak.1`, `[x.y]\npassword = "pw-unknown-field-4"\n`);
  Deno.writeTextFileSync(`${place.config}.bak.2`, `[x.y]\npassword = "known to nobody else"\n`);
  giveTo(place.machine, `${place.config}.bak.1`, `${place.config}.bak.2`);
  Deno.chmodSync(place.machine.stateRoot, 0o750);
  return place;
}

const AFTER = `# mine
[model_provider]
openai_api_key_vault_ref = "global/openai_api_key"   # keep this comment
anthropic_api_key_vault_ref = "global/claude"

[[model_provider.providers]]
provider_id = "EU West"
api_key_vault_ref = "global/eu_west_api_key"

[admin]
auth_token_secret_ref = { kind = "vault", vault_ref = "global/bound", required = true }

[x.y]
password_secret_ref = { kind = "vault", vault_ref = "global/password" }
`;

async function run({ machine }: AuditPlace, ...args: string[]): Promise<CliResult> {
  return await machine.run(["secrets", ...args]);
}

Deno.test("plan, then apply: everything moves, nothing is lost, and a second apply changes nothing", async () => {
  using place = await broken();
  const { machine, config } = place;
  const before = pictureOf(machine.directory);
  const planned = await run(place, "plan", "--json");
  assert.equal(differenceOf(before, pictureOf(machine.directory)), undefined);
  const { steps } = JSON.parse(planned.stdout);
  const actions = steps.map(({ action }: { action: string }) => action);
  assert.deepEqual(actions.filter((one: string) => one === "move_inline_value").length, 4);
  assert.deepEqual([...new Set(actions)].sort(), [
    "drop_form",
    "manual", // the backup that nobody knows
    "move_inline_value",
    "remove_backup",
    "tighten_mode",
  ]);
  const file = `${machine.home}/plan.json`;
  assert.equal((await run(place, "plan", "--out", file)).status, 0);
  assert.equal(Deno.statSync(file).mode! & 0o777, 0o600);
  const dry = await run(place, "apply", file, "--dry-run");
  assert.equal(dry.status, 0, dry.stderr);
  const applied = await run(place, "apply", file, "--json");
  assert.equal(applied.status, 0, applied.stderr);
  assert.equal(JSON.parse(applied.stdout).changed, true);
  assert.equal(Deno.readTextFileSync(config), AFTER);
  assert.equal(Deno.statSync(config).mode! & 0o777, 0o600);
  assert.equal(Deno.statSync(machine.stateRoot).mode! & 0o777, 0o700);
  assert.throws(() => Deno.statSync(`${config}.bak.1`), Deno.errors.NotFound);
  assert.ok(Deno.statSync(`${config}.bak.2`).isFile);
  const values = JSON.parse((await machine.succeed(["resolve", "--all", "--json"])).stdout).values;
  assert.deepEqual(values, {
    "model_provider.openai_api_key": "sk-openai-inline-1",
    "model_provider.anthropic_api_key": "sk-anthropic-inline-2",
    "model_provider.providers[provider_id=EU West].api_key": "sk-provider-inline-3",
    "admin.auth_token": "value-bound-0",
    "x.y.password": "pw-unknown-field-4",
  });
  const old = await machine.succeed(["resolve", "global/claude#1"]);
  assert.equal(old.stdout, "value-claude-old"); // what was there stays a version
  assert.deepEqual(await place.codes(), ["plaintext_backup"]);
  Deno.removeSync(`${config}.bak.2`);
  const strict = await run(place, "audit", "--strict");
  assert.equal(strict.status, 0, strict.stdout);
  const done = pictureOf(machine.directory);
  for (const args of [["apply"], ["apply", file]]) {
    const again = await run(place, ...args, "--json");
    assert.deepEqual([again.status, JSON.parse(again.stdout).changed], [0, false], again.stderr);
    assert.equal(differenceOf(done, pictureOf(machine.directory)), undefined);
  }
  for (const { stdout } of [planned, dry, applied]) {
    assert.ok(!/inline-\d|unknown-field|value-claude/.test(stdout), "a value was printed");
  }
  assert.ok(!/inline-\d|unknown-field/.test(Deno.readTextFileSync(file)));
});

Deno.test("An apply that ended after it had bound is gone on with: its plan removes the backup that is left", async () => {
  using place = await broken();
  const file = `${place.machine.home}/plan.json`;
  const backup = `${place.config}.bak.1`;
  const text = Deno.readTextFileSync(backup);
  assert.equal((await run(place, "plan", "--out", file)).status, 0);
  assert.equal((await run(place, "apply", file)).status, 0);
  Deno.writeTextFileSync(backup, text); // as a kill between binding and scrubbing leaves it
  giveTo(place.machine, backup);
  const again = await run(place, "apply", file, "--json");
  assert.deepEqual([again.status, JSON.parse(again.stdout).changed], [0, true], again.stderr);
  assert.throws(() => Deno.statSync(backup), Deno.errors.NotFound);
  assert.equal(Deno.readTextFileSync(place.config), AFTER);
});

Deno.test("A plan that is no longer true is refused, and so is one that was edited", async () => {
  using place = await broken();
  const file = `${place.machine.home}/plan.json`;
  await run(place, "plan", "--out", file);
  const text = Deno.readTextFileSync(file);
  place.write(`${BROKEN}# one more\n`, 0o644);
  assertRefused(await run(place, "apply", file), 7, "the config was saved");
  place.write(BROKEN, 0o644);
  await place.set("global/openai_api_key", "another value came");
  assertRefused(await run(place, "apply", file), 7, "a secret of that name came");
  assert.equal(Deno.readTextFileSync(place.config), BROKEN);
  for (const edited of [text.replace('"global/password"', '"global/bound"'), "{}", "no json"]) {
    Deno.writeTextFileSync(file, edited);
    assertRefused(await run(place, "apply", file), 2, "edited");
  }
});

Deno.test("Names: one that is taken is passed over, one that holds the value is used", async () => {
  using place = makeAuditPlace();
  await place.set("global/auth_token", "somebody else's");
  await place.set("global/connector_token", "the-same-value");
  place.write(`[admin]\nauth_token = "mine-1"\nconnector_token = "the-same-value"\n`);
  assert.equal((await run(place, "apply")).status, 0);
  assert.equal(
    Deno.readTextFileSync(place.config),
    `[admin]\nauth_token_secret_ref = { kind = "vault", vault_ref = "global/admin_auth_token" }\n` +
      `connector_token_secret_ref = { kind = "vault", vault_ref = "global/connector_token" }\n`,
  );
  const other = await place.machine.succeed(["resolve", "global/auth_token"]);
  assert.equal(other.stdout, "somebody else's");
});

Deno.test("Of two references the one that leads to a value stays; where neither does, a person decides", async () => {
  using place = makeAuditPlace();
  await place.set("global/there", "a value");
  const both = (table: string, ref: string): string =>
    `[a]\nb_secret_ref = { kind = "vault", vault_ref = "${table}" }\nb_vault_ref = "${ref}"\n`;
  place.write(both("global/none", "global/there"));
  assert.equal((await run(place, "apply")).status, 0);
  assert.equal(Deno.readTextFileSync(place.config), `[a]\nb_vault_ref = "global/there"\n`);
  place.write(both("global/none", "global/neither"));
  const left = await run(place, "apply", "--json");
  assert.deepEqual([left.status, JSON.parse(left.stdout).changed], [0, false]);
  assert.equal(Deno.readTextFileSync(place.config), both("global/none", "global/neither"));
});

Deno.test("What ends one day keeps nothing safe: such a secret is passed over, or gets a version without an end", async () => {
  using place = makeAuditPlace();
  await place.set("global/api_key", "only-value-1", "--expires-in", "1h");
  await place.set("global/bound", "only-value-2", "--expires-in", "1h");
  await place.set("session:s/bound", "only-value-3");
  await place.set("global/ends", "only-value-4", "--expires-in", "1h");
  place.write(`[svc]
api_key = "only-value-1"
password = "only-value-2"
password_vault_ref = "global/bound"
token = "only-value-3"
token_vault_ref = "session:s/bound"
`);
  const backup = `${place.config}.bak.1`;
  Deno.writeTextFileSync(backup, 'password = "only-value-4"\n', { mode: 0o600 });
  const applied = await place.machine.succeed(["secrets", "apply", "--json"]);
  const { steps } = JSON.parse(applied.stdout) as { steps: Record<string, unknown>[] };
  const told = steps.map(({ action, field, path, ref }) => [action, field ?? path, ref]);
  assert.deepEqual(told, [
    ["move_inline_value", "svc.api_key", "global/svc_api_key"],
    ["move_inline_value", "svc.password", "global/bound"],
    ["manual", "svc.token", undefined],
    ["manual", backup, undefined],
  ]);
  for (const ref of ["global/svc_api_key", "global/bound"]) {
    const { expires_at } = await jsonOf(place.machine, ["secrets", "get", ref]);
    assert.equal(expires_at ?? null, null, ref);
  }
  assert.match(Deno.readTextFileSync(place.config), /^token = "only-value-3"$/m);
  assert.match(Deno.readTextFileSync(backup), /only-value-4/);
});

Deno.test("No version is pushed out for which a backup is removed: all of it can still be read", async () => {
  using place = makeAuditPlace();
  for (let n = 1; n <= 10; n++) await place.set("global/db_password", `value-number-${n}`);
  place.write(`[svc]
db_password = "value-of-the-config"
db_password_vault_ref = "global/db_password"
`);
  const backup = `${place.config}.bak.1`;
  Deno.writeTextFileSync(backup, 'db_password = "value-number-1"\n', { mode: 0o600 });
  await place.machine.succeed(["secrets", "apply"]);
  assert.throws(() => Deno.statSync(backup), Deno.errors.NotFound);
  const oldest = await place.machine.succeed(["resolve", "vault://global/db_password#1"]);
  assert.equal(oldest.stdout, "value-number-1");
});

Deno.test("A backup stays for a number, or for a line that was made a comment", async () => {
  using place = makeAuditPlace();
  await place.set("global/k", "known-value-1");
  await place.set("global/n", "8675309867");
  place.write("[svc]\nx = 1\n");
  const rows = [
    ["password = 12345678", false],
    ['# password = "only-here"', false],
    ['  ## password = "only-here" # old', false],
    ["password = 8675309867", true],
    ['# password = "known-value-1"', true],
    ["# what a password is", true],
    ["has_password = true\nneeds_token = false", true],
  ] as const;
  for (const [line, goes] of rows) {
    const backup = `${place.config}.bak.1`;
    const text = `api_key = "known-value-1"\n${line}\n`;
    Deno.writeTextFileSync(backup, text, { mode: 0o600 });
    await place.machine.succeed(["secrets", "apply"]);
    const isThere = [...Deno.readDirSync(place.config.replace(/\/[^/]+$/, ""))]
      .some(({ name }) => name === "palyra.toml.bak.1");
    assert.equal(isThere, !goes, line);
  }
});

Deno.test("Where there is no vault apply makes one; an unsafe state root is mended first", async () => {
  using place = makeAuditPlace("nobody");
  place.write(`[admin]\nauth_token = "mine-1"\n`);
  assert.equal((await run(place, "apply")).status, 0);
  assert.equal((await place.machine.succeed(["resolve", "--all", "--json"])).status, 0);
  Deno.chmodSync(place.machine.stateRoot, 0o777);
  place.write(`[admin]\nauth_token = "mine-2"\n`);
  const applied = await run(place, "apply");
  assert.equal(applied.status, 0, applied.stderr);
  assert.deepEqual(await place.codes(), ["potentially_unused_secret"]); // mine-1
});

Deno.test("A config that is not trusted is not changed", async () => {
  using place = makeAuditPlace();
  await place.set("global/bound", "a value");
  const clone = `${place.machine.home}/palyra.toml`;
  Deno.writeTextFileSync(clone, BROKEN, { mode: 0o600 });
  const { stdout } = await run(place, "apply", "--json");
  assert.equal(JSON.parse(stdout).changed, false);
  assert.equal(Deno.readTextFileSync(clone), BROKEN);
});
