/** Configs, fields, targets and manifests that cannot be used. */

import { type BadInput, FAKE_SECRET } from "./row.ts";

const CONFIGURE = ["secrets", "configure"];
const NAMED = ["--config", "c.toml"];

/** A row with a config `c.toml` of this text. */
function withConfig(
  row: Omit<BadInput, "before" | "status"> & { readonly status?: number },
  text: string,
): BadInput {
  return {
    status: 2,
    ...row,
    args: [...row.args, ...NAMED],
    before: (home) => Deno.writeTextFileSync(`${home}/c.toml`, text),
  };
}

/** A row with a manifest `m.toml`. */
function withManifest(
  why: string,
  text: string,
  message: string | RegExp,
  more: Partial<BadInput> = {},
): BadInput {
  return {
    why,
    args: [...CONFIGURE, "apply", "m.toml"],
    status: 2,
    message,
    before: (home) => Deno.writeTextFileSync(`${home}/m.toml`, text),
    ...more,
  };
}

const ENTRY = 'version = 1\n[[secret]]\nref = "global/a"\n';

const COMMANDS: readonly BadInput[] = [
  { why: "configure alone", args: CONFIGURE, status: 2, message: "name a target and a secret" },
  {
    why: "a target alone",
    args: [...CONFIGURE, "openai-api-key"],
    status: 2,
    message: "name a target and a secret",
  },
  {
    why: "a target that is none",
    args: [...CONFIGURE, FAKE_SECRET, "global", "a"],
    status: 2,
    message: "no such target",
  },
  {
    why: "a provider without id",
    args: [...CONFIGURE, "provider-api-key:", "global", "a"],
    status: 2,
    message: "no such target",
  },
  {
    why: "a value as an argument of configure",
    args: [...CONFIGURE, "openai-api-key", "global", "a", FAKE_SECRET],
    status: 2,
    message: "name a target and a secret",
  },
  {
    why: "a target and a field",
    args: [...CONFIGURE, "openai-api-key", "global", "a", "--field", "a.b"],
    stdin: "v",
    status: 2,
    message: /target|scope/,
  },
  {
    why: "a field of two dots",
    args: [...CONFIGURE, "--field", "a..b", "global", "a"],
    stdin: "v",
    status: 2,
    message: "Cannot read the field",
  },
  {
    why: "a field that is an entry",
    args: [...CONFIGURE, "--field", "a[0]", "global", "a"],
    stdin: "v",
    status: 2,
    message: "an entry of a list is no field",
  },
  {
    why: "a version to be bound",
    args: [...CONFIGURE, "openai-api-key", "global/a#1"],
    stdin: "v",
    status: 2,
    message: "a version cannot be chosen here",
  },
  {
    why: "an empty value for configure",
    args: [...CONFIGURE, "openai-api-key", "global/a"],
    stdin: "",
    status: 2,
    message: "it is empty",
  },
  {
    why: "no value and a value",
    args: [...CONFIGURE, "openai-api-key", "global/a", "--no-value", "--generate"],
    status: 2,
    message: "Cannot use --no-value",
  },
  {
    why: "a state key that is none",
    args: [...CONFIGURE, "browser-state-key", "global/a"],
    stdin: FAKE_SECRET,
    status: 2,
    message: "not the base64 of 32 bytes",
  },
  {
    why: "a state key of another length",
    args: [...CONFIGURE, "browser-state-key", "global/a"],
    stdin: btoa("x".repeat(31)),
    status: 2,
    message: "not the base64 of 32 bytes",
  },
  {
    why: "a length for a state key",
    args: [...CONFIGURE, "browser-state-key", "global/a", "--generate", "--bytes", "16"],
    status: 2,
    message: "its length is fixed",
  },
  {
    why: "force without backups",
    args: [...CONFIGURE, "openai-api-key", "global/a", "--force"],
    stdin: "v",
    status: 2,
    message: "it goes with --backups",
  },
  {
    why: "a negative number of backups",
    args: [...CONFIGURE, "openai-api-key", "global/a", "--backups=-1"],
    stdin: "v",
    status: 2,
    message: "--backups",
  },
  {
    why: "a bound secret that is not there, without a vault",
    args: [...CONFIGURE, "openai-api-key", "global/a", "--no-value"],
    status: 8,
    message: /there is none|no such secret/,
  },
  {
    why: "a bound secret that is not there, with a vault",
    args: [...CONFIGURE, "openai-api-key", "global/none", "--no-value"],
    on: "used",
    status: 8,
    message: "no such secret",
  },
  {
    why: "a provider that is not in the config",
    args: [...CONFIGURE, "provider-api-key:eu", "global/a"],
    stdin: "v",
    status: 8,
    message: "no such entry",
  },
  {
    why: "a field of a config that is not there",
    args: ["resolve", "config:admin.auth_token"],
    status: 8,
    message: "there is none",
  },
  {
    why: "all references of no config",
    args: ["resolve", "--all", "--format", "json"],
    status: 8,
    message: "there is none",
  },
  {
    why: "a value of a config that is not there",
    args: ["config", "get", "a.b"],
    status: 8,
    message: "there is none",
  },
  {
    why: "trust in a config that is not there",
    args: ["config", "trust"],
    status: 8,
    message: "there is none",
    on: "used",
  },
  {
    why: "a named config that is not there",
    args: ["config", "validate", "--config", "none.toml"],
    status: 2,
    message: "no such config",
  },
  {
    why: "a variable that names no config",
    args: ["resolve", "config:a.b"],
    env: { PALYRA_CONFIG: "/nonexistent/palyra.toml" },
    status: 2,
    message: "no such config",
  },
  {
    why: "a secret as an argument of config set",
    args: ["config", "set", "admin.auth_token", FAKE_SECRET],
    status: 2,
    message: "a secret is no argument",
  },
  {
    why: "something that sounds like a secret for config set",
    args: ["config", "set", "hooks.github_token", FAKE_SECRET],
    status: 2,
    message: "a secret is no argument",
  },
];

