/** Certificates of this device, and the registry of those that it has issued to others. */

import { isPalyraError } from "../../errors.ts";
import type { App } from "../app.ts";
import { findAuthority, openOwnIdentity } from "../identities.ts";
import { type Check, fail, failed, ok, skipped, warn } from "./check.ts";

const NAMES = ["certificates", "devices"] as const;

/** Looks at both, if that needs nobody to type. */
export async function checkCertificates(app: App): Promise<Check[]> {
  try {
    (await openOwnIdentity(app))[Symbol.dispose]();
  } catch (error) {
    const why = isPalyraError(error, "not_found")
      ? "there is no identity yet"
      : isPalyraError(error, "would_prompt")
      ? "its passphrase was not given: --passphrase-file FILE"
      : "the identity cannot be read";
    return NAMES.map((id) => skipped(id, why));
  }
  return [
    await checkLeaves(app).catch((error) => failed("certificates", error)),
    await checkDevices(app).catch((error) => failed("devices", error)),
  ];
}

async function checkLeaves(app: App): Promise<Check> {
  const { leavesOf } = await import("../commands/identity_leaf.ts");
  const { isDue } = await import("../../identity/leaf.ts");
  using identity = await openOwnIdentity(app);
  const leaves = await leavesOf(identity.store, undefined);
  const now = app.platform.clock.now();
  const ended = leaves.find(({ leaf }) => leaf.notAfter < now);
  const remedyFor = (of: string): string =>
    of === "self" ? "palyra identity renew" : `palyra identity csr --of ${of}`;
  if (ended !== undefined) {
    return fail("certificates", `that of ${ended.of} has expired`, remedyFor(ended.of));
  }
  const due = leaves.find(({ leaf }) => isDue(leaf, now));
  if (due !== undefined) {
    const until = new Date(due.leaf.notAfter).toISOString();
    return warn("certificates", `that of ${due.of} is due: it ends ${until}`, remedyFor(due.of));
  }
  return leaves.length === 0
    ? skipped("certificates", "this device has none")
    : ok("certificates", `${leaves.length} good, none is due`);
}

async function checkDevices(app: App): Promise<Check> {
  using authority = await findAuthority(app);
  if (authority === undefined) return skipped("devices", "none has ever been paired");
  const { registry } = authority;
  const { listDevices } = await import("../../identity/registry/devices.ts");
  const { livingCertificates } = await import("../../identity/registry/certificates.ts");
  const { listRequests } = await import("../../identity/pairing/requests.ts");
  const devices = await listDevices(registry);
  await livingCertificates(registry);
  const pending = (await listRequests(registry)).filter(({ state }) => state === "pending").length;
  if (pending > 0) {
    const what = `${pending} pairing ${pending === 1 ? "request waits" : "requests wait"}`;
    return warn("devices", `${what} for a decision`, "palyra pairing list");
  }
  return ok("devices", `${devices.length} known, and every row is sound`);
}
