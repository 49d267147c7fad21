/** One bad input: a command line that must fail, and how. */

/** A row of the table. */
export interface BadInput {
  /** What is wrong; unlike that of every other row. */
  readonly why: string;
  readonly args: readonly string[];
  readonly stdin?: string | Uint8Array;
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** A shell line that ends by running "$@"; `$PWD` is the machine's home. */
  readonly shell?: string;
  readonly status: number;
  /** What standard error has to say. */
  readonly message: string | RegExp;
  /** The machine: empty, or with `global/known` (three versions) and a backend. Default empty. */
  readonly on?: "empty" | "used";
  /** Prepares the home directory. */
  readonly before?: (home: string) => void;
  /** Run only as it stands, or only with `--json`; default both. */
  readonly only?: "text" | "json";
}

/** Something that looks like a secret, given where none belongs: it may not be repeated. */
export const FAKE_SECRET = "sk-FAKE-5f1c9e7a2b";

/** The exit statuses of the codes. */
export const CODES: Readonly<Record<number, string>> = {
  2: "usage",
  5: "unavailable",
  6: "denied",
  7: "precondition",
  8: "not_found",
  9: "integrity",
  12: "would_prompt",
};
