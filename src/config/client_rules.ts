/** The tables `[helper.<protocol>]`: what the programs that run palyra may ask for. */

import * as v from "valibot";
import { parseScope } from "../vault/scope.ts";
import { wrong } from "./secret_table.ts";
import { isTable, type TomlTable } from "./toml_document.ts";

/** What one table says. */
export interface ClientRules {
  readonly maps: readonly ClientMap[];
  readonly allow: readonly string[];
  /** Where the protocol may store; checked. */
  readonly storeScope: string | undefined;
}

/** What an address is mapped to; the texts are not judged yet. */
export interface ClientMap {
  readonly match: string;
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
const SCHEMA = v.strictObject({
  allow: v.optional(v.array(text, "it is no list"), []),
  store_scope: v.optional(text),
  map: v.optional(
    v.array(
      v.strictObject({ match: text, ref: text, username: v.optional(text) }, "it is no table"),
      "it is no list of tables",
    ),
    [],
  ),
}, "it is no table");

/** The rules of a protocol; empty ones where the config has none. Throws `usage` for a wrong table. */
export function clientRules(table: TomlTable, protocol: string): ClientRules {
  const field = `helper.${protocol}`;
  const all = Object.hasOwn(table, "helper") ? table["helper"] : {};
  if (!isTable(all)) {
    throw wrong("helper", { message: "it is no table", type: "object" } as v.BaseIssue<unknown>);
  }
  const value = Object.hasOwn(all, protocol) ? all[protocol] : {};
  const result = v.safeParse(SCHEMA, value, { abortEarly: true });
  if (!result.success) throw wrong(field, result.issues[0]);
  const { allow, map, store_scope: storeScope } = result.output;
  if (storeScope !== undefined) parseScope(storeScope);
  const maps = map.map(({ match, ref, username }) => ({ match, ref, username }));
  return { maps, allow, storeScope };
}
