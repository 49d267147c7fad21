/** Generic passwords as macOS `security` adds, finds and deletes them, in a state that tests alter. */

import type { FakeAnswer } from "./fake_call.ts";
import { getopt, type Options } from "./fake_security_options.ts";
import { complaint, OS_STATUS, OWN_STATUS, usage } from "./fake_security_statuses.ts";
import { encodeWord } from "./fake_security_words.ts";

/** A generic password. */
export interface Item {
  keychain: string;
  service: string;
  account: string;
  label: string;
  /** The stored bytes in hexadecimal. */
  data: string;
}

/** What there is, and how the tool behaves. */
export interface State {
  items: Item[];
  /** What `default-keychain` prints; "" or nothing for none. */
  defaultKeychain?: string;
  /** All keychains are locked, and no dialog can open. */
  locked?: boolean;
  /** Access lists refuse, as when a person presses Deny. */
  deny?: boolean;
  /** Whatever needs the data of an item or changes a keychain opens a dialog, and waits. */
  hang?: boolean;
  /** Every search fails for another reason than that nothing is there. */
  searchFails?: boolean;
  /** Paths of keychains that cannot be opened. */
  unopenable?: string[];
  /** OSStatus by command: it ends with that, whatever else is the case. */
  failWith?: Record<string, number>;
}

const ADD = "add-generic-password";
const FIND = "find-generic-password";
const DELETE = "delete-generic-password";
const HANGS: FakeAnswer = { status: 0, hangs: true };

/** Adds an item, or with -U may update it. */
export function addItem(args: readonly string[], state: State): FakeAnswer {
  const { flags, values, wrong, rest } = getopt(args, "a:c:C:D:G:j:l:s:p:w:X:UAT:h");
  if (wrong?.lacksValue && /[wp]/.test(wrong.letter)) { // the real one asks on the terminal
    return { status: OWN_STATUS.failure, err: "password data for new item: " };
  }
  const [service, account, hex = ""] = ["s", "a", "X"].map((letter) => values.get(letter));
  if (/[^0-9a-fA-F]/.test(hex)) {
    const why = "Unable to convert password data (-X must specify valid hex digits)";
    return { ...usage(ADD), err: `security: ${why}\n${usage(ADD).err}` };
  }
  const isWrong = wrong !== undefined || flags.has("h") || rest.length > 1 || rest[0] === "";
  if (isWrong || !service || !account) return usage(ADD);
  const keychain = rest[0] ?? state.defaultKeychain ?? "";
  if (state.unopenable?.includes(keychain)) return { status: OWN_STATUS.failure };
  if (state.hang) return HANGS;
  const name = { keychain, service, account };
  const existing = state.items.find((item) =>
    item.keychain === keychain && item.service === service && item.account === account
  );
  const data = dataOf(values);
  let err = "";
  if (flags.has("U") && existing !== undefined) {
    const status = state.failWith?.[ADD] ?? refusalOf(state);
    if (status === 0) {
      Object.assign(existing, { data, label: values.get("l") ?? existing.label });
      return { status };
    }
    err = complaint("SecKeychainItemModifyContent", status); // and goes on to add
  }
  const status = state.failWith?.[ADD] ?? obstacleOf(state, keychain, existing, err !== "");
  if (status === 0) {
    state.items.push({ ...name, label: values.get("l") ?? service, data });
    return { status };
  }
  const what = `SecKeychainItemCreateFromContent (${rest[0] ?? "<default>"})`;
  return { status, err: err + complaint(what, status) };
}

/** What is stored: without any of the options an empty value, which is a success. */
function dataOf(values: ReadonlyMap<string, string>): string {
  const hex = values.get("X");
  if (hex === undefined) return encodeWord(values.get("w") ?? values.get("p") ?? "").toHex();
  return (hex.length % 2 === 0 ? hex : `0${hex}`).toLowerCase();
}

