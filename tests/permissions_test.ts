/** Owners, modes and links, as an ordinary user meets them: what others could touch is refused. */

import assert from "node:assert/strict";
import { assertRefused, eachOf, type Machine, makeMachine } from "./support/cli_run.ts";
import { NOBODY } from "./support/cli_words.ts";
import { differenceOf, pathsBelow, pictureOf } from "./support/file_trees.ts";
import { registerAsRoot } from "./support/whole_machine.ts";

const test = registerAsRoot();
const SET = ["secrets", "set", "global/a"];
const RESOLVE = ["resolve", "global/a"];
const READERS = [RESOLVE, ["secrets", "list"], ["vault", "check"]];
const COMMANDS = [...READERS, SET, ["init"], ["vault", "rotate", "kek"]];

for (const mask of ["000", "022", "077", "027"]) {
  test(`Everything is made 0700 and 0600 under umask ${mask}, by nobody, for nobody`, async () => {
    using machine = makeMachine("nobody");
    const through = ["/bin/sh", "-c", `umask ${mask}; exec "$@"`, "sh"];
    const env = { PALYRA_STATE_ROOT: `${machine.directory}/deep/er/state` };
    await machine.succeed(SET, { stdin: "value", through, env });
    await machine.succeed([...RESOLVE, "--out", "value"], { through, env });
    await machine.succeed(["vault", "rotate", "kek"], { through, env });
    const paths = pathsBelow(machine.directory).filter((path) => path !== "home");
    assert.ok(paths.includes("deep/er/state/vault/vault.db") && paths.includes("home/value"));
    for (const path of paths) {
      const { mode, uid, isDirectory } = Deno.lstatSync(`${machine.directory}/${path}`);
      assert.equal((mode! & 0o7777).toString(8), isDirectory ? "700" : "600", path);
      assert.equal(uid, NOBODY, path);
    }
  });
}

test("What others own, can write or can open is refused by readers and writers, and left as it is", async () => {
  using made = await makeOwned();
  const rows: readonly [what: string, path: string, change: (path: string) => void, RegExp][] = [
    ["a foreign root", "", chown(0, 0), /another user/],
    ["a foreign vault directory", "vault", chown(0, NOBODY), /another user/],
    ["a foreign identity directory", "identity", chown(0, NOBODY), /another user/],
    ["a foreign database", "vault/vault.db", chown(0, NOBODY), /another user/],
    ["a foreign store key", "identity/store.key", chown(0, NOBODY), /another user/],
    ["a foreign CA record", "identity/ca.sealed", chown(0, NOBODY), /another user/],
    ["a foreign marker", "vault/backend.kind", chown(0, NOBODY), /another user/],
    ["a root that the group can write", "", chmod(0o770), /other users can write/],
    ["a root that the world can write", "", chmod(0o702), /other users can write/],
    ["a sticky root that the world can write", "", chmod(0o1777), /other users can write/],
    ["a vault directory that the group can write", "vault", chmod(0o720), /can write/],
    ["an identity directory that the group can write", "identity", chmod(0o720), /can write/],
    ["a store key that the group can read", "identity/store.key", chmod(0o640), /can open/],
    ["a CA record that the world can read", "identity/ca.sealed", chmod(0o604), /can open/],
    ["a database that the world can read", "vault/vault.db", chmod(0o644), /can open/],
    ["a database that the world can write", "vault/vault.db", chmod(0o602), /can open/],
    ["a marker that the world can read", "vault/backend.kind", chmod(0o644), /can open/],
    ["a linked root", "", link, /symbolic link/],
    ["a linked vault directory", "vault", link, /symbolic link/],
    ["a linked identity directory", "identity", link, /symbolic link/],
    ["a linked database", "vault/vault.db", link, /symbolic link/],
    ["a linked store key", "identity/store.key", link, /symbolic link/],
    ["a linked CA record", "identity/ca.sealed", link, /symbolic link/],
    ["a linked marker", "vault/backend.kind", link, /symbolic link/],
    ["a store key with a second name", "identity/store.key", hardLink, /hard link/],
    ["a CA record with a second name", "identity/ca.sealed", hardLink, /hard link/],
    ["a directory as database", "vault/vault.db", directory, /not a regular file/],
    ["a directory as store key", "identity/store.key", directory, /not a regular file/],
  ];
  await eachOf(rows, async ([what, path, change, why]) => {
    using machine = makeMachine("nobody");
    copyOwned(made, machine);
    change(path === "" ? machine.stateRoot : `${machine.stateRoot}/${path}`);
    const before = pictureOf(machine.directory);
    for (const args of [...COMMANDS, ["secrets", "delete", "global/a"]]) {
      const label = `${what}: ${args.join(" ")}`;
      const result = await machine.run(args, args === SET ? { stdin: "another" } : {});
      assertRefused(result, 6, label);
      assert.match(result.stderr, why, label);
      assert.equal(differenceOf(before, pictureOf(machine.directory)), undefined, label);
    }
  });
});

