/** `auth profiles` from the command line: the documents, edits by hand beside them, mistakes by line. */

import assert from "node:assert/strict";
import { assertRefused, type Machine, makeMachine } from "../support/cli_run.ts";
import { jsonOf } from "../support/pairing_machines.ts";

const BY_HAND = `# my profiles
version = 1   # for now

[profiles.work]          # the one at work
type = 'oauth'
provider = "custom:acme"
tokens_vault_ref = "vault://acme/tokens"
client_id = "abc"
token_endpoint = "https://auth.acme.example/token"
# the end
`;

function fileOf({ stateRoot }: Machine): string {
  return `${stateRoot}/auth_profiles.toml`;
}

async function withProfiles(text: string): Promise<Machine> {
  const machine = makeMachine("nobody");
  await machine.succeed(["secrets", "set", "global/key"], { stdin: "value" });
  await machine.succeed([
    "auth",
    "profiles",
    "set",
    "first",
    "--provider",
    "openai",
    "--api-key-ref",
    "global/key",
  ]);
  const { uid, gid } = Deno.statSync(fileOf(machine));
  Deno.writeTextFileSync(fileOf(machine), text, { mode: 0o600 });
  Deno.chownSync(fileOf(machine), uid, gid);
  return machine;
}

Deno.test("what is written by hand stays to the byte; a change touches its own key alone", async () => {
  using machine = await withProfiles(BY_HAND);
  assert.equal(Deno.statSync(fileOf(machine)).mode! & 0o777, 0o600);
  const set = (...args: string[]) => jsonOf(machine, ["auth", "profiles", "set", ...args]);
  assert.equal((await set("work", "--client-id", "abc"))["changed"], false);
  assert.equal(Deno.readTextFileSync(fileOf(machine)), BY_HAND);
  assert.equal((await set("work", "--client-id", "xyz"))["changed"], true);
  assert.equal(Deno.readTextFileSync(fileOf(machine)), BY_HAND.replace('"abc"', '"xyz"'));
  await set("other", "--provider", "openai", "--api-key-ref", "global/key", "--disable");
  const more = Deno.readTextFileSync(fileOf(machine));
  const added = /\n\[profiles\.other\](?:\n[a-z].*)*\n/.exec(more)![0];
  assert.equal(more.replace(added, ""), BY_HAND.replace('"abc"', '"xyz"'));
  await machine.succeed(["auth", "profiles", "delete", "other"]);
  const left = Deno.readTextFileSync(fileOf(machine)).replace("\n\n# the end", "\n# the end");
  assert.equal(left, BY_HAND.replace('"abc"', '"xyz"'), "but for an empty line before it");
  const shown = await jsonOf(machine, ["auth", "profiles", "show", "work"]);
  assert.deepEqual(shown["secrets"], ["global/acme/tokens"]);
});

Deno.test("mistakes are told with their line, without the text, and nothing is changed", async () => {
  using machine = await withProfiles(BY_HAND);
  const rows: [string, string, RegExp][] = [
    ['client_id = "abc"', "client_id = 7", /line 8, client_id: it is a text/],
    ["https://auth", "http://auth", /line 9, token_endpoint: it is an https/],
    ['"vault://acme/tokens"', '"sk-secret value"', /line 7, tokens_vault_ref: /],
    ["type = 'oauth'", "type = 'oath'", /line 5, type: it is api_key or oauth/],
    ['client_id = "abc"', 'cilent_id = "abc"', /line 8, cilent_id: there is no such key/],
    ["[profiles.work]", "[profiles.Work]", /line 4, Work: /],
    ["version = 1 ", "version = 2 ", /line 2, version: /],
    ["custom:acme", "acme", /line 6, provider: /],
    ["[profiles.work]", "[profiles.work", /line 4, column/],
    ["# the end", "[profiles.work]", /line 10, column|line 11, column/],
  ];
  for (const [from, to, pattern] of rows) {
    const text = BY_HAND.replace(from, to);
    assert.notEqual(text, BY_HAND, from);
    Deno.writeTextFileSync(fileOf(machine), text);
    for (
      const args of [["list"], [
        "set",
        "new",
        "--provider",
        "openai",
        "--api-key-ref",
        "global/key",
      ], ["delete", "work"]]
    ) {
      const result = await machine.run(["auth", "profiles", ...args]);
      assertRefused(result, 2, `${to}: ${args[0]}`);
      assert.match(result.stderr, pattern);
      assert.doesNotMatch(result.stderr, /secret value/);
    }
    assert.equal(Deno.readTextFileSync(fileOf(machine)), text);
  }
});

