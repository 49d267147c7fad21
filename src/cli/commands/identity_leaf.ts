/** `palyra identity csr`, `renew` and `needs-renewal`: the certificates of this device. */

import { PalyraError } from "../../errors.ts";
import { isDue, type Leaf } from "../../identity/leaf.ts";
import { listMemberships } from "../../identity/membership.ts";
import { acceptRenewal, makeRenewalRequest } from "../../identity/renewal/asking.ts";
import { readRenewalAnswer } from "../../identity/renewal/messages.ts";
import { SKEW_MS } from "../../identity/registry/certificates.ts";
import { readOwnLeaf, renewOwnLeaf } from "../../identity/renewal/own_leaf.ts";
import type { IdentityStore } from "../../identity/store.ts";
import type { App } from "../app.ts";
import {
  type CertificateFlags,
  type CertificateWish,
  certificateWish,
} from "../certificate_flags.ts";
import { printDocument, readDocumentFile } from "../documents.ts";
import { chooseMembership, openOrMakeAuthority, openOwnIdentity } from "../identities.ts";
import type { RecordView } from "../view.ts";

/** What `--of` names for the certificate under this device's own CA. */
export const OWN = "self";

/** Flags of `identity csr`. */
export interface IdentityCsrFlags extends CertificateFlags {
  readonly of?: string | undefined;
  readonly out?: string | undefined;
}

/** Flags of `identity renew`. */
export interface IdentityRenewFlags extends CertificateFlags {
  readonly answer?: string | undefined;
  readonly force?: boolean | undefined;
  readonly exec?: string | undefined;
  readonly "revoke-old"?: boolean | undefined;
}

/** Flags of `identity needs-renewal`. */
export interface NeedsRenewalFlags {
  readonly of?: string | undefined;
}

/** Makes the next key and a request for it, signed by this device's identity key. */
export async function identityCsr(app: App, flags: IdentityCsrFlags): Promise<RecordView> {
  const asked = await certificateWish(app, flags, "client");
  using identity = await openOwnIdentity(app);
  const membership = await chooseMembership(identity.store, flags.of);
  const wish = await asBefore(asked, flags, membership.leaf);
  const { document, changed } = await makeRenewalRequest(identity, membership, wish);
  if (!changed) app.note("a request was made before: this is it again");
  return printDocument(app, {
    document,
    out: flags.out,
    json: {
      changed,
      approver_id: membership.approverId,
      ca_fingerprint: membership.caFingerprint,
    },
    lines: [`to        ${membership.approverId}, by palyra devices rotate --request`],
  });
}

/** Renews the certificate under the own CA, or keeps the one that an authority has answered with. */
export async function identityRenew(app: App, flags: IdentityRenewFlags): Promise<RecordView> {
  const { leaf, changed, of } = flags.answer === undefined
    ? await renewOwn(app, flags)
    : await keepAnswer(app, flags, flags.answer);
  const failure = changed && flags.exec !== undefined ? await runHook(app, flags.exec) : undefined;
  const notAfter = new Date(leaf.notAfter).toISOString();
  return {
    kind: "record",
    json: { changed, of, not_after: notAfter, executed: changed && flags.exec !== undefined },
    text: changed ? `renewed    until ${notAfter}` : `unchanged  until ${notAfter}, not due`,
    ...(failure === undefined ? {} : { failure }),
  };
}

/** Exit status 0 when a certificate is due, 11 when none is. */
export async function identityNeedsRenewal(
  app: App,
  flags: NeedsRenewalFlags,
): Promise<RecordView> {
  using identity = await openOwnIdentity(app);
  const leaves = await leavesOf(identity.store, flags.of);
  if (leaves.length === 0) throw noCertificate();
  const now = app.platform.clock.now();
  const items = leaves.map(({ of, leaf }) => ({
    of,
    due: isDue(leaf, now),
    not_after: new Date(leaf.notAfter).toISOString(),
  }));
  const isAnyDue = items.some(({ due }) => due);
  return {
    kind: "record",
    json: { due: isAnyDue, certificates: items },
    text: items.map(({ of, due, not_after }) =>
      `${due ? "due    " : "not due"}  ${of}, until ${not_after}`
    ).join("\n"),
    ...(isAnyDue
      ? {}
      : { failure: new PalyraError("not_due", "Nothing is to be renewed: no certificate is due") }),
  };
}

