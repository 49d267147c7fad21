/** What a command gives back to be printed: data, never text that is already formatted for one output. */

import type { SensitiveBytes } from "../crypto/sensitive_bytes.ts";
import type { PalyraError } from "../errors.ts";

/** An object for JSON: snake_case fields, no secret unless the command is asked for one. */
export type JsonObject = Readonly<Record<string, unknown>>;

/** One result, for people and for programs. */
export interface RecordView {
  readonly kind: "record";
  readonly json: JsonObject;
  /** Lines for people, without the last line end. */
  readonly text: string;
  /** Reported after the output, and decides the exit status. */
  readonly failure?: PalyraError;
  /** In this format, whatever the global flags say: the command has a flag of its own for it. */
  readonly as?: "json";
}

/** Several results of one kind. */
export interface ListView {
  readonly kind: "list";
  /** The field of the JSON object that holds the items. */
  readonly field: string;
  /** Further fields of the JSON object. */
  readonly rest?: JsonObject;
  readonly items: readonly JsonObject[];
  readonly text: string;
}

/** Exact bytes, whatever the output format. */
export interface BytesView extends Disposable {
  readonly kind: "bytes";
  readonly bytes: SensitiveBytes;
  /** Added on a terminal only, where a prompt would otherwise stick to the value. */
  readonly newlineOnTerminal: boolean;
  /** Done when all bytes are written, and not at all when they could not be. */
  readonly afterwards?: () => void;
  /** Reported after the output, and decides the exit status. */
  readonly failure?: PalyraError;
}

/** The output went elsewhere. */
export interface SilentView {
  readonly kind: "silent";
}

/** Another program has spoken for itself: only its end is left. */
export interface StatusView {
  readonly kind: "status";
  /** The exit status of palyra. */
  readonly status: number;
  /** Reported, but without a say in the status. */
  readonly failure?: PalyraError;
  /** Ends palyra by the signal that ended the program; returns where that is not possible. */
  readonly endAlike?: () => Promise<void>;
}

/** What another program gets that has started palyra as its helper, whatever the output format. */
export interface ReplyView {
  readonly kind: "reply";
  readonly status: number;
  /** For standard output; wiped when it has been written. */
  readonly output: SensitiveBytes | undefined;
  /** A line for standard error. */
  readonly error: string | undefined;
  /** One more, with an error. */
  readonly hint: string | undefined;
}

/** Any result of a command. */
export type View = RecordView | ListView | BytesView | SilentView | StatusView | ReplyView;
