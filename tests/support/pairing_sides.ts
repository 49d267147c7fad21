/** Devices in this process that pair by document, each with a state of its own and a clock that a test sets. */

import assert from "node:assert/strict";
import type { DeviceCa } from "../../src/identity/ca_certificate.ts";
import { openDeviceCa } from "../../src/identity/ca_certificate.ts";
import { type DeviceIdentity, readDevice } from "../../src/identity/device.ts";
import { parseCode } from "../../src/identity/pairing/code.ts";
import { createCode, DEFAULT_LIFETIME_MS } from "../../src/identity/pairing/codes.ts";
import { completePairing, type Completion } from "../../src/identity/pairing/completion.ts";
import { decide } from "../../src/identity/pairing/decisions.ts";
import { type JoinWish, makePairingRequest } from "../../src/identity/pairing/joining.ts";
import { type FiledRequest, submitRequest } from "../../src/identity/pairing/requests.ts";
import { findMembership } from "../../src/identity/membership.ts";
import { ensureRegistry, type Registry } from "../../src/identity/registry/registry.ts";
import { answerRenewal } from "../../src/identity/renewal/answering.ts";
import { acceptRenewal, makeRenewalRequest } from "../../src/identity/renewal/asking.ts";
import { type IdentityStore, openIdentityStore } from "../../src/identity/store.ts";
import { isPalyraError } from "../../src/errors.ts";
import { denoPlatform } from "../../src/platform/deno/platform.ts";
import type { Platform } from "../../src/platform/platform.ts";
import { ensureFileIdentity, NO_ACCESS, START_MS } from "./vaults.ts";

/** One device. */
export interface Side extends Disposable {
  readonly platform: Platform;
  readonly directory: string;
  readonly store: IdentityStore;
  readonly device: DeviceIdentity;
  readonly ca: DeviceCa;
  readonly registry: Registry;
  /** What its clock shows, in milliseconds since 1970. */
  readonly clock: { now: number };
}

const WISH: JoinWish = {
  kind: "node",
  validityS: 7 * 86_400,
  usages: ["clientAuth"],
  lifetimeMs: DEFAULT_LIFETIME_MS,
};

/** Makes a device that can ask and decide. */
export async function makeSide(): Promise<Side> {
  const clock = { now: START_MS };
  const platform: Platform = {
    ...denoPlatform,
    clock: { ...denoPlatform.clock, now: () => clock.now },
  };
  const root = Deno.realPathSync(Deno.makeTempDirSync({ prefix: "palyra-test-" }));
  const directory = `${root}/identity`;
  await ensureFileIdentity(platform, directory);
  const store = (await openIdentityStore(platform, directory, NO_ACCESS))!;
  const device = (await readDevice(store))!;
  const ca = await openDeviceCa(platform, store);
  const registry = await ensureRegistry({ platform, directory, store });
  const dispose = (): void => {
    registry[Symbol.dispose]();
    store[Symbol.dispose]();
    Deno.removeSync(root, { recursive: true });
  };
  return { platform, directory, store, device, ca, registry, clock, [Symbol.dispose]: dispose };
}

/** Makes so many devices. */
export async function makeSides(
  count: number,
): Promise<Disposable & { readonly all: readonly Side[] }> {
  const all: Side[] = [];
  for (let made = 0; made < count; made++) all.push(await makeSide());
  return { all, [Symbol.dispose]: () => all.forEach((side) => side[Symbol.dispose]()) };
}

/** Moves the clocks of all devices. */
export function pass(ms: number, ...sides: readonly Side[]): void {
  for (const side of sides) side.clock.now += ms;
}

/** The text of a new code. */
export async function codeOf(approver: Side, lifetimeMs = DEFAULT_LIFETIME_MS): Promise<string> {
  using code = await createCode(approver.registry, approver.ca, lifetimeMs);
  return new TextDecoder().decode(code.text.reveal());
}

