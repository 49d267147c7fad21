/** A protocol asked in this process, over rules and a secret that is given wherever the rules name one. */

import { SensitiveBytes } from "../../src/crypto/sensitive_bytes.ts";
import { isPalyraError } from "../../src/errors.ts";
import type { Address } from "../../src/protocols/address.ts";
import type {
  Credential,
  Credentials,
  Found,
  ProfileCredentials,
  Protocol,
} from "../../src/protocols/protocol.ts";
import { checkRules, decide, type RuleTable } from "../../src/protocols/rules.ts";

/** What is asked, as the client asks it. */
export interface Asked {
  readonly args?: readonly string[];
  readonly stdin?: string;
  readonly env?: Readonly<Record<string, string>>;
}

/** All that came out. */
export interface Answer {
  readonly status: number;
  readonly out: string;
  readonly err: string;
}

/** Asks once; `secret` stands for every reference that the rules name. */
export async function askInProcess(
  protocol: Protocol,
  table: RuleTable,
  secret: string,
  { args = [], stdin = "", env = {} }: Asked,
): Promise<Answer> {
  checkRules(protocol, table);
  let out = "";
  const bytes = new TextEncoder().encode(stdin);
  const lines = stdin.split("\n");
  const call = {
    args,
    input: {
      all: () => Promise.resolve(stdin),
      bytes: () => Promise.resolve(bytes),
      line: () => {
        const line = lines.shift();
        return Promise.resolve(line === "" && lines.length === 0 ? undefined : line);
      },
    },
    variable: (name: string) => env[name],
    now: () => 0,
    writeFiles: () => Promise.reject(new Error("no files are asked for")),
    write: (text: string) => Promise.resolve(void (out += text)),
    version: "0",
  };
  try {
    const reply = await protocol.serve(call, credentialsOf(protocol, table, secret));
    if (reply.output !== undefined) out += new TextDecoder().decode(reply.output.reveal());
    return { status: reply.status, out, err: reply.error ?? "" };
  } catch (error) {
    if (!isPalyraError(error)) throw error;
    const reply = protocol.failed({ message: error.message, status: 2 }, call);
    if (reply.output !== undefined) out += new TextDecoder().decode(reply.output.reveal());
    return { status: reply.status, out, err: reply.error ?? "" };
  }
}

function credentialsOf(
  protocol: Protocol,
  table: RuleTable,
  secret: string,
): Credentials & ProfileCredentials {
  const find = (address: Address, username?: string): Credential | undefined => {
    const decision = decide(protocol, table, address, username);
    if (decision.kind === "nothing") return undefined;
    const mapped = decision.kind === "map" ? decision.rule.username : undefined;
    return {
      username: mapped ?? username,
      secret: new SensitiveBytes(new TextEncoder().encode(secret)),
    };
  };
  const found = (address: Address): Found => {
    const credential = find(address);
    return credential === undefined ? { status: "nothing" } : { status: "found", credential };
  };
  return {
    get: (address, username) => Promise.resolve(find(address, username)),
    getAll: (addresses) => Promise.resolve(addresses.map(found)),
    put: () => Promise.resolve(false),
    erase: () => Promise.resolve(),
    list: () => Promise.resolve([]),
    choose: () => Promise.resolve(undefined),
  };
}
