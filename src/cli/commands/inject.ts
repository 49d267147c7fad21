/** `palyra inject`: a template with values in the place of its references. */

import { SensitiveBytes } from "../../crypto/sensitive_bytes.ts";
import { PalyraError } from "../../errors.ts";
import type { App } from "../app.ts";
import { readWanted } from "../read_wanted.ts";
import { fillTemplate, type Placeholder, placeholdersOf } from "../template.ts";
import type { BytesView, SilentView } from "../view.ts";
import { type Asked, namedAs } from "../wanted.ts";

/** Flags of `inject`. */
export interface InjectFlags {
  /** A template; `-` or nothing is standard input. */
  readonly in?: string | undefined;
  /** A file; `-` or nothing is standard output. */
  readonly out?: string | undefined;
}

const STREAM = "-";
const MAX_TEMPLATE_BYTES = 16_777_216;

/** All values are read before anything is written. */
export async function inject(app: App, flags: InjectFlags): Promise<BytesView | SilentView> {
  const { in: from = STREAM, out = STREAM } = flags;
  if (from !== STREAM && from === out) {
    throw new PalyraError("usage", "Cannot inject: the template would be replaced by its result");
  }
  const template = await readTemplate(app, from);
  const placeholders = placeholdersOf(textOf(template));
  const asked = placeholders.filter(({ escaped }) => !escaped).map(askedFor);
  // Many places may hold the same reference: by its text each is read once.
  const distinct = [...new Map(asked.map((one) => [one.name, one])).values()];
  using read = await readWanted(app, distinct);
  const values = new Map(read.all.map(({ wanted, value }) => [wanted.name, value]));
  const filled = new SensitiveBytes(
    fillTemplate(template, placeholders, ({ text }) => values.get(text)!.reveal()),
  );
  if (out === STREAM) {
    const dispose = (): void => filled[Symbol.dispose]();
    return { kind: "bytes", bytes: filled, newlineOnTerminal: false, [Symbol.dispose]: dispose };
  }
  using _wiped = filled;
  app.platform.userFiles.replace(out, filled.reveal());
  return { kind: "silent" };
}

async function readTemplate(app: App, from: string): Promise<Uint8Array> {
  const { streams, terminal, userFiles } = app.platform;
  if (from !== STREAM) return await userFiles.read(from, MAX_TEMPLATE_BYTES);
  if (!terminal.inputIsTerminal()) return await streams.readInput(MAX_TEMPLATE_BYTES);
  throw new PalyraError("usage", "Cannot inject: standard input is a terminal", {
    hint: "-i names the template",
  });
}

function askedFor({ text, line }: Placeholder): Asked {
  try {
    return namedAs(text, text);
  } catch (cause) {
    const why = cause instanceof PalyraError ? afterColon(cause.message) : "it is not valid";
    throw new PalyraError("usage", `Cannot read the reference in line ${line}: ${why}`, { cause });
  }
}

function afterColon(message: string): string {
  return message.slice(message.indexOf(": ") + 2);
}

/** One character for each byte: positions are the same, and no byte is lost. */
function textOf(bytes: Uint8Array): string {
  const pieces: string[] = [];
  for (let at = 0; at < bytes.length; at += PIECE) {
    pieces.push(String.fromCharCode(...bytes.subarray(at, at + PIECE)));
  }
  return pieces.join("");
}

const PIECE = 8_192;
