/**
 * The token helper of HashiCorp Vault's command line. Source:
 * developer.hashicorp.com/vault/docs/commands/token-helper.
 */

import { PalyraError } from "../errors.ts";
import { type Address, parseServerOrLabel } from "./address.ts";
import type { Call, Credentials, Protocol, Reply } from "./protocol.ts";
import { complain, lineOf, say, secretOf, SILENCE } from "./replies.ts";

/** Serves `get`, `store` and `erase` for the server of VAULT_ADDR, or the label `default`. */
export const vaultToken: Protocol = { parseAddress, serve, failed: complain };

const MAX_BYTES = 65_536;

async function serve({ args, input, variable }: Call, credentials: Credentials): Promise<Reply> {
  const [operation, ...more] = args;
  const address = addressOf(variable("VAULT_ADDR"));
  if (more.length > 0) throw unknown();
  switch (operation) {
    case "get": {
      const found = await credentials.get(address);
      return found === undefined ? SILENCE : say(lineOf(found)); // no token is no failure
    }
    case "store": {
      using secret = secretOf((await input.all(MAX_BYTES)).trim());
      if (secret.reveal().length === 0) {
        throw new PalyraError("usage", "Cannot store the token: it is empty");
      }
      if (await credentials.put(address, { username: "", secret })) return SILENCE;
      throw new PalyraError(
        "denied",
        "Cannot store the token: [helper.vault-token] has no store_scope",
      );
    }
    case "erase":
      await credentials.erase(address);
      return SILENCE;
    default:
      throw unknown();
  }
}

function addressOf(server: string | undefined): Address {
  if (server === undefined || server === "") return { kind: "label", label: "default" };
  const address = parseAddress(server);
  if (address?.kind === "server") return address;
  throw new PalyraError("usage", "Cannot give a token: VAULT_ADDR is no address of a server");
}

/** With and without its slash at the end an address is one and the same to Vault. */
function parseAddress(text: string): Address | undefined {
  const address = parseServerOrLabel(text);
  if (address?.kind !== "server") return address;
  return { ...address, path: address.path.replace(/\/$/, "") };
}

function unknown(): PalyraError {
  return new PalyraError("usage", "Cannot give a token: the operation is not get, store or erase");
}
