/** All that is wrong in a config, rules of helpers included: those only their protocols can judge. */

import type { Config } from "../config/config.ts";
import type { ConfigProblem, FieldProblem } from "../config/validate.ts";
import { isPalyraError } from "../errors.ts";
import { mistakesIn } from "../protocols/rules.ts";
import { knownProtocol } from "./protocols/known.ts";

/** What a helper would refuse is found by the same reading, with nobody asking for anything. */
export async function problemsOf(config: Config): Promise<ConfigProblem[]> {
  const { validateConfig } = await import("../config/validate.ts");
  return validateConfig(config, await problemsOfRules(config));
}

async function problemsOfRules(config: Config): Promise<FieldProblem[]> {
  const { table } = config;
  const [{ isTable }, { readClientRules }] = await Promise.all([
    import("../config/toml_document.ts"),
    import("../config/client_rules.ts"),
  ]);
  const tables = Object.hasOwn(table, "helper") ? table["helper"] : undefined;
  const found: FieldProblem[] = [];
  for (const [name, settings] of Object.entries(isTable(tables) ? tables : {})) {
    if (!isTable(settings)) continue; // told by the validation of the config itself
    const protocol = await knownProtocol(name)?.load();
    if (protocol === undefined) {
      const message = "palyra does not speak this protocol";
      found.push({ severity: "unknown", field: ["helper", name], message });
      continue;
    }
    const { rules, mistakes } = readClientRules(table, name);
    if (rules === undefined) continue;
    for (const { field, error: { message } } of mistakesIn(protocol, rules)) {
      found.push({ severity: "error", field: ["helper", name, ...field], message });
    }
    if (mistakes.length > 0) continue; // a reference that is none names no field either
    for (const [at, { ref }] of rules.maps.entries()) {
      const message = ref.startsWith(CONFIG) ? await whyNoField(config, ref) : undefined;
      if (message === undefined) continue;
      found.push({ severity: "error", field: ["helper", name, "map", at, "ref"], message });
    }
  }
  return found;
}

const CONFIG = "config:";

/** What a variable or file is, and who may read it, shows only where it is read. */
async function whyNoField(config: Config, ref: string): Promise<string | undefined> {
  const { referenceAt } = await import("../config/lookup.ts");
  try {
    referenceAt(config, ref.slice(CONFIG.length));
    return undefined;
  } catch (error) {
    if (isPalyraError(error, "not_found") || isPalyraError(error, "usage")) return error.message;
    if (isPalyraError(error)) return undefined;
    throw error;
  }
}