test("Locks that others can open or that are links are refused by those who take them", async () => {
  using made = await makeOwned();
  await eachOf([chmod(0o666), link, chown(0, 0)], async (change) => {
    using machine = makeMachine("nobody");
    copyOwned(made, machine);
    change(`${machine.stateRoot}/vault/keys.lock`);
    assertRefused(await machine.run(["vault", "rotate", "kek"]), 6, "rotate");
    assert.equal((await machine.succeed(RESOLVE)).stdout, "old value");
  });
});

test("A place where nothing may be made is refused, and nothing is left there", async () => {
  using machine = makeMachine("nobody");
  const parent = `${machine.directory}/parent`;
  Deno.mkdirSync(parent);
  Deno.chownSync(parent, NOBODY, NOBODY);
  Deno.chmodSync(parent, 0o500);
  for (const root of [`${parent}/state`, `${parent}/deep/er/state`]) {
    const env = { PALYRA_STATE_ROOT: root };
    assertRefused(await machine.run(SET, { stdin: "value", env }), 6, root);
    assertRefused(await machine.run(["init"], { env }), 6, root);
    assertRefused(await machine.run(RESOLVE, { env }), 8, root);
  }
  assert.deepEqual(pathsBelow(parent), []);
});

test("A parent that may not be searched is not taken for an empty one", async () => {
  using made = await makeOwned();
  Deno.chmodSync(made.directory, 0o600);
  for (const args of [RESOLVE, ["secrets", "list"], ["init"]]) {
    assertRefused(
      await made.run(args, { through: ["/usr/bin/env", "-C", "/"] }),
      6,
      args.join(" "),
    );
  }
  assertRefused(
    await made.run(SET, { stdin: "value", through: ["/usr/bin/env", "-C", "/"] }),
    6,
    "set",
  );
  Deno.chmodSync(made.directory, 0o700);
});

test("Files of ours that even we may not open are unavailable, not absent", async () => {
  using made = await makeOwned();
  for (const path of ["vault/vault.db", "identity/store.key", "identity/ca.sealed"]) {
    using machine = makeMachine("nobody");
    copyOwned(made, machine);
    Deno.chmodSync(`${machine.stateRoot}/${path}`, 0o000);
    const before = pictureOf(machine.stateRoot);
    for (const args of COMMANDS) {
      const result = await machine.run(args, args === SET ? { stdin: "another" } : {});
      assertRefused(result, 5, `${path}: ${args.join(" ")}`);
    }
    assert.equal(differenceOf(before, pictureOf(machine.stateRoot)), undefined, path);
  }
});

test("A state root that may only be read gives values; writers say that they cannot write", async () => {
  using machine = await makeOwned();
  for (const path of ["", "/vault", "/identity"]) Deno.chmodSync(machine.stateRoot + path, 0o500);
  for (const path of pathsBelow(machine.stateRoot)) {
    if (path.includes("/")) Deno.chmodSync(`${machine.stateRoot}/${path}`, 0o400);
  }
  const before = pictureOf(machine.stateRoot);
  assert.equal((await machine.succeed(RESOLVE)).stdout, "old value");
  await machine.succeed(["secrets", "list"]);
  await machine.succeed(["vault", "check"]);
  const refused = await machine.run(SET, { stdin: "another" });
  assert.ok([5, 6].includes(refused.status), refused.stderr);
  assertRefused(refused, refused.status, "set");
  assert.equal(differenceOf(before, pictureOf(machine.stateRoot)), undefined);
  for (const path of ["", "/vault", "/identity"]) Deno.chmodSync(machine.stateRoot + path, 0o700);
});

/** A machine of nobody with one secret. */
async function makeOwned(): Promise<Machine> {
  const machine = makeMachine("nobody");
  await machine.succeed(SET, { stdin: "old value" });
  return machine;
}

function copyOwned(from: Machine, to: Machine): void {
  const copy = ["-a", from.stateRoot, to.stateRoot];
  assert.ok(new Deno.Command("/bin/cp", { args: copy }).outputSync().success);
}

function chown(uid: number, gid: number): (path: string) => void {
  return (path) => Deno.chownSync(path, uid, gid);
}

function chmod(mode: number): (path: string) => void {
  return (path) => Deno.chmodSync(path, mode);
}

/** The real thing beside the state root, and a link in its place. */
function link(path: string): void {
  const real = `${path.replace(/\/state(\/.*)?$/, "")}/real`;
  Deno.renameSync(path, real);
  Deno.symlinkSync(real, path);
  assert.ok(
    new Deno.Command("/bin/chown", { args: ["-h", `${NOBODY}`, path] }).outputSync().success,
  );
}

function hardLink(path: string): void {
  Deno.linkSync(path, `${path.replace(/\/state\/.*$/, "")}/second`);
}

function directory(path: string): void {
  Deno.removeSync(path);
  Deno.mkdirSync(path, { mode: 0o700 });
  Deno.chownSync(path, NOBODY, NOBODY);
}
