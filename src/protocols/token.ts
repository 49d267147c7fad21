/**
 * A plain secret on standard output, for programs that run a command and take what it prints: Claude
 * Code's `apiKeyHelper`, Codex' `auth.command`, pnpm's `tokenHelper`, restic, borg, rclone, msmtp.
 */

import { decodeUtf8, encodeUtf8 } from "../crypto/encoding.ts";
import { SensitiveBytes } from "../crypto/sensitive_bytes.ts";
import { PalyraError } from "../errors.ts";
import { parseLabel } from "./address.ts";
import type {
  Call,
  Credential,
  Credentials,
  ProfileCredentials,
  Protocol,
  Reply,
} from "./protocol.ts";
import { complain, nothingFor } from "./replies.ts";

/**
 * Serves `[--prefix TEXT]` with a label that is mapped or a reference that is allowed, with `--profile
 * ID`, which is the reference `auth:ID`, or with `--provider NAME [--agent ID]`: the profile to use now
 * of those that are allowed.
 */
export const token: Protocol = { parseAddress: parseLabel, serve, failed: complain };

const FLAGS = ["--prefix", "--profile", "--provider", "--agent"] as const;
const LINE_END = 0x0a;
const NO_PROFILE: Reply = {
  status: 8,
  error: "Cannot give a credential: no profile of this provider is allowed and can be used now",
  hint: "palyra helper list shows what is allowed, " +
    "palyra auth profiles explain-selection why a profile is not used",
};

async function serve(
  { args }: Call,
  credentials: Credentials & ProfileCredentials,
): Promise<Reply> {
  const { label, provider, agentId, prefix } = readArguments(args);
  if (provider !== undefined) {
    const chosen = await credentials.choose({ provider, agentId });
    return chosen === undefined ? NO_PROFILE : printed(chosen, prefix);
  }
  const address = parseLabel(label);
  const found = address && await credentials.get(address);
  return found === undefined ? nothingFor("this label") : printed(found, prefix);
}

function printed({ secret }: Credential, prefix: string): Reply {
  const value = secret.reveal();
  if (prefix !== "" && decodeUtf8(value)?.includes("\n") !== false) {
    throw new PalyraError("usage", "Cannot give the value with a prefix: it is not one line");
  }
  const start = encodeUtf8(prefix);
  // Every one of these programs drops a line end, and some wait for it.
  const end = value.at(-1) === LINE_END ? 0 : 1;
  const output = new Uint8Array(start.length + value.length + end).fill(LINE_END);
  output.set(start);
  output.set(value, start.length);
  return { status: 0, output: new SensitiveBytes(output) };
}

interface Wanted {
  /** Without a provider. */
  readonly label: string;
  readonly provider: string | undefined;
  readonly agentId: string | undefined;
  readonly prefix: string;
}

function readArguments(args: readonly string[]): Wanted {
  const given = new Map<string, string | undefined>();
  let at = 0;
  for (; isFlag(args[at]); at += 2) {
    if (given.has(args[at]!)) throw wrong("a flag is given twice");
    given.set(args[at]!, args[at + 1]);
  }
  if ([...given.values()].includes(undefined)) throw wrong("a flag has no value");
  const [profile, provider] = [given.get("--profile"), given.get("--provider")];
  const agentId = given.get("--agent");
  const labels = [...args.slice(at), ...(profile === undefined ? [] : [`auth:${profile}`])];
  if (labels.length + (provider === undefined ? 0 : 1) !== 1) {
    throw wrong("exactly one label or reference, --profile or --provider is needed");
  }
  if (agentId !== undefined && provider === undefined) throw wrong("--agent needs --provider");
  const prefix = given.get("--prefix") ?? "";
  if (/[\p{Cc}]/u.test(prefix)) throw wrong("the prefix holds a control character");
  return { label: labels[0] ?? "", provider, agentId, prefix };
}

function isFlag(arg: string | undefined): boolean {
  return FLAGS.some((flag) => flag === arg);
}

function wrong(why: string): PalyraError {
  return new PalyraError("usage", `Cannot give a token: ${why}`);
}
