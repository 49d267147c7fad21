/** Real clients that run a command for a password: what they open is opened, with another one it is not. */

import assert from "node:assert/strict";
import { AS_NOBODY, NOBODY } from "../support/cli_words.ts";
import { writeProgram } from "../support/program_file.ts";
import { clientsThatRan, type RealClient, testWithClient } from "../support/real_client.ts";

const SECRET = "s3cr3t value";
const token = (label: string): string =>
  `[[helper.token.map]]\nmatch = "${label}"\nref = "global/secret"\n`;

/** Maps the label to another value, or to nothing. */
async function exchange({ client }: RealClient, label: string): Promise<void> {
  await client.store("global/other", "another value");
  client.rules(token(label).replace("global/secret", "global/other"));
}

testWithClient("restic", { version: ["version"] }, token("restic"), async (real) => {
  const { client, home, program, run } = real;
  await client.store("global/secret", SECRET);
  const env = {
    RESTIC_PASSWORD_COMMAND: await real.install("restic"),
    RESTIC_REPOSITORY: `${home}/r`,
  };
  const init = await run([program, "init"], { env });
  assert.equal(init.status, 0, init.err);
  assert.equal((await run([program, "snapshots"], { env })).status, 0);
  await exchange(real, "restic");
  assert.notEqual((await run([program, "snapshots"], { env })).status, 0, "another password");
  client.rules("");
  const none = await run([program, "snapshots"], { env });
  assert.match(none.err, /Resolving password failed/);
});

testWithClient("borg", {}, token("borg"), async (real) => {
  const { client, home, program, run } = real;
  await client.store("global/secret", SECRET);
  const env = { BORG_PASSCOMMAND: await real.install("borg"), BORG_BASE_DIR: home };
  const init = await run([program, "init", "-e", "repokey", `${home}/b`], { env });
  assert.equal(init.status, 0, init.err);
  assert.equal((await run([program, "list", `${home}/b`], { env })).status, 0);
  await exchange(real, "borg");
  assert.equal((await run([program, "list", `${home}/b`], { env })).status, 2, "another password");
  client.rules("");
  assert.match((await run([program, "list", `${home}/b`], { env })).err, /BORG_PASSCOMMAND failed/);
});

testWithClient("rclone", { version: ["version"] }, token("rclone"), async (real) => {
  const { client, home, program, run } = real;
  await client.store("global/secret", SECRET);
  const env = {
    RCLONE_PASSWORD_COMMAND: await real.install("rclone"),
    RCLONE_CONFIG: `${home}/rc`,
  };
  // A config that is encrypted with another password opens with no other: its header is enough.
  const plain = { RCLONE_CONFIG: `${home}/rc` };
  const made = await run([program, "config", "create", "loc", "local"], { env: plain });
  assert.equal(made.status, 0, made.err);
  assert.equal((await run([program, "listremotes"], { env })).out, "loc:\n");
  Deno.writeTextFileSync(
    `${home}/rc`,
    `# Encrypted rclone configuration File\n\nRCLONE_ENCRYPT_V0:\n${btoa("x".repeat(60))}\n`,
  );
  const wrong = await run([program, "listremotes"], { env });
  assert.notEqual(wrong.status, 0);
  assert.match(wrong.err, /password/i);
  client.rules("");
  assert.match((await run([program, "listremotes"], { env })).err, /password command failed/);
});

testWithClient(
  "ansible-vault",
  {},
  '[[helper.ansible.map]]\nmatch = "dev"\nref = "global/secret"\n',
  async (real) => {
    const { client, home, program, run } = real;
    await client.store("global/secret", SECRET);
    const wrapper = await real.install("ansible");
    Deno.writeTextFileSync(`${home}/v.yml`, "k: hidden\n");
    const id = ["--vault-id", `dev@${wrapper}`];
    const encrypted = await run([program, "encrypt", ...id, `${home}/v.yml`]);
    assert.equal(encrypted.status, 0, encrypted.err);
    assert.doesNotMatch(Deno.readTextFileSync(`${home}/v.yml`), /hidden/);
    assert.equal((await run([program, "view", ...id, `${home}/v.yml`])).out, "k: hidden\n");
    client.rules("");
    const none = await run([program, "view", ...id, `${home}/v.yml`]);
    assert.notEqual(none.status, 0);
    assert.match(none.err, /did not find a secret for vault-id=dev/);
  },
);

