/** Flags of commands, as the framework wants them. */

import { oneOf, type Propose } from "./candidates.ts";

/** A flag without a value. */
export interface SwitchFlag {
  readonly kind: "boolean";
  readonly optional: true;
  readonly withNegated: false;
  readonly brief: string;
}

/** A switch. */
export function flag(brief: string): SwitchFlag {
  return { kind: "boolean", optional: true, withNegated: false, brief };
}

/** A flag with a value that the command itself checks. */
export interface TextFlag {
  readonly kind: "parsed";
  readonly parse: (text: string) => string;
  readonly optional: true;
  readonly placeholder: string;
  readonly brief: string;
  readonly proposeCompletions: Propose;
}

/** A flag with a text. */
export function text(placeholder: string, brief: string, propose: Propose = oneOf([])): TextFlag {
  return {
    kind: "parsed",
    parse: String,
    optional: true,
    placeholder,
    brief,
    proposeCompletions: propose,
  };
}

/** A flag with a text that may be given again and again. */
export interface TextsFlag extends Omit<TextFlag, "kind"> {
  readonly kind: "parsed";
  readonly variadic: true;
}

/** A flag with any number of texts. */
export function texts(placeholder: string, brief: string, propose?: Propose): TextsFlag {
  return { ...text(placeholder, brief, propose), variadic: true };
}
