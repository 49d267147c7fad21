/** A directory of credentials, as services of systemd are given one: for this user's eyes alone. */

import { PalyraError } from "../../errors.ts";
import type { Platform } from "../../platform/platform.ts";
import type { CredentialFile } from "../../protocols/protocol.ts";

const READ_ONLY = 0o400;
const OTHERS = 0o077;

/**
 * Writes each file in one step, in place of an older one, and none before all could be written; the
 * directory is made where there is none. Throws `usage` where something else stands in the place of one, `denied` for a directory of somebody else, a link, or one that others may read.
 */
export function writeCredentials(
  { directories, userFiles }: Pick<Platform, "directories" | "userFiles">,
  directory: string,
  files: readonly CredentialFile[],
): void {
  directories.ensure(directory);
  // Names are told by a directory, and systemd's own are closed as well.
  if (((directories.inspect(directory)?.mode ?? 0) & OTHERS) !== 0) {
    throw new PalyraError("denied", `Cannot write into ${directory}: others may look into it`, {
      hint: "Close it with chmod 700, or name one that does not exist",
    });
  }
  userFiles.replaceAll(
    new Map(files.map(({ name, content }) => [`${directory}/${name}`, content.reveal()])),
    READ_ONLY,
  );
}
