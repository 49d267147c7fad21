/** What pairing, renewal and revocation are, without keys and files: predicts how each step ends, and what is left. */

/** A request in the model, and what became of it. */
export interface ModelRequest {
  readonly joiner: number;
  readonly code: number;
  readonly expiresAt: number;
  state: "unfiled" | "pending" | "approved" | "rejected" | "expired";
  fileEnds: number;
  waits: boolean;
}

interface ModelDevice {
  state: "unknown" | "paired" | "revoked";
  pairedAt: number;
}

interface ModelRenewal {
  readonly joiner: number;
  readonly createdAt: number;
  isAnswered: boolean;
}

const LIFETIME_MS = 600_000;
const SKEW_MS = 300_000;
const MOST_CODES = 8;

/** One approver and some joiners. Each step gives `done` or the code of the error. */
export class RenewalModel {
  now: number;
  readonly codes: { state: "active" | "used" | "gone"; readonly expiresAt: number }[] = [];
  readonly requests: ModelRequest[] = [];
  readonly devices: ModelDevice[];
  readonly renewals: ModelRenewal[] = [];
  /** What each joiner's certificate came from: a request, or a renewal. */
  readonly leaves: (ModelRequest | ModelRenewal | undefined)[];
  readonly waitingRenewals: (ModelRenewal | undefined)[];

  constructor(joiners: number, now: number) {
    this.now = now;
    this.devices = Array.from({ length: joiners }, () => ({ state: "unknown", pairedAt: 0 }));
    this.leaves = Array.from({ length: joiners });
    this.waitingRenewals = Array.from({ length: joiners });
  }

  code(): string {
    const active = this.codes.filter((one) => one.state === "active" && one.expiresAt > this.now);
    if (active.length >= MOST_CODES) return "precondition";
    this.codes.push({ state: "active", expiresAt: this.now + LIFETIME_MS });
    return "done";
  }

  /** A new request, or the index of the one that was made with this code before and still waits. */
  request(joiner: number, code: number): number {
    const earlier = this.requests.findIndex((one) =>
      one.joiner === joiner && one.code === code && one.waits
    );
    if (earlier >= 0) return earlier;
    const expiresAt = this.now + LIFETIME_MS;
    this.requests.push({ joiner, code, expiresAt, state: "unfiled", fileEnds: 0, waits: true });
    return this.requests.length - 1;
  }

  submit(request: ModelRequest): string {
    const code = this.codes[request.code]!;
    if (code.state === "gone") return "not_found";
    if (request.state !== "unfiled") return "done";
    if (code.expiresAt <= this.now || request.expiresAt <= this.now) return "precondition";
    if (code.state === "used") return "precondition";
    if (this.devices[request.joiner]!.state === "revoked") return "denied";
    code.state = "used";
    request.state = "pending";
    request.fileEnds = Math.min(code.expiresAt, request.expiresAt);
    return "done";
  }

  decide(request: ModelRequest, verdict: "approved" | "rejected"): string {
    if (request.state === "pending" && request.fileEnds <= this.now) request.state = "expired";
    if (request.state === verdict) return "done";
    if (request.state !== "pending") return "precondition";
    const device = this.devices[request.joiner]!;
    if (verdict === "approved") {
      if (device.state === "revoked") return "denied";
      Object.assign(device, { state: "paired", pairedAt: this.now });
    }
    request.state = verdict;
    return "done";
  }

  complete(request: ModelRequest): string {
    const { joiner } = request;
    if (request.waits) {
      request.waits = false;
      if (request.state === "approved") {
        this.leaves[joiner] = request;
        this.waitingRenewals[joiner] = undefined;
      }
      return "done";
    }
    // Under the same code somebody has asked once more: the decision is about the earlier request.
    const isOther = this.requests.some((one) =>
      one.waits && one.joiner === joiner && one.code === request.code
    );
    if (isOther) return "denied";
    return request.state === "approved" && this.leaves[joiner] === request ? "done" : "not_found";
  }

  revoke(joiner: number): string {
    const device = this.devices[joiner]!;
    if (device.state === "unknown") return "not_found";
    device.state = "revoked";
    return "done";
  }

  remove(joiner: number): string {
    const device = this.devices[joiner]!;
    if (device.state === "unknown") return "not_found";
    device.state = "unknown";
    for (const renewal of this.renewals) if (renewal.joiner === joiner) renewal.isAnswered = false;
    return "done";
  }

  /** The renewal that the joiner asks for now: the one that waits, or a new one. */
  csr(joiner: number): number {
    const waiting = this.waitingRenewals[joiner];
    if (waiting !== undefined) return this.renewals.indexOf(waiting);
    const renewal = { joiner, createdAt: this.now, isAnswered: false };
    this.renewals.push(renewal);
    this.waitingRenewals[joiner] = renewal;
    return this.renewals.length - 1;
  }

  rotate(renewal: ModelRenewal): string {
    const device = this.devices[renewal.joiner]!;
    if (device.state === "unknown") return "not_found";
    if (device.state === "revoked") return "denied";
    if (renewal.isAnswered) return "done";
    if (renewal.createdAt < device.pairedAt - SKEW_MS) return "denied";
    renewal.isAnswered = true;
    return "done";
  }

  /** `isSame`: the answer brings the certificate that the joiner has. */
  renew(renewal: ModelRenewal, isSame: boolean): string {
    if (this.waitingRenewals[renewal.joiner] === renewal) {
      this.waitingRenewals[renewal.joiner] = undefined;
      this.leaves[renewal.joiner] = renewal;
      return "done";
    }
    return isSame ? "done" : "not_found";
  }
}
