/** What another program says on standard input: within bounds of size and of time. */

import { decodeUtf8 } from "../../crypto/encoding.ts";
import { PalyraError } from "../../errors.ts";
import type { Platform } from "../../platform/platform.ts";
import type { Input } from "../../protocols/protocol.ts";

/** How long palyra waits for a program that has started it to say what it wants. */
export const INPUT_TIMEOUT_MS = 10_000;

const LINE_END = 0x0a;

/** Standard input of the process, read as far as the protocol needs it and no further. */
export function standardInput({ streams, clock }: Pick<Platform, "streams" | "clock">): Input {
  let held: Uint8Array<ArrayBuffer> = new Uint8Array(0);
  let hasEnded = false;
  let timeIsOver: Promise<void> | undefined;

  /** Reads on; `false` at the end. */
  async function readOn(maxBytes: number): Promise<boolean> {
    if (hasEnded) return false;
    if (held.length > maxBytes) throw tooLarge(maxBytes);
    const coming = streams.readSome();
    // One limit for all of the input: who sends a byte now and then does not keep palyra.
    timeIsOver ??= clock.pause(INPUT_TIMEOUT_MS);
    const chunk = await Promise.race([coming, timeIsOver.then(() => "late" as const)]);
    if (chunk === "late") {
      throw new PalyraError("unavailable", "Cannot read the request: it did not come in time");
    }
    if (chunk === undefined) {
      hasEnded = true;
      return false;
    }
    const joined = new Uint8Array(held.length + chunk.length);
    joined.set(held);
    joined.set(chunk, held.length);
    held.fill(0);
    chunk.fill(0);
    held = joined;
    if (held.length > maxBytes && held.indexOf(LINE_END) === -1) throw tooLarge(maxBytes);
    return true;
  }

  function drop(length: number): void {
    const rest = held.slice(length);
    held.fill(0);
    held = rest;
  }

  function take(length: number): string {
    const text = decodeUtf8(held.subarray(0, length));
    drop(length);
    if (text !== undefined && !text.includes("\0")) return text;
    throw new PalyraError("usage", "Cannot read the request: it is no text");
  }

  async function readAll(maxBytes: number): Promise<void> {
    while (await readOn(maxBytes));
    if (held.length > maxBytes) throw tooLarge(maxBytes);
  }

  return {
    async all(maxBytes): Promise<string> {
      await readAll(maxBytes);
      return take(held.length);
    },
    async bytes(maxBytes): Promise<Uint8Array<ArrayBuffer>> {
      await readAll(maxBytes);
      const all = held.slice();
      drop(held.length);
      return all;
    },
    async line(maxBytes): Promise<string | undefined> {
      for (;;) {
        const end = held.indexOf(LINE_END);
        if (end > maxBytes || (end === -1 && held.length > maxBytes)) throw tooLarge(maxBytes);
        if (end !== -1) {
          const text = take(end);
          held = held.slice(1);
          return text;
        }
        if (!await readOn(maxBytes)) return held.length === 0 ? undefined : take(held.length);
      }
    },
  };
}

function tooLarge(maxBytes: number): PalyraError {
  return new PalyraError("usage", `Cannot read the request: it is larger than ${maxBytes} bytes`);
}
