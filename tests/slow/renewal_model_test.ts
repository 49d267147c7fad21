/** Random steps of a pairing against a model: each ends as predicted, and one that is refused leaves no trace. */

import assert from "node:assert/strict";
import fc from "fast-check";
import { cancelCode, listCodes } from "../../src/identity/pairing/codes.ts";
import { listRequests } from "../../src/identity/pairing/requests.ts";
import { findMembership } from "../../src/identity/membership.ts";
import { certificatesOf } from "../../src/identity/registry/certificates.ts";
import { listDevices, removeDevice, revokeDevice } from "../../src/identity/registry/devices.ts";
import { writeRevocationList } from "../../src/identity/registry/revocations.ts";
import { deriveCodeKeys, parseCode } from "../../src/identity/pairing/code.ts";
import { say } from "../support/dice.ts";
import { RenewalModel } from "../support/renewal_model.ts";
import {
  accept,
  answer,
  ask,
  askAgain,
  codeOf,
  complete,
  decideOn,
  file,
  makeSide,
  makeSides,
  outcomeOf,
  type Side,
  stateOf,
} from "../support/pairing_sides.ts";
import { checkProperty } from "../support/properties.ts";

const JOINERS = 2;
const STEPS = 22;
const DAY_MS = 86_400_000;
const WAITS_MS = [1, 1_000, 200_000, 600_000];

const KINDS = [
  ...[
    "code",
    "request",
    "submit",
    "submit",
    "approve",
    "approve",
    "reject",
    "complete",
    "complete",
  ],
  ...["cancel", "revoke", "revoke", "remove", "csr", "rotate", "rotate", "renew", "renew", "wait"],
] as const;

interface Step {
  readonly kind: typeof KINDS[number];
  readonly a: number;
  readonly b: number;
}

const step: fc.Arbitrary<Step> = fc.record({
  kind: fc.constantFrom(...KINDS),
  a: fc.nat(1_000),
  b: fc.nat(1_000),
});

/** Each case begins with two requests, of which one was completed: from there on chance gets somewhere. */
const BEGINNING: readonly Step[] = ([
  ...[["code", 0, 0], ["code", 0, 0], ["code", 0, 0], ["code", 0, 0], ["request", 0, 0], [
    "request",
    1,
    1,
  ]],
  ...[
    ["submit", 0, 0],
    ["approve", 0, 0],
    ["complete", 0, 0],
    ["request", 0, 2],
    ["submit", 2, 0],
    ["request", 0, 3],
    ["csr", 0, 0],
  ],
] as const).map(([kind, a, b]) => ({ kind, a, b }));

Deno.test("Any sequence of steps ends as the model says, and what is refused changes nothing", async () => {
  using joiners = await makeSides(JOINERS);
  const counts: Record<string, number> = {};
  let now = joiners.all[0]!.clock.now;
  await checkProperty(
    "renewal model",
    fc.asyncProperty(fc.array(step, { minLength: STEPS, maxLength: STEPS }), async (steps) => {
      for (const { store } of joiners.all) { // nothing of the case before
        const kept = ["membership-", "renewal-", "pairing-request-"];
        for (const key of kept.flatMap((prefix) => store.keys(prefix))) store.remove(key);
      }
      using approver = await makeSide();
      const play = new Play(approver, joiners.all, now);
      for (const one of [...BEGINNING, ...steps]) {
        const outcome = await play.take(one);
        const what = `${one.kind} ${outcome}`;
        counts[what] = (counts[what] ?? 0) + 1;
      }
      await play.assertEnd();
      now = play.model.now;
    }),
  );
  say(JSON.stringify(counts));
  for (const needed of NEEDED) assert.ok((counts[needed] ?? 0) >= 10, `too few: ${needed}`);
});

/** Each of these must have come about often enough to say something. */
const NEEDED = [
  ...["submit done", "submit not_found", "submit precondition", "submit denied"],
  ...[
    "approve done",
    "approve precondition",
    "approve denied",
    "reject done",
    "reject precondition",
  ],
  ...["complete done", "complete not_found", "revoke done", "remove done", "rotate done"],
  ...["rotate denied", "rotate not_found", "renew done", "renew not_found"],
];

/** One case: the devices, and the model beside them. */
class Play {
  readonly model: RenewalModel;
  readonly #codes: string[] = [];
  readonly #requests: { document: string; id?: string; decision?: string }[] = [];
  readonly #renewals: { document: string; answers: string[] }[] = [];

  constructor(readonly approver: Side, readonly joiners: readonly Side[], now: number) {
    this.model = new RenewalModel(joiners.length, now);
    this.#setClocks();
  }