Deno.test("health, order and selection go by what is there, and looking changes nothing", async () => {
  using machine = makeMachine();
  for (const name of ["a", "b"]) {
    await machine.succeed(["secrets", "set", `global/${name}`], { stdin: name });
    await machine.succeed([
      ...[
        "auth",
        "profiles",
        "set",
        name,
        "--provider",
        "openai",
        "--api-key-ref",
        `global/${name}`,
      ],
    ]);
  }
  await machine.succeed([
    ...["auth", "profiles", "set", "gone", "--provider", "openai", "--api-key-ref", "global/gone"],
    ...["--scope", "agent:bot"],
  ]);
  const before = Deno.readTextFileSync(fileOf(machine));
  const health = await jsonOf(machine, ["auth", "profiles", "health", "--include-profiles"]);
  assert.deepEqual(health["summary"], {
    ...{ total: 3, ok: 0, expiring: 0, expired: 0 },
    ...{ missing: 1, revoked: 0, static: 2, disabled: 0 },
  });
  const selected = async (...args: string[]): Promise<unknown> =>
    (await jsonOf(machine, ["auth", "profiles", "explain-selection", ...args]))[
      "selected_profile_id"
    ];
  assert.equal(await selected(), "a");
  assert.equal(await selected("--deny", "a"), "b");
  assert.throws(() => Deno.statSync(`${machine.stateRoot}/auth_profile_runtime_state.toml`));
  await machine.succeed(["auth", "profiles", "order-set", "b", "a"]);
  assert.equal(await selected(), "b");
  assertRefused(await machine.run(["auth", "profiles", "order-set", "gone"]), 2, "an agent's own");
  await machine.succeed(["auth", "profiles", "delete", "b"]);
  assert.equal(await selected(), "a");
  assert.notEqual(Deno.readTextFileSync(fileOf(machine)), before);
  assert.equal(
    (await machine.succeed(["resolve", "global/b"])).stdout,
    "b",
    "a shared secret stays",
  );
  Deno.writeTextFileSync(`${machine.stateRoot}/auth_profile_runtime_state.toml`, "no TOML [");
  assert.equal(await selected(), "a", "a broken cache is as good as none");
});

Deno.test("wrong input is refused, and makes nothing", async () => {
  using machine = makeMachine();
  const profiles = (...args: string[]) => machine.run(["auth", "profiles", ...args]);
  const rows: [number, string[]][] = [
    [8, ["show", "none"]],
    [8, ["delete", "none"]],
    [8, ["cooldown-clear", "none"]],
    [8, ["order-set", "none"]],
    [2, ["show", "No"]],
    [2, ["set", "x"]],
    [2, ["list", "--provider", "toaster"]],
    [2, ["list", "--scope", "agent:"]],
    [2, ["list", "--scope", "agent:A1"]],
    [2, ["list", "--agent", "A1"]],
    [2, ["health", "--agent", "A1"]],
    [2, ["doctor", "--agent", "A1"]],
    [2, ["audit", "--agent", "a:b"]],
    [2, ["order-set", "--agent", "A1"]],
    [2, ["explain-selection", "--agent", "A1"]],
    [2, ["explain-selection", "--credential", "none"]],
  ];
  for (const [status, args] of rows) assertRefused(await profiles(...args), status, args.join(" "));
  const words = ["set", "x", "--provider", "openai", "--api-key-ref", "global/k", "--scope"];
  for (const scope of ["agent:A1", "agent:a:b"]) {
    const refused = await profiles(...words, scope);
    assertRefused(refused, 2, scope);
    assert.match(refused.stderr, /lower case here: a-z 0-9 \. _ -/, scope);
  }
  assert.equal((await profiles("list")).stdout, "no profiles\n");
  assert.throws(() => Deno.statSync(machine.stateRoot), Deno.errors.NotFound);
});

Deno.test("sixteen processes that add profiles at once lose none of them", async () => {
  using machine = makeMachine();
  await machine.succeed(["init"]);
  const ids = Array.from({ length: 16 }, (_, at) => `p${at}`);
  await Promise.all(
    ids.map((id) =>
      machine.succeed([
        "auth",
        "profiles",
        "set",
        id,
        "--provider",
        "openai",
        "--api-key-ref",
        `global/${id}`,
      ])
    ),
  );
  const listed = (await jsonOf(machine, ["auth", "profiles", "list"]))["profiles"] as {
    profile_id: string;
  }[];
  assert.deepEqual(listed.map(({ profile_id }) => profile_id).sort(), ids.toSorted());
});
