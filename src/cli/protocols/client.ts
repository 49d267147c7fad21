/** A client of the helper, as a call of a protocol sees it. */

import type { Protocol } from "../../protocols/protocol.ts";
import type { App } from "../app.ts";
import type { Rules } from "./rules_of.ts";

/** Who asks, and what the rules are. */
export interface Client {
  readonly app: App;
  /** The protocol by its name on the command line and in the config. */
  readonly name: string;
  readonly protocol: Protocol;
  readonly rules: Rules;
}
