/** The port of the protocols, on the vault: what the rules give, and what the protocol itself has stored. */

import { decodeUtf8, encodeUtf8 } from "../../crypto/encoding.ts";
import { SensitiveBytes } from "../../crypto/sensitive_bytes.ts";
import { isPalyraError, PalyraError } from "../../errors.ts";
import { type Account, accountsName, isMeant, parseAccounts } from "../../protocols/accounts.ts";
import { type Address, formatAddress } from "../../protocols/address.ts";
import type {
  Credential,
  Credentials,
  Found,
  Listed,
  NewCredential,
  ProfileCredentials,
} from "../../protocols/protocol.ts";
import { decide, type Decision } from "../../protocols/rules.ts";
import { resolveEach, type SecretRequest } from "../../resolver/resolver.ts";
import { parseSecretRef, type SecretRef } from "../../resolver/secret_ref.ts";
import { parseName, parseVaultRef } from "../../vault/vault_ref.ts";
import { makeSecretId, type SecretId } from "../../vault/vault_ref.ts";
import { parseScope } from "../../vault/scope.ts";
import { hasVault, openVaultToRead } from "../stores.ts";
import type { Client } from "./client.ts";

/** What is wiped at the end of a call. */
export interface OpenCredentials extends Credentials, ProfileCredentials, Disposable {}

/** The credentials that a client may have. */
export function credentialsOf(client: Client): OpenCredentials {
  const opened: Disposable[] = [];
  const getAll = (addresses: readonly Address[], username?: string): Promise<Found[]> =>
    findAll(client, opened, addresses, username);
  return {
    getAll: (addresses) => getAll(addresses),
    get: async (address, username) => {
      const found = (await getAll([address], username))[0]!;
      if (found.status === "failed") throw found.error;
      return found.status === "found" ? found.credential : undefined;
    },
    put: async (address, credential) => await put(client, address, credential),
    erase: async (address, wish = {}) => {
      const id = await storedId(client, address);
      if (id === undefined || !hasVault(client.app)) return;
      const { eraseAccounts } = await import("./stored_accounts.ts");
      await eraseAccounts(client.app, id, address, wish);
    },
    list: async () => await list(client),
    choose: async (wish) => {
      const { chosenCredential } = await import("./chosen_credential.ts");
      const credential = await chosenCredential(client, wish);
      if (credential !== undefined) opened.push(credential.secret);
      return credential;
    },
    [Symbol.dispose]: () => opened.forEach((one) => one[Symbol.dispose]()),
  };
}

/** What one address is read from. */
interface Source {
  readonly request: SecretRequest;
  /** The user name that the map says. */
  readonly username: string | undefined;
  /** It holds accounts, of which one is taken. */
  readonly isStored: boolean;
}

async function findAll(
  client: Client,
  opened: Disposable[],
  addresses: readonly Address[],
  username: string | undefined,
): Promise<Found[]> {
  const sources = await Promise.all(
    addresses.map((address) => sourceOf(client, address, username)),
  );
  const requests = sources.flatMap((source) => source === undefined ? [] : [source.request]);
  const needsVault = requests.some(({ ref }) => ref.kind === "vault");
  if (requests.length === 0 || (needsVault && !hasVault(client.app))) {
    return addresses.map(() => ({ status: "nothing" }));
  }
  const { app } = client;
  const resolutions = await resolveEach(requests, {
    openVault: () => openVaultToRead(app, { opensValues: true }),
    // No client says here for which agent it asks: only profiles for everybody are given.
    credentialOf: async (id) => (await import("../auth/credential.ts")).credentialOf(app, id),
    platform: app.platform,
  });
  opened.push(resolutions);
  let at = 0;
  return sources.map((source, index): Found => {
    if (source === undefined) return { status: "nothing" };
    const { value, error } = resolutions.all[at++]!;
    if (value === undefined) return failureOf(error);
    if (!source.isStored) {
      return {
        status: "found",
        credential: { username: source.username ?? username, secret: value },
      };
    }
    return foundIn(opened, value, addresses[index]!, username);
  });
}

