/** Changing and listing what protocols have stored: many processes may do so at once. */

import { decodeUtf8, encodeUtf8 } from "../../crypto/encoding.ts";
import { SensitiveBytes } from "../../crypto/sensitive_bytes.ts";
import { isPalyraError, PalyraError } from "../../errors.ts";
import {
  type Account,
  accountsPrefix,
  formatAccounts,
  parseAccounts,
  withAccount,
  withoutAccounts,
} from "../../protocols/accounts.ts";
import type { Address } from "../../protocols/address.ts";
import type { Listed, NewCredential, Wish } from "../../protocols/protocol.ts";
import { deleteSecret } from "../../vault/delete_secret.ts";
import { readSecret } from "../../vault/read_secret.ts";
import type { VaultScope } from "../../vault/scope.ts";
import { setSecret } from "../../vault/set_secret.ts";
import type { Vault } from "../../vault/vault.ts";
import type { SecretId } from "../../vault/vault_ref.ts";
import type { App } from "../app.ts";
import { openVaultToChange, openVaultToRead, openVaultToWrite } from "../stores.ts";

/** How often others may be faster. */
const MAX_TRIES = 100;

/** Adds an account, or replaces it; the same one again changes nothing. */
export async function putAccount(
  app: App,
  id: SecretId,
  address: Address,
  credential: NewCredential,
  secret: string,
): Promise<void> {
  const { vault } = await openVaultToWrite(app);
  using _open = vault;
  await change(vault, id, address, (accounts) => withAccount(accounts, credential, secret));
}

/** Removes accounts; where none is left the secret goes. */
export async function eraseAccounts(
  app: App,
  id: SecretId,
  address: Address,
  wish: Wish,
): Promise<void> {
  {
    using vault = await openVaultToRead(app, { opensValues: true });
    const { accounts } = await read(vault, id, address);
    if (withoutAccounts(accounts, wish).length === accounts.length) return;
  }
  using vault = await openVaultToChange(app);
  await change(vault, id, address, (accounts) => withoutAccounts(accounts, wish));
}

/** Accounts of every address of a protocol, by what the client called it. */
export async function listAccounts(
  app: App,
  scope: VaultScope,
  protocol: string,
): Promise<Listed[]> {
  const { listSecrets } = await import("../../vault/list_secrets.ts");
  using vault = await openVaultToRead(app, { opensValues: true });
  const listed: Listed[] = [];
  for (const { id } of await listSecrets(vault, scope)) {
    if (!id.name.startsWith(accountsPrefix(protocol))) continue;
    const { accounts: [first] } = await read(vault, id);
    if (first === undefined) continue;
    listed.push({ address: first.attributes["server"] ?? "", username: first.username });
  }
  return listed.filter(({ address }) => address !== "");
}

async function change(
  vault: Vault,
  id: SecretId,
  address: Address,
  edit: (accounts: readonly Account[]) => readonly Account[],
): Promise<void> {
  for (let tries = 1;; tries++) {
    const { accounts, version } = await read(vault, id, address);
    const next = edit(accounts);
    try {
      if (next.length === 0) {
        if (version !== 0) await deleteSecret(vault, id, { ifVersion: version });
        return;
      }
      using value = new SensitiveBytes(encodeUtf8(formatAccounts(address, next)));
      // An account that was erased would live on in an older version.
      await setSecret({ ...vault, keepVersions: 1 }, id, value, { ifVersion: version });
      return;
    } catch (error) {
      const isOvertaken = isPalyraError(error, "precondition") || isPalyraError(error, "not_found");
      if (!isOvertaken || tries === MAX_TRIES) throw error;
    }
  }
}

async function read(
  vault: Vault,
  id: SecretId,
  address?: Address,
): Promise<{ readonly accounts: readonly Account[]; readonly version: number }> {
  try {
    using opened = await readSecret(vault, id);
    const text = decodeUtf8(opened.value.reveal());
    if (text === undefined) throw new PalyraError("integrity", "Cannot read a stored credential");
    return { accounts: parseAccounts(text, address), version: opened.version };
  } catch (error) {
    if (isPalyraError(error, "not_found")) return { accounts: [], version: 0 };
    throw error;
  }
}
