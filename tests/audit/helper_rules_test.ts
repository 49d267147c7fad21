/** What the rules of helpers name, as the audit, `secrets explain` and `secrets delete` see it. */

import assert from "node:assert/strict";
import { makeAuditPlace } from "../support/audit_place.ts";
import { assertRefused } from "../support/cli_run.ts";

const BOUND = `[model_provider]\nopenai_api_key_vault_ref = "global/bound"\n`;
/** A token that was pasted where its name belongs. */
const PASTED = "sk-Pasted-7c1e";

Deno.test("a secret that allow names in full is in use: told so, and not deleted", async () => {
  using place = makeAuditPlace();
  const { machine } = place;
  for (const name of ["bound", "named", "spelt", "other"]) await place.set(`global/${name}`, name);
  place.write(`${BOUND}[helper.token]\nallow = ["auth:x", "global/named", "vault://spelt"]\n`);
  const unused = (await place.audit()).map(({ code, ref }) => `${code} ${ref}`);
  assert.deepEqual(unused, ["potentially_unused_secret global/other"]);
  const explained = await machine.succeed(["secrets", "explain", "global/named", "--json"]);
  assert.deepEqual(JSON.parse(explained.stdout).used_by, ["helper.token.allow[1]"]);
  for (const name of ["named", "spelt"]) {
    assertRefused(await machine.run(["secrets", "delete", `global/${name}`]), 7, name);
  }
  await machine.succeed(["secrets", "delete", "global/other"]);
  await machine.succeed(["secrets", "delete", "global/named", "--force"]);
});

Deno.test("what a rule leaves open is not called unused, and may be deleted", async () => {
  using place = makeAuditPlace();
  for (const name of ["bound", "open_a", "opem"]) await place.set(`global/${name}`, name);
  place.write(`${BOUND}[helper.openclaw]\nallow = ["global/open*"]\n`);
  assert.deepEqual((await place.audit()).map(({ ref }) => ref), ["global/opem"]);
  await place.machine.succeed(["secrets", "delete", "global/open_a"]);
});

Deno.test("a map whose ref is no reference is told with its place, and not repeated", async () => {
  using place = makeAuditPlace();
  await place.set("global/bound", "value");
  place.write(`${BOUND}[[helper.git.map]]
match = "https://a.org/*"
ref = "auth:x"
[[helper.git.map]]
match = "https://b.org/*"
ref = "${PASTED}"
[[helper."a b".map]]
match = "c"
`);
  const found = (await place.audit()).map(({ code, severity, field, line }) =>
    `${severity} ${code} ${field} ${line}`
  );
  assert.deepEqual(found, [
    "blocking invalid_secret_ref helper.git.map[1].ref 8",
    'blocking invalid_secret_ref helper."a b".map[0].ref 9',
  ]);
  for (
    const args of [
      ["secrets", "audit"],
      ["secrets", "inventory"],
      ["config", "validate"],
      ["helper", "explain", "git", "https://b.org/x"],
      ["helper", "list"],
    ]
  ) {
    const { stdout, stderr } = await place.machine.run(args);
    assert.ok(!(stdout + stderr).includes(PASTED), args.join(" "));
  }
  const request = "protocol=https\nhost=b.org\n\n";
  const asked = await place.machine.run(["helper", "git", "get"], { stdin: request });
  assert.equal(asked.stdout, "");
  assert.match(asked.stderr, /Cannot use helper\.git\.map\.1\.ref: it is none of SCOPE\/NAME/);
  assert.ok(!asked.stderr.includes(PASTED));
});
