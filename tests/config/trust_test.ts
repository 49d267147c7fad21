/** Trust holds for one text at one real path, in a place that only its owner can write. */

import assert from "node:assert/strict";
import { assertRefused, eachOf, type Machine } from "../support/cli_run.ts";
import {
  assertUntrusted,
  type Clone,
  giveTo,
  isTrusted,
  makeClone,
  VICTIM,
} from "../support/config_clone.ts";
import { pathsBelow } from "../support/file_trees.ts";
import { registerAsRoot } from "../support/whole_machine.ts";

const testAsRoot = registerAsRoot();
const TEXT = '[model_provider]\nopenai_api_key_vault_ref = "global/victim"\n';
const RESOLVE = ["resolve", "config:model_provider.openai_api_key"];

Deno.test("Trust is recorded once, told as JSON, kept in an owner-only file, and taken back", async () => {
  using clone = await makeTrustedClone({ trust: false });
  const records = `${clone.machine.stateRoot}/trusted_configs`;
  const json = async (...args: string[]): Promise<unknown> =>
    JSON.parse((await clone.succeed(["config", ...args, "--json"])).stdout);
  const digest = new Uint8Array(
    await crypto.subtle.digest("SHA-256", new TextEncoder().encode(TEXT)),
  ).toHex();
  const told = { schema_version: 1, path: clone.config, sha256: digest, trusted: true };
  assert.equal(await isTrusted(clone), false);
  assert.deepEqual(await json("trust"), { ...told, changed: true });
  assert.equal(Deno.lstatSync(records).mode! & 0o7777, 0o600);
  const { mtime, ino } = Deno.lstatSync(records);
  assert.deepEqual(await json("trust", clone.config), { ...told, changed: false });
  assert.deepEqual([Deno.lstatSync(records).mtime, Deno.lstatSync(records).ino], [mtime, ino]);
  assert.equal(await isTrusted(clone), true);
  assert.equal((await clone.succeed(RESOLVE)).stdout, VICTIM);
  const gone = { schema_version: 1, path: clone.config, trusted: false };
  assert.deepEqual(await json("untrust"), { ...gone, changed: true });
  assert.deepEqual(await json("untrust", "palyra.toml"), { ...gone, changed: false });
  assertUntrusted(await clone.run(RESOLVE), "untrusted again");
});

Deno.test("An edit by somebody else takes the trust away, whatever it changes", async () => {
  using clone = await makeTrustedClone();
  const edits = {
    "a comment": `${TEXT}# a comment\n`,
    "a line end": TEXT.replaceAll("\n", "\r\n"),
    "another secret": TEXT.replace("victim", "other"),
    "nothing left": "",
  };
  for (const [what, text] of Object.entries(edits)) {
    Deno.writeTextFileSync(clone.config, text);
    assertUntrusted(await clone.run(RESOLVE), what);
    assertUntrusted(await clone.run(["resolve", "--all", "--json"]), `${what}, --all`);
    assert.equal(await isTrusted(clone), false, what);
  }
  Deno.writeTextFileSync(`${clone.directory}/new`, TEXT);
  Deno.renameSync(`${clone.directory}/new`, clone.config); // the text that was trusted, at its path
  assert.equal((await clone.succeed(RESOLVE)).stdout, VICTIM);
});

Deno.test("palyra's own edits keep the trust for the new text, and end it for the old one", async () => {
  using clone = await makeTrustedClone();
  const edits: readonly (readonly [args: string[], stdin?: string])[] = [
    [["secrets", "configure", "admin-auth-token", "global/admin"], "admin value"],
    [["secrets", "configure", "connector-token", "global/admin", "--no-value"]],
    [["secrets", "configure", "apply", "../manifest.toml"]],
    [["config", "set", "admin.require_auth", "true"]],
    [["config", "unset", "admin.require_auth"]],
  ];
  Deno.writeTextFileSync(
    `${clone.directory}/../manifest.toml`,
    'version = 1\n[[secret]]\nfield = "deep.made"\nref = "global/made"\ngenerate = 32\n',
  );
  for (const [args, stdin] of edits) {
    const what = args.join(" ");
    const before = Deno.readTextFileSync(clone.config);
    await clone.succeed(args, { stdin });
    const after = Deno.readTextFileSync(clone.config);
    assert.notEqual(after, before, what);
    assert.equal((await clone.succeed(RESOLVE)).stdout, VICTIM, what);
    Deno.writeTextFileSync(clone.config, before);
    assertUntrusted(await clone.run(RESOLVE), `the text before ${what}`);
    Deno.writeTextFileSync(clone.config, after);
  }
  const { stdout } = await clone.succeed(["resolve", "config:admin.connector_token"]);
  assert.equal(stdout, "admin value");
});