testWithClient("ssh-add", { version: ["-h"] }, "", async (real) => {
  const { client, home, run } = real;
  client.rules(`[[helper.askpass.map]]\nmatch = "ssh:${home}/key"\nref = "global/secret"\n`);
  await client.store("global/secret", SECRET);
  const wrapper = await real.install("askpass");
  const made = ["/usr/bin/ssh-keygen", "-q", "-t", "ed25519", "-N", SECRET, "-f", `${home}/key`];
  assert.equal((await run(made)).status, 0);
  const env = { SSH_ASKPASS: wrapper, SSH_ASKPASS_REQUIRE: "force" };
  const add = (flags = ""): Promise<{ status: number; out: string; err: string }> =>
    run([
      "/usr/bin/ssh-agent",
      "/bin/sh",
      "-c",
      `ssh-add ${flags} ${home}/key </dev/null && ssh-add -l`,
    ], { env });
  const added = await add();
  assert.equal(added.status, 0, added.err);
  assert.match(added.out, /ED25519/);
  const sign =
    `ssh-keygen -q -t ed25519 -N "" -f ${home}/plain && ssh-add -q -c ${home}/plain && ` +
    `printf x > ${home}/m && ssh-keygen -Y sign -f ${home}/plain.pub -n file ${home}/m`;
  const confirmed = await run(["/usr/bin/ssh-agent", "/bin/sh", "-c", sign], { env });
  assert.notEqual(confirmed.status, 0, "palyra confirms nothing");
  assert.doesNotMatch(confirmed.out + confirmed.err, new RegExp(SECRET));
  client.rules("");
  assert.notEqual((await add()).status, 0);
});

testWithClient("sudo", {}, "", async (real) => {
  const { client, home, program, run } = real;
  const { machine } = client;
  client.rules('[[helper.askpass.map]]\nmatch = "sudo:nobody"\nref = "global/secret"\n');
  await client.store("global/secret", SECRET);
  const wrapper = await real.install("askpass");
  for (const path of [machine.directory, home]) Deno.chmodSync(path, 0o755);
  // The password is asked for before anything is decided; what was given is seen by this.
  const witness = `${machine.directory}/asked`;
  Deno.writeTextFileSync(witness, "");
  Deno.chmodSync(witness, 0o666);
  const spy = `${machine.directory}/spy`;
  writeProgram(spy, `#!/bin/sh\necho "$1" >> ${witness}\nprintf 'wrong\\n'\n`);
  const env = { SUDO_ASKPASS: spy };
  const refused = await run([...AS_NOBODY, program, "-A", "-k", "true"], { env });
  assert.notEqual(refused.status, 0);
  const [prompt] = Deno.readTextFileSync(witness).split("\n");
  assert.match(prompt!, /^\[sudo\] password for /, "what sudo asks is what palyra understands");
  const answered = await run([wrapper, prompt!.replace(/for .*/, "for nobody: ")]);
  assert.equal(answered.out, `${SECRET}\n`);
  assert.ok(NOBODY > 0);
});

testWithClient(
  "systemd-creds",
  {},
  '[helper.systemd]\nallow = ["global/secret"]\n',
  async (real) => {
    const { client, home, program, run } = real;
    await client.store("global/secret", SECRET);
    const written = await client.ask("systemd", ["--directory", `${home}/c`, "tok=global/secret"]);
    assert.equal(written.status, 0, written.stderr);
    const env = { CREDENTIALS_DIRECTORY: `${home}/c` };
    assert.equal((await run([program, "cat", "tok"], { env })).out, SECRET);
    assert.match((await run([program, "list"], { env })).out, /tok/);
  },
);

Deno.test("enough real clients were there", () => {
  assert.ok(clientsThatRan() >= 4, `only ${clientsThatRan()}`);
});
