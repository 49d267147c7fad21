/** What a protocol stores for one address: its accounts, as the JSON text of one secret of the vault. */

import { sha256Hex } from "../crypto/digest.ts";
import { encodeUtf8 } from "../crypto/encoding.ts";
import { PalyraError } from "../errors.ts";
import { type Address, formatAddress } from "./address.ts";
import type { NewCredential, Wish } from "./protocol.ts";

/** One account; all of it is text, as the protocols are. */
export interface Account {
  readonly username: string;
  readonly secret: string;
  readonly attributes: Readonly<Record<string, string>>;
}

const VERSION = 1;
const MAX_ACCOUNTS = 100;
const READABLE = 60;
const HASH = 32;

/**
 * The name of the secret that holds the accounts of an address: readable, and different for
 * different addresses by its hash.
 */
export async function accountsName(protocol: string, address: Address): Promise<string> {
  const text = formatAddress(address);
  const readable = (address.kind === "server" ? address.host : address.label).toLowerCase()
    .replace(/[^a-z0-9._-]+/g, "-").replace(/^[^a-z0-9]+/, "").slice(0, READABLE);
  const hash = await sha256Hex(encodeUtf8(JSON.stringify([protocol, text])));
  return `${accountsPrefix(protocol)}${readable || "other"}/${hash.slice(0, HASH)}`;
}

/** What the names of all addresses of a protocol begin with. */
export function accountsPrefix(protocol: string): string {
  return `${protocol}/`;
}

/** The text of accounts, in their order. */
export function formatAccounts(address: Address, accounts: readonly Account[]): string {
  return JSON.stringify({ version: VERSION, address: formatAddress(address), accounts });
}

/**
 * Reads the text of accounts. Throws `integrity` for what is none, or belongs to another address:
 * somebody else than this protocol has written it.
 */
export function parseAccounts(text: string, address?: Address): readonly Account[] {
  const object = parseObject(text);
  const isWanted = address === undefined || object["address"] === formatAddress(address);
  const accounts: unknown = object["accounts"];
  if (object["version"] === VERSION && isWanted && Array.isArray(accounts)) {
    if (accounts.every(isAccount)) return accounts;
  }
  throw new PalyraError(
    "integrity",
    "Cannot read a stored credential: it was not stored by a helper",
    {
      hint: "Remove it with palyra secrets delete, and log in again",
    },
  );
}

/** The accounts with a new one in front, in place of the older one of the same user. */
export function withAccount(
  accounts: readonly Account[],
  { username, attributes = {} }: NewCredential,
  secret: string,
): readonly Account[] {
  const others = accounts.filter((account) => account.username !== username);
  return [{ username, secret, attributes }, ...others].slice(0, MAX_ACCOUNTS);
}

/** The accounts without those that are meant. */
export function withoutAccounts(accounts: readonly Account[], wish: Wish): readonly Account[] {
  return accounts.filter((account) => !isMeant(account, wish));
}

/** Whether an account is the one that is meant. */
export function isMeant(account: Account, { username, secret }: Wish): boolean {
  return (username === undefined || account.username === username) &&
    (secret === undefined || account.secret === secret);
}

function isAccount(value: unknown): value is Account {
  const { username, secret, attributes } = Object(value) as Record<string, unknown>;
  return typeof username === "string" && typeof secret === "string" &&
    typeof attributes === "object" && attributes !== null &&
    Object.values(attributes).every((text) => typeof text === "string");
}

function parseObject(text: string): Record<string, unknown> {
  try {
    return Object(JSON.parse(text)) as Record<string, unknown>;
  } catch { // its message would quote a secret
    return {};
  }
}
