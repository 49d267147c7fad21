/** The same `configure` again changes nothing and writes no file; a dry run writes none at all. */

import assert from "node:assert/strict";
import { makeMachine } from "../support/cli_run.ts";
import {
  assertUntouched,
  type Command,
  type ConfigPlace,
  configureJson,
  lookAt,
  makePlace,
  WRITERS,
} from "../support/config_place.ts";

const STATE_KEY = new Uint8Array(32).fill(7).toBase64();
const TEXT = `[[model_provider.providers]]
provider_id = "eu"   # the first one
[[model_provider.providers]]
provider_id = "us"
api_key = "inline"

[services.a]
token_secret_ref = { kind = "vault", vault_ref = "global/other", display_name = "a" }
[services.b]
token_vault_ref = "global/other"
`;

/** Every target, and fields in every spelling. */
const PLACES: readonly (readonly string[])[] = [
  ["openai-api-key"],
  ["anthropic-api-key"],
  ["provider-api-key:eu"],
  ["provider-api-key:us"],
  ["browser-state-key"],
  ["browser-auth-token"],
  ["admin-auth-token"],
  ["connector-token"],
  ["--field", "services.a.token"],
  ["--field", "services.b.token"],
  ["--field", "services.c.token_vault_ref"],
  ["--field", "model_provider.providers[0].second_key"],
  ["--field", 'odd."key.with dots"."space d"'],
];
/** A secret, written in every way. */
const REFS: readonly (readonly string[])[] = [
  ["global", "same"],
  ["global/same"],
  ["vault://global/same"],
  ["vault://same"],
];

Deno.test("configure again says that nothing changed and touches no file, for every target and field", async () => {
  using machine = makeMachine();
  const place = await makeOwnPlace(machine);
  for (const [at, words] of PLACES.entries()) {
    const what = words.join(" ");
    const args = ["secrets", "configure", ...words];
    const first = await configureJson(place, { args: [...args, ...REFS[0]!], stdin: STATE_KEY });
    assert.deepEqual(
      [first.changed, first.config.changed, first.secret],
      [true, true, { created: at === 0, changed: at === 0, version: 1 }],
      what,
    );
    for (const [turn, ref] of REFS.entries()) {
      const again = await assertUntouched(place, what, async () =>
        await configureJson(place, {
          args: [...args, ...ref],
          stdin: turn % 2 === 0 ? STATE_KEY : `${STATE_KEY}\n`,
        }));
      assert.deepEqual(again, {
        ...first,
        changed: false,
        secret: { created: false, changed: false, version: 1 },
        config: { path: place.config, changed: false },
      });
    }
  }
});

Deno.test("A manifest that was applied changes nothing the second time, whatever its sources", async () => {
  using machine = makeMachine();
  const place = await makeOwnPlace(machine);
  const entries = PLACES.map((words, at) => {
    const [flag, field] = words;
    const where = field === undefined ? ["target", flag!] : ["field", field];
    const source = [
      `from_stdin = "key${at}"`,
      'from_file = "value.txt"',
      "generate = 24\nif_absent = true",
      `from_stdin = "key${at}"\nraw = true\nif_absent = true`,
    ][at % 4]!;
    return entry(where, at === 4 ? `from_stdin = "key4"` : source, `global/secret_${at}`);
  });
  const bound = entry(["field", "services.d.token"], "", "global/bound");
  write(machine.home, "all.toml", ["version = 1", ...entries, bound].join("\n"));
  write(machine.home, "value.txt", "value of the file\n");
  const keys = PLACES.map((_, at) => [`key${at}`, at === 4 ? STATE_KEY : `value ${at}`]);
  const command = {
    args: ["secrets", "configure", "apply", "all.toml"],
    stdin: JSON.stringify(Object.fromEntries(keys)),
  };
  const first = await configureJson(place, command);
  assert.equal(first.items.length, PLACES.length + 1);
  assert.ok(first.changed && first.config.changed && first.items.every(({ changed }) => changed));
  const again = await assertUntouched(place, "apply", () => configureJson(place, command));
  const config = { path: place.config, changed: false };
  assert.deepEqual(again, {
    schema_version: 1,
    changed: false,
    items: first.items.map((item) => ({
      ...item,
      changed: false,
      secret: { created: false, changed: false, version: 1 },
      config,
    })),
    config,
  });
});

Deno.test("What a flag asks for is done again, and the config stays untouched all the same", async () => {
  using machine = makeMachine();
  const place = await makeOwnPlace(machine);
  const args = ["secrets", "configure", "admin-auth-token", "global/a"];
  const rows: readonly (readonly [flags: string[], stdin: string | undefined, version: number])[] =
    [
      [["--if-absent"], "first", 1],
      [["--if-absent"], "second", 1],
      [["--if-absent", "--generate"], undefined, 1],
      [["--no-value"], undefined, 1],
      [["--generate"], undefined, 2],
      [["--generate"], undefined, 3],
      [["--expires-in", "30d"], "third", 4],
      [["--expires-in", "30d"], "third", 5], // an expiry that is asked for is a new version
      [["--no-value"], undefined, 5],
    ];
  let last = 0;
  let before = "";
  for (const [flags, stdin, version] of rows) {
    const found = await configureJson(place, {
      args: [...args, ...flags],
      ...(stdin === undefined ? {} : { stdin }),
    });
    const changed = version !== last;
    assert.deepEqual(
      [found.changed, found.secret],
      [changed, { created: version === 1 && changed, changed, version }],
      flags.join(" "),
    );
    if (last > 0) assert.equal(await lookAt(place), before, flags.join(" "));
    [last, before] = [version, await lookAt(place)];
  }
});

