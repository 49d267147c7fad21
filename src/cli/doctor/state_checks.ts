/** The state root on the disk: is it there, whose is it, who else can get at it. */

import type { FoundEntry } from "../../platform/platform.ts";
import type { App } from "../app.ts";
import { type Check, fail, ok, skipped, warn } from "./check.ts";

/** Entries that palyra makes; a state root is looked at this deep and no deeper. */
const MAX_DEPTH = 3;
const MAX_ENTRIES = 10_000;
const OTHERS_MAY_WRITE = 0o022;
const OTHERS_MAY_ANYTHING = 0o077;
const STICKY = 0o1000;

interface Entry extends FoundEntry {
  readonly path: string;
}

/** Looks at the state root, the directories above it, and everything in it. */
export function checkState(app: App): Check[] {
  const { platform: { directories, environment }, stateRoot } = app;
  const root = directories.inspect(stateRoot);
  if (root === undefined) {
    const cause = `there is none yet at ${stateRoot}`;
    return [
      skipped("state_root", cause),
      skipped("owners", "there is nothing yet"),
      skipped("modes", "there is nothing yet"),
    ];
  }
  if (root.kind !== "directory") {
    const remedy = "Name the real directory with --state-root or PALYRA_STATE_ROOT";
    return [
      fail("state_root", `${stateRoot} is no directory, or a symbolic link`, remedy),
      skipped("owners", "there is no state root"),
      skipped("modes", "there is no state root"),
    ];
  }
  const entries = [...entriesBelow(app, stateRoot, root, 0)].slice(0, MAX_ENTRIES);
  const place = above(app, stateRoot);
  const state = place ?? ok("state_root", stateRoot);
  if (environment.os !== "windows") return [state, checkOwners(entries), checkModes(entries)];
  const cause = "access lists decide on this system";
  return [state, skipped("owners", cause), skipped("modes", cause)];
}

function* entriesBelow(
  app: App,
  path: string,
  found: FoundEntry,
  depth: number,
): Generator<Entry> {
  yield { path, ...found };
  if (found.kind !== "directory" || found.owner !== "self" || depth === MAX_DEPTH) return;
  const { directories } = app.platform;
  for (const name of directories.list(path).toSorted()) {
    const below = directories.inspect(`${path}/${name}`);
    if (below !== undefined) yield* entriesBelow(app, `${path}/${name}`, below, depth + 1);
  }
}

/** Who can write above the state root can put another in its place. */
function above(app: App, stateRoot: string): Check | undefined {
  const segments = stateRoot.split("/");
  if (segments[0] !== "") return undefined; // relative, or Windows
  for (let count = segments.length - 1; count > 1; count--) {
    const path = segments.slice(0, count).join("/");
    const found = app.platform.directories.inspect(path);
    if (found === undefined || found.mode === undefined || found.kind === "link") continue;
    const isShared = (found.mode & OTHERS_MAY_WRITE) !== 0 && (found.mode & STICKY) === 0;
    if (isShared || found.owner === "other") {
      const cause = `other users can exchange what is in ${path}`;
      return warn("state_root", cause, `chmod go-w ${path}, or keep the state root elsewhere`);
    }
  }
  return undefined;
}

function checkOwners(entries: readonly Entry[]): Check {
  const foreign = entries.find(({ owner }) => owner !== "self");
  if (foreign !== undefined) {
    const remedy = `chown -R "$(id -u)" ${entries[0]!.path}, if you know whose it was`;
    return fail("owners", `${foreign.path} belongs to another user`, remedy);
  }
  const odd = entries.find(({ kind }) => kind === "link" || kind === "other");
  if (odd !== undefined) {
    return fail("owners", `${odd.path} is no regular file`, `Remove ${odd.path}`);
  }
  return ok("owners", `${entries.length} entries belong to this user`);
}

function checkModes(entries: readonly Entry[]): Check {
  const open = entries.find(({ kind, mode }) =>
    ((mode ?? 0) & (kind === "directory" ? OTHERS_MAY_WRITE : OTHERS_MAY_ANYTHING)) !== 0
  );
  if (open !== undefined) {
    const [cause, bits] = open.kind === "directory"
      ? [`other users can write to ${open.path}`, "go-w"]
      : [`other users can open ${open.path}`, "600"];
    return fail("modes", cause, `chmod ${bits} ${open.path}`);
  }
  const readable = entries.find(({ mode }) => ((mode ?? 0) & OTHERS_MAY_ANYTHING) !== 0);
  if (readable !== undefined) {
    const cause = `other users can look into ${readable.path}`;
    return warn("modes", cause, `chmod 700 ${readable.path}`);
  }
  return ok("modes", "directories 0700, files 0600");
}
