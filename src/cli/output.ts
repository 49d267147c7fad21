/** Prints views and errors: the only place that writes to the standard streams. */

import { encodeUtf8 } from "../crypto/encoding.ts";
import { PalyraError } from "../errors.ts";
import type { Platform } from "../platform/platform.ts";
import type { OutputFormat } from "./global_flags.ts";
import { shown } from "./shown.ts";
import type { JsonObject, View } from "./view.ts";

/** Version of every JSON object that palyra prints. */
const SCHEMA_VERSION = 1;

/** Prints a view in the asked-for format. Throws what the stream throws. */
export async function printView(
  platform: Platform,
  view: View,
  format: OutputFormat,
): Promise<void> {
  const { streams, terminal } = platform;
  if (view.kind === "silent" || view.kind === "status") return;
  if (view.kind === "reply") {
    using output = view.output;
    if (output !== undefined) await streams.writeOutput(output.reveal());
    if (view.error !== undefined) {
      const hint = view.hint === undefined ? "" : `hint: ${shown(view.hint)}\n`;
      streams.writeError(`palyra: ${shown(view.error)}\n${hint}`);
    }
    return;
  }
  if (view.kind === "bytes") {
    using _wiped = view;
    await streams.writeOutput(view.bytes.reveal());
    if (view.newlineOnTerminal && terminal.outputIsTerminal()) {
      await streams.writeOutput(encodeUtf8("\n"));
    }
    view.afterwards?.();
    return;
  }
  const wanted = view.kind === "record" ? view.as ?? format : format;
  const text = wanted === "text" ? textOf(view.text) : jsonOf(view, wanted);
  await streams.writeOutput(encodeUtf8(text));
}

/** Prints an error: one line and a hint, and with JSON output one object more. */
export function printError(platform: Platform, error: unknown, format: OutputFormat): void {
  const reported = reportable(error);
  const { code, details } = reported;
  const message = shown(reported.message);
  const hint = reported.hint && shown(reported.hint);
  let text = `palyra: ${message}\n`;
  if (hint !== undefined) text += `hint: ${hint}\n`;
  if (format !== "text") text += jsonLine({ error: { code, message, hint, details } });
  platform.streams.writeError(text);
}

/**
 * What may be told of anything thrown. The message of an error that is not ours may quote its
 * input, which may be a secret: only its class and where it was thrown are told.
 */
export function reportable(error: unknown): PalyraError {
  if (error instanceof PalyraError) return error;
  const name = error instanceof Error ? error.name : typeof error;
  const where = error instanceof Error ? placeOf(error) : "";
  return new PalyraError("internal", `Internal error: unexpected ${name}${where}`, {
    hint:
      "This is a bug in palyra: please report it with this line and the command, without any secret",
  });
}

function placeOf(error: Error): string {
  const place = /([\w.-]+:\d+:\d+)\)?$/m.exec(stackWithoutMessage(error))?.[1];
  return place === undefined ? "" : ` at ${place}`;
}

function stackWithoutMessage(error: Error): string {
  return (error.stack ?? "").split("\n").filter((line) => /^\s+at /.test(line)).join("\n");
}

function textOf(text: string): string {
  return text === "" ? "" : `${text}\n`;
}

function jsonOf(
  view: Exclude<View, { kind: "bytes" | "silent" | "status" | "reply" }>,
  format: OutputFormat,
): string {
  if (view.kind === "record") return jsonLine(view.json);
  if (format === "ndjson") return view.items.map(jsonLine).join("");
  return jsonLine({ ...view.rest, [view.field]: view.items });
}

function jsonLine(fields: JsonObject): string {
  return `${JSON.stringify({ schema_version: SCHEMA_VERSION, ...fields })}\n`;
}
