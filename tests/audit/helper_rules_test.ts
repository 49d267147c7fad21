/** What the rules of helpers name, as the audit, `secrets explain` and `secrets delete` see it. */

import assert from "node:assert/strict";
import { makeAuditPlace } from "../support/audit_place.ts";
import { assertRefused } from "../support/cli_run.ts";

const BOUND = `[model_provider]\nopenai_api_key_vault_ref = "global/bound"\n`;

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
