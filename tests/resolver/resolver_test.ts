/** The resolver: order, repetition, failures, and what it opens. */

import assert from "node:assert/strict";
import { denoPlatform } from "../../src/platform/deno/platform.ts";
import type { Environment } from "../../src/platform/platform.ts";
import { resolveSecrets, type SecretRequest } from "../../src/resolver/resolver.ts";
import { formatSecretRef, parseSecretRef } from "../../src/resolver/secret_ref.ts";
import { resolveFromEnvironment } from "../../src/resolver/sources/env.ts";
import { assertFails } from "../support/failures.ts";
import { makeTestVault, openAgain, put } from "../support/vaults.ts";

const environment: Environment = {
  workingDirectory: () => "/",
  get: (name) => name === "SET" ? "from the environment" : name === "EMPTY" ? "" : undefined,
  os: denoPlatform.environment.os,
};

const platform = { ...denoPlatform, environment };

const refs = (...texts: string[]): SecretRequest[] =>
  texts.map((text) => ({ ref: parseSecretRef(text) }));

Deno.test("values come in the order of the references, and the vault is opened once", async () => {
  using test = await makeTestVault();
  for (const name of ["a", "b"]) await put(test.vault, `global/${name}`, `value ${name}`);
  let opened = 0;
  const openVault = (): Promise<typeof test.vault> => {
    opened++;
    return openAgain(test);
  };
  const wanted = refs("global/b", "env:SET", "global/a", "vault://b", "global/b#1");
  using resolved = await resolveSecrets(wanted, { openVault, platform });
  const texts = resolved.values.map((value) => new TextDecoder().decode(value!.reveal()));
  assert.deepEqual(texts, ["value b", "from the environment", "value a", "value b", "value b"]);
  assert.equal(opened, 1);
  assert.equal(resolved.values[0], resolved.values[3]); // the same reference is read once
});

Deno.test("the vault is not opened for references that do not need it", async () => {
  const openVault = (): never => assert.fail("opened");
  using resolved = await resolveSecrets(refs("env:SET"), { openVault, platform });
  assert.equal(resolved.values.length, 1);
});

Deno.test("of several failures the first is told, and nothing is given", async () => {
  using test = await makeTestVault();
  await put(test.vault, "global/a", "A");
  const sources = { openVault: () => openAgain(test), platform };
  const failing = refs("global/a", "global/none_1", "env:UNSET", "global/none_2");
  await assertFails("not_found", /none_1/, () => resolveSecrets(failing, sources));
  await assertFails(
    "not_found",
    /UNSET/,
    () => resolveSecrets(failing.toReversed().slice(1), sources),
  );
});

Deno.test("disposing wipes every value", async () => {
  const resolved = await resolveSecrets(refs("env:SET"), { openVault: assert.fail, platform });
  resolved[Symbol.dispose]();
  assert.ok(resolved.values[0]!.reveal().every((byte) => byte === 0));
});

Deno.test("an empty variable counts as missing", async () => {
  await assertFails("not_found", /empty/, () => resolveFromEnvironment(environment, "EMPTY"));
  await assertFails("not_found", /not set/, () => resolveFromEnvironment(environment, "UNSET"));
});

Deno.test("references of other sources, and impossible variables, are refused", async () => {
  assert.equal(formatSecretRef(parseSecretRef("env:A_1")), "env:A_1");
  for (const text of ["env:", "env:1A", "env:A-B", "env:A=B", `env:${"A".repeat(257)}`]) {
    await assertFails("usage", /name of a variable/, () => parseSecretRef(text));
  }
  for (const text of ["exec:x", "config:x"]) {
    await assertFails("usage", /no such source/, () => parseSecretRef(text));
  }
});

Deno.test("an optional reference that is not there has no value, unless it is needed elsewhere", async () => {
  using test = await makeTestVault();
  await put(test.vault, "global/a", "A");
  const sources = { openVault: () => openAgain(test), platform };
  const [there, missing] = refs("global/a", "global/none") as [SecretRequest, SecretRequest];
  using resolved = await resolveSecrets([there, { ...missing, optional: true }], sources);
  assert.deepEqual(resolved.values.map((value) => value === undefined), [false, true]);
  await assertFails(
    "not_found",
    /none/,
    () => resolveSecrets([{ ...missing, optional: true }, missing], sources),
  );
});

Deno.test("a value over its limit is refused, one at its limit is not", async () => {
  using test = await makeTestVault();
  await put(test.vault, "global/a", "four");
  const sources = { openVault: () => openAgain(test), platform };
  const [request] = refs("global/a") as [SecretRequest];
  using resolved = await resolveSecrets([{ ...request, maxBytes: 4 }], sources);
  assert.equal(resolved.values.length, 1);
  await assertFails(
    "usage",
    /larger than max_bytes, 3/,
    () => resolveSecrets([{ ...request, maxBytes: 3 }], sources),
  );
});
