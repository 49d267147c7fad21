/** Devices in one process, each with a state root of its own and a clock that the test sets. */

import { encodeUtf8 } from "../../src/crypto/encoding.ts";
import { type DeviceCa, openDeviceCa } from "../../src/identity/ca_certificate.ts";
import type { JoinContext, JoinWish } from "../../src/identity/pairing/joining.ts";
import { makePairingRequest } from "../../src/identity/pairing/joining.ts";
import { createCode } from "../../src/identity/pairing/codes.ts";
import { parseCode } from "../../src/identity/pairing/code.ts";
import { decide } from "../../src/identity/pairing/decisions.ts";
import { type FiledRequest, submitRequest } from "../../src/identity/pairing/requests.ts";
import { readDevice } from "../../src/identity/device.ts";
import { ensureRegistry, type Registry } from "../../src/identity/registry/registry.ts";
import { openIdentityStore } from "../../src/identity/store.ts";
import { denoPlatform } from "../../src/platform/deno/platform.ts";
import type { Platform } from "../../src/platform/platform.ts";
import { ensureFileIdentity, NO_ACCESS, START_MS } from "./vaults.ts";

/** A device: what it is to others, and to itself. */
export interface TestDevice extends JoinContext {
  readonly id: string;
  readonly ca: DeviceCa;
  readonly registry: Registry;
}

/** Devices whose state roots are removed at the end. */
export interface PairingPlace extends Disposable {
  /** Milliseconds since 1970, for all of them. */
  readonly clock: { now: number };
  readonly directory: string;
  /** Makes one more device. */
  device(): Promise<TestDevice>;
}

/** What a joiner asks for unless a test says otherwise. */
export const WISH: JoinWish = {
  kind: "cli",
  validityS: 604_800,
  usages: ["clientAuth"],
  lifetimeMs: 600_000,
};

/** A place without devices. */
export function makePairingPlace(): PairingPlace {
  const clock = { now: START_MS };
  const platform: Platform = {
    ...denoPlatform,
    clock: { ...denoPlatform.clock, now: () => clock.now },
  };
  const directory = Deno.makeTempDirSync({ prefix: "palyra-test-" });
  const open: Disposable[] = [];
  let count = 0;
  return {
    clock,
    directory,
    device: async () => {
      const root = `${directory}/${count++}`;
      platform.directories.ensure(root);
      const identity = `${root}/identity`;
      await ensureFileIdentity(platform, identity);
      const store = (await openIdentityStore(platform, identity, NO_ACCESS))!;
      const registry = await ensureRegistry({ platform, directory: identity, store });
      const ca = await openDeviceCa(platform, store);
      const { deviceId } = (await readDevice(store))!;
      open.push(registry, store);
      return { platform, directory: identity, store, registry, ca, id: deviceId };
    },
    [Symbol.dispose]: () => {
      for (const one of open) one[Symbol.dispose]();
      Deno.removeSync(directory, { recursive: true });
    },
  };
}

/** A new code of an approver, as text. */
export async function codeOf({ registry, ca }: TestDevice, lifetimeMs = 600_000): Promise<string> {
  using code = await createCode(registry, ca, lifetimeMs);
  return new TextDecoder().decode(code.text.reveal());
}

/** The document of a joiner's request under a code. */
export async function requestWith(
  joiner: TestDevice,
  code: string,
  wish: Partial<JoinWish> = {},
): Promise<string> {
  const parsed = await parseCode(code);
  const { waiting } = await makePairingRequest(joiner, parsed, { ...WISH, ...wish });
  using _wiped = waiting;
  return waiting.document;
}

/** Files a request. */
export async function submit(approver: TestDevice, document: string): Promise<FiledRequest> {
  return (await submitRequest(approver.registry, approver.ca, encodeUtf8(document))).filed;
}

/** Approves or rejects a request; the decision's document. */
export async function decisionOn(
  { registry, ca }: TestDevice,
  requestId: string,
  verdict: "approved" | "rejected" = "approved",
): Promise<string> {
  return (await decide(registry, ca, requestId, { verdict, reason: "" })).filed.decision!;
}

/** Everything up to the decision. */
export async function approvedRequest(
  approver: TestDevice,
  joiner: TestDevice,
): Promise<{ readonly request: string; readonly requestId: string; readonly decision: string }> {
  const request = await requestWith(joiner, await codeOf(approver));
  const { requestId } = await submit(approver, request);
  return { request, requestId, decision: await decisionOn(approver, requestId) };
}