Deno.test("palyra's own edit of a text that is not trusted gives it no trust", async () => {
  using clone = await makeTrustedClone();
  const edits: readonly (readonly [args: string[], stdin?: string])[] = [
    [["secrets", "configure", "admin-auth-token", "global/admin"], "admin value"],
    [["config", "set", "admin.require_auth", "true"]],
  ];
  for (const [args, stdin] of edits) {
    Deno.writeTextFileSync(clone.config, `${TEXT}# ${args.join(" ")}\n`);
    await clone.succeed(args, { stdin });
    assertUntrusted(await clone.run(RESOLVE), args.join(" "));
    assert.equal(await isTrusted(clone), false);
  }
});

Deno.test("A copy elsewhere, a moved config and one in a nested directory are not trusted", async () => {
  using clone = await makeTrustedClone();
  const { directory, config } = clone;
  for (const at of ["copy", "nested/deep/er"]) {
    Deno.mkdirSync(`${directory}/${at}`, { recursive: true });
  }
  assert.equal((await clone.succeed(RESOLVE, { at: "nested/deep/er" })).stdout, VICTIM);
  assert.equal(await isTrusted(clone, "nested/deep"), true);
  Deno.copyFileSync(config, `${directory}/copy/palyra.toml`);
  assertUntrusted(await clone.run(RESOLVE, { at: "copy" }), "a copy");
  Deno.copyFileSync(config, `${directory}/nested/palyra.toml`);
  assertUntrusted(await clone.run(RESOLVE, { at: "nested/deep" }), "the nearer one counts");
  assert.equal((await clone.succeed(RESOLVE)).stdout, VICTIM);
  Deno.removeSync(`${directory}/copy/palyra.toml`);
  Deno.renameSync(config, `${directory}/copy/palyra.toml`);
  assertUntrusted(await clone.run(RESOLVE, { at: "copy" }), "moved");
});

Deno.test("Trust follows a symbolic link to the real file, and not to another one", async () => {
  using clone = await makeTrustedClone();
  const { directory, config } = clone;
  const real = `${directory}/real.toml`;
  Deno.mkdirSync(`${directory}/second`);
  Deno.renameSync(config, real);
  for (const path of [config, `${directory}/second/palyra.toml`]) Deno.symlinkSync(real, path);
  assertUntrusted(await clone.run(RESOLVE), "a link in the place of the trusted file");
  await clone.succeed(["config", "trust"]);
  assert.equal((await clone.succeed(RESOLVE)).stdout, VICTIM);
  assert.equal((await clone.succeed(RESOLVE, { at: "second" })).stdout, VICTIM);
  await clone.succeed(["secrets", "configure", "admin-auth-token", "global/victim", "--no-value"]);
  assert.ok(Deno.lstatSync(config).isSymlink);
  assert.ok(Deno.readTextFileSync(real).includes("auth_token_secret_ref"));
  assert.equal((await clone.succeed(RESOLVE, { at: "second" })).stdout, VICTIM);
  Deno.copyFileSync(real, `${directory}/other.toml`);
  Deno.removeSync(config);
  Deno.symlinkSync(`${directory}/other.toml`, config);
  assertUntrusted(await clone.run(RESOLVE), "led to a copy");
  await clone.succeed(["config", "untrust"], { at: "second" });
  assertUntrusted(await clone.run(RESOLVE, { at: "second" }), "untrusted through a link");
});

Deno.test("Records that others can open, or that somebody altered, are refused", async () => {
  using clone = await makeTrustedClone();
  const records = `${clone.machine.stateRoot}/trusted_configs`;
  const text = Deno.readTextFileSync(records);
  Deno.chmodSync(records, 0o644);
  assertRefused(await clone.run(RESOLVE), 6, "open to others");
  Deno.chmodSync(records, 0o600);
  for (const altered of ["", "{}", text.replace("configs", "config"), text.replace("1,", "2,")]) {
    Deno.writeTextFileSync(records, altered);
    assertRefused(await clone.run(RESOLVE), 9, `altered to ${altered}`);
    assertRefused(await clone.run(["config", "trust"]), 9, `trust with ${altered}`);
    assert.equal(Deno.readTextFileSync(records), altered);
  }
});

