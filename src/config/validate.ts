/** Everything that is wrong or unknown in a config, with line and column, and never with a value. */

import { isPalyraError, type PalyraError } from "../errors.ts";
import { mistakesOfAuthNetwork, readAuthNetwork } from "./auth_network.ts";
import { readClientRules } from "./client_rules.ts";
import type { Config } from "./config.ts";
import { type Field, formatField, pathOf } from "./field.ts";
import {
  fieldOfForm,
  generalForm,
  heldForms,
  KNOWN_SECRETS,
  REF_SUFFIXES,
  withoutSuffix,
} from "./logical_secret.ts";
import { findReferences, readReference } from "./references.ts";
import { mistakesOfSettings, readSettings } from "./settings.ts";
import { isTable, type TomlTable, type TomlValue } from "./toml_document.ts";
import { type Position, positionsOf } from "./toml_positions.ts";

/** One finding. An unknown key is kept and does no harm; an error makes the config unusable. */
export interface ConfigProblem {
  readonly severity: "error" | "unknown";
  readonly field: string;
  /** From 1. */
  readonly line: number;
  readonly column: number;
  readonly message: string;
}

/** What others than this room have found: rules of a protocol, which only the protocol can judge. */
export interface FieldProblem {
  readonly severity: ConfigProblem["severity"];
  readonly field: Field;
  readonly message: string;
}

/** Keys that are known beside the secrets; `[]` stands for any entry, `*` for any key. */
const KNOWN_KEYS: readonly string[] = [
  "version",
  ...["kind", "openai_base_url", "anthropic_base_url", "auth_profile_id", "auth_profile_ref"]
    .map((key) => `model_provider.${key}`),
  "model_provider.auth_provider_kind",
  ...[
    "provider_id",
    "display_name",
    "kind",
    "base_url",
    "enabled",
    "auth_profile_id",
    "auth_profile_ref",
    "auth_provider_kind",
  ].map((key) => `model_provider.providers[].${key}`),
  "admin.require_auth",
  "admin.bound_principal",
  "tool_call.browser_service.enabled",
  "tool_call.browser_service.endpoint",
  "tool_call.browser_service.state_dir",
  "tool_call.wasm_runtime.allowed_secrets",
  "storage.vault_dir",
  "gateway.identity_store_dir",
  "gateway.vault_get_approval_required_refs",
  "identity.allow_insecure_node_rpc_without_mtls",
  "helper.*.allow",
  "helper.*.store_scope",
  "helper.*.map[].match",
  "helper.*.map[].ref",
  "helper.*.map[].username",
  ...KNOWN_SECRETS.flatMap(({ field, forms }) => forms.includes("inline") ? [field] : []),
];

/** Checks a config that is TOML, from its first line to its last. */
export function validateConfig(
  config: Config,
  others: readonly FieldProblem[] = [],
): ConfigProblem[] {
  const { text, table } = config;
  const positions = positionsOf(text);
  const problems: ConfigProblem[] = [];
  function add(severity: ConfigProblem["severity"], field: Field, message: string): void {
    const { line, column } = positionOf(positions, table, field);
    problems.push({ severity, field: formatField(field), line, column, message });
  }
  const version = table["version"];
  if (version !== undefined && version !== 1n) add("error", ["version"], "it is not 1");
  attemptAll(() => mistakesOfSettings(config), () => readSettings(config), (message, key) => {
    add("error", ["palyra", ...stepsOf(key)], message);
  });
  attemptAll(() => mistakesOfAuthNetwork(table), () => readAuthNetwork(table), (message, key) => {
    add("error", ["auth", ...stepsOf(key)], message);
  });
  const clients = table["helper"];
  for (const protocol of isTable(clients) ? Object.keys(clients) : []) {
    for (const { message, details } of readClientRules(table, protocol).mistakes) {
      add("error", ["helper", protocol, ...stepsOf(keyIn(details))], message);
    }
  }
  for (const { severity, field, message } of others) add(severity, field, message);
  for (const found of findReferences(table)) {
    const { field, form } = found;
    const at = fieldOfForm(field, form);
    attempt(() => readReference(found), (message) => add("error", at, message));
  }
  for (const { field, forms } of conflicts(table)) {
    add("error", field, `it is held in ${forms} forms; leave one`);
  }
  for (const field of inlineThatAreNoText(table)) add("error", field, "it is no text");
  for (const field of unknownKeys(table)) add("unknown", field, "palyra does not know this key");
  return problems.sort((a, b) => a.line - b.line || a.column - b.column);
}

