/** Which rules a protocol serves by: those of the config that its user has named, or of the user's own. */

import type { Config } from "../../config/config.ts";
import { checkRules, type RuleTable } from "../../protocols/rules.ts";
import type { Protocol } from "../../protocols/protocol.ts";
import type { App } from "../app.ts";

/** A config, and what it says of one protocol. */
export interface Rules {
  /** `undefined`: there is none, and so nothing is given. */
  readonly config: Config | undefined;
  readonly table: RuleTable;
}

const NO_RULES: RuleTable = { maps: [], allow: [], storeScope: undefined };

/** Reads the rules; a config is never searched for. Throws `usage` for one that is wrong. */
export async function rulesOf(app: App, name: string, protocol: Protocol): Promise<Rules> {
  const { findOwnConfig } = await import("../../config/location.ts");
  const location = await findOwnConfig(app.platform, app.options.config);
  if (location === undefined) return { config: undefined, table: NO_RULES };
  const [{ readConfig }, { clientRules }, documents] = await Promise.all([
    import("../../config/config.ts"),
    import("../../config/client_rules.ts"),
    app.platform.documents(),
  ]);
  const config = await readConfig(documents, location);
  const table = clientRules(config.table, name);
  checkRules(protocol, table);
  return { config, table };
}