function failureOf(error: unknown): Found {
  if (isPalyraError(error, "not_found")) return { status: "nothing" };
  if (isPalyraError(error)) return { status: "failed", error };
  throw error;
}

/** The account of this user, or the one that was stored last. */
function foundIn(
  opened: Disposable[],
  value: SensitiveBytes,
  address: Address,
  username: string | undefined,
): Found {
  let account: Account | undefined;
  try {
    account = parseAccounts(decodeUtf8(value.reveal()) ?? "", address)
      .find((one) => isMeant(one, { username }));
  } catch (error) {
    return failureOf(error);
  }
  if (account === undefined) return { status: "nothing" };
  const secret = new SensitiveBytes(encodeUtf8(account.secret));
  opened.push(secret);
  const credential: Credential = {
    username: account.username,
    secret,
    attributes: account.attributes,
  };
  return { status: "found", credential };
}

async function sourceOf(
  client: Client,
  address: Address,
  username: string | undefined,
): Promise<Source | undefined> {
  const { protocol, rules } = client;
  const decision = decide(protocol, rules.table, address, username);
  if (decision.kind !== "nothing") return await ruledSource(client, decision);
  const id = await storedId(client, address);
  return id === undefined
    ? undefined
    : { request: { ref: { kind: "vault", ref: id } }, username: undefined, isStored: true };
}

const CONFIG = "config:";
const AUTH = "auth:";

async function ruledSource(
  { rules: { config } }: Client,
  decision: Exclude<Decision, { kind: "nothing" }>,
): Promise<Source> {
  if (decision.kind === "reference") {
    return { request: { ref: parseRef(decision.ref) }, username: undefined, isStored: false };
  }
  const { ref: text, username } = decision.rule;
  if (!text.startsWith(CONFIG)) {
    return { request: { ref: parseRef(text) }, username, isStored: false };
  }
  const { referenceAt } = await import("../../config/lookup.ts");
  const { source, maxBytes } = referenceAt(config!, text.slice(CONFIG.length));
  return { request: { ref: source, maxBytes }, username, isStored: false };
}

/** A reference to a profile or to the vault: rules name no other source but through `config:`. */
function parseRef(text: string): SecretRef {
  return text.startsWith(AUTH) ? parseSecretRef(text) : { kind: "vault", ref: parseVaultRef(text) };
}

/** Where the protocol stores what it is given for an address; `undefined` where it stores nothing. */
async function storedId(
  { name, rules: { table: { storeScope } } }: Client,
  address: Address,
): Promise<SecretId | undefined> {
  if (storeScope === undefined) return undefined;
  return makeSecretId(parseScope(storeScope), parseName(await accountsName(name, address)));
}

async function put(client: Client, address: Address, credential: NewCredential): Promise<boolean> {
  const { app, protocol, rules } = client;
  // A client stores what it has just been given: a second copy would outlive the first.
  const decision = decide(protocol, rules.table, address, credential.username);
  if (decision.kind !== "nothing") return true;
  const id = await storedId(client, address);
  if (id === undefined) return false;
  const secret = decodeUtf8(credential.secret.reveal());
  if (secret === undefined) {
    throw new PalyraError("usage", "Cannot store the credential: it is not UTF-8");
  }
  const { putAccount } = await import("./stored_accounts.ts");
  await putAccount(app, id, address, credential, secret);
  return true;
}

async function list(client: Client): Promise<Listed[]> {
  const { name, protocol, rules: { table } } = client;
  const mapped = table.maps.flatMap(({ match, username }) => {
    const address = protocol.parseAddress(match)!;
    const isExact = formatAddress(address).endsWith("*") === false;
    return isExact && username !== undefined ? [{ address: match, username }] : [];
  });
  if (table.storeScope === undefined || !hasVault(client.app)) return mapped;
  const { listAccounts } = await import("./stored_accounts.ts");
  const stored = await listAccounts(client.app, parseScope(table.storeScope), name);
  return [...stored, ...mapped];
}