function stepsOf(key: string | undefined): (string | number)[] {
  return key?.split(".").map((step) => /^\d+$/.test(step) ? Number(step) : step) ?? [];
}

function attempt(
  body: () => unknown,
  report: (message: string, key: string | undefined) => void,
): void {
  try {
    body();
  } catch (error) {
    if (!isPalyraError(error)) throw error;
    report(error.message, keyIn(error.details));
  }
}

/** Tells every mistake; where there is none, the one for which it cannot be read all the same. */
function attemptAll(
  mistakes: () => readonly PalyraError[],
  read: () => unknown,
  report: (message: string, key: string | undefined) => void,
): void {
  attempt(() => {
    const all = mistakes();
    for (const { message, details } of all) report(message, keyIn(details));
    if (all.length === 0) read();
  }, report);
}

function keyIn(details: PalyraError["details"]): string | undefined {
  const key = details?.["key"];
  return typeof key === "string" ? key : undefined;
}

/** Logical secrets that are held in more than one form. */
function conflicts(table: TomlTable): { field: Field; forms: number }[] {
  const seen = new Map<string, { field: Field; forms: number }>();
  for (const { field } of findReferences(table)) {
    const forms = heldForms(table, field);
    if (forms.length < 2) continue;
    seen.set(formatField(field), {
      field: fieldOfForm(field, forms[0]!.form),
      forms: forms.length,
    });
  }
  return [...seen.values()];
}

function inlineThatAreNoText(table: TomlTable): Field[] {
  const inline = new Set(
    KNOWN_SECRETS.flatMap(({ field, forms }) => forms.includes("inline") ? [field] : []),
  );
  return leaves(table).filter(({ field, value }) =>
    inline.has(generalForm(field)) && typeof value !== "string"
  ).map(({ field }) => field);
}

/** The topmost keys that lead to nothing known. */
function unknownKeys(table: TomlTable): Field[] {
  const unknown = new Map<string, Field>();
  for (const { field } of leaves(table)) {
    const last = field.at(-1);
    const isReference = typeof last === "string" && withoutSuffix([last])[0] !== last;
    if (isReference || isKnown(field) || isStrict(field)) continue;
    const top = topUnknown(field);
    unknown.set(formatField(top), top);
  }
  return [...unknown.values()];
}

/** Whether it is of a table whose unknown keys are errors, and told as such. */
function isStrict([first]: Field): boolean {
  return first === "palyra" || first === "auth";
}

function topUnknown(field: Field): Field {
  for (let length = 1; length < field.length; length++) {
    const part = generalForm(field.slice(0, length));
    const leadsOn = KNOWN_KEYS.some((known) => matches(known, part, true));
    if (!leadsOn) return field.slice(0, length);
  }
  return field;
}

function isKnown(field: Field): boolean {
  const general = generalForm(field);
  return KNOWN_KEYS.some((known) => matches(known, general, false));
}

/** Whether a field is a known one, or (as a prefix) leads to one. */
function matches(known: string, general: string, prefix: boolean): boolean {
  const wanted = known.split(".");
  const given = general.split(".");
  if (prefix ? given.length > wanted.length : given.length !== wanted.length) return false;
  return given.every((step, at) =>
    wanted[at] === "*" || wanted[at] === step ||
    (prefix && at === given.length - 1 && wanted[at]!.startsWith(`${step}[`))
  );
}

interface Leaf {
  readonly field: Field;
  readonly value: TomlValue;
}

/** Values that are no tables; lists of texts and numbers count as one value, tables of references too. */
function leaves(table: TomlTable): Leaf[] {
  const found: Leaf[] = [];
  function walk(value: TomlValue, field: Field): void {
    const last = field.at(-1);
    const isReference = typeof last === "string" && last.endsWith(REF_SUFFIXES.secret_ref);
    if (isTable(value) && !isReference) {
      for (const [key, inner] of Object.entries(value)) walk(inner, [...field, key]);
    } else if (Array.isArray(value) && value.some((entry) => isTable(entry))) {
      value.forEach((entry, at) => walk(entry, [...field, at]));
    } else {
      found.push({ field, value });
    }
  }
  walk(table, []);
  return found;
}

/** Where a field stands, or the closest table around it. */
export function positionOf(
  positions: ReadonlyMap<string, Position>,
  table: TomlTable,
  field: Field,
): Position {
  const path = pathOf(table, field) ?? [];
  for (let length = path.length; length > 0; length--) {
    const found = positions.get(JSON.stringify(path.slice(0, length)));
    if (found !== undefined) return found;
  }
  return { line: 1, column: 1 };
}
