/** `identity show` and `export-ca`, from outside: one CA certificate, whoever asks for it first. */

import assert from "node:assert/strict";
import { assertRefused, makeMachine } from "../support/cli_run.ts";
import { runProcess } from "../support/process.ts";

Deno.test("twenty first questions at once are told one CA, which OpenSSL accepts", async () => {
  using machine = makeMachine();
  await machine.succeed(["init"]);
  const results = await Promise.all(
    Array.from({ length: 20 }, () => machine.succeed(["identity", "export-ca"])),
  );
  const [pem] = results.map(({ stdout }) => stdout) as [string];
  assert.equal(new Set(results.map(({ stdout }) => stdout)).size, 1);
  const openssl = async (...args: string[]): Promise<string> => {
    const { status, out, err } = await runProcess({
      argv: ["/usr/bin/openssl", ...args],
      stdin: pem,
    });
    assert.equal(status, 0, err);
    return out;
  };
  const file = `${machine.directory}/ca.pem`;
  Deno.writeTextFileSync(file, pem);
  await openssl("verify", "-x509_strict", "-CAfile", file, file);
  const text = await openssl("x509", "-noout", "-text");
  assert.match(text, /CA:TRUE, pathlen:0/);
  const digest = (await openssl("x509", "-noout", "-fingerprint", "-sha256")).split("=")[1]!;
  const shown = JSON.parse((await machine.succeed(["identity", "show", "--json"])).stdout);
  assert.equal(shown.ca_fingerprint, digest.trim().replaceAll(":", "").toLowerCase());
  assert.match(text, new RegExp(`Subject: CN = palyra CA ${shown.device_id}`));
  const days = Number(/Not After : .* (\d{4}) GMT/.exec(text)![1]) - new Date().getUTCFullYear();
  assert.ok(days >= 19, "it outlives what it signs");
  await machine.succeed(["secrets", "set", "global/a"], { stdin: "value" });
  assert.equal((await machine.succeed(["resolve", "global/a"])).stdout, "value", "the vault opens");
});

Deno.test("the identity that is shown is the one that signs, and none is made to show it", async () => {
  using machine = makeMachine();
  for (const command of ["show", "export-ca"]) {
    assertRefused(await machine.run(["identity", command]), 8, command);
  }
  assert.throws(() => Deno.statSync(machine.stateRoot), Deno.errors.NotFound);
  await machine.succeed(["secrets", "set", "global/a"], { stdin: "value" });
  const shown = JSON.parse((await machine.succeed(["identity", "show", "--json"])).stdout);
  const words = `${machine.directory}/words`;
  Deno.writeTextFileSync(words, "correct horse");
  const backup = ["vault", "backup", "--json", "--out", `${machine.directory}/b`];
  const made = await machine.succeed([...backup, "--backup-passphrase-file", words]);
  assert.equal(JSON.parse(made.stdout).signer, shown.identity_fingerprint);
  Deno.writeTextFileSync(`${machine.stateRoot}/identity/ca-certificate.sealed`, "PIS1.1.x.y\n");
  assertRefused(await machine.run(["identity", "show"]), 9, "an altered certificate");
});
