/** The real aws: it signs with the keys that palyra gives, as the server's own reckoning says. */

import assert from "node:assert/strict";
import { startAws } from "../../support/aws_server.ts";
import { testWithClient } from "../../support/real_client.ts";

const SECRET = 's3cr3t/+"\\ é';
const RULES = `[[helper.aws.map]]
match = "ci"
ref = "global/secret"
username = "AKIAEXAMPLE"
[[helper.aws.map]]
match = "whole"
ref = "global/whole"
`;

testWithClient("aws that signs", { program: "aws" }, RULES, async (real) => {
  const { client, home, program, run } = real;
  await using server = startAws("AKIAEXAMPLE", SECRET);
  await client.store("global/secret", SECRET);
  const object = { AccessKeyId: "AKIAEXAMPLE", SecretAccessKey: SECRET, ignored: 1 };
  await client.store("global/whole", JSON.stringify(object));
  const wrapper = await real.install("aws");
  Deno.mkdirSync(`${home}/.aws`);
  const profiles = ["ci", "whole", "other"].map((name) =>
    `[profile ${name}]\nregion = us-east-1\ncredential_process = "${wrapper}" ${name}\n`
  );
  Deno.writeTextFileSync(`${home}/.aws/config`, profiles.join(""));
  const who = (profile: string): ReturnType<typeof run> =>
    run([
      ...[program, "sts", "get-caller-identity", "--profile", profile, "--output", "text"],
      ...["--endpoint-url", `http://127.0.0.1:${server.port}`],
    ], { env: { AWS_MAX_ATTEMPTS: "1" } });
  for (const profile of ["ci", "whole"]) {
    const { status, out, err } = await who(profile);
    assert.equal(status, 0, `${profile}: ${err}`);
    assert.match(out, /user\/bob/);
  }
  assert.ok(server.signed.every((isRight) => isRight));
  const before = server.signed.length;
  const refused = await who("other");
  assert.notEqual(refused.status, 0);
  assert.equal(server.signed.length, before, "nothing is sent without keys");
  await client.store("global/secret", "another");
  const wrong = await who("ci");
  assert.match(wrong.err, /SignatureDoesNotMatch/);
});