testAsRoot("A trusted config that others can write, or could exchange, is not used", async () => {
  using clone = await makeTrustedClone({ user: "nobody" });
  const { directory, config } = clone;
  const above = `${clone.machine.home}/projects`;
  type Row = readonly [what: string, path: string, change: (path: string) => void, RegExp];
  const rows: readonly Row[] = [
    ["a file that the group can write", config, chmod(0o664), /palyra\.toml: other users can/],
    ["a file that the world can write", config, chmod(0o602), /palyra\.toml: other users can/],
    ["a file of root", config, chown(0), /palyra\.toml: it belongs to another user/],
    ["a file of another user", config, chown(1), /palyra\.toml: it belongs to another user/],
    ["a directory that the group can write", directory, chmod(0o775), /clone: other users can/],
    ["a directory that the world can write", directory, chmod(0o757), /clone: other users can/],
    [
      "a directory above that the world can write",
      above,
      chmod(0o777),
      /projects: other users can/,
    ],
    ["a directory of another user", directory, chown(1), /clone: it belongs to another user/],
    ["a directory above of another user", above, chown(1), /projects: it belongs to another user/],
  ];
  for (const [what, path, change, message] of rows) {
    const { mode, uid, gid } = Deno.statSync(path);
    change(path);
    for (const args of [RESOLVE, ["config", "trust"]]) {
      const result = await clone.run(args);
      assertRefused(result, 6, `${what}: ${args.join(" ")}`);
      assert.match(result.stderr, message, what);
    }
    Deno.chownSync(path, uid!, gid!);
    Deno.chmodSync(path, mode! & 0o7777);
    assert.equal((await clone.succeed(RESOLVE)).stdout, VICTIM, `after ${what}`);
  }
});

testAsRoot(
  "A directory of root, and one with the sticky bit, are places for a trusted config",
  async () => {
    using clone = await makeTrustedClone({ user: "nobody" });
    const { directory } = clone;
    await eachOf([0o755, 0o1777, 0o1775], async (mode) => {
      Deno.chmodSync(directory, mode);
      assert.equal((await clone.succeed(RESOLVE)).stdout, VICTIM, mode.toString(8));
    }, 1);
    Deno.chownSync(directory, 0, 0);
    assert.equal((await clone.succeed(RESOLVE)).stdout, VICTIM);
  },
);

testAsRoot(
  "A link that another user made leads to no config, however well its target is kept",
  async () => {
    using clone = await makeTrustedClone({ user: "nobody" });
    const { directory, config } = clone;
    const real = `${directory}/real.toml`;
    Deno.renameSync(config, real);
    Deno.symlinkSync(real, config);
    await own(clone.machine, config);
    await clone.succeed(["config", "trust"]);
    assert.equal((await clone.succeed(RESOLVE)).stdout, VICTIM);
    await ownLink(config, 1);
    const result = await clone.run(RESOLVE);
    assertRefused(result, 6, "a link of another user");
    assert.match(result.stderr, /palyra\.toml: it belongs to another user/);
    assert.deepEqual(pathsBelow(directory), ["palyra.toml", "real.toml"]);
  },
);

/** A clone whose config binds one field, and is trusted unless that is not wanted. */
async function makeTrustedClone(
  { user = "self", trust = true }: { user?: "self" | "nobody"; trust?: boolean } = {},
): Promise<Clone> {
  using made = new DisposableStack();
  const clone = made.use(await makeClone(user));
  Deno.writeTextFileSync(clone.config, TEXT, { mode: 0o644 });
  giveTo(clone.machine, clone.config);
  if (trust) await clone.succeed(["config", "trust"]);
  made.move(); // it is the caller's now
  return clone;
}

function chmod(mode: number): (path: string) => void {
  return (path) => Deno.chmodSync(path, mode);
}

function chown(uid: number): (path: string) => void {
  return (path) => Deno.chownSync(path, uid, uid);
}

async function own({ home }: Machine, link: string): Promise<void> {
  await ownLink(link, Deno.statSync(home).uid!);
}

/** Gives the link itself to a user, not what it leads to. */
async function ownLink(link: string, uid: number): Promise<void> {
  const { success } = await new Deno.Command("/bin/chown", { args: ["-h", `${uid}`, link] })
    .output();
  assert.ok(success);
}
