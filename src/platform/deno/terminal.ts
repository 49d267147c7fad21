/** The person's terminal: whether there is one, and a prompt without echo. */

import type { Terminal } from "../platform.ts";
import { endByInterrupt } from "./environment.ts";

export const terminal: Terminal = {
  inputIsTerminal: () => Deno.stdin.isTerminal(),
  outputIsTerminal: () => Deno.stdout.isTerminal(),
  errorIsTerminal: () => Deno.stderr.isTerminal(),
  readHidden,
};

const CTRL_C = 0x03;
const CTRL_D = 0x04;
const BACKSPACE = 0x08;
const NEWLINE = 0x0a;
const RETURN = 0x0d;
const CTRL_U = 0x15;
const DELETE = 0x7f;
/** More than any value may have, so that a longer one is refused and never cut. */
const MAX_TYPED = 1_048_577;
const ENDING_SIGNALS: readonly Deno.Signal[] = ["SIGTERM", "SIGHUP", "SIGINT", "SIGQUIT"];

async function readHidden(prompt: string): Promise<Uint8Array<ArrayBuffer> | undefined> {
  if (!Deno.stdin.isTerminal()) return undefined;
  const typed = new Uint8Array(MAX_TYPED);
  const end = endOnSignal();
  let length: number | "interrupted" | undefined;
  try {
    // Raw, not cbreak: there Ctrl-C would end the process while the echo is still off.
    Deno.stdin.setRaw(true);
    writePrompt(prompt);
    length = await readLine(typed);
    if (typeof length === "number") return typed.slice(0, length);
  } finally {
    typed.fill(0);
    end.forget();
    giveBack();
  }
  if (length === "interrupted") await endByInterrupt();
  return undefined;
}

/** Fills the buffer with one typed line; its length, or `undefined` when the user gave up. */
async function readLine(typed: Uint8Array): Promise<number | "interrupted" | undefined> {
  const key = new Uint8Array(1);
  let length = 0;
  while (await Deno.stdin.read(key) === 1) { // asynchronous, or no signal would get through
    const byte = key[0]!;
    if (byte === CTRL_C) return "interrupted";
    if (byte === CTRL_D && length === 0) return undefined;
    if (byte === NEWLINE || byte === RETURN || byte === CTRL_D) return length;
    if (byte === CTRL_U) length = 0;
    else if (byte === DELETE || byte === BACKSPACE) length = withoutLastCharacter(typed, length);
    else if (length < typed.length) typed[length++] = byte;
  }
  return undefined;
}

/** One UTF-8 character back: continuation bytes are 10xxxxxx. */
function withoutLastCharacter(typed: Uint8Array, length: number): number {
  while (length > 0 && (typed[--length]! & 0xc0) === 0x80);
  return length;
}

/** Until forgotten, a signal that ends the process first gives the terminal back. */
function endOnSignal(): { forget(): void } {
  const listeners = ENDING_SIGNALS.map((signal) => {
    const listener = (): void => {
      forget();
      giveBack();
      Deno.kill(Deno.pid, signal);
    };
    Deno.addSignalListener(signal, listener);
    return { signal, listener };
  });
  function forget(): void {
    for (const { signal, listener } of listeners) Deno.removeSignalListener(signal, listener);
  }
  return { forget };
}

function giveBack(): void {
  Deno.stdin.setRaw(false);
  writePrompt("\n");
}

function writePrompt(text: string): void {
  try {
    Deno.stderr.writeSync(new TextEncoder().encode(text));
  } catch { /* what is typed must stay hidden, whether or not the prompt is seen */ }
}
