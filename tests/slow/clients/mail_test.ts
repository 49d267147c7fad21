/** The real msmtp and mbsync: they log in with what palyra prints, and do not where it prints nothing. */

import assert from "node:assert/strict";
import { startImap, startSmtp } from "../../support/mail_server.ts";
import { testWithClient } from "../../support/real_client.ts";

const SECRET = "s3cr3t value";
const RULES = '[[helper.token.map]]\nmatch = "mail"\nref = "global/secret"\n';

testWithClient("msmtp", {}, RULES, async (real) => {
  const { client, home, program, run } = real;
  using server = startSmtp(btoa(`\0bob\0${SECRET}`));
  await client.store("global/secret", SECRET);
  const wrapper = await real.install("token");
  Deno.writeTextFileSync(
    `${home}/.msmtprc`,
    `account default\nhost 127.0.0.1\nport ${server.port}\nfrom bob@example.org\ntls off\n` +
      `auth plain\nuser bob\npasswordeval "${wrapper} mail"\n`,
    { mode: 0o600 },
  );
  const send = [program, "--file", `${home}/.msmtprc`, "al@example.org"];
  const sent = await run(send, { stdin: "Subject: x\n\nhello\n" });
  assert.equal(sent.status, 0, sent.err);
  assert.ok(server.lines.includes("hello"), "the mail has arrived");
  client.rules("");
  const before = server.lines.length;
  const refused = await run(send, { stdin: "Subject: x\n\nhello\n" });
  assert.notEqual(refused.status, 0);
  assert.ok(!server.lines.slice(before).includes("hello"));
  assert.doesNotMatch(refused.out + refused.err, new RegExp(SECRET));
});

testWithClient("mbsync", {}, RULES, async (real) => {
  const { client, home, program, run } = real;
  using server = startImap("bob", SECRET);
  await client.store("global/secret", SECRET);
  const wrapper = await real.install("token");
  Deno.writeTextFileSync(
    `${home}/.mbsyncrc`,
    `IMAPAccount a\nHost 127.0.0.1\nPort ${server.port}\nUser bob\nPassCmd "${wrapper} mail"\n` +
      `SSLType None\nAuthMechs LOGIN\n\nIMAPStore far\nAccount a\n\nMaildirStore near\n` +
      `Path ${home}/mail/\nInbox ${home}/mail/in\nSubFolders Verbatim\n\n` +
      `Channel c\nFar :far:\nNear :near:\nPatterns *\n`,
    { mode: 0o600 },
  );
  Deno.mkdirSync(`${home}/mail`);
  const list = [program, "-c", `${home}/.mbsyncrc`, "--list", "c"];
  const listed = await run(list);
  assert.equal(listed.status, 0, listed.err);
  assert.match(listed.out, /^INBOX$/m);
  client.rules("");
  const before = server.lines.length;
  const refused = await run(list);
  assert.notEqual(refused.status, 0);
  assert.ok(!server.lines.slice(before).some((line) => line.includes('LOGIN "')));
  assert.doesNotMatch(refused.out + refused.err, new RegExp(SECRET));
});
