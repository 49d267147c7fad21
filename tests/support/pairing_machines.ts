/** Devices as processes see them: each a machine of its own, with documents carried by the test. */

import assert from "node:assert/strict";
import type { Machine } from "./cli_run.ts";

/** A pairing up to its end. */
export interface PairedMachines {
  readonly deviceId: string;
  readonly requestId: string;
  readonly code: string;
  readonly request: string;
  readonly decision: string;
}

/** Pairs a machine with an approver; `more` are flags of `pairing request`. */
export async function pairMachines(
  approver: Machine,
  joiner: Machine,
  more: readonly string[] = [],
): Promise<PairedMachines> {
  const code = (await approver.succeed(["pairing", "code"])).stdout;
  const request = (await joiner.succeed(["pairing", "request", ...more], { stdin: code })).stdout;
  const filed = await jsonOf(approver, ["pairing", "submit"], request);
  const requestId = String(filed["request_id"]);
  const decision = (await approver.succeed(["pairing", "approve", requestId])).stdout;
  await joiner.succeed(["pairing", "complete"], { stdin: decision });
  return { deviceId: String(filed["device_id"]), requestId, code, request, decision };
}

/** What a command prints with `--json`. */
export async function jsonOf(
  machine: Machine,
  args: readonly string[],
  stdin?: string,
): Promise<Record<string, unknown>> {
  const { stdout } = await machine.succeed([...args, "--json"], { stdin });
  const document: unknown = JSON.parse(stdout);
  assert.ok(typeof document === "object" && document !== null);
  return { ...document };
}
