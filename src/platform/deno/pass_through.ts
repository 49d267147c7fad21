/** Passes a stream through a filter, which may hold a little of it back for a moment. */

import type { ByteFilter } from "../byte_filter.ts";
import { pause } from "./environment.ts";

/** How long the beginning of what may have to be filtered is waited for. */
const MOMENT_MS = 100;

/** Reads to the end, which is `undefined`. Throws what reading or writing throws. */
export async function passThrough(
  filter: ByteFilter,
  read: () => Promise<Uint8Array | undefined>,
  write: (bytes: Uint8Array) => Promise<void>,
): Promise<void> {
  for (;;) {
    const next = read();
    if (filter.holdsBriefly && await isLate(next)) await write(filter.release());
    const bytes = await next;
    if (bytes === undefined) break;
    await write(filter.push(bytes));
  }
  await write(filter.end());
}

async function isLate(next: Promise<unknown>): Promise<boolean> {
  const late = pause(MOMENT_MS).then(() => true);
  return await Promise.race([late, next.then(() => false)]);
}
