/** `palyra helper list` and `explain`: what other programs would get, told to people. */

import { PalyraError } from "../../errors.ts";
import { accountsName } from "../../protocols/accounts.ts";
import { formatAddress } from "../../protocols/address.ts";
import { decide } from "../../protocols/rules.ts";
import type { App } from "../app.ts";
import type { NoFlags } from "../command.ts";
import { knownProtocol, PROTOCOLS } from "../protocols/known.ts";
import { rulesOf } from "../protocols/rules_of.ts";
import type { ListView, RecordView } from "../view.ts";

/** The protocols, with the number of their rules. */
export async function helperList(app: App): Promise<ListView> {
  const items = [];
  for (const [protocol, { brief, load }] of Object.entries(PROTOCOLS)) {
    const { table } = await rulesOf(app, protocol, await load());
    const { maps, allow, storeScope } = table;
    items.push({
      protocol,
      for: brief,
      maps: maps.length,
      allow,
      ...(storeScope === undefined ? {} : { store_scope: storeScope }),
    });
  }
  const width = Math.max(...items.map(({ protocol }) => protocol.length));
  const text = items.map(({ protocol, for: brief, maps, allow, store_scope: scope }) => {
    const rules = [
      ...(maps === 0 ? [] : [`${maps} mapped`]),
      ...(allow.length === 0 ? [] : [`allowed: ${allow.join(", ")}`]),
      ...(scope === undefined ? [] : [`stores in ${scope}`]),
    ];
    return `${protocol.padEnd(width)}  ${brief}; ${rules.join("; ") || "nothing is given"}`;
  });
  return { kind: "list", field: "protocols", items, text: text.join("\n") };
}

/** What one address would get. Throws `usage` for an unknown protocol, or what is no address of it. */
export async function helperExplain(
  app: App,
  _flags: NoFlags,
  name: string,
  text: string,
  username?: string,
): Promise<RecordView> {
  const protocol = await knownProtocol(name)?.load();
  if (protocol === undefined) {
    throw new PalyraError("usage", "Cannot explain: palyra does not speak this protocol", {
      hint: "palyra helper list tells which it speaks",
    });
  }
  const address = protocol.parseAddress(text);
  if (address === undefined) {
    throw new PalyraError("usage", `Cannot explain: ${name} cannot ask for such an address`, {
      hint: "A server is SCHEME://HOST[:PORT][/PATH], without a user name and without dot segments",
    });
  }
  const { config, table } = await rulesOf(app, name, protocol);
  const decision = decide(protocol, table, address, username);
  const canonical = address.kind === "label" ? address.label : formatAddress(address);
  const from = config?.location.path;
  const facts = {
    protocol: name,
    address: canonical,
    ...(from === undefined ? {} : { config: from }),
  };
  if (decision.kind === "map") {
    const { ref, match } = decision.rule;
    const rule = `helper.${name}.map[${decision.at}]`;
    const user = decision.rule.username ?? username;
    return {
      kind: "record",
      json: {
        ...facts,
        source: "map",
        rule,
        ref,
        ...(user === undefined ? {} : { username: user }),
      },
      text: `${canonical} gets ${ref}${user === undefined ? "" : ` for ${user}`}\n` +
        `because ${rule} of ${from} matches ${match}`,
    };
  }
  if (decision.kind === "reference") {
    const { ref } = decision;
    return {
      kind: "record",
      json: { ...facts, source: "allow", rule: `helper.${name}.allow`, ref },
      text: `${canonical} gets ${ref}\nbecause helper.${name}.allow of ${from} lists it`,
    };
  }
  const scope = table.storeScope;
  const stored = scope === undefined ? undefined : `${scope}/${await accountsName(name, address)}`;
  return {
    kind: "record",
    json: {
      ...facts,
      source: stored === undefined ? "none" : "store",
      why: decision.why,
      ...(stored === undefined ? {} : { ref: stored }),
    },
    text: stored === undefined
      ? `${canonical} gets nothing: ${from === undefined ? "there is no config" : decision.why}`
      : `${canonical} gets what ${name} has stored in ${stored}, if it has\nbecause ${decision.why}`,
  };
}
