/** `palyra pairing submit`, `list`, `approve` and `reject`: the side of the device that decides. */

import { PalyraError } from "../../errors.ts";
import { type ActiveCode, cancelCode, listCodes } from "../../identity/pairing/codes.ts";
import { readRequestDocument } from "../../identity/pairing/messages.ts";
import { type Choice, decide } from "../../identity/pairing/decisions.ts";
import {
  type FiledRequest,
  listRequests,
  type RequestState,
  submitRequest,
  unknownCode,
  unknownRequest,
} from "../../identity/pairing/requests.ts";
import { keyFingerprint } from "../../identity/signing.ts";
import type { App } from "../app.ts";
import { timeOf } from "../instant.ts";
import type { NoFlags } from "../command.ts";
import { printDocument, readDocumentFile } from "../documents.ts";
import { findAuthority } from "../identities.ts";
import { type ReasonFlags, reasonOf } from "../reason.ts";
import { shown } from "../shown.ts";
import type { JsonObject, ListView, RecordView } from "../view.ts";

/** Flags of `pairing list`. */
export interface PairingListFlags {
  readonly state?: string | undefined;
}

/** Flags of `pairing reject`. */
export interface RejectFlags extends ReasonFlags {
  readonly out?: string | undefined;
}

/** Flags of `pairing approve`. */
export interface ApproveFlags extends RejectFlags {
  readonly "revoke-old"?: boolean | undefined;
}

/** The states that `--state` can name. */
export const REQUEST_STATES: readonly RequestState[] = [
  "pending",
  "approved",
  "rejected",
  "expired",
];

const CODE_ID = /^[0-9a-f]{32}$/;

/** Checks a request and files it; nobody is paired by that. */
export async function pairingSubmit(
  app: App,
  _flags: NoFlags,
  path?: string,
): Promise<RecordView> {
  const document = await readDocumentFile(app, path);
  readRequestDocument(document); // what is no request is no question of codes
  using authority = await findAuthority(app);
  if (authority === undefined) throw unknownCode();
  const { filed, changed } = await submitRequest(authority.registry, authority.ca, document);
  return {
    kind: "record",
    json: { changed, ...await requestJson(filed) },
    text: [
      ...await requestLines(filed),
      ...(filed.state === "pending" ? [`decide    palyra pairing approve ${filed.requestId}`] : []),
    ].join("\n"),
  };
}

/** Codes that can be used, and requests with what became of them. */
export async function pairingList(app: App, flags: PairingListFlags): Promise<ListView> {
  const { state } = flags;
  if (state !== undefined && !REQUEST_STATES.some((one) => one === state)) {
    throw new PalyraError("usage", `Cannot use --state: it is ${REQUEST_STATES.join(", ")}`);
  }
  using authority = await findAuthority(app);
  const registry = authority?.registry;
  const codes = registry === undefined ? [] : await listCodes(registry);
  const all = registry === undefined ? [] : await listRequests(registry);
  const requests = all.filter((one) => state === undefined || one.state === state);
  const blocks = await Promise.all(requests.map(requestLines));
  return {
    kind: "list",
    field: "requests",
    items: await Promise.all(requests.map(requestJson)),
    rest: { codes: codes.map(codeJson) },
    text: [
      ...codes.map(({ codeId, expiresAt }) => `code      ${codeId}, until ${timeOf(expiresAt)}`),
      ...blocks.map((lines) => lines.join("\n")),
    ].join("\n\n") || "no codes, no requests",
  };
}

/** Pairs the device of a request: its certificate is issued, and the decision printed. */
export async function pairingApprove(
  app: App,
  flags: ApproveFlags,
  requestId: string,
): Promise<RecordView> {
  const revokeOld = flags["revoke-old"] ?? false;
  return await decided(app, flags, requestId, { verdict: "approved", revokeOld });
}

/** Refuses a request, or takes a code back that nobody has used yet. */
export async function pairingReject(
  app: App,
  flags: RejectFlags,
  id: string,
): Promise<RecordView> {
  if (!CODE_ID.test(id)) return await decided(app, flags, id, { verdict: "rejected" });
  using authority = await findAuthority(app);
  const registry = authority?.registry;
  const changed = await registry?.rows.database.write(() => cancelCode(registry, id)) ?? false;
  if (!changed) {
    throw new PalyraError("not_found", "Cannot take the code back: none of this id waits", {
      hint: "palyra pairing list shows codes and requests",
    });
  }
  return { kind: "record", json: { changed, code_id: id }, text: `taken back  ${id}` };
}

async function decided(
  app: App,
  flags: RejectFlags,
  requestId: string,
  choice: Omit<Choice, "reason">,
): Promise<RecordView> {
  const reason = reasonOf(flags);
  using authority = await findAuthority(app);
  if (authority === undefined) throw unknownRequest();
  const { registry, ca } = authority;
  const { filed, changed } = await decide(registry, ca, requestId, { ...choice, reason });
  return printDocument(app, {
    document: filed.decision!,
    out: flags.out,
    json: { changed, ...await requestJson(filed) },
    lines: await requestLines(filed),
  });
}

async function requestJson(filed: FiledRequest): Promise<JsonObject> {
  const { request, decidedAt } = filed;
  return {
    request_id: filed.requestId,
    state: filed.state,
    device_id: request.device_id,
    device_kind: request.device_kind,
    identity_fingerprint: await keyFingerprint(request.identity_key),
    usages: request.usages,
    validity_s: request.validity_s,
    code_id: request.code_id,
    request_digest: filed.digest,
    created_at: request.created_at,
    submitted_at: timeOf(filed.submittedAt),
    expires_at: timeOf(filed.expiresAt),
    ...(decidedAt === undefined ? {} : { decided_at: timeOf(decidedAt), reason: filed.reason }),
  };
}

async function requestLines(filed: FiledRequest): Promise<string[]> {
  const { request, state } = filed;
  const hours = Math.round(request.validity_s / 3_600);
  return [
    `request   ${filed.requestId}, ${state}`,
    `device    ${request.device_id} (${request.device_kind})`,
    `identity  ${await keyFingerprint(request.identity_key)}`,
    `asks for  ${request.usages.join(", ")}, ${hours} h`,
    ...(state === "pending" ? [`until     ${timeOf(filed.expiresAt)}`] : []),
    ...(filed.reason === "" ? [] : [`reason    ${shown(filed.reason)}`]),
  ];
}

function codeJson({ codeId, createdAt, expiresAt }: ActiveCode): JsonObject {
  return { code_id: codeId, created_at: timeOf(createdAt), expires_at: timeOf(expiresAt) };
}
