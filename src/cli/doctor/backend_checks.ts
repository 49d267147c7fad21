/** The backend: its tool, its bus, its service, its lock, its canary, and at last the vault's key. */

import { isPalyraError } from "../../errors.ts";
import { causeOf, type KeystoreCause, whyOf } from "../../keystore/failure.ts";
import { isKeystore, type KeystoreKind, keystoreOf } from "../../keystore/keystore.ts";
import { openKeystore } from "../../keystore/open_keystore.ts";
import { findTool } from "../../keystore/tool.ts";
import { liveBlob } from "../../vault/catalog.ts";
import { openLiveVaultKey } from "../../vault/key_chain.ts";
import { readMarker, type Vault } from "../../vault/vault.ts";
import type { App } from "../app.ts";
import { type Check, type CheckId, fail, failed, ok, skipped, warn } from "./check.ts";

const ID_BYTES = 16;
const PARTS = ["backend.bus", "backend.service", "backend.lock", "backend.canary"] as const;

/** Where each cause shows; what stands before that part works. */
const PLACES: Partial<Record<KeystoreCause, CheckId>> = {
  no_bus: "backend.bus",
  no_service: "backend.service",
  timeout: "backend.service",
  no_collection: "backend.lock",
  locked: "backend.lock",
  denied: "backend.lock",
};

/** Looks at the backend that is in force, or that a new vault would get. */
export async function checkBackend(app: App, vault: Vault | undefined): Promise<Check[]> {
  const pinned = vault && liveBlob(vault.database)?.backend;
  const kind = pinned ?? keystoreOf(app.platform.environment.os);
  if (kind === undefined || !isKeystore(kind)) {
    const none = ["backend.tool", ...PARTS] as const;
    const parts = none.map((id) => skipped(id, "encrypted_file needs nothing of the kind"));
    return [await checkKey(app, vault, undefined), ...parts];
  }
  const parts = await checkKeystore(app, kind, pinned === undefined ? undefined : vault!.vaultId);
  const worst = parts.find(({ status }) => status === "fail");
  if (pinned === undefined) return [whatAutoGives(kind, worst), ...parts.map(asAdvice)];
  return [await checkKey(app, vault, worst), ...parts];
}

/** Without a vault nothing is broken yet: what does not work is told all the same. */
function asAdvice(check: Check): Check {
  return check.status === "fail" ? { ...check, status: "warn" } : check;
}

function whatAutoGives(kind: KeystoreKind, worst: Check | undefined): Check {
  if (worst === undefined) {
    const cause = `a new vault would be kept by ${kind}, unless that turns out to be locked`;
    return ok("backend", cause);
  }
  const cause = `a new vault would be kept by encrypted_file: ${worst.cause}`;
  return warn("backend", cause, worst.remedy);
}

async function checkKey(
  app: App,
  vault: Vault | undefined,
  worst: Check | undefined,
): Promise<Check> {
  const blob = vault && liveBlob(vault.database);
  if (vault === undefined || blob === undefined) return skipped("backend", "there is no vault yet");
  const { backend } = blob;
  if (worst !== undefined) return fail("backend", `${backend}: ${worst.cause}`, worst.remedy);
  try {
    await openLiveVaultKey(vault.keys, vault.database);
  } catch (error) {
    if (!isPalyraError(error, "would_prompt")) return failed("backend", error);
    return skipped("backend", `${backend}; the passphrase of the identity was not given`);
  }
  if (readMarker(app.platform, vault.paths) !== backend) {
    const cause = `${backend}, but backend.kind says something else`;
    return warn("backend", cause, "The next writing command mends it");
  }
  return ok("backend", `${backend}; the vault's key opens`);
}

async function checkKeystore(
  app: App,
  kind: KeystoreKind,
  vaultId: string | undefined,
): Promise<Check[]> {
  const { platform } = app;
  if (keystoreOf(platform.environment.os) !== kind) {
    const rest = PARTS.map((id) => skipped(id, "the keystore is that of another system"));
    const remedy = "Run where the vault was made, or restore it";
    return [fail("backend.tool", `this system has no ${kind}`, remedy), ...rest];
  }
  const tool = await findTool(platform, kind);
  if (tool === undefined) {
    const rest = PARTS.map((id) => skipped(id, "there is no tool to ask with"));
    return [await missingTool(app, kind), ...rest];
  }
  const said = tool.version === undefined ? "" : ` ${tool.version}`;
  return [ok("backend.tool", `${tool.path}${said}`), ...await askKeystore(app, kind, vaultId)];
}

async function missingTool(app: App, kind: KeystoreKind): Promise<Check> {
  try {
    await look(app, kind, undefined);
  } catch (error) {
    return failed("backend.tool", error);
  }
  return fail("backend.tool", whyOf("no_tool"), "");
}

/** One call, without a dialog: what it says decides about bus, service, lock and canary. */
async function askKeystore(
  app: App,
  kind: KeystoreKind,
  vaultId: string | undefined,
): Promise<Check[]> {
  const isLinux = kind === "linux_secret_service";
  const fine: Check[] = isLinux
    ? [ok("backend.bus", busOf(app)), ok("backend.service", "it answers")]
    : PARTS.slice(0, 2).map((id) => skipped(id, "only Linux has one"));
  try {
    const isThere = await look(app, kind, vaultId);
    const canary = vaultId === undefined
      ? skipped("backend.canary", "there is no vault yet")
      : isThere
      ? ok("backend.canary", "it reads")
      : fail(
        "backend.canary",
        whyOf("not_here"),
        "Another user, HOME or keyring: run where the vault was made, or restore its keyring",
      );
    const lock = isThere
      ? ok("backend.lock", "unlocked")
      : skipped("backend.lock", "nothing of this vault is there to tell by");
    return [...fine, lock, canary];
  } catch (error) {
    const cause = causeOf(error);
    const place = (cause && PLACES[cause]) ?? "backend.canary";
    const at = PARTS.findIndex((id) => id === place);
    const rest = PARTS.slice(at + 1).map((id) => skipped(id, "what comes before it fails"));
    const before = PARTS.slice(0, at).map((id, index) =>
      fine[index] ?? ok(id, "nothing is known against it")
    );
    return [...before, failed(PARTS[at]!, error), ...rest];
  }
}

function busOf({ platform: { environment } }: App): string {
  const address = environment.get("DBUS_SESSION_BUS_ADDRESS");
  return address ? "DBUS_SESSION_BUS_ADDRESS leads to it" : "XDG_RUNTIME_DIR leads to it";
}

async function look(app: App, kind: KeystoreKind, vaultId: string | undefined): Promise<boolean> {
  const { platform, stateRoot } = app;
  const keystore = await openKeystore(platform, kind, {
    holder: { kind: "vault", id: vaultId ?? platform.random.bytes(ID_BYTES).toHex() },
    item: "vault_key",
    directory: `${stateRoot}/vault/keystore`,
    mayUnlock: app.mayUnlock,
  });
  return await keystore.look();
}
