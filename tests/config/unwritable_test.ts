/** What cannot be written leaves vault and config as they were, with the exit status of its cause. */

import assert from "node:assert/strict";
import { assertRefused, makeMachine } from "../support/cli_run.ts";
import { giveTo } from "../support/config_clone.ts";
import { runInProcess } from "../support/config_in_process.ts";
import { OBSTACLES } from "../support/config_obstacles.ts";
import {
  assertAllRefused,
  assertSameRows,
  type ConfigPlace,
  lookAt,
  makePlace,
  rowsOf,
  TEXT,
  WRITERS,
} from "../support/config_place.ts";
import { openMounts, registerAsRoot, registerWithMounts } from "../support/whole_machine.ts";

const testAsRoot = registerAsRoot();
const testWithMounts = registerWithMounts();

for (const [what, { arrange, ...refusal }] of Object.entries(OBSTACLES)) {
  testAsRoot(`Nothing changes for ${what}: exit ${refusal.status}`, async () => {
    using machine = makeMachine("nobody");
    const place = await makePlace(machine);
    await place.shell(`C=${place.config}; D=${place.directory}; ${arrange}`);
    await assertAllRefused(place, what, refusal);
    if (!refusal.early) return;
    const env = { PALYRA_STATE_ROOT: `${machine.directory}/none` };
    const first = await machine.run([...WRITERS[1]!.args, "--config", place.config], {
      stdin: "value",
      env,
    });
    assertRefused(first, refusal.status, `${what}, without a vault`);
    assert.throws(() => Deno.lstatSync(env.PALYRA_STATE_ROOT), Deno.errors.NotFound);
  });
}

testAsRoot("A config that is named in a directory that is not there is not made", async () => {
  using machine = makeMachine("nobody");
  const place = await makePlace(machine);
  const named = { ...place, config: `${place.directory}/none/palyra.toml` };
  await assertAllRefused(
    {
      ...named,
      run: ({ args, stdin }) => machine.run([...args, "--config", named.config], { stdin }),
    },
    "a directory that is not there",
    { status: 2, message: /no such file or directory/ },
    WRITERS.slice(0, 4),
  );
});

testWithMounts("Nothing changes on a read-only medium: exit 5", async () => {
  using machine = makeMachine("nobody");
  await using mounts = await openMounts(machine);
  const place = await makePlace(machine, mounts);
  await mounts.shell("mount --bind place place; mount -o remount,bind,ro place");
  await assertAllRefused(place, "config", { status: 5, message: /the medium is read-only/ });
  await mounts.shell("umount place; mount --bind state state; mount -o remount,bind,ro state");
  await assertAllRefused(place, "vault", { status: 5, message: /read-only/ });
  await mounts.shell("umount state");
  await assertWritersWork(place);
});

testWithMounts("Nothing changes for a config that is a mount point itself: exit 5", async () => {
  using machine = makeMachine("nobody");
  await using mounts = await openMounts(machine);
  const place = await makePlace(machine, mounts);
  await mounts.shell("mount --bind place/palyra.toml place/palyra.toml");
  const message = /it is a mount point, which cannot be replaced\nhint: Mount the directory/;
  await assertAllRefused(place, "bind mount", { status: 5, message }, WRITERS);
  await mounts.shell("umount place/palyra.toml");
  await assertWritersWork(place);
});

testWithMounts("Nothing changes when the config's medium is full: exit 5", async () => {
  using machine = makeMachine("nobody");
  await using mounts = await openMounts(machine);
  const place = await makePlace(machine, mounts);
  await mounts.shell(
    "mount -t tmpfs -o size=64k,mode=700,uid=65534 none place",
  );
  await writeConfig(place);
  await mounts.shell("cat /dev/zero > place/filler 2> /dev/null || true");
  await assertAllRefused(place, "full", { status: 5, message: /no space left on the medium/ });
  await mounts.shell("rm place/filler");
  await assertWritersWork(place);
});

testWithMounts("Nothing changes when the vault's medium is full: exit 5", async () => {
  using machine = makeMachine("nobody");
  await using mounts = await openMounts(machine);
  const place = await makePlace(machine, mounts);
  await mounts.shell(
    "mkdir disk; mount -t tmpfs -o size=1m,mode=700,uid=65534 none disk; " +
      "cp -a state disk/state; cat /dev/zero > disk/filler 2> /dev/null || true",
  );
  const env = { PALYRA_STATE_ROOT: `${machine.directory}/disk/state` };
  const [config, list] = [await lookAt(place), [
    "secrets",
    "list",
    "--json",
    "--config",
    place.config,
  ]];
  const before = await mounts.run(list, { env });
  const stdin = "x".repeat(300_000);
  for (const { args } of WRITERS.slice(0, 2)) {
    const result = await mounts.run([...args, "--config", place.config], { env, stdin });
    assertRefused(result, 5, args.join(" "));
    assert.equal(await lookAt(place), config);
    assert.equal((await mounts.run(list, { env })).stdout, before.stdout);
  }
  await mounts.shell("rm disk/filler");
  const strict = await mounts.run(["vault", "check", "--strict", "--json"], { env });
  assert.equal(strict.status, 0, strict.stdout + strict.stderr);
  const done = await mounts.run([...WRITERS[0]!.args, "--config", place.config], { env, stdin });
  assert.equal(done.status, 0, done.stderr);
});