/** The document of a request under a code. */
export async function ask(
  joiner: Side,
  code: string,
  wish: Partial<JoinWish> = {},
): Promise<string> {
  const parsed = await parseCode(code);
  using _token = parsed.token;
  using waiting = (await makePairingRequest(joiner, parsed, { ...WISH, ...wish })).waiting;
  return waiting.document;
}

/** Files a request. */
export async function file(approver: Side, document: string | Uint8Array): Promise<FiledRequest> {
  return (await submitRequest(approver.registry, approver.ca, bytesOf(document))).filed;
}

/** The document of a decision. */
export async function decideOn(
  approver: Side,
  requestId: string,
  verdict: "approved" | "rejected" = "approved",
  reason = "",
): Promise<string> {
  const { filed } = await decide(approver.registry, approver.ca, requestId, { verdict, reason });
  return filed.decision!;
}

/** Ends a pairing. */
export async function complete(joiner: Side, document: string | Uint8Array): Promise<Completion> {
  return await completePairing(joiner, bytesOf(document));
}

/** A whole pairing; its documents. */
export async function pair(
  approver: Side,
  joiner: Side,
  wish: Partial<JoinWish> = {},
): Promise<{ readonly request: string; readonly decision: string; readonly filed: FiledRequest }> {
  const request = await ask(joiner, await codeOf(approver), wish);
  const filed = await file(approver, request);
  const decision = await decideOn(approver, filed.requestId);
  await complete(joiner, decision);
  return { request, decision, filed };
}

/** The document of a request for a new certificate. */
export async function askAgain(
  joiner: Side,
  approver: Side,
  wish: Partial<Pick<JoinWish, "usages" | "validityS">> = {},
): Promise<string> {
  const membership = (await findMembership(joiner.store, approver.ca.fingerprint))!;
  return (await makeRenewalRequest(joiner, membership, { ...WISH, ...wish })).document;
}

/** The document of the answer to it. */
export async function answer(
  approver: Side,
  document: string | Uint8Array,
  revokeOld = false,
): Promise<string> {
  const wish = { revokeOld };
  return (await answerRenewal(approver.registry, approver.ca, bytesOf(document), wish)).document;
}

/** Keeps what was answered; whether that was new. */
export async function accept(joiner: Side, document: string | Uint8Array): Promise<boolean> {
  return (await acceptRenewal(joiner, bytesOf(document))).changed;
}

/** What an action fails with: the code of palyra's error, `done` when it succeeds. */
export async function outcomeOf(action: () => Promise<unknown>): Promise<string> {
  try {
    await action();
    return "done";
  } catch (error) {
    if (isPalyraError(error)) return error.code;
    throw error;
  }
}

/** Fails unless a step is refused with this code and leaves the state of its device as it was. */
export async function assertRefused(
  side: Side,
  action: () => Promise<unknown>,
  code: string,
  what = "it",
): Promise<void> {
  const before = stateOf(side);
  assert.equal(await outcomeOf(action), code, what);
  assert.equal(stateOf(side), before, `${what}: something was kept`);
}

/** Everything that a device keeps, as text: what a refused step must leave as it was. */
export function stateOf({ directory, registry }: Side): string {
  const tables = ["codes", "requests", "devices", "certificates", "answers", "lists"];
  const rows = tables.map((name) => registry.rows.database.all(`SELECT * FROM ${name} ORDER BY 1`));
  const files = [...Deno.readDirSync(directory)].map(({ name }) => name)
    .filter((name) => name.endsWith(".sealed")).sort()
    .map((name) => [name, Deno.readTextFileSync(`${directory}/${name}`)]);
  return JSON.stringify(
    [rows, files],
    (_, value) => value instanceof Uint8Array ? value.toHex() : value,
  );
}

function bytesOf(document: string | Uint8Array): Uint8Array<ArrayBuffer> {
  return typeof document === "string" ? new TextEncoder().encode(document) : document.slice();
}
