/** Pairings in process, and a CA with many certificates: issuing them, and the list of those revoked. */

import { issueCertificate, revokeCertificates } from "../../src/identity/registry/certificates.ts";
import { writeRevocationList } from "../../src/identity/registry/revocations.ts";
import { encodeUtf8 } from "../../src/crypto/encoding.ts";
import { completePairing } from "../../src/identity/pairing/completion.ts";
import {
  approvedRequest,
  makePairingPlace,
  type TestDevice,
} from "../../tests/support/pairing_place.ts";
import { say } from "./measure.ts";

const PAIRINGS = 100;
const LEAVES = 10_000;
const LIST_BUDGET_MS = 1_000;
/** In one transaction, as nobody issues them, so that certificates are measured and not the disk. */
const BATCH = 500;
const WEEK_MS = 604_800_000;
/** A list of ten times the entries may take so many times as long: it grows with them, no faster. */
const GROWTH_BUDGET = 13;

/** Measures; the number of rows over budget. */
export async function benchPairing(): Promise<number> {
  using place = makePairingPlace();
  const approver = await place.device();
  const joiner = await place.device();
  const start = performance.now();
  for (let at = 0; at < PAIRINGS; at++) {
    const { decision } = await approvedRequest(approver, joiner);
    await completePairing(joiner, encodeUtf8(decision));
  }
  const each = (performance.now() - start) / PAIRINGS;
  row("pairing, all steps", `${each.toFixed(1)} ms`, `${(1_000 / each).toFixed(0)} a second`);
  const issuing = await issue(approver, LEAVES);
  row(`${LEAVES} leaves`, `${issuing.toFixed(0)} ms`, `${(issuing / LEAVES).toFixed(2)} ms each`);
  const small = await list(approver);
  row(`list of ${LEAVES}`, `${small.toFixed(0)} ms`, `budget ${LIST_BUDGET_MS}`);
  await multiply(approver);
  const large = await list(approver);
  const growth = large / small;
  const memory = Deno.memoryUsage().rss / 1e6;
  row(
    `list of ${LEAVES * 10}`,
    `${large.toFixed(0)} ms`,
    `${growth.toFixed(1)} times, ${memory.toFixed(0)} MB, budget ${GROWTH_BUDGET} times`,
  );
  return Number(small > LIST_BUDGET_MS) + Number(growth > GROWTH_BUDGET);
}

async function issue({ registry, ca }: TestDevice, count: number): Promise<number> {
  const keys = await crypto.subtle.generateKey({ name: "ECDSA", namedCurve: "P-256" }, true, [
    "sign",
    "verify",
  ]);
  const order = { publicKey: keys.publicKey, validityS: 604_800, usages: ["clientAuth"] as const };
  const start = performance.now();
  for (let done = 0; done < count; done += BATCH) {
    await registry.rows.database.write(async () => {
      for (let at = 0; at < BATCH; at++) {
        const deviceId = `01KDYAK3SE3RZ9Q6B0${String(done + at).padStart(8, "0")}`;
        await issueCertificate(registry, ca, { ...order, deviceId });
        await revokeCertificates(registry, deviceId, "bench");
      }
    });
  }
  return performance.now() - start;
}

/** Ten rows of each, as if all had been issued and revoked: issuing them would take minutes. */
async function multiply({ registry }: TestDevice): Promise<void> {
  const { rows } = registry;
  const { CERTIFICATES } = await import("../../src/identity/registry/tables.ts");
  await rows.database.write(async () => {
    const found = await rows.all(CERTIFICATES, "WHERE reason = 'bench'");
    for (let copy = 1; copy < 10; copy++) {
      for (const row of found) {
        const serial = `${copy}${String(row["serial"]).slice(1)}`;
        await rows.put(CERTIFICATES, {
          ...Object.fromEntries(CERTIFICATES.columns.map((name) => [name, row[name] as string])),
          serial,
          fingerprint: `${copy}${String(row["fingerprint"]).slice(1)}${copy}`,
        });
      }
    }
  });
}

async function list({ registry, ca }: TestDevice): Promise<number> {
  const start = performance.now();
  await writeRevocationList(registry, ca, WEEK_MS);
  return performance.now() - start;
}

function row(name: string, value: string, more: string): void {
  say(`${name.padEnd(28)} ${value.padStart(10)}  ${more}`);
}
