/** The tables `[helper.<protocol>]`: what the programs that run palyra may ask for. */

import * as v from "valibot";
import type { PalyraError } from "../errors.ts";
import { scopeOf, whyNoScope } from "../vault/scope.ts";
import { clientSource } from "./client_source.ts";
import { wrong } from "./secret_table.ts";
import { isTable, type TomlTable } from "./toml_document.ts";

/** What one table says. */
export interface ClientRules {
  readonly maps: readonly ClientMap[];
  readonly allow: readonly string[];
  /** Where the protocol may store; checked. */
  readonly storeScope: string | undefined;
}

/** What an address is mapped to; only the protocol can judge the address. */
export interface ClientMap {
  readonly match: string;
  /** Checked. */
  readonly ref: string;
  readonly username: string | undefined;
}

const MAX_TEXT = 4_096;

const text = v.pipe(
  v.string("it is no text"),
  v.check((value) => value !== "", "it is empty"),
  v.maxLength(MAX_TEXT, `it is longer than ${MAX_TEXT} characters`),
  v.check((value) => !/\p{Cc}/u.test(value), "it holds a control character"),
);
const source = v.pipe(
  text,
  v.check(
    (value) => clientSource(value) !== undefined,
    "it is none of SCOPE/NAME, auth:PROFILE and config:FIELD",
  ),
);
const SCHEMA = v.strictObject({
  allow: v.optional(v.array(text, "it is no list"), []),
  store_scope: v.optional(
    v.pipe(
      text,
      v.check((value) => scopeOf(value) !== undefined, ({ input }) => whyNoScope(input)),
    ),
  ),
  map: v.optional(
    v.array(
      v.strictObject({ match: text, ref: source, username: v.optional(text) }, "it is no table"),
      "it is no list of tables",
    ),
    [],
  ),
}, "it is no table");

/** What could be read of a table, and everything that is wrong with it. */
export interface ReadRules {
  /** `undefined` where the table is not even of the right shape. */
  readonly rules: ClientRules | undefined;
  readonly mistakes: readonly PalyraError[];
}

/** The rules of a protocol; empty ones where the config has none. Throws `usage` for a wrong table. */
export function clientRules(table: TomlTable, protocol: string): ClientRules {
  const { rules, mistakes } = readClientRules(table, protocol);
  if (mistakes.length > 0) throw mistakes[0];
  return rules!;
}

/** The same for those who tell all that is wrong: `usage`, with the key as a detail. */
export function readClientRules(table: TomlTable, protocol: string): ReadRules {
  const field = `helper.${protocol}`;
  const all = Object.hasOwn(table, "helper") ? table["helper"] : {};
  if (!isTable(all)) {
    const issue = { message: "it is no table", type: "object" } as v.BaseIssue<unknown>;
    return { rules: undefined, mistakes: [wrong("helper", issue)] };
  }
  const value = Object.hasOwn(all, protocol) ? all[protocol] : {};
  const { typed, output, issues = [] } = v.safeParse(SCHEMA, value, { abortPipeEarly: true });
  const mistakes = issues.map((issue) => wrong(field, issue));
  if (!typed) return { rules: undefined, mistakes };
  const { allow, map, store_scope: storeScope } = output;
  const maps = map.map(({ match, ref, username }) => ({ match, ref, username }));
  return { rules: { maps, allow, storeScope }, mistakes };
}
