/**
 * Ansible's vault password scripts and client scripts: the password on standard output. Source:
 * docs.ansible.com, "Managing vault passwords".
 */

import { PalyraError } from "../errors.ts";
import { parseLabel } from "./address.ts";
import type { Call, Credentials, Protocol, Reply } from "./protocol.ts";
import { complain, lineOf, nothingFor, say } from "./replies.ts";

/** Serves `[--vault-id LABEL]`; a script without a label is asked for `default`. */
export const ansible: Protocol = {
  parseAddress: parseLabel,
  serve,
  // 2 says that there is no secret of this id: any other failure must not be taken for that.
  failed: (failure) => ({
    ...complain(failure),
    status: failure.status === 2 ? 1 : failure.status,
  }),
};

/** What ansible takes for "no secret for this vault id". */
const NO_SECRET = 2;
const FLAG = "--vault-id";

async function serve({ args }: Call, credentials: Credentials): Promise<Reply> {
  const address = parseLabel(labelOf(args));
  const found = address && await credentials.get(address);
  if (found === undefined) return { ...nothingFor("this vault id"), status: NO_SECRET };
  return say(`${lineOf(found)}\n`);
}

function labelOf(args: readonly string[]): string {
  const [first = "", second, ...more] = args;
  if (args.length === 0) return "default";
  if (first === FLAG && second !== undefined && more.length === 0) return second;
  if (first.startsWith(`${FLAG}=`) && second === undefined) return first.slice(FLAG.length + 1);
  throw new PalyraError("usage", `Cannot give a password: only ${FLAG} LABEL is understood`);
}
