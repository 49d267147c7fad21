/** Global flags before and after the subcommand, never after `--`. */

import assert from "node:assert/strict";
import { splitGlobalFlags } from "../../src/cli/global_flags.ts";
import { findStateRoot } from "../../src/cli/state_root.ts";
import type { Environment } from "../../src/platform/platform.ts";
import { assertFails } from "../support/failures.ts";

Deno.test("global flags are taken out wherever they stand", () => {
  const before = splitGlobalFlags(["--json", "--state-root", "/s", "-qv", "secrets", "list"]);
  const after = splitGlobalFlags(["secrets", "list", "-v", "-q", "--state-root=/s", "--json"]);
  const between = splitGlobalFlags([
    "secrets",
    "--output-format=json",
    "--state-root=/s",
    "list",
    "-q",
    "-v",
  ]);
  for (const { options, rest } of [before, after, between]) {
    assert.deepEqual(rest, ["secrets", "list"]);
    assert.deepEqual(
      [options.format, options.stateRoot, options.quiet, options.verbose, options.interactive],
      ["json", "/s", true, true, true],
    );
  }
});

Deno.test("nothing after -- is a flag", () => {
  const { options, rest } = splitGlobalFlags(["run", "-q", "--", "--json", "-v", "--state-root"]);
  assert.deepEqual(rest, ["run", "--", "--json", "-v", "--state-root"]);
  assert.deepEqual([options.format, options.quiet, options.verbose], ["text", true, false]);
});

Deno.test("wrong values of global flags are usage errors", async () => {
  const wrong: [string[], RegExp][] = [
    [["--state-root"], /--state-root needs a value/],
    [["--state-root="], /--state-root needs a value/],
    [["--state-root", "--", "x"], /--state-root needs a value/],
    [["--config"], /--config needs a value/],
    [["--output-format", "yaml"], /text, json or ndjson/],
    [["--json", "--output-format", "ndjson"], /together/],
  ];
  for (const [args, message] of wrong) {
    await assertFails("usage", message, () => void splitGlobalFlags(args));
  }
});

Deno.test("findStateRoot() takes flag, variable, XDG, then home", async () => {
  function environment(
    variables: Record<string, string>,
    os: Environment["os"] = "linux",
  ): Environment {
    return { get: (name) => variables[name], workingDirectory: () => "/", os };
  }
  const all = { PALYRA_STATE_ROOT: "/p/", XDG_STATE_HOME: "/x", HOME: "/h" };
  assert.equal(findStateRoot(environment(all), "/flag//"), "/flag");
  assert.equal(findStateRoot(environment(all), undefined), "/p");
  assert.equal(
    findStateRoot(environment({ ...all, PALYRA_STATE_ROOT: "" }), undefined),
    "/x/palyra",
  );
  assert.equal(
    findStateRoot(environment({ XDG_STATE_HOME: "relative", HOME: "/h" }), undefined),
    "/h/.local/state/palyra",
  );
  assert.equal(
    findStateRoot(environment({ LOCALAPPDATA: "C:\\L" }, "windows"), undefined),
    "C:\\L\\Palyra",
  );
  await assertFails(
    "usage",
    /HOME is not set/,
    () => void findStateRoot(environment({}), undefined),
  );
});
