/**
 * Programs that ask for a password by running another program with the prompt as its argument: git
 * (gitcredentials(7)), ssh and ssh-add (ssh(1), SSH_ASKPASS), sudo (sudo(8), -A).
 */

import { type Address, parseLabel, parseServer, parseServerOrLabel } from "./address.ts";
import type { Call, Credentials, Protocol, Reply } from "./protocol.ts";
import { complain, lineOf, nothingFor, say } from "./replies.ts";

/**
 * Serves one prompt. What git asks for has the address of its server; a key's passphrase the label
 * `ssh:PATH`, sudo's password `sudo:USER`; anything else the prompt itself.
 */
export const askpass: Protocol = { parseAddress, serve, failed: complain };

/** ssh sets it where it wants a yes or no, or nothing at all: a secret would be shown or be a refusal. */
const KIND = "SSH_ASKPASS_PROMPT";
const GIT = /^(Username|Password) for '([^']+)': ?$/;
/** Of ssh, which quotes the path, and of ssh-add, which says what -c will do. */
const SSH = /^Enter passphrase for (?:key '(.+)'|(.+?)(?: \(will confirm each use\))?): ?$/;
/** ssh-add asks so until it gets the right one, or an empty one: the same answer would have no end. */
const SSH_AGAIN = /^Bad passphrase, try again for /;
const SUDO = /^\[sudo\] password for (.+): ?$/;

async function serve({ args, variable }: Call, credentials: Credentials): Promise<Reply> {
  const prompt = args.join(" ");
  if (variable(KIND)) {
    return { status: 1, error: "Cannot answer: this is no question for a password" };
  }
  if (SSH_AGAIN.test(prompt)) {
    return { status: 1, error: "Cannot answer again: the client did not take the passphrase" };
  }
  const asked = askedOf(prompt);
  if (asked === undefined) return nothingFor("this prompt");
  const found = await credentials.get(asked.address, asked.username);
  if (found === undefined) return nothingFor("this prompt");
  if (!asked.isName) return say(`${lineOf(found)}\n`);
  const { username } = found;
  return username === undefined ? nothingFor("this user name") : say(`${username}\n`);
}

interface Asked {
  readonly address: Address;
  readonly username: string | undefined;
  /** The user name is wanted, not the secret. */
  readonly isName: boolean;
}

function askedOf(prompt: string): Asked | undefined {
  const [, what, url] = GIT.exec(prompt) ?? [];
  if (url !== undefined) return askedByGit(url, what === "Username");
  const [, quoted, bare] = SSH.exec(prompt) ?? [];
  const path = quoted ?? bare;
  const [, user] = SUDO.exec(prompt) ?? [];
  const label = path !== undefined ? `ssh:${path}` : user !== undefined ? `sudo:${user}` : prompt;
  const address = parseLabel(label);
  return address && { address, username: undefined, isName: false };
}

/** Git writes the user name into the URL, percent-encoded, once it has one. */
function askedByGit(url: string, isName: boolean): Asked | undefined {
  const [, scheme, user, rest] = /^([a-z+]+:\/\/)(?:([^@/]*)@)?([^@]*)$/i.exec(url) ?? [];
  if (scheme === undefined || rest === undefined) return undefined;
  const address = parseServer(scheme + rest);
  try {
    return address && { address, username: user && decodeURIComponent(user), isName };
  } catch { // a percent sign that begins nothing
    return undefined;
  }
}

/** A rule, or who asks what a prompt would get, may name the prompt itself. */
function parseAddress(text: string): Address | undefined {
  const isPrompt = [GIT, SSH, SUDO].some((prompt) => prompt.test(text));
  return isPrompt ? askedOf(text)?.address : parseServerOrLabel(text);
}
