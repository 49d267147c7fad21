/** `config validate` over the rules of helpers: whatever one of them would refuse is told, with its place. */

import assert from "node:assert/strict";
import { makeClientMachine } from "../support/clients.ts";

/** Each by itself: what stands in the config, and what is told of it. */
const WRONG: readonly (readonly [string, string])[] = [
  ['[[helper.git.map]]\nmatch = "github.com"\nref = "global/x"\n', "2:1 helper.git.map[0].match"],
  [
    '[[helper.git.map]]\nmatch = "https://*.github.com/*"\nref = "global/x"\n',
    "2:1 helper.git.map[0].match",
  ],
  ['[[helper.git.map]]\nmatch = "https://x/*"\nref = "no ref"\n', "3:1 helper.git.map[0].ref"],
  ['[[helper.git.map]]\nmatch = "https://x/*"\nref = "env:X"\n', "3:1 helper.git.map[0].ref"],
  ['[[helper.aws.map]]\nmatch = "x"\nref = "config:a.b"\n', "3:1 helper.aws.map[0].ref"],
  ['[[helper.aws.map]]\nmatch = "x"\nref = "config:a..b"\n', "3:1 helper.aws.map[0].ref"],
  ['[helper.token]\nallow = ["global/x", "*"]\n', "2:22 helper.token.allow[1]"],
  ['[helper.openclaw]\nallow = ["auth:*"]\n', "2:10 helper.openclaw.allow[0]"],
  ['[helper.git]\nstore_scope = "team"\n', "2:1 helper.git.store_scope"],
];

Deno.test("what a helper would refuse is an error with line and column, and the helper does refuse it", async () => {
  using client = makeClientMachine("");
  for (const [rules, told] of WRONG) {
    client.rules(rules);
    const { status, stdout } = await client.machine.run(["config", "validate", "--json"]);
    assert.equal(status, 2, rules);
    const { valid, problems } = JSON.parse(stdout.split("\n")[0]!);
    assert.equal(valid, false);
    assert.deepEqual(
      problems.map(({ severity, line, column, field }: Record<string, unknown>) =>
        `${severity} ${line}:${column} ${field}`
      ),
      [`error ${told}`],
    );
    if (rules.includes("config:a.b")) continue; // found when it is asked for
    const protocol = /helper\.(\w+)/.exec(rules)![1]!;
    const address = protocol === "git" ? "https://y.org/" : "y";
    assert.equal((await client.machine.run(["helper", "explain", protocol, address])).status, 2);
  }
});

Deno.test("all of them are told at once, and a protocol that palyra does not speak is unknown", async () => {
  using client = makeClientMachine(
    '[[helper.gti.map]]\nmatch = "x"\nref = "global/x"\n' + WRONG[2]![0].repeat(2) +
      '[helper.token]\nallow = ["*"]\n',
  );
  const text = async (): Promise<{ status: number; lines: string[] }> => {
    const { status, stdout } = await client.machine.run(["config", "validate", "--strict"]);
    return {
      status,
      lines: stdout.trimEnd().split("\n").map((line) => line.slice(client.config.length)),
    };
  };
  const ref = "it is none of SCOPE/NAME, auth:PROFILE and config:FIELD";
  assert.deepEqual(await text(), {
    status: 2,
    lines: [
      ":1:10: unknown: helper.gti: palyra does not speak this protocol",
      `:6:1: error: helper.git.map[0].ref: Cannot use helper.git.map.0.ref: ${ref}`,
      `:9:1: error: helper.git.map[1].ref: Cannot use helper.git.map.1.ref: ${ref}`,
      ":11:10: error: helper.token.allow[0]: Cannot use entry 1 of allow: it is no reference to the vault",
    ],
  });
  client.rules('[[helper.gti.map]]\nmatch = "x"\nref = "global/x"\n');
  assert.equal((await text()).status, 10);
  client.rules("[helper]\nfoo = 1\n");
  assert.match((await text()).lines[0]!, /helper\.foo: it is no table$/);
});