  /** Takes a step; `skipped` where there is nothing to take it on. */
  async take({ kind, a, b }: Step): Promise<string> {
    const { model } = this;
    if (kind === "wait") {
      model.now += WAITS_MS[a % WAITS_MS.length]!;
      this.#setClocks();
      return "done";
    }
    const before = this.#states();
    const pendingBefore = JSON.stringify(model.requests.map(({ state }) => state));
    const [expected, real] = await this.#both(kind, a, b);
    if (expected === undefined) return "skipped";
    assert.equal(real, expected, kind);
    const isNoted = JSON.stringify(model.requests.map(({ state }) => state)) !== pendingBefore;
    if (real !== "done" && !isNoted) assert.equal(this.#states(), before, `${kind}: ${real}`);
    return real;
  }

  async #both(kind: Step["kind"], a: number, b: number): Promise<[string | undefined, string]> {
    const { model, approver, joiners } = this;
    const { registry } = approver;
    const joiner = a % joiners.length;
    const side = joiners[joiner]!;
    const skip: [undefined, string] = [undefined, ""];
    if (kind === "code") {
      const real = await outcomeOf(async () => this.#codes.push(await codeOf(approver)));
      return [model.code(), real];
    }
    if (kind === "revoke") {
      const { deviceId } = side.device;
      return [model.revoke(joiner), await outcomeOf(() => revokeDevice(registry, deviceId, ""))];
    }
    if (kind === "remove") {
      const { deviceId } = side.device;
      return [model.remove(joiner), await outcomeOf(() => removeDevice(registry, deviceId, ""))];
    }
    if (kind === "cancel" || kind === "request") {
      if (this.#codes.length === 0) return skip;
      const at = b % this.#codes.length;
      return kind === "cancel" ? await this.#cancel(at) : await this.#request(joiner, at);
    }
    if (kind === "csr") {
      if (model.leaves[joiner] === undefined) return skip;
      const document = await askAgain(side, approver);
      const at = model.csr(joiner);
      if (this.#renewals[at] === undefined) this.#renewals[at] = { document, answers: [] };
      assert.equal(this.#renewals[at]!.document, document);
      return ["done", "done"];
    }
    if (kind === "rotate" || kind === "renew") {
      if (this.#renewals.length === 0) return skip;
      return await this.#renewal(kind, a % this.#renewals.length, b);
    }
    if (this.#requests.length === 0) return skip;
    return await this.#decision(kind, a % this.#requests.length);
  }

  async #cancel(at: number): Promise<[string, string]> {
    const code = this.model.codes[at]!;
    const expected = code.state === "active";
    if (expected) code.state = "gone";
    using keys = await deriveCodeKeys((await parseCode(this.#codes[at]!)).token);
    const { registry } = this.approver;
    const real = await registry.rows.database.write(() => cancelCode(registry, keys.codeId));
    return [String(expected), String(real)].map((word) => word === "true" ? "done" : "gone") as [
      string,
      string,
    ];
  }

  async #request(joiner: number, code: number): Promise<[string, string]> {
    const document = await ask(this.joiners[joiner]!, this.#codes[code]!);
    const at = this.model.request(joiner, code);
    this.#requests[at] ??= { document };
    assert.equal(this.#requests[at].document, document);
    return ["done", "done"];
  }

  async #decision(kind: Step["kind"], at: number): Promise<[string | undefined, string]> {
    const request = this.model.requests[at]!;
    const mine = this.#requests[at]!;
    if (kind === "submit") {
      const real = await outcomeOf(async () => {
        mine.id = (await file(this.approver, mine.document)).requestId;
      });
      return [this.model.submit(request), real];
    }
    if (kind === "complete") {
      const { decision } = mine;
      if (decision === undefined) return [undefined, ""];
      const side = this.joiners[request.joiner]!;
      return [this.model.complete(request), await outcomeOf(() => complete(side, decision))];
    }
    if (mine.id === undefined) return [undefined, ""];
    const verdict = kind === "approve" ? "approved" : "rejected";
    const real = await outcomeOf(async () => {
      const decision = await decideOn(this.approver, mine.id!, verdict);
      assert.equal(mine.decision ?? decision, decision);
      mine.decision = decision;
    });
    return [this.model.decide(request, verdict), real];
  }

  async #renewal(
    kind: "rotate" | "renew",
    at: number,
    b: number,
  ): Promise<[string | undefined, string]> {
    const renewal = this.model.renewals[at]!;
    const mine = this.#renewals[at]!;
    if (kind === "rotate") {
      const real = await outcomeOf(async () => {
        const document = await answer(this.approver, mine.document);
        if (!mine.answers.includes(document)) mine.answers.push(document);
      });
      return [this.model.rotate(renewal), real];
    }
    const document = mine.answers[b % Math.max(1, mine.answers.length)];
    if (document === undefined) return [undefined, ""];
    const side = this.joiners[renewal.joiner]!;
    const membership = await findMembership(side.store, this.approver.ca.fingerprint);
    const { certificate } = JSON.parse(document);
    const has = membership?.leaf.certificate.toBase64({ alphabet: "base64url", omitPadding: true });
    return [
      this.model.renew(renewal, has === certificate),
      await outcomeOf(() => accept(side, document)),
    ];
  }

  /** Fails unless registry and model tell the same. */
  async assertEnd(): Promise<void> {
    const { model, approver: { registry, ca }, joiners } = this;
    const active = model.codes.filter((one) => one.state === "active" && one.expiresAt > model.now);
    assert.equal((await listCodes(registry)).length, active.length);
    const filed = new Map((await listRequests(registry)).map((one) => [one.requestId, one.state]));
    for (const [at, { state, fileEnds }] of model.requests.entries()) {
      const shown = state === "pending" && fileEnds <= model.now ? "expired" : state;
      const { id } = this.#requests[at]!;
      assert.equal(id === undefined ? "unfiled" : filed.get(id), shown);
    }
    const devices = new Map((await listDevices(registry)).map((one) => [one.deviceId, one.state]));
    let revoked = 0;
    for (const [at, { device }] of joiners.entries()) {
      const { state } = model.devices[at]!;
      assert.equal(devices.get(device.deviceId) ?? "unknown", state);
      const certificates = await certificatesOf(registry, device.deviceId);
      const bad = certificates.filter(({ revokedAt }) => revokedAt !== undefined).length;
      if (state !== "paired") assert.equal(bad, certificates.length);
      revoked += bad;
    }
    assert.equal((await writeRevocationList(registry, ca, DAY_MS)).entries, revoked);
  }

  #states(): string {
    return [this.approver, ...this.joiners].map(stateOf).join("\n");
  }

  #setClocks(): void {
    for (const side of [this.approver, ...this.joiners]) side.clock.now = this.model.now;
  }
}
