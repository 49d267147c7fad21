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
  locks,
  databases: async () => (await import("./sqlite.ts")).databases, // node:sqlite costs a millisecond
  processes,
};