Deno.test("Who saves the config while its new text is written wins, and nothing else changes: exit 7", async () => {
  using machine = makeMachine();
  const place = await makePlace(machine);
  const saves: Readonly<Record<string, () => void>> = {
    "another text": () => Deno.writeTextFileSync(place.config, `${TEXT}# saved meanwhile\n`),
    "an empty text": () => Deno.writeTextFileSync(place.config, ""),
    "no file": () => Deno.removeSync(place.config),
    "another file": () => replace(place.config, `${TEXT}[other]\n`),
  };
  for (const [what, save] of Object.entries(saves)) {
    for (const command of WRITERS) {
      replace(place.config, TEXT);
      const label = `${what}: ${command.args.join(" ")}`;
      const rows = rowsOf(machine);
      let saved = "";
      const args = [...command.args, "--config", place.config];
      const result = await runInProcess(machine, { ...command, args }, (real) => ({
        stage: (...given): ReturnType<typeof real.stage> => {
          const staged = real.stage(...given);
          save();
          saved = textOf(place);
          return staged;
        },
      }));
      assertRefused(result, 7, label);
      assert.match(result.stderr, /it was saved meanwhile\nhint: Nothing was changed; try again/);
      assert.equal(textOf(place), saved, label);
      assert.deepEqual(namesIn(place), saved === "gone" ? [] : ["palyra.toml"], label);
      assertSameRows(machine, rows, label);
    }
  }
});

Deno.test("Who makes the config meanwhile keeps it: exit 7", async () => {
  using machine = makeMachine();
  const place = await makePlace(machine);
  for (const command of WRITERS.slice(0, 2)) {
    Deno.removeSync(place.config);
    const rows = rowsOf(machine);
    const args = [...command.args, "--config", place.config];
    const result = await runInProcess(machine, { ...command, args }, (real) => ({
      stage: (...given): ReturnType<typeof real.stage> => {
        const staged = real.stage(...given);
        Deno.writeTextFileSync(place.config, "[theirs]\n");
        return staged;
      },
    }));
    assertRefused(result, 7, args.join(" "));
    assert.equal(textOf(place), "[theirs]\n");
    assert.deepEqual(namesIn(place), ["palyra.toml"]);
    assertSameRows(machine, rows, args.join(" "));
  }
});

testAsRoot(
  "A symbolic link to the config stays one, and its target is rewritten with its mode",
  async () => {
    using machine = makeMachine("nobody");
    const place = await makePlace(machine);
    const real = `${machine.directory}/dotfiles/real.toml`;
    for (const target of [real, "../dotfiles/real.toml", "../second"]) {
      await place.shell(
        `mkdir -p dotfiles; ln -sfn dotfiles/real.toml second; mv -T ${place.config} ${real} || true; ` +
          `ln -s ${target} ${place.config}; chown -R 65534 dotfiles; chown -h 65534 ${place.config}; ` +
          `chmod 640 ${real}`,
      );
      Deno.writeTextFileSync(real, TEXT);
      for (const command of WRITERS) {
        const before = Deno.readTextFileSync(real);
        const result = await place.run(command);
        assert.equal(result.status, 0, `${command.args.join(" ")}: ${result.stderr}`);
        assert.equal(Deno.readLinkSync(place.config), target);
        assert.notEqual(Deno.readTextFileSync(real), before, command.args.join(" "));
        assert.equal(Deno.lstatSync(real).mode! & 0o7777, 0o640);
      }
      assert.deepEqual(namesIn(place), ["palyra.toml"]);
      const backups = [...Deno.readDirSync(`${machine.directory}/dotfiles`)].map(({ name }) =>
        name
      );
      assert.deepEqual(backups.sort(), ["real.toml", "real.toml.bak.1"]);
      Deno.removeSync(`${real}.bak.1`);
      Deno.removeSync(place.config);
      Deno.writeTextFileSync(place.config, TEXT);
      giveTo(machine, place.config);
    }
  },
);

/** What was refused before is done now: nothing that failed is left in the way. */
async function assertWritersWork(place: ConfigPlace): Promise<void> {
  for (const command of WRITERS) {
    const { status, stderr } = await place.run(command);
    assert.equal(status, 0, `${command.args.join(" ")}: ${stderr}`);
  }
  const { stdout } = await place.run({ args: ["resolve", "config:admin.connector_token"] });
  assert.equal(stdout, "1");
}

async function writeConfig({ machine, shell, config }: ConfigPlace): Promise<void> {
  Deno.writeTextFileSync(`${machine.directory}/text`, TEXT);
  await shell(`cp text ${config}; chown 65534:65534 ${config}; chmod 640 ${config}`);
}

function textOf({ config }: ConfigPlace): string {
  try {
    return Deno.readTextFileSync(config);
  } catch {
    return "gone";
  }
}

function namesIn({ directory }: ConfigPlace): string[] {
  return [...Deno.readDirSync(directory)].map(({ name }) => name).sort();
}

/** Another file in the place of the first, as editors save. */
function replace(path: string, text: string): void {
  Deno.writeTextFileSync(`${path}.new`, text, { mode: 0o600 });
  Deno.renameSync(`${path}.new`, path);
}