Deno.test("A dry run prints what the run then prints, and writes nothing anywhere", async () => {
  using machine = makeMachine();
  const place = await makePlace(machine);
  for (const { args, stdin } of WRITERS.slice(0, 5)) {
    const command: Command = { args, ...(stdin === undefined ? {} : { stdin }) };
    for (const turn of ["changing", "unchanged"]) {
      const what = `${args.join(" ")}, ${turn}`;
      const dry = { ...command, args: [...args, "--dry-run"] };
      const promised = await assertUntouched(place, what, () => configureJson(place, dry));
      const done = await configureJson(place, command);
      assert.deepEqual(promised, done, what);
      assert.equal(done.changed, turn === "changing" || args.includes("--generate"), what);
    }
  }
});

Deno.test("A dry run on a machine without vault and config makes neither", async () => {
  using machine = makeMachine();
  const args = ["secrets", "configure", "openai-api-key", "global/a", "--json"];
  const { stdout } = await machine.succeed([...args, "--dry-run"], { stdin: "value" });
  const found = [...Deno.readDirSync(machine.directory), ...Deno.readDirSync(machine.home)];
  assert.deepEqual(found.map(({ name }) => name), ["home"]);
  assert.deepEqual(
    JSON.parse(stdout),
    JSON.parse((await machine.succeed(args, { stdin: "value" })).stdout),
  );
});

Deno.test("Backups are kept up to their number, and a run that changes nothing makes none", async () => {
  using machine = makeMachine();
  const place = await makeOwnPlace(machine);
  Deno.writeTextFileSync(place.config, "# 0\n");
  Deno.chmodSync(place.config, 0o640);
  const texts = ["# 0\n"];
  const run = (name: string): ReturnType<typeof configureJson> =>
    configureJson(place, {
      args: ["secrets", "configure", "admin-auth-token", `global/${name}`, "--backups", "2"],
      stdin: "value",
    });
  for (const name of ["a", "b", "c"]) {
    assert.equal((await run(name)).config.backup, `${place.config}.bak.1`);
    texts.unshift(Deno.readTextFileSync(place.config));
    const kept = texts.slice(1, 3);
    const names = ["palyra.toml", ...kept.map((_, at) => `palyra.toml.bak.${at + 1}`)];
    assert.deepEqual([...Deno.readDirSync(place.directory)].map((each) => each.name).sort(), names);
    for (const [at, text] of kept.entries()) {
      const path = `${place.config}.bak.${at + 1}`;
      assert.equal(Deno.readTextFileSync(path), text);
      assert.equal(Deno.lstatSync(path).mode! & 0o7777, 0o640);
    }
    const again = await assertUntouched(place, name, () => run(name));
    assert.deepEqual([again.changed, again.config.backup], [false, undefined]);
  }
});

Deno.test("A config that holds a secret is not backed up, unless that is forced", async () => {
  using machine = makeMachine();
  const place = await makeOwnPlace(machine);
  const args = ["secrets", "configure", "admin-auth-token", "global/a", "--backups", "1"];
  await assertUntouched(place, "refused", async () => {
    const refused = await place.run({ args, stdin: "value" });
    assert.equal(refused.status, 7, refused.stderr);
    assert.match(refused.stderr, /it holds a secret, which would stay in the backup\nhint: /);
  });
  const forced = await configureJson(place, { args: [...args, "--force"], stdin: "value" });
  assert.equal(Deno.readTextFileSync(forced.config.backup!), TEXT);
});

Deno.test("config set and unset again change nothing and touch no file", async () => {
  using machine = makeMachine();
  const place = await makeOwnPlace(machine);
  const commands = [
    ["config", "set", "admin.require_auth", "true"],
    ["config", "set", "model_provider.kind", "openai"],
    ["config", "set", "list", "[1, 'two', { three = 3.0 }]"],
    ["config", "unset", "services.a.token_secret_ref.display_name"],
    ["config", "unset", "services.b"],
    ["config", "unset", "not.there"],
  ];
  for (const args of commands) {
    const what = args.join(" ");
    const json = async (): Promise<{ config: { changed: boolean } }> => {
      const { status, stdout, stderr } = await place.run({ args: [...args, "--json"] });
      assert.equal(status, 0, `${what}: ${stderr}`);
      return JSON.parse(stdout);
    };
    assert.equal((await json()).config.changed, !args.includes("not.there"), what);
    const again = await assertUntouched(place, what, json);
    assert.equal(again.config.changed, false, what);
  }
});

/** A place with a config that has entries, an inline value, and references in both forms. */
async function makeOwnPlace(machine: ReturnType<typeof makeMachine>): Promise<ConfigPlace> {
  const place = await makePlace(machine);
  Deno.writeTextFileSync(place.config, TEXT);
  return place;
}

function entry([key, name]: readonly string[], source: string, ref: string): string {
  return `[[secret]]\n${key} = ${JSON.stringify(name)}\nref = "${ref}"\n${source}\n`;
}

function write(home: string, name: string, text: string): void {
  Deno.writeTextFileSync(`${home}/${name}`, text);
}
