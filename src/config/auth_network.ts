/** The table `[auth.network]` of the config: how the servers of auth profiles are reached. */

import * as v from "valibot";
import { PalyraError } from "../errors.ts";
import { parseAddressRange } from "../network/address_range.ts";
import { everyMistake, wrong } from "./secret_table.ts";
import { isTable, type TomlTable, type TomlValue } from "./toml_document.ts";

/** What the table says; what it leaves out is empty or `undefined`. */
export interface AuthNetwork {
  /** Special addresses that may be connected to, as `10.0.0.0/8`; checked. */
  readonly allow: readonly string[];
  /** Certificates of further CAs: PEM texts, and paths of files with such. */
  readonly caCertificates: readonly string[];
  readonly proxy: AuthProxy | undefined;
}

/** An HTTP proxy that servers are reached through. */
export interface AuthProxy {
  /** Name or address, without brackets. */
  readonly host: string;
  readonly port: number;
  /** {@link PROXY_CREDENTIAL} holds a reference. */
  readonly hasCredential: boolean;
}

/** The field of the proxy's `user:password`, which is never but a reference. */
export const PROXY_CREDENTIAL = "auth.network.proxy_credential";

const MOST_ENTRIES = 100;
const LONGEST_ENTRY = 262_144;
const HTTP_PORT = "80";

const list = <T extends v.GenericSchema<unknown, string>>(
  entry: T,
): v.GenericSchema<unknown, string[]> =>
  v.pipe(
    v.array(entry, "it is no list"),
    v.maxLength(MOST_ENTRIES, `it has more than ${MOST_ENTRIES} entries`),
  );
const text = v.pipe(
  v.string("it is no text"),
  v.check((value) => value.trim() !== "", "it is blank"),
  v.maxLength(LONGEST_ENTRY, `it is longer than ${LONGEST_ENTRY} characters`),
  v.check((value) => !value.includes("\0"), "it holds a NUL"),
);

const SCHEMA = v.strictObject({
  network: v.strictObject({
    allow: v.optional(
      list(v.pipe(text, v.check(isRange, "it is no address and no range like 10.0.0.0/8"))),
      [],
    ),
    ca_certificates: v.optional(list(text), []),
    proxy: v.optional(v.pipe(
      text,
      v.check((value) => !value.includes("@"), "a credential in it would be read by everybody"),
      v.check((value) => proxyOf(value) !== undefined, "it is not of the form http://HOST:PORT"),
    )),
    // Checked where all references are.
    proxy_credential_vault_ref: v.optional(v.unknown()),
    proxy_credential_secret_ref: v.optional(v.unknown()),
  }),
});

/** Everything that keeps the table from being read, but what only {@link readAuthNetwork} sees. */
export function mistakesOfAuthNetwork(table: TomlTable): readonly PalyraError[] {
  const auth = tableIn(table, "auth", "auth");
  const network = tableIn(auth, "network", "auth.network");
  return everyMistake("auth", SCHEMA, { ...auth, network });
}

/** Reads the table. Throws `usage` for an unknown or wrong key, and never quotes a value. */
export function readAuthNetwork(table: TomlTable): AuthNetwork {
  const auth = tableIn(table, "auth", "auth");
  const network = tableIn(auth, "network", "auth.network");
  const result = v.safeParse(SCHEMA, { ...auth, network }, { abortEarly: true });
  if (!result.success) throw wrong("auth", result.issues[0]);
  const { allow, ca_certificates, proxy, ...references } = result.output.network;
  const [reference] = Object.keys(references);
  if (proxy === undefined && reference !== undefined) {
    throw mistake(`auth.network.${reference}`, "there is no proxy");
  }
  return {
    allow,
    caCertificates: ca_certificates,
    proxy: proxy === undefined
      ? undefined
      : { ...proxyOf(proxy)!, hasCredential: reference !== undefined },
  };
}

function tableIn(table: TomlTable, key: string, field: string): TomlTable {
  const value: TomlValue = Object.hasOwn(table, key) ? table[key]! : {};
  if (isTable(value)) return value;
  throw mistake(field, "it is no table");
}

function mistake(field: string, why: string): PalyraError {
  const key = field.replace(/^auth\.?/, "");
  return new PalyraError("usage", `Cannot use ${field}: ${why}`, {
    ...(key === "" ? {} : { details: { key } }),
  });
}

function isRange(value: string): boolean {
  try {
    parseAddressRange(value);
    return true;
  } catch {
    return false;
  }
}

function proxyOf(value: string): { readonly host: string; readonly port: number } | undefined {
  const url = URL.parse(value);
  const isBare = url !== null && url.protocol === "http:" && url.hostname !== "" &&
    url.username === "" && url.password === "" && url.pathname === "/" && !/[?#\s]/.test(value);
  if (!isBare) return undefined;
  const host = url.hostname.replace(/^\[|\]$/g, "");
  return { host, port: Number(url.port || HTTP_PORT) };
}