const CONFIGS: readonly BadInput[] = [
  withConfig({
    why: "a config that is no TOML",
    args: [...CONFIGURE, "openai-api-key", "global/a"],
    stdin: "v",
    message: "invalid TOML at line 2, column",
  }, `a = 1\nb = ${FAKE_SECRET}\n`),
  withConfig({
    why: "a config that is no TOML, validated",
    args: ["config", "validate"],
    message: "invalid TOML at line 1",
  }, `= ${FAKE_SECRET}`),
  withConfig({
    why: "a config with a key twice",
    args: ["config", "set", "c", "1"],
    message: "invalid TOML at line 2",
  }, "a = 1\na = 2\n"),
  withConfig({
    why: "a config that is a text where a table belongs",
    args: [...CONFIGURE, "admin-auth-token", "global/a"],
    stdin: "v",
    message: "Cannot edit",
  }, `admin = "${FAKE_SECRET}"\n`),
  withConfig({
    why: "a backup of a secret",
    args: [...CONFIGURE, "admin-auth-token", "global/a", "--backups", "1"],
    stdin: "v",
    status: 7,
    message: "it holds a secret",
  }, `[admin]\nauth_token = "${FAKE_SECRET}"\n`),
  withConfig({
    why: "a field with a value of its own",
    args: ["resolve", "config:admin.auth_token"],
    message: "but a value",
  }, `[admin]\nauth_token = "${FAKE_SECRET}"\n`),
  withConfig({
    why: "a field in two forms",
    args: ["resolve", "config:admin.auth_token"],
    message: "in two forms",
  }, `[admin]\nauth_token = "${FAKE_SECRET}"\nauth_token_vault_ref = "global/a"\n`),
  withConfig({
    why: "a reference that is none",
    args: ["resolve", "config:a.b"],
    message: "it is no reference to the vault",
  }, `[a]\nb_vault_ref = "${FAKE_SECRET}"\n`),
  withConfig({
    why: "a variable that the config does not allow",
    args: ["resolve", "config:a.b"],
    env: { HIDDEN: FAKE_SECRET },
    status: 6,
    message: "the variable HIDDEN is not allowed",
  }, '[a]\nb_secret_ref = { kind = "env", variable = "HIDDEN" }\n'),
  withConfig({
    why: "a program as a source",
    args: ["resolve", "config:a.b"],
    status: 5,
    message: "no such program",
  }, '[a]\nb_secret_ref = { kind = "exec", command = ["/nonexistent/date"] }\n'),
  withConfig({
    why: "a setting that is none",
    args: ["resolve", "config:a.b"],
    message: "palyra.typo: there is no such key",
    env: { X: "x" },
  }, '[palyra]\ntypo = 1\n[a]\nb_secret_ref = { kind = "env", variable = "X" }\n'),
  withConfig({
    why: "a value that is not there",
    args: ["config", "get", "a.c"],
    status: 8,
    message: "it is not in",
  }, "[a]\nb = 1\n"),
  {
    why: "a config that is not UTF-8",
    args: ["config", "validate", ...NAMED],
    before: (home) => Deno.writeFileSync(`${home}/c.toml`, new Uint8Array([0x61, 0xff])),
    status: 2,
    message: "not valid UTF-8",
  },
  {
    why: "a config over 1 MiB",
    args: ["config", "set", "a", "1", ...NAMED],
    before: (home) => Deno.writeTextFileSync(`${home}/c.toml`, `#${"x".repeat(1_048_576)}`),
    status: 2,
    message: "larger than 1048576 bytes",
  },
  {
    why: "a config that is a directory",
    args: ["config", "set", "a", "1", ...NAMED],
    before: (home) => Deno.mkdirSync(`${home}/c.toml`),
    status: 2,
    message: "it is a directory",
  },
];

