/** `palyra config path|get|set|unset|validate|trust|untrust`: the config itself. */

import { type ChangeContext, holdsSecret } from "../../config/change.ts";
import { type Config, readConfig } from "../../config/config.ts";
import { type Field, fieldValue, formatField, parseField } from "../../config/field.ts";
import { isTrusted, recordTrust } from "../../config/trust.ts";
import { knownSecret, redacted, soundsSecret } from "../../config/logical_secret.ts";
import { PalyraError } from "../../errors.ts";
import { parseToml, type TomlValue } from "../../config/toml_document.ts";
import type { App } from "../app.ts";
import { changeContext, readExistingConfig } from "../configs.ts";
import { editConfig, type FieldEdit } from "../edit_config.ts";
import { lockConfig } from "../config_lock.ts";
import { problemsOf } from "../config_problems.ts";
import { counted } from "../counted.ts";
import type { RecordView } from "../view.ts";

/** Flags of `config set`. */
export interface ConfigSetFlags {
  readonly string?: boolean | undefined;
}

/** Flags of `config validate`. */
export interface ConfigValidateFlags {
  readonly strict?: boolean | undefined;
}

/** Where the config is, or would be made. */
export async function configPath(app: App): Promise<RecordView> {
  const { location } = await changeContext(app);
  const { path, origin, realPath } = location;
  const config = await readBytesOnly(app, location);
  const trusted = isTrusted(app.platform, app.stateRoot, config);
  return {
    kind: "record",
    json: { path, exists: realPath !== undefined, origin, trusted },
    text: path,
  };
}

/** A value of the config; secrets in it are not shown. */
export async function configGet(
  app: App,
  _flags: Readonly<Record<never, never>>,
  text: string,
): Promise<RecordView> {
  const field = parseField(text);
  const config = await requireConfig(app);
  const found = fieldValue(config.table, field);
  if (found === undefined) {
    throw new PalyraError(
      "not_found",
      `Cannot read ${formatField(field)}: it is not in ${config.location.path}`,
    );
  }
  const value = printable(redacted(found, lastKey(field)));
  return {
    kind: "record",
    json: { path: formatField(field), value },
    text: typeof value === "string" ? value : JSON.stringify(value),
  };
}

/** Sets one value; a secret is no argument. */
export async function configSet(
  app: App,
  flags: ConfigSetFlags,
  text: string,
  valueText: string,
): Promise<RecordView> {
  const field = parseField(text);
  const known = knownSecret(field);
  if (known?.forms.includes("inline") || soundsSecret(lastKey(field))) {
    throw new PalyraError("usage", `Cannot set ${formatField(field)}: a secret is no argument`, {
      hint: "palyra secrets configure stores it in the vault and binds the field to it",
    });
  }
  const value = flags.string ? valueText : parseValue(valueText);
  if (typeof value === "object" && holdsSecret(value, lastKey(field))) {
    throw new PalyraError("usage", `Cannot set ${formatField(field)}: a secret is no argument`);
  }
  return await change(app, field, (path) => ({ kind: "set", path, value }));
}

/** Removes one value. */
export async function configUnset(
  app: App,
  _flags: Readonly<Record<never, never>>,
  text: string,
): Promise<RecordView> {
  return await change(app, parseField(text), (path) => ({ kind: "remove", path }));
}

/** Tells what is wrong or unknown; fails when anything is wrong. */
export async function configValidate(
  app: App,
  flags: ConfigValidateFlags,
): Promise<RecordView> {
  const config = await requireConfig(app);
  const problems = await problemsOf(config);
  const errors = problems.filter(({ severity }) => severity === "error");
  const { path } = config.location;
  const failure = errors.length > 0
    ? new PalyraError("usage", `Cannot use ${path}: it has ${counted(errors.length, "error")}`)
    : flags.strict && problems.length > 0
    ? new PalyraError("findings", `Found ${counted(problems.length, "unknown key")} in ${path}`)
    : undefined;
  return {
    kind: "record",
    json: { path, valid: errors.length === 0, problems },
    text: problems.length === 0
      ? `${path}: valid`
      : problems.map(({ line, column, ...rest }) =>
        `${path}:${line}:${column}: ${rest.severity}: ${rest.field}: ${rest.message}`
      ).join("\n"),
    ...(failure === undefined ? {} : { failure }),
  };
}

/** Trusts the config that stands here, with exactly this text. */
export async function configTrust(
  app: App,
  _flags: Readonly<Record<never, never>>,
  path?: string,
): Promise<RecordView> {
  using _lock = await lockConfig(app);
  const config = await requireConfig(app, path);
  const { location, digest } = config;
  (await app.platform.documents()).requireOwn(location.path);
  const record = { path: location.realPath!, sha256: [digest!] };
  const changed = recordTrust(app.platform, app.stateRoot, record);
  return {
    kind: "record",
    json: { path: location.path, sha256: digest, trusted: true, changed },
    text: `${changed ? "trusted" : "already trusted:"} ${location.path}`,
  };
}

/** Forgets the trust in a config; it need not be there any more. */
export async function configUntrust(
  app: App,
  _flags: Readonly<Record<never, never>>,
  path?: string,
): Promise<RecordView> {
  using _lock = await lockConfig(app);
  const { location } = path === undefined
    ? await changeContext(app)
    : await changeContext(app.withConfig(path));
  const { realPath, realDirectory, path: gone } = location;
  const name = gone.slice(gone.lastIndexOf("/"));
  const real = realPath ?? (realDirectory === undefined ? gone : realDirectory + name);
  const changed = recordTrust(app.platform, app.stateRoot, { path: real, sha256: [] });
  return {
    kind: "record",
    json: { path: location.path, trusted: false, changed },
    text: `${changed ? "no longer trusted:" : "was not trusted:"} ${location.path}`,
  };
}

async function change(
  app: App,
  field: Field,
  editOf: FieldEdit["editOf"],
): Promise<RecordView> {
  const { path, changed } = await editConfig(app, [{ field, editOf }]);
  return {
    kind: "record",
    json: { path: formatField(field), config: { path, changed } },
    text: `${changed ? "changed" : "unchanged:"} ${formatField(field)} in ${path}`,
  };
}

async function requireConfig(app: App, path?: string): Promise<Config> {
  const config = await readExistingConfig(path === undefined ? app : app.withConfig(path));
  if (config !== undefined) return config;
  throw new PalyraError("not_found", "Cannot read the config: there is none", {
    hint: "palyra config path tells where one would be",
  });
}

async function readBytesOnly(app: App, location: ChangeContext["location"]): Promise<Config> {
  try {
    return await readConfig(await app.platform.documents(), location);
  } catch { // where it is can be told of any config
    return { location, text: "", digest: undefined, table: {} };
  }
}

/** TOML where it is TOML, else the text itself. */
function parseValue(text: string): TomlValue {
  try {
    const table = parseToml(`value = ${text}\n`);
    if (Object.keys(table).length === 1 && table["value"] !== undefined) return table["value"];
  } catch { /* a bare word */ }
  return text;
}

function printable(value: TomlValue): unknown {
  return JSON.parse(
    JSON.stringify(
      value,
      (_key, inner) =>
        typeof inner === "bigint"
          ? Number.isSafeInteger(Number(inner)) ? Number(inner) : String(inner)
          : inner,
    ),
  );
}

function lastKey(field: Field): string {
  return String(field.findLast((step) => typeof step === "string") ?? "");
}
