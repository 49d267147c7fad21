/** The commands under `palyra pairing` and `palyra devices`. */

import { buildCommand, buildRouteMap, type RouteMap } from "@stricli/core";
import { oneOf } from "../candidates.ts";
import { type CommandContext, load, type NoFlags, optional, required } from "../command.ts";
import type { RotateFlags } from "../commands/devices.ts";
import type { PairingCodeFlags } from "../commands/pairing_code.ts";
import type { ApproveFlags, PairingListFlags, RejectFlags } from "../commands/pairing_decide.ts";
import type { PairingRequestFlags } from "../commands/pairing_join.ts";
import { flag, text } from "../flags.ts";
import type { ReasonFlags } from "../reason.ts";
import { CERTIFICATE_FLAGS } from "./certificate.ts";

const DOCUMENT = "Where the document is; without it, or with -, on standard input";
const OUT = "Write the document to a file, in place of standard output";
const KINDS = ["cli", "desktop", "node"];
const STATES = ["pending", "approved", "rejected", "expired"];

const code = buildCommand<PairingCodeFlags, [], CommandContext>({
  loader: load(async () => (await import("../commands/pairing_code.ts")).pairingCode),
  parameters: {
    flags: {
      ttl: text("duration", "How long it can be used: 10m, from 30s to 24h"),
      qr: flag("Also a picture, where the output is no terminal"),
    },
  },
  docs: {
    brief: "Make a code with which one device may ask to be paired with this one",
    fullDescription: "Make a code with which one device may ask to be paired with this one.\n" +
      "It is shown once, as a QR code on a terminal and as text, and is good for one request.\n" +
      "Who has it can ask, and is asked about: nothing is paired before palyra pairing approve.",
  },
});

const request = buildCommand<PairingRequestFlags, [], CommandContext>({
  loader: load(async () => (await import("../commands/pairing_join.ts")).pairingRequest),
  parameters: {
    flags: {
      kind: text("kind", `What this device is: ${KINDS.join(", ")}`, oneOf(KINDS)),
      ...CERTIFICATE_FLAGS,
      ttl: text("duration", "How long the request can be approved: 10m, from 30s to 24h"),
      out: text("file", OUT),
    },
  },
  docs: {
    brief: "Ask to be paired: the code is read from standard input",
    fullDescription: "Ask to be paired: the code is read from standard input.\n" +
      "A key is made here and stays here. The document goes to palyra pairing submit, on the device\n" +
      "that made the code.",
  },
});

const submit = buildCommand<NoFlags, [string?], CommandContext>({
  loader: load(async () => (await import("../commands/pairing_decide.ts")).pairingSubmit),
  parameters: { positional: { kind: "tuple", parameters: [optional("file", DOCUMENT)] } },
  docs: { brief: "Check a request and file it as pending; nobody is paired by that" },
});

const list = buildCommand<PairingListFlags, [], CommandContext>({
  loader: load(async () => (await import("../commands/pairing_decide.ts")).pairingList),
  parameters: { flags: { state: text("state", STATES.join(", "), oneOf(STATES)) } },
  docs: { brief: "The codes that can be used, and the requests with what became of them" },
});

const approve = buildCommand<ApproveFlags, [string], CommandContext>({
  loader: load(async () => (await import("../commands/pairing_decide.ts")).pairingApprove),
  parameters: {
    flags: {
      reason: text("text", "For the list and the other device"),
      "revoke-old": flag("Revoke the certificates that the device had before"),
      out: text("file", OUT),
    },
    positional: { kind: "tuple", parameters: [required("request", "Its id, as in pairing list")] },
  },
  docs: {
    brief: "Pair the device of a request; the decision goes to palyra pairing complete there",
    fullDescription: "Pair the device of a request: its certificate is issued.\n" +
      "The decision goes to palyra pairing complete, on that device. Approving it again prints the\n" +
      "same decision.",
  },
});

const reject = buildCommand<RejectFlags, [string], CommandContext>({
  loader: load(async () => (await import("../commands/pairing_decide.ts")).pairingReject),
  parameters: {
    flags: {
      reason: text("text", "For the list and the other device"),
      out: text("file", OUT),
    },
    positional: {
      kind: "tuple",
      parameters: [required("id", "Of a request, or of a code that nobody has used")],
    },
  },
  docs: { brief: "Refuse a request, or take a code back" },
});

const complete = buildCommand<NoFlags, [string?], CommandContext>({
  loader: load(async () => (await import("../commands/pairing_join.ts")).pairingComplete),
  parameters: { positional: { kind: "tuple", parameters: [optional("file", DOCUMENT)] } },
  docs: { brief: "Prove a decision; from then on this device is paired" },
});

/** `palyra pairing …` */
export const pairingRoutes: RouteMap<CommandContext> = buildRouteMap({
  routes: { code, request, submit, list, approve, reject, complete },
  docs: { brief: "Pair devices: code, request, submit, approve, complete" },
});

const device = required("device", "The id of the device, as in devices list");
const reason = text("text", "For the list");

const devicesList = buildCommand<NoFlags, [], CommandContext>({
  loader: load(async () => (await import("../commands/devices.ts")).devicesList),
  parameters: {},
  docs: { brief: "The devices that are paired with this one" },
});

const devicesShow = buildCommand<NoFlags, [string], CommandContext>({
  loader: load(async () => (await import("../commands/devices.ts")).devicesShow),
  parameters: { positional: { kind: "tuple", parameters: [device] } },
  docs: { brief: "One device with all its certificates" },
});

const revoke = buildCommand<ReasonFlags, [string], CommandContext>({
  loader: load(async () => (await import("../commands/devices.ts")).devicesRevoke),
  parameters: { flags: { reason }, positional: { kind: "tuple", parameters: [device] } },
  docs: {
    brief: "Revoke a device with all its certificates",
    fullDescription: "Revoke a device with all its certificates.\n" +
      "It can neither renew nor pair again before palyra devices remove. Who checks a list needs a\n" +
      "new one: palyra identity crl.",
  },
});

const remove = buildCommand<ReasonFlags, [string], CommandContext>({
  loader: load(async () => (await import("../commands/devices.ts")).devicesRemove),
  parameters: { flags: { reason }, positional: { kind: "tuple", parameters: [device] } },
  docs: { brief: "Forget a device: its certificates are revoked, and it may pair anew" },
});

const rotate = buildCommand<RotateFlags, [string?], CommandContext>({
  loader: load(async () => (await import("../commands/devices.ts")).devicesRotate),
  parameters: {
    flags: {
      request: text("file", "What palyra identity csr printed on the device; - is standard input"),
      "revoke-old": flag("Revoke the one before; otherwise it stays good until it expires"),
      out: text("file", OUT),
    },
    positional: {
      kind: "tuple",
      parameters: [optional("device", "The id of the device; only its request is answered")],
    },
  },
  docs: {
    brief: "Answer a device's request for its next certificate",
    fullDescription:
      "Answer a device's request for its next certificate: palyra identity csr, there.\n" +
      "The answer goes to palyra identity renew --answer. Without --request it is only noted that\n" +
      "the device is to make one.",
  },
});

/** `palyra devices …` */
export const devicesRoutes: RouteMap<CommandContext> = buildRouteMap({
  routes: { list: devicesList, show: devicesShow, revoke, rotate, remove },
  docs: { brief: "The devices that are paired with this one" },
});