/**
 * What stands against an addition. Of the real tool it is only inferred that the lock is seen before
 * the duplicate, and known that a refused update ends as a duplicate.
 */
function obstacleOf(
  { locked }: State,
  keychain: string,
  existing: Item | undefined,
  updateRefused: boolean,
): number {
  if (keychain === "") return OS_STATUS.noDefaultKeychain;
  if (locked && !updateRefused) return OS_STATUS.interactionNotAllowed;
  return existing === undefined ? 0 : OS_STATUS.duplicate;
}

/** Tells of the first item that is found. */
export function findItem(args: readonly string[], state: State): FakeAnswer {
  const options = getopt(args, "ha:c:C:D:G:j:l:s:wg");
  const { flags, wrong } = options;
  if (wrong !== undefined || flags.has("h")) return usage(FIND);
  const item = search(state, options);
  const forced = state.failWith?.[FIND];
  if (forced === OS_STATUS.notFound || item === undefined) return nothingFound(forced);
  const out = flags.has("w") ? "" : describe(item);
  if (forced !== undefined) return { status: forced, out };
  if (!flags.has("w") && !flags.has("g")) return { status: 0, out }; // asks nobody
  if (state.hang) return HANGS;
  const status = refusalOf(state);
  if (status !== 0) return { status, out }; // not a word of why
  const bytes = Uint8Array.fromHex(item.data);
  const isPrintable = bytes.every((byte) => byte >= 0x20 && byte < 0x7f);
  const text = new TextDecoder().decode(bytes);
  if (flags.has("w")) return { status, out: `${isPrintable ? text : item.data}\n` };
  const shown = isPrintable ? `"${text}"` : `0x${item.data.toUpperCase()}`;
  return { status, out, err: `password: ${shown}\n` };
}

/** Deletes the first item that is found, and says that it did even when it did not. */
export function deleteItem(args: readonly string[], state: State): FakeAnswer {
  const options = getopt(args, "ha:c:C:D:G:j:l:s:g");
  const { flags, values, wrong } = options;
  const hasCriterion = ["s", "a", "l"].some((letter) => values.get(letter));
  if (wrong !== undefined || flags.has("h") || !hasCriterion) return usage(DELETE);
  const item = search(state, options);
  const forced = state.failWith?.[DELETE];
  if (forced === OS_STATUS.notFound || item === undefined) return nothingFound(forced);
  if (state.hang) return HANGS;
  const status = forced ?? (state.locked ? OS_STATUS.interactionNotAllowed : 0);
  if (status === 0) state.items.splice(state.items.indexOf(item), 1);
  return { status, out: describe(item), err: "password has been deleted.\n" };
}

/** The first match: in the named keychains that can be opened, or without such a one in all. */
function search(state: State, { values, rest }: Options): Item | undefined {
  if (state.searchFails) return undefined;
  const keychains = rest.filter((path) => !state.unopenable?.includes(path));
  const [service, account, label] = ["s", "a", "l"].map((letter) => values.get(letter));
  return state.items.find((item) =>
    (keychains.length === 0 || keychains.includes(item.keychain)) &&
    (!service || item.service === service) && (!account || item.account === account) &&
    (!label || (service && account) || item.label === label)
  );
}

/** Also how a search ends that failed, unless a test wants another status. */
function nothingFound(forced: number = OS_STATUS.notFound): FakeAnswer {
  return { status: forced, err: complaint("SecKeychainSearchCopyNext", forced) };
}

/** Why an item's data cannot be read or changed; 0 when it can. */
function refusalOf({ locked, deny }: State): number {
  if (locked) return OS_STATUS.interactionNotAllowed;
  return deny ? OS_STATUS.cancelled : 0;
}

function describe({ keychain, service, account, label }: Item): string {
  return `keychain: "${keychain}"\nversion: 512\nclass: "genp"\nattributes:\n` +
    `    0x00000007 <blob>="${label}"\n    "acct"<blob>="${account}"\n    "svce"<blob>="${service}"\n`;
}
