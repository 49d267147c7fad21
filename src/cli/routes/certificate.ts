/** Flags of commands that ask for a certificate. */

import { oneOf } from "../candidates.ts";
import { text, type TextFlag } from "../flags.ts";

/** What `--usage` can be. */
export const USAGE_NAMES: readonly string[] = ["client", "server", "both"];

/** How long it is good, for what, and for which key. */
export const CERTIFICATE_FLAGS: {
  readonly validity: TextFlag;
  readonly usage: TextFlag;
  readonly csr: TextFlag;
} = {
  validity: text("duration", "How long the certificate is good: 7d, from 1h to 397d"),
  usage: text("for", "client, server or both", oneOf(USAGE_NAMES)),
  csr: text("file", "A certificate request (PEM) for a key of your own, which palyra never sees"),
};
