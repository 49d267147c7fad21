/** The real outside world: every port with its Deno adapter. */

import type { Platform } from "../platform.ts";
import { directories } from "./directories.ts";
import { clock, environment, random } from "./environment.ts";
import { locks } from "./locks.ts";
import { privateFiles } from "./private_files.ts";
import { processes } from "./processes.ts";
import { streams } from "./streams.ts";
import { terminal } from "./terminal.ts";
import { userFiles } from "./user_files.ts";

/** The platform that `main.ts` runs on. */
export const denoPlatform: Platform = {
  clock,
  random,
  environment,
  streams,
  terminal,
  directories,
  files: privateFiles,
  userFiles,
  documents: async () => (await import("./documents.ts")).documents,
  trees: async () => (await import("./file_trees.ts")).fileTrees, // node:fs costs 20 milliseconds
  secretFiles: async () => (await import("./secret_files.ts")).secretFiles,
  locks,
  databases: async () => (await import("./sqlite.ts")).databases, // node:sqlite costs a millisecond
  processes,
  ownProgram: async () => (await import("./own_program.ts")).ownProgram,
  foreground: async () => (await import("./foreground.ts")).foreground,
  heldSignals: async () => (await import("./held_signals.ts")).holdSignals,
  redirectListener: async () => (await import("./redirect_listener.ts")).openRedirectListener,
  web: async () => (await import("./web.ts")).web,
};