/** A certificate of this device, and who has issued it. */
export interface NamedLeaf {
  /** `self`, or the id of the device that approved. */
  readonly of: string;
  readonly leaf: Leaf;
}

/** The certificates that `--of` means; without it all. Throws `not_found`, `usage`. */
export async function leavesOf(
  store: IdentityStore,
  of: string | undefined,
): Promise<NamedLeaf[]> {
  if (of !== undefined && of !== OWN) {
    const { approverId, leaf } = await chooseMembership(store, of);
    return [{ of: approverId, leaf }];
  }
  const own = await readOwnLeaf(store);
  const named = own === undefined ? [] : [{ of: OWN, leaf: own }];
  if (of === OWN) return named;
  const memberships = await listMemberships(store);
  return [...named, ...memberships.map(({ approverId, leaf }) => ({ of: approverId, leaf }))];
}

/** The error where no certificate was made or received yet. */
export function noCertificate(): PalyraError {
  return new PalyraError("not_found", "Cannot find a certificate of this device: it has none", {
    hint: "palyra identity renew makes one, palyra pairing request asks another device for one",
  });
}

/** What no flag says is as it is in the certificate that is renewed. */
async function asBefore(
  wish: CertificateWish,
  { usage, validity }: CertificateFlags,
  { certificate, notBefore, notAfter }: Leaf,
): Promise<CertificateWish> {
  const { usagesIn } = await import("../../x509/certificate.ts");
  const usages = usage === undefined ? usagesIn(certificate) : wish.usages;
  const lifetimeS = (notAfter - notBefore - SKEW_MS) / 1_000;
  return { ...wish, usages, validityS: validity === undefined ? lifetimeS : wish.validityS };
}

/** How a renewal has ended. */
interface Renewed extends NamedLeaf {
  readonly changed: boolean;
}

async function renewOwn(app: App, flags: IdentityRenewFlags): Promise<Renewed> {
  const wish = {
    ...await certificateWish(app, flags, "both"),
    force: flags.force ?? false,
    revokeOld: flags["revoke-old"] ?? false,
  };
  using authority = await openOrMakeAuthority(app);
  return { of: OWN, ...await renewOwnLeaf(authority.registry, authority.ca, wish) };
}

async function keepAnswer(app: App, flags: IdentityRenewFlags, answer: string): Promise<Renewed> {
  const { validity, usage, csr, force } = flags;
  const others = [validity, usage, csr, force, flags["revoke-old"]];
  if (others.some((value) => value !== undefined)) {
    throw new PalyraError(
      "usage",
      "Cannot use --answer with flags for a new certificate: the answer has decided about it",
    );
  }
  const document = await readDocumentFile(app, answer);
  readRenewalAnswer(document);
  using identity = await openOwnIdentity(app);
  const { membership, changed } = await acceptRenewal(identity, document);
  return { of: membership.approverId, leaf: membership.leaf, changed };
}

/** Runs the user's own command; the certificate stays renewed whatever becomes of it. */
async function runHook(app: App, command: string): Promise<PalyraError | undefined> {
  const foreground = await app.platform.foreground();
  const variables = foreground.variables();
  const isWindows = app.platform.environment.os === "windows";
  const { status } = await foreground.run({
    command: isWindows ? ["cmd.exe", "/d", "/s", "/c", command] : ["/bin/sh", "-c", command],
    path: variables.get("PATH"),
    cleared: false,
    dropped: [...variables.keys()].filter((name) => name.startsWith("PALYRA_")),
    variables: new Map(),
    filter: undefined,
  });
  if (status === 0) return undefined;
  return new PalyraError(
    "unavailable",
    `The certificate was renewed, but the command of --exec failed: its status is ${status}`,
    { hint: "It is not run again by itself: palyra identity renew --force does both once more" },
  );
}
