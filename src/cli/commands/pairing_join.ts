/** `palyra pairing request` and `complete`: the side of the device that wants to be paired. */

import { decodeUtf8 } from "../../crypto/encoding.ts";
import { SensitiveBytes } from "../../crypto/sensitive_bytes.ts";
import { PalyraError } from "../../errors.ts";
import { DEVICE_KINDS, type DeviceKind } from "../../identity/document.ts";
import { parseCode } from "../../identity/pairing/code.ts";
import { completePairing } from "../../identity/pairing/completion.ts";
import { readDecisionDocument } from "../../identity/pairing/messages.ts";
import { makePairingRequest } from "../../identity/pairing/joining.ts";
import { keyFingerprint } from "../../identity/signing.ts";
import type { App } from "../app.ts";
import type { NoFlags } from "../command.ts";
import { type CertificateFlags, certificateWish } from "../certificate_flags.ts";
import { printDocument, readDocumentFile } from "../documents.ts";
import { openOrMakeIdentity, openOwnIdentity } from "../identities.ts";
import { shown } from "../shown.ts";
import type { RecordView } from "../view.ts";
import { parseLifetime } from "./pairing_code.ts";

/** Flags of `pairing request`. */
export interface PairingRequestFlags extends CertificateFlags {
  readonly kind?: string | undefined;
  readonly ttl?: string | undefined;
  readonly out?: string | undefined;
}

const MAX_CODE_BYTES = 1_024;

/** Makes keys and a request under the code that stands on standard input. */
export async function pairingRequest(app: App, flags: PairingRequestFlags): Promise<RecordView> {
  const kind = kindOf(flags.kind);
  const lifetimeMs = parseLifetime(flags.ttl);
  const wish = { ...await certificateWish(app, flags, "client"), kind, lifetimeMs };
  const code = await readCode(app);
  using _token = code.token;
  using identity = await openOrMakeIdentity(app);
  const made = await makePairingRequest(identity, code, wish);
  using waiting = made.waiting;
  const { ask, document } = waiting;
  const fingerprint = await keyFingerprint(ask.identity_key);
  if (!made.changed) app.note("a request with this code was made before: this is it again");
  return printDocument(app, {
    document,
    out: flags.out,
    json: {
      changed: made.changed,
      code_id: ask.code_id,
      device_id: ask.device_id,
      identity_fingerprint: fingerprint,
      expires_at: ask.expires_at,
    },
    lines: [
      `device    ${ask.device_id}`,
      `identity  ${fingerprint}`,
      `expires   ${ask.expires_at}`,
    ],
  });
}

/** Proves a decision; from then on the approver and its CA are known to this device. */
export async function pairingComplete(
  app: App,
  _flags: NoFlags,
  path?: string,
): Promise<RecordView> {
  const document = await readDocumentFile(app, path);
  readDecisionDocument(document); // what is no decision is no question of identities
  using identity = await openOwnIdentity(app);
  const { membership, reason, approverId, changed } = await completePairing(identity, document);
  if (membership === undefined) {
    throw new PalyraError(
      "denied",
      `Cannot complete the pairing: ${approverId} has rejected the request${
        reason === "" ? "" : `, ${shown(reason)}`
      }`,
      { details: { approver_id: approverId, reason } },
    );
  }
  const { leaf, caFingerprint, approverKey } = membership;
  const approver = await keyFingerprint(approverKey);
  const notAfter = new Date(leaf.notAfter).toISOString();
  return {
    kind: "record",
    json: {
      changed,
      approver_id: membership.approverId,
      approver_fingerprint: approver,
      ca_fingerprint: caFingerprint,
      not_after: notAfter,
      reason,
    },
    text: [
      `paired with  ${membership.approverId}${changed ? "" : ", as before"}`,
      `identity     ${approver}`,
      `CA           ${caFingerprint}`,
      `certificate  good until ${notAfter}`,
    ].join("\n"),
  };
}

async function readCode(app: App): ReturnType<typeof parseCode> {
  const { terminal, streams } = app.platform;
  let bytes: Uint8Array<ArrayBuffer> | undefined;
  if (!terminal.inputIsTerminal()) bytes = await streams.readInput(MAX_CODE_BYTES);
  else if (app.options.interactive) bytes = await terminal.readHidden("Pairing code (not shown): ");
  else {
    throw new PalyraError(
      "would_prompt",
      "Cannot read the pairing code: prompting is not allowed",
      {
        hint: "Give it on standard input",
      },
    );
  }
  using kept = new SensitiveBytes(bytes ?? new Uint8Array(0));
  return await parseCode(decodeUtf8(kept.reveal()) ?? "");
}

function kindOf(text = "cli"): DeviceKind {
  const kind = DEVICE_KINDS.find((one) => one === text);
  if (kind !== undefined) return kind;
  throw new PalyraError("usage", `Cannot use --kind: it is ${DEVICE_KINDS.join(", ")}`);
}