const MANIFESTS: readonly BadInput[] = [
  {
    why: "a manifest that is not there",
    args: [...CONFIGURE, "apply", "none.toml"],
    status: 2,
    message: "no such file",
  },
  withManifest("a manifest that is no TOML", `version = ${FAKE_SECRET}`, "invalid TOML at line 1"),
  withManifest("a manifest of no version", '[[secret]]\nref = "global/a"\n', /version/),
  withManifest("a manifest of another version", ENTRY.replace("1", "2"), "version: it is not 1"),
  withManifest("a manifest without entries", "version = 1\nsecret = []\n", "it has no entry"),
  withManifest(
    "a manifest with a value in it",
    `${ENTRY}target = "openai-api-key"\nvalue = "${FAKE_SECRET}"\n`,
    "Entry 1 of the manifest: Cannot use value: there is no such key",
  ),
  withManifest("an entry without a field", `${ENTRY}generate = 32\n`, "exactly one of target"),
  withManifest(
    "an entry with a field and a target",
    `${ENTRY}target = "openai-api-key"\nfield = "a.b"\n`,
    "exactly one of target",
  ),
  withManifest(
    "an entry with two values",
    `${ENTRY}field = "a.b"\ngenerate = 32\nfrom_file = "x"\n`,
    "at most one of",
  ),
  withManifest(
    "an entry without its file",
    `${ENTRY}field = "a.b"\nfrom_file = "none"\n`,
    "Entry 1 of the manifest: Cannot read none: no such file",
  ),
  withManifest(
    "an entry without its key on standard input",
    `${ENTRY}field = "a.b"\nfrom_stdin = "x"\n`,
    "standard input has no such key",
    { stdin: `{"y":"${FAKE_SECRET}"}` },
  ),
  withManifest(
    "standard input that is no JSON",
    `${ENTRY}field = "a.b"\nfrom_stdin = "x"\n`,
    "no JSON object of strings",
    { stdin: FAKE_SECRET },
  ),
  withManifest(
    "standard input with a number",
    `${ENTRY}field = "a.b"\nfrom_stdin = "x"\n`,
    "no JSON object of strings",
    { stdin: '{"x":1}' },
  ),
  withManifest(
    "an entry for a provider that is not in the config",
    `${ENTRY}target = "provider-api-key:eu"\ngenerate = 32\n`,
    "Entry 1 of the manifest: Cannot bind",
    { status: 8 },
  ),
  withManifest(
    "two entries for one field",
    `${ENTRY}field = "a.b"\ngenerate = 32\n[[secret]]\nref = "global/b"\nfield = "a.b"\n`,
    "Entry 2 of the manifest: Its field is that of entry 1",
  ),
  withManifest(
    "two values for one secret",
    `${ENTRY}field = "a.b"\ngenerate = 32\n[[secret]]\nref = "global/a"\nfield = "a.c"\ngenerate = 8\n`,
    "Entry 2 of the manifest: Its secret gets a value from entry 1",
  ),
  withManifest(
    "an entry whose lifetime is none",
    `${ENTRY}field = "a.b"\ngenerate = 32\nexpires_in = "soon"\n`,
    "Entry 1 of the manifest: Cannot use expires_in",
  ),
  withManifest(
    "an entry with too few bytes",
    `${ENTRY}field = "a.b"\ngenerate = 7\n`,
    "generate: it is less than 8",
  ),
  withManifest(
    "an entry whose secret is not there",
    `version = 1\n[[secret]]\nref = "global/known"\nfield = "a.b"\n[[secret]]\nref = "global/none"\nfield = "a.c"\n`,
    "no such secret",
    { status: 8, on: "used" },
  ),
];

/** Rows for the config and what binds it. */
export const CONFIG_ROWS: readonly BadInput[] = [...COMMANDS, ...CONFIGS, ...MANIFESTS];
