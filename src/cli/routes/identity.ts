/** The commands under `palyra identity`. */

import { buildCommand, buildRouteMap, type RouteMap } from "@stricli/core";
import { type CommandContext, load, type NoFlags, required } from "../command.ts";
import { oneOf } from "../candidates.ts";
import type { ExportCaFlags } from "../commands/identity.ts";
import type {
  ExportCertificateFlags,
  IdentityCrlFlags,
  IdentityVerifyFlags,
} from "../commands/identity_check.ts";
import type {
  IdentityCsrFlags,
  IdentityRenewFlags,
  NeedsRenewalFlags,
} from "../commands/identity_leaf.ts";
import { flag, text } from "../flags.ts";
import { CERTIFICATE_FLAGS, USAGE_NAMES } from "./certificate.ts";

const of = text(
  "device",
  "self, or who has paired this one: its id, or how its CA's fingerprint begins",
);

const show = buildCommand<NoFlags, [], CommandContext>({
  loader: load(async () => (await import("../commands/identity.ts")).identityShow),
  parameters: {},
  docs: { brief: "The id of this device, and the fingerprints that others compare" },
});

const exportCa = buildCommand<ExportCaFlags, [], CommandContext>({
  loader: load(async () => (await import("../commands/identity.ts")).identityExportCa),
  parameters: { flags: { of } },
  docs: { brief: "Print the certificate of this device's CA; it is no secret" },
});

const exportCertificate = buildCommand<ExportCertificateFlags, [], CommandContext>({
  loader: load(async () =>
    (await import("../commands/identity_check.ts")).identityExportCertificate
  ),
  parameters: { flags: { of } },
  docs: { brief: "Print a certificate of this device; it is no secret" },
});

const csr = buildCommand<IdentityCsrFlags, [], CommandContext>({
  loader: load(async () => (await import("../commands/identity_leaf.ts")).identityCsr),
  parameters: {
    flags: { of, ...CERTIFICATE_FLAGS, out: text("file", "Write the document to a file") },
  },
  docs: {
    brief: "Ask the device that has paired this one for the next certificate",
    fullDescription: "Ask the device that has paired this one for the next certificate.\n" +
      "A new key is made here and stays here. The document goes to palyra devices rotate --request,\n" +
      "there, and its answer to palyra identity renew --answer.",
  },
});

const renew = buildCommand<IdentityRenewFlags, [], CommandContext>({
  loader: load(async () => (await import("../commands/identity_leaf.ts")).identityRenew),
  parameters: {
    flags: {
      answer: text(
        "file",
        "Keep the certificate that the other device has answered with; - is standard input",
      ),
      ...CERTIFICATE_FLAGS,
      force: flag("Also where it is not due"),
      "revoke-old": flag("Revoke the one before; otherwise it stays good until it expires"),
      exec: text("command", "Run by a shell when the certificate is a new one"),
    },
  },
  docs: {
    brief: "Renew this device's certificate, where it is due",
    fullDescription:
      "Renew this device's certificate, where it is due: when a third of its life is left.\n" +
      "Without --answer that is the one under its own CA, which is made where there is none.",
  },
});

const needsRenewal = buildCommand<NeedsRenewalFlags, [], CommandContext>({
  loader: load(async () => (await import("../commands/identity_leaf.ts")).identityNeedsRenewal),
  parameters: { flags: { of } },
  docs: { brief: "Exit 0 when a certificate of this device is due, 11 when none is" },
});

const verify = buildCommand<IdentityVerifyFlags, [string], CommandContext>({
  loader: load(async () => (await import("../commands/identity_check.ts")).identityVerify),
  parameters: {
    flags: {
      usage: text("for", "client, server or both: what it must be good for", oneOf(USAGE_NAMES)),
      device: text("id", "Whose it must be"),
    },
    positional: {
      kind: "tuple",
      parameters: [required("file", "The certificate, PEM; - is standard input")],
    },
  },
  docs: { brief: "Say whose certificate it is; exit 6 unless it is good and not revoked" },
});

const crl = buildCommand<IdentityCrlFlags, [], CommandContext>({
  loader: load(async () => (await import("../commands/identity_check.ts")).identityCrl),
  parameters: {
    flags: {
      next: text("duration", "Until when the next list must be there; 7d, from 1h to 397d"),
      out: text("file", "Write it to a file of mode 0644 in one step"),
    },
  },
  docs: { brief: "Write the list of revoked certificates, signed by this device's CA" },
});

/** `palyra identity …` */
export const identityRoutes: RouteMap<CommandContext> = buildRouteMap({
  routes: {
    show,
    "export-ca": exportCa,
    "export-certificate": exportCertificate,
    csr,
    renew,
    "needs-renewal": needsRenewal,
    verify,
    crl,
  },
  docs: { brief: "What this device is known by, and its certificates" },
});
