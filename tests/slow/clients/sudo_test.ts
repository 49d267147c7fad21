/** The real `sudo -A`: it lets its user in with what palyra answers, and with nothing else. */

import assert from "node:assert/strict";
import { AS_NOBODY } from "../../support/cli_words.ts";
import { whyNoMounts } from "../../support/requirements.ts";
import { testWithClient } from "../../support/real_client.ts";

const SECRET = "s3cr3t value";

/** `crypt` of the secret, by OpenSSL. */
async function hashOf(directory: string): Promise<string> {
  const file = `${directory}/clear`;
  Deno.writeTextFileSync(file, SECRET, { mode: 0o600 });
  const args = ["passwd", "-6", "-in", file];
  const { stdout } = await new Deno.Command("/usr/bin/openssl", { args }).output();
  Deno.removeSync(file);
  return new TextDecoder().decode(stdout).trim();
}

const MOUNTS = ["no-mount-namespaces", whyNoMounts()] as const;

testWithClient(
  "sudo that lets in",
  { program: "sudo", user: "nobody", needs: MOUNTS },
  "",
  async (real) => {
    const { client, home, program, run } = real;
    client.rules('[[helper.askpass.map]]\nmatch = "sudo:nobody"\nref = "global/secret"\n');
    await client.store("global/secret", SECRET);
    const wrapper = await real.install("askpass");
    const place = Deno.makeTempDirSync({ prefix: "palyra-test-" });
    try {
      const hash = await hashOf(place);
      const write = (name: string, text: string, mode: number): string => {
        Deno.writeTextFileSync(`${place}/${name}`, text);
        Deno.chmodSync(`${place}/${name}`, mode);
        return `${place}/${name}`;
      };
      const shadow = write("shadow", `root:*:1::::::\nnobody:${hash}:19000:0:99999:7:::\n`, 0o600);
      const rules = write("sudoers", "root ALL=(ALL) ALL\nnobody ALL=(ALL) ALL\n", 0o440);
      // Only what is started here sees these two files: they are those of a mount namespace of its own.
      const inside =
        `mount --bind ${shadow} /etc/shadow && mount --bind ${rules} /etc/sudoers && ` +
        'exec "$@"';
      const through = ["/usr/bin/unshare", "-m", "/bin/sh", "-c", inside, "sh", ...AS_NOBODY];
      const env = { HOME: home, SUDO_ASKPASS: wrapper };
      const sudo = [...through, program, "-A", "-k", "/usr/bin/id", "-u"];
      const letIn = await run(sudo, { env });
      assert.deepEqual([letIn.status, letIn.out], [0, "0\n"], letIn.err);
      client.rules('[[helper.askpass.map]]\nmatch = "sudo:root"\nref = "global/secret"\n');
      const refused = await run(sudo, { env });
      assert.equal(refused.status, 1, "the password of another user is not given");
      assert.doesNotMatch(refused.out + refused.err, new RegExp(SECRET));
    } finally {
      Deno.removeSync(place, { recursive: true });
    }
  },
);
