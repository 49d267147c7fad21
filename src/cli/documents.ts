/** Documents between devices on the command line: read from a file or pipe, written to one. */

import { decodeUtf8, encodeUtf8 } from "../crypto/encoding.ts";
import { PalyraError } from "../errors.ts";
import { MAX_DOCUMENT_BYTES } from "../identity/document.ts";
import { parsePem, type PemLabel } from "../x509/pem.ts";
import type { App } from "./app.ts";
import type { JsonObject, RecordView } from "./view.ts";

type Bytes = Uint8Array<ArrayBuffer>;

const MAX_PEM_BYTES = 65_536;
const STANDARD_INPUT = "-";

/** Reads a document from a file, or from standard input where none is named. Throws `usage`. */
export async function readDocumentFile(app: App, path: string | undefined): Promise<Bytes> {
  const { platform } = app;
  if (path !== undefined && path !== STANDARD_INPUT) {
    return await platform.userFiles.read(path, MAX_DOCUMENT_BYTES);
  }
  if (path === undefined && platform.terminal.inputIsTerminal()) {
    throw new PalyraError("usage", "Cannot read the document: no file is named", {
      hint: "Name it, or give it on standard input",
    });
  }
  return await platform.streams.readInput(MAX_DOCUMENT_BYTES);
}

/** A document to print, or to write where `--out` says; and what programs are told about it. */
export interface Printed {
  readonly document: string;
  readonly out: string | undefined;
  readonly json: JsonObject;
  /** Lines about it for people: on standard error, or the whole output where it goes to a file. */
  readonly lines: readonly string[];
}

/** Prints or writes a document. */
export function printDocument(app: App, { document, out, json, lines }: Printed): RecordView {
  if (out === undefined) {
    for (const line of lines) app.note(line);
    return { kind: "record", json: { ...json, document }, text: document.trimEnd() };
  }
  app.platform.userFiles.replace(out, encodeUtf8(`${document.trimEnd()}\n`));
  return { kind: "record", json: { ...json, path: out }, text: lines.join("\n") };
}

/** Reads what stands in a PEM file of one label. Throws `usage` for anything else. */
export async function readPemFile(app: App, path: string, label: PemLabel): Promise<Bytes> {
  const bytes = path === STANDARD_INPUT
    ? await app.platform.streams.readInput(MAX_PEM_BYTES)
    : await app.platform.userFiles.read(path, MAX_PEM_BYTES);
  const der = parsePem(label, decodeUtf8(bytes) ?? "");
  if (der !== undefined) return der;
  throw new PalyraError("usage", `Cannot read ${path}: it is no PEM file with one ${label}`);
}
