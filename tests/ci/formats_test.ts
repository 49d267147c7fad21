/** The exact bytes of every format, and what each refuses. */

import assert from "node:assert/strict";
import { exportToAzure } from "../../src/ci/azure.ts";
import { exportToBuildkite } from "../../src/ci/buildkite.ts";
import { detectCi } from "../../src/ci/detect.ts";
import { formatDockerEnv } from "../../src/ci/docker_env.ts";
import { formatDotenv } from "../../src/ci/dotenv.ts";
import { exportToGithub } from "../../src/ci/github.ts";
import { formatGitlab } from "../../src/ci/gitlab.ts";
import { maskedForms } from "../../src/ci/masks.ts";
import { formatShell } from "../../src/ci/shell.ts";
import { formatSystemdEnv } from "../../src/ci/systemd_env.ts";
import { requireVariableName, type Variable, variableName } from "../../src/ci/variable.ts";
import { assertFails } from "../support/failures.ts";

const TWO: readonly Variable[] = [
  { name: "A", text: 'it\'s 100% "$x"' },
  { name: "B_2", text: "b;c]" },
];
const HIDDEN = "hidden";

Deno.test("env files have the bytes that their readers take", () => {
  assert.equal(formatShell(TWO), "export A='it'\\''s 100% \"$x\"'\nexport B_2='b;c]'\n");
  assert.equal(formatDotenv(TWO.slice(1)), "B_2='b;c]'\n");
  assert.equal(formatDotenv([{ name: "A", text: 'it\'s\n"x"' }]), 'A=`it\'s\n"x"`\n');
  assert.equal(formatDockerEnv(TWO), 'A=it\'s 100% "$x"\nB_2=b;c]\n');
  assert.equal(formatSystemdEnv(TWO), 'A="it\'s 100% \\"\\$x\\""\nB_2="b;c]"\n');
  assert.equal(formatGitlab(TWO.slice(1)), "B_2=b;c]\n");
});

Deno.test("GitHub gets every mask, and the file every variable between delimiters", () => {
  const { masks, file } = exportToGithub([{ name: "A", text: "l1\r\nl2%" }], "id");
  assert.deepEqual(masks.split("\n"), [
    "::add-mask::l1%0D%0Al2%25",
    "::add-mask::l1",
    "::add-mask::l2%25",
    "::add-mask::bDENCmwyJQ==",
    "::add-mask::bDENCmwyJQ",
    "::add-mask::l1%250D%250Al2%2525",
    "::add-mask::l1\\r\\nl2%25",
    "",
  ]);
  assert.equal(file, "A<<ghadelimiter_id\nl1\r\nl2%\nghadelimiter_id\n");
});

Deno.test("Azure gets every mask before any variable", () => {
  assert.equal(
    exportToAzure([{ name: "A", text: "50%" }, { name: "B", text: "b" }]),
    "##vso[task.setsecret]50%AZP25\n##vso[task.setsecret]NTAl\n##vso[task.setsecret]50%AZP2525\n" +
      "##vso[task.setsecret]b\n##vso[task.setsecret]Yg==\n##vso[task.setsecret]Yg\n" +
      "##vso[task.setvariable variable=A;isOutput=false;issecret=true;]50%AZP25\n" +
      "##vso[task.setvariable variable=B;isOutput=false;issecret=true;]b\n",
  );
});

Deno.test("Buildkite gets the redactions apart from the variables", () => {
  const { redactions, environment } = exportToBuildkite([{ name: "A", text: "two\nlines" }], false);
  const forms = Object.values(JSON.parse(redactions));
  assert.deepEqual(forms, [
    "two\nlines",
    "two",
    "lines",
    "dHdvCmxpbmVz",
    "two%0Alines",
    "two\\nlines",
  ]);
  assert.equal(environment, '{"A":"two\\nlines"}\n');
});

Deno.test("what is blank is never masked, and nothing is masked twice", () => {
  const forms = maskedForms([{ name: "A", text: "a\n\n  \na\n" }, { name: "B", text: "a" }]);
  assert.equal(new Set(forms).size, forms.length);
  assert.ok(forms.every((form) => form.trim() !== ""));
  assert.ok(forms.includes("a"));
});

Deno.test("what a format cannot hold is refused by name, without the value", async () => {
  const one = (text: string, name = "NAME"): Variable[] => [{ name, text: HIDDEN + text }];
  const github = (variables: Variable[]): unknown => exportToGithub(variables, "id");
  const buildkite = (variables: Variable[]): unknown => exportToBuildkite(variables, false);
  const refused: readonly (readonly [(variables: Variable[]) => unknown, Variable[]])[] = [
    [formatDotenv, one("\r")],
    [formatDotenv, one("\\")],
    [formatDotenv, one("'`")],
    [formatDotenv, one("'$")],
    [formatDockerEnv, one("\n")],
    [formatDockerEnv, one("\r")],
    [formatDockerEnv, one("x".repeat(65_536))],
    [formatGitlab, one(" ")],
    [formatGitlab, one("\n")],
    [formatGitlab, one("'")],
    [formatGitlab, one("\\")],
    [formatGitlab, [{ name: "NAME", text: "" }]],
    [formatGitlab, one("x".repeat(5_120))],
    [github, one("ghadelimiter_id")],
    [github, [{ name: "NAME", text: " \n" }]],
    [github, one("", "NODE_OPTIONS")],
    [github, one("", "GITHUB_TOKEN")],
    [github, one("", "RUNNER_TEMP")],
    [exportToAzure, one("\n")],
    [exportToAzure, one("\r")],
    [exportToAzure, [{ name: "NAME", text: "" }]],
    [exportToAzure, one("", "SECRET_KEY")],
    [exportToAzure, one("", "Endpoint")],
    [buildkite, [{ name: "NAME", text: " short " }]],
  ];
  for (const [format, variables] of refused) {
    const error = await assertFails("usage", /^Cannot export/, () => format(variables));
    assert.ok(!error.message.includes(HIDDEN));
    const ends = error.message.includes(variables[0]!.name) || /5120 bytes$/.test(error.message);
    assert.ok(ends, error.message);
  }
  assert.ok(exportToBuildkite([{ name: "NAME", text: "short" }], true));
});

Deno.test("names of variables are made from references, and checked where users give them", async () => {
  assert.equal(variableName("openai_api_key"), "OPENAI_API_KEY");
  assert.equal(variableName("2fa-seed.v1"), "_2FA_SEED_V1");
  assert.equal(variableName("a.b[provider_id=é].c"), "A_B_PROVIDER_ID____C");
  for (const name of ["A", "_a1", "x".repeat(256)]) requireVariableName(name);
  for (const name of ["", "1A", "A-B", "A B", "é", "A=", "x".repeat(257)]) {
    await assertFails("usage", /a name is no name of a variable/, () => requireVariableName(name));
  }
});

Deno.test("a CI is told by its own variable, and only when it is the only one", () => {
  const detect = (env: Record<string, string>): unknown => detectCi((name) => env[name]);
  assert.equal(detect({ GITHUB_ACTIONS: "true", CI: "true" }), "github");
  assert.equal(detect({ GITLAB_CI: "true" }), "gitlab");
  assert.equal(detect({ TF_BUILD: "True" }), "azure");
  assert.equal(detect({ BUILDKITE: "true" }), "buildkite");
  assert.equal(detect({}), undefined);
  assert.equal(detect({ CI: "true" }), undefined);
  assert.equal(detect({ GITHUB_ACTIONS: "false" }), undefined);
  assert.equal(detect({ GITHUB_ACTIONS: "true", GITLAB_CI: "true" }), undefined);
});
