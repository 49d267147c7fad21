/** Opens the identity, the CA and the registry of devices for commands. */

import type { DeviceCa } from "../identity/ca_certificate.ts";
import type { Membership } from "../identity/membership.ts";
import type { Registry } from "../identity/registry/registry.ts";
import { type IdentityStore, openIdentityStore } from "../identity/store.ts";
import { PalyraError } from "../errors.ts";
import type { Platform } from "../platform/platform.ts";
import type { App } from "./app.ts";
import { hasVault } from "./stores.ts";

/** An open identity. */
export interface OpenIdentity extends Disposable {
  readonly platform: Platform;
  readonly directory: string;
  readonly store: IdentityStore;
}

/** The CA of this device with its registry. */
export interface OpenAuthority extends Disposable {
  readonly ca: DeviceCa;
  readonly registry: Registry;
}

/** Opens the identity. Throws `not_found` where there is none. */
export async function openOwnIdentity(app: App): Promise<OpenIdentity> {
  const found = await findIdentity(app);
  if (found !== undefined) return found;
  throw new PalyraError(
    "not_found",
    `Cannot open the identity: there is none in ${app.stateRoot}`,
    {
      hint: hasVault(app)
        ? "It is never made anew for a vault: put the identity directory back, or restore a backup"
        : "palyra init makes one",
    },
  );
}

/** Opens the identity; state root, identity and vault are made where there is nothing. */
export async function openOrMakeIdentity(app: App): Promise<OpenIdentity> {
  const found = await findIdentity(app);
  if (found !== undefined) return found;
  const { openVaultToWrite } = await import("./stores.ts");
  (await openVaultToWrite(app)).vault[Symbol.dispose]();
  return await openOwnIdentity(app);
}

/** The CA and its registry; made where there are none. */
export async function openOrMakeAuthority(app: App): Promise<OpenAuthority> {
  return await authorityOf(await openOrMakeIdentity(app));
}

/** The CA of an identity, which it takes over, and its registry; made where there is none. */
export async function authorityOf(identity: OpenIdentity): Promise<OpenAuthority> {
  try {
    const { openDeviceCa } = await import("../identity/ca_certificate.ts");
    const { ensureRegistry } = await import("../identity/registry/registry.ts");
    const ca = await openDeviceCa(identity.platform, identity.store);
    const registry = await ensureRegistry(identity);
    return { ca, registry, [Symbol.dispose]: () => close(registry, identity) };
  } catch (error) {
    identity[Symbol.dispose]();
    throw error;
  }
}

/** The CA and its registry; `undefined` where nothing was ever paired or issued. Nothing is made. */
export async function findAuthority(app: App): Promise<OpenAuthority | undefined> {
  const identity = await openOwnIdentity(app);
  let registry: Registry | undefined;
  try {
    const { openRegistry } = await import("../identity/registry/registry.ts");
    registry = await openRegistry(identity);
    if (registry !== undefined) {
      const { openDeviceCa } = await import("../identity/ca_certificate.ts");
      const ca = await openDeviceCa(app.platform, identity.store);
      const opened = registry;
      return { ca, registry: opened, [Symbol.dispose]: () => close(opened, identity) };
    }
  } catch (error) {
    registry?.[Symbol.dispose]();
    identity[Symbol.dispose]();
    throw error;
  }
  identity[Symbol.dispose]();
  return undefined;
}

/**
 * The membership that a user means: by the beginning of the CA's fingerprint or the approver's id;
 * without one, the only one. Throws `not_found`, `usage`.
 */
export async function chooseMembership(
  store: IdentityStore,
  wanted: string | undefined,
): Promise<Membership> {
  const { listMemberships } = await import("../identity/membership.ts");
  const all = await listMemberships(store);
  const found = wanted === undefined
    ? all
    : all.filter(({ caFingerprint, approverId }) =>
      caFingerprint.startsWith(wanted.toLowerCase()) || approverId === wanted
    );
  if (found.length === 1) return found[0]!;
  if (found.length === 0) {
    const why = all.length === 0 ? "no other device has paired it" : "none is known by that name";
    throw new PalyraError("not_found", `Cannot choose an authority of this device: ${why}`, {
      hint: "palyra identity show lists them; palyra pairing request begins a pairing",
    });
  }
  throw new PalyraError("usage", "Cannot choose an authority of this device: there are several", {
    hint: "--of names one by its device id or the beginning of its CA's fingerprint",
  });
}

async function findIdentity(app: App): Promise<OpenIdentity | undefined> {
  const { platform, stateRoot, identityDirectory: directory, access } = app;
  const { directories } = platform;
  if (!directories.check(stateRoot) || !directories.check(directory)) return undefined;
  const store = await openIdentityStore(platform, directory, access);
  if (store === undefined) return undefined;
  const { readDevice } = await import("../identity/device.ts");
  try {
    if (await readDevice(store) !== undefined) {
      return { platform, directory, store, [Symbol.dispose]: () => store[Symbol.dispose]() };
    }
  } catch (error) {
    store[Symbol.dispose]();
    throw error;
  }
  store[Symbol.dispose]();
  return undefined;
}

function close(registry: Registry, identity: OpenIdentity): void {
  registry[Symbol.dispose]();
  identity[Symbol.dispose]();
}
