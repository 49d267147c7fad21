/** The order in which the config is looked for, with real directories and links. */

import assert from "node:assert/strict";
import { findConfig, findExistingConfig } from "../../src/config/location.ts";
import { denoPlatform } from "../../src/platform/deno/platform.ts";
import type { Environment } from "../../src/platform/platform.ts";
import { assertFails } from "../support/failures.ts";

function inTree(body: (root: string) => Promise<void>): () => Promise<void> {
  return async () => {
    const root = Deno.realPathSync(Deno.makeTempDirSync({ prefix: "palyra-test-" }));
    try {
      await body(root);
    } finally {
      Deno.removeSync(root, { recursive: true });
    }
  };
}

function platformAt(
  cwd: string,
  variables: Readonly<Record<string, string>>,
  os: Environment["os"] = "linux",
): Pick<typeof denoPlatform, "environment" | "documents"> {
  const environment = { get: (name: string) => variables[name], workingDirectory: () => cwd, os };
  return { environment, documents: denoPlatform.documents };
}

function write(path: string): string {
  Deno.mkdirSync(path.slice(0, path.lastIndexOf("/")), { recursive: true });
  Deno.writeTextFileSync(path, "");
  return path;
}

Deno.test(
  "flag before variable before search before the user's own",
  inTree(async (root) => {
    const own = write(`${root}/home/.config/palyra/palyra.toml`);
    const above = write(`${root}/project/palyra.toml`);
    const named = write(`${root}/named.toml`);
    const flagged = write(`${root}/project/deep/flagged.toml`);
    const cwd = `${root}/project/deep`;
    const home = { HOME: `${root}/home` };
    const find = (
      variables: Record<string, string>,
      flag?: string,
    ): ReturnType<typeof findConfig> => findConfig(platformAt(cwd, variables), flag);
    assert.deepEqual(await find({ ...home, PALYRA_CONFIG: named }, "flagged.toml"), {
      origin: "flag",
      path: flagged,
      realPath: flagged,
      realDirectory: cwd,
    });
    assert.equal((await find({ ...home, PALYRA_CONFIG: named })).path, named);
    assert.deepEqual(await find(home), {
      origin: "search",
      path: above,
      realPath: above,
      realDirectory: `${root}/project`,
    });
    Deno.removeSync(above);
    assert.deepEqual(await find(home), {
      origin: "user",
      path: own,
      realPath: own,
      realDirectory: `${root}/home/.config/palyra`,
    });
    const xdg = { ...home, XDG_CONFIG_HOME: `${root}/xdg` };
    assert.deepEqual(await find(xdg), {
      origin: "user",
      path: `${root}/xdg/palyra/palyra.toml`,
      realPath: undefined,
      realDirectory: undefined,
    });
    assert.equal((await find({ ...home, XDG_CONFIG_HOME: "relative" })).path, own);
    assert.equal((await find({ ...home, PALYRA_CONFIG: "" })).path, own);
    await assertFails("usage", /HOME is not set/, () => find({}));
  }),
);

Deno.test(
  "the user's own config is that, also when the search comes by it",
  inTree(async (root) => {
    const own = write(`${root}/.config/palyra/palyra.toml`);
    const platform = platformAt(`${root}/.config/palyra`, { HOME: root });
    assert.equal((await findConfig(platform, undefined)).origin, "user");
    assert.equal((await findConfig(platform, undefined)).path, own);
  }),
);

Deno.test(
  "a config that is named must be there, the user's own need not",
  inTree(async (root) => {
    const home = { HOME: root };
    const existing = (
      variables: Record<string, string>,
      flag?: string,
    ): ReturnType<typeof findExistingConfig> =>
      findExistingConfig(platformAt(root, variables), flag);
    assert.equal(await existing(home), undefined);
    assert.equal(await existing({}), undefined);
    await assertFails("usage", /no such config/, () => existing(home, "none.toml"));
    await assertFails(
      "usage",
      /no such config/,
      () => existing({ ...home, PALYRA_CONFIG: `${root}/none.toml` }),
    );
  }),
);

Deno.test(
  "a link leads to its target, and one that leads nowhere is no config that is not there",
  inTree(async (root) => {
    const target = write(`${root}/dotfiles/config.toml`);
    Deno.symlinkSync(target, `${root}/palyra.toml`);
    const platform = platformAt(root, { HOME: root });
    assert.deepEqual(await findConfig(platform, undefined), {
      origin: "search",
      path: `${root}/palyra.toml`,
      realPath: target,
      realDirectory: root,
    });
    Deno.removeSync(target);
    await assertFails("usage", /leads nowhere/, () => findConfig(platform, undefined));
  }),
);

Deno.test("on Windows the user's own config is in the roaming profile", async () => {
  const platform = platformAt("/", { APPDATA: "C:\\Users\\u\\AppData\\Roaming" }, "windows");
  const { path } = await findConfig(platform, undefined);
  assert.equal(path, "C:\\Users\\u\\AppData\\Roaming\\Palyra\\palyra.toml");
});
