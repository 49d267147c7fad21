/** The commands of macOS `security`: which one a word means, and those that concern keychains. */

import type { FakeAnswer } from "./fake_call.ts";
import { addItem, deleteItem, findItem, type State } from "./fake_security_items.ts";
import { getopt } from "./fake_security_options.ts";
import { complaint, OS_STATUS, OWN_STATUS, usage } from "./fake_security_statuses.ts";

type Command = (args: readonly string[], state: State) => FakeAnswer;

/** In the order of the real tool, which takes the first that begins with the word. */
const COMMANDS: readonly (readonly [string, Command?])[] = [
  ["help", help],
  ["list-keychains"],
  ["list-smartcards"],
  ["default-keychain", defaultKeychain],
  ["login-keychain"],
  ["create-keychain"],
  ["delete-keychain"],
  ["lock-keychain", (_args, state) => setLocked(state, true)],
  ["unlock-keychain", (_args, state) => setLocked(state, false)],
  ["set-keychain-settings"],
  ["set-keychain-password"],
  ["show-keychain-info", showKeychainInfo],
  ["dump-keychain"],
  ["create-keypair"],
  ["add-generic-password", addItem],
  ["add-internet-password"],
  ["add-certificates"],
  ["find-generic-password", findItem],
  ["delete-generic-password", deleteItem],
  ["set-generic-password-partition-list"],
];

/** Runs one command; the status is not yet cut to its low byte. */
export function runCommand([word, ...args]: readonly string[], state: State): FakeAnswer {
  if (word === undefined) return { status: 0 };
  const [name, command] = COMMANDS.find(([name]) => name.startsWith(word)) ?? [];
  if (name === undefined) { // the word may be the tail of a secret
    return { status: OWN_STATUS.failure, err: `security: unknown command "${word}"\n` };
  }
  return command?.(args, state) ?? usage(name);
}

function help(): FakeAnswer {
  return { status: 0, out: COMMANDS.map(([name]) => `    ${name}\n`).join("") };
}

function defaultKeychain(args: readonly string[], state: State): FakeAnswer {
  const { values, wrong } = getopt(args, "hd:s");
  if (wrong !== undefined || (values.get("d") ?? "user") !== "user") {
    return usage("default-keychain");
  }
  const path = state.defaultKeychain ?? "";
  const lack = path === "" ? OS_STATUS.noDefaultKeychain : 0;
  const status = state.failWith?.["default-keychain"] ?? lack;
  if (status === 0) return { status, out: `    "${path}"\n` };
  return { status, err: complaint("SecKeychainCopyDomainDefault user", status) };
}

function setLocked(state: State, locked: boolean): FakeAnswer {
  state.locked = locked;
  return { status: 0 };
}

function showKeychainInfo([path = "<NULL>"]: readonly string[], state: State): FakeAnswer {
  const lack = state.locked ? OS_STATUS.interactionNotAllowed : 0;
  const status = state.failWith?.["show-keychain-info"] ?? lack;
  if (status !== 0) return { status, err: complaint(`SecKeychainCopySettings ${path}`, status) };
  return { status, err: `Keychain "${path}" no-timeout\n` };
}
