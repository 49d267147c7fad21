/** Real vaults in temporary directories, on the real platform but for the parts that a test exchanges. */

import { type DeviceAuthority } from "../../src/identity/authority.ts";
import { ensureIdentity } from "../../src/identity/identity.ts";
import { SensitiveBytes } from "../../src/crypto/sensitive_bytes.ts";
import { denoPlatform } from "../../src/platform/deno/platform.ts";
import type { ProtectorAccess } from "../../src/identity/protector.ts";
import type { Platform } from "../../src/platform/platform.ts";
import { ensureVault } from "../../src/vault/create_vault.ts";
import { readSecret } from "../../src/vault/read_secret.ts";
import { type SetOptions, setSecret } from "../../src/vault/set_secret.ts";
import type { WriteOutcome } from "../../src/vault/write_version.ts";
import {
  type BindingsOf,
  openVault,
  type Vault,
  type VaultPaths,
  vaultPaths,
} from "../../src/vault/vault.ts";
import { parseSecretId, parseVaultRef } from "../../src/vault/vault_ref.ts";

/** A state root that is removed at the end, with its vault open. */
export interface TestVault extends Disposable {
  readonly stateRoot: string;
  readonly platform: Platform;
  readonly paths: VaultPaths;
  readonly authority: DeviceAuthority;
  readonly vault: Vault;
  /** The clock that the vault sees, in milliseconds since 1970. */
  readonly clock: { now: number };
}

/** Where the clock of a test vault begins: 2026-01-02T03:04:05.678Z. */
export const START_MS = 1_767_323_045_678;

/** For identities that nothing but file modes protects: nobody is to be asked. */
export const NO_ACCESS: ProtectorAccess = {
  mayUnlock: false,
  passphrase: () => Promise.reject(new Error("Nobody is to be asked for a passphrase")),
};

/** Makes or opens an identity that file modes protect. */
export async function ensureFileIdentity(
  platform: Platform,
  directory: string,
  mayCreate: () => void = () => {},
): Promise<DeviceAuthority> {
  const protection = { protector: "file" } as const;
  return await ensureIdentity(platform, directory, { mayCreate, protection, access: NO_ACCESS });
}

/** For tests that stage nothing. */
export function noBindings(): ReturnType<BindingsOf> {
  return Promise.resolve({ of: () => ({ ref: undefined, exact: false }), names: () => false });
}

/** Makes identity and vault. */
export async function makeTestVault(): Promise<TestVault> {
  const clock = { now: START_MS };
  const platform: Platform = {
    ...denoPlatform,
    clock: { ...denoPlatform.clock, now: () => clock.now },
  };
  const directory = Deno.makeTempDirSync({ prefix: "palyra-test-" });
  const stateRoot = `${directory}/state`;
  const paths = vaultPaths(stateRoot);
  platform.directories.ensure(stateRoot);
  const authority = await ensureFileIdentity(platform, `${stateRoot}/identity`);
  const options = { keks: authority, preference: "encrypted_file", bindings: noBindings } as const;
  const { vault } = await ensureVault(platform, paths, options);
  return {
    stateRoot,
    platform,
    paths,
    authority,
    vault,
    clock,
    [Symbol.dispose](): void {
      vault[Symbol.dispose]();
      Deno.removeSync(directory, { recursive: true });
    },
  };
}

/** Opens the vault of a test once more, as another process would. */
export async function openAgain(test: TestVault): Promise<Vault> {
  const vault = await openVault(test.platform, test.paths, {
    keks: test.authority,
    bindings: noBindings,
  });
  if (vault === undefined) throw new Error("The vault is gone");
  return vault;
}

/** Stores a text. */
export async function put(
  vault: Vault,
  ref: string,
  text: string,
  options: SetOptions = {},
): Promise<WriteOutcome> {
  using value = bytes(text);
  return await setSecret(vault, parseSecretId(ref), value, options);
}

/** Reads a text. */
export async function take(vault: Vault, ref: string): Promise<string> {
  using opened = await readSecret(vault, parseVaultRef(ref));
  return new TextDecoder().decode(opened.value.reveal());
}

/** A text as a value. */
export function bytes(text: string): SensitiveBytes {
  return new SensitiveBytes(new TextEncoder().encode(text));
}
