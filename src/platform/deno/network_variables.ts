/**
 * Environment variables by which the runtime would send requests elsewhere, or trust others.
 *
 * The runtime reads them when a client is made and at the first use of TLS, and prefers a proxy of the
 * environment to the one that it is told: with HTTPS_PROXY set, no address would ever be looked at.
 */

import { PalyraError } from "../../errors.ts";

const STEERING_NETWORK = [
  ...["HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"],
  ...["http_proxy", "https_proxy", "all_proxy", "no_proxy"],
  ...["DENO_CERT", "DENO_TLS_CA_STORE", "NODE_EXTRA_CA_CERTS", "NODE_TLS_REJECT_UNAUTHORIZED"],
  ...["NODE_USE_SYSTEM_CA", "NODE_USE_ENV_PROXY", "DENO_NODE_USE_OPENSSL_CA"],
];

const KEY_LOG = "SSLKEYLOGFILE";

/** What was taken away, for the user's own command. */
const hidden = new Map<string, string>();

/**
 * Takes the variables away, so that nothing but palyra's own configuration decides. Throws `denied`
 * where the runtime would write the keys of every connection to a file.
 */
export function hideNetworkVariables(): void {
  if (Deno.env.has(KEY_LOG)) {
    throw new PalyraError(
      "denied",
      `Cannot use the network: ${KEY_LOG} is set, and the keys of every connection would be written`,
      {
        hint: `unset ${KEY_LOG}`,
        details: { reason: "key_log", request_may_have_arrived: false },
      },
    );
  }
  for (const name of STEERING_NETWORK) {
    if (!Deno.env.has(name)) continue;
    keep(name);
    Deno.env.delete(name);
  }
}

/** Puts them back: from then on this process sends no request that has not hidden them again. */
export function giveBackNetworkVariables(): void {
  for (const [name, value] of hidden) Deno.env.set(name, value);
  hidden.clear();
}

function keep(name: string): void {
  try {
    hidden.set(name, Deno.env.get(name)!);
  } catch { /* not valid Unicode: the user's command could not have been given it either */ }
}
