/** Programs that are asked by a protocol: each is started once, for all ids that are wanted of it. */

import type { SensitiveBytes } from "../crypto/sensitive_bytes.ts";
import { type ExecRef, formatSecretRef } from "./secret_ref.ts";
import type { ExecWorld } from "./sources/exec.ts";
import { askProgram } from "./sources/exec_protocol.ts";

/** A value, or why there is none. */
export interface AskedAnswer {
  readonly value?: SensitiveBytes;
  readonly error?: unknown;
}

/** OpenClaw's own limit for one request. */
const MAX_IDS = 512;

/** Asks for all of them, programs side by side; answers in the order of the references. */
export async function askPrograms(
  world: ExecWorld,
  refs: readonly ExecRef[],
): Promise<AskedAnswer[]> {
  const answers: AskedAnswer[] = [];
  await Promise.all(
    batchesOf(refs).map(async (batch) => {
      const ids = batch.map((at) => refs[at]!.id!);
      try {
        const found = await askProgram(world, refs[batch[0]!]!, ids);
        batch.forEach((at, index) => answers[at] = found[index]!);
      } catch (error) {
        batch.forEach((at) => answers[at] = { error });
      }
    }),
  );
  return answers;
}

/** The places of those that one call can answer. */
function batchesOf(refs: readonly ExecRef[]): number[][] {
  const batches: number[][] = [];
  const open = new Map<string, number[]>();
  refs.forEach((ref, at) => {
    const program = formatSecretRef({ ...ref, id: undefined });
    let batch = open.get(program);
    if (batch === undefined || batch.length === MAX_IDS) {
      batch = [];
      batches.push(batch);
      open.set(program, batch);
    }
    batch.push(at);
  });
  return batches;
}
