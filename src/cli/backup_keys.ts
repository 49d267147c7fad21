/** What a backup is encrypted with, and opened with: a passphrase, or keys of age. */

import { type AgeKey, type AgeLock, needsPassphrase } from "../backup/age_file.ts";
import { equalBytes } from "../crypto/equal_bytes.ts";
import { SensitiveBytes } from "../crypto/sensitive_bytes.ts";
import { PalyraError } from "../errors.ts";
import type { App } from "./app.ts";
import { withoutLineEnd } from "./read_value.ts";

/** Flags that say how a backup is encrypted. */
export interface LockFlags {
  readonly recipient?: readonly string[] | undefined;
  readonly "backup-passphrase-file"?: string | undefined;
}

/** Flags that say what opens a backup. */
export interface KeyFlags {
  readonly "identity-file"?: string | undefined;
  readonly "backup-passphrase-file"?: string | undefined;
}

const MAX_PASSPHRASE_BYTES = 1_024;
const LEAST_PASSPHRASE_BYTES = 8;
const MAX_IDENTITY_BYTES = 65_536;
const FLAG = "--backup-passphrase-file";

/** Recipients, a file, or a passphrase that is typed twice. Throws `usage`, `would_prompt`. */
export async function backupLock(app: App, flags: LockFlags): Promise<AgeLock> {
  const { recipient: recipients = [] } = flags;
  const file = flags["backup-passphrase-file"];
  if (recipients.length > 0 && file !== undefined) {
    throw new PalyraError("usage", `Cannot use --recipient and ${FLAG} together`);
  }
  if (recipients.length > 0) return { kind: "recipients", recipients };
  const passphrase = file === undefined ? await typed(app, 2) : await read(app, file);
  if (passphrase.reveal().length >= LEAST_PASSPHRASE_BYTES) {
    return { kind: "passphrase", passphrase };
  }
  passphrase[Symbol.dispose]();
  throw new PalyraError(
    "usage",
    `Cannot use the passphrase: it has fewer than ${LEAST_PASSPHRASE_BYTES} bytes`,
  );
}

/** What opens this file: as its header says. Throws `usage`, `would_prompt`. */
export async function backupKey(app: App, file: Uint8Array, flags: KeyFlags): Promise<AgeKey> {
  const identityFile = flags["identity-file"];
  const passphraseFile = flags["backup-passphrase-file"];
  if (needsPassphrase(file)) {
    if (identityFile !== undefined) {
      throw new PalyraError("usage", "Cannot use --identity-file: the backup has a passphrase", {
        hint: `Give it by ${FLAG} FILE`,
      });
    }
    const passphrase = passphraseFile === undefined
      ? await typed(app, 1)
      : await read(app, passphraseFile);
    return { kind: "passphrase", passphrase };
  }
  if (identityFile === undefined || passphraseFile !== undefined) {
    throw new PalyraError("usage", "Cannot open the backup: it is encrypted for keys of age", {
      hint: "Name the file with yours by --identity-file",
    });
  }
  const bytes = await app.platform.userFiles.read(identityFile, MAX_IDENTITY_BYTES);
  return { kind: "identities", text: new SensitiveBytes(bytes) };
}

async function read(app: App, path: string): Promise<SensitiveBytes> {
  const bytes = await app.platform.userFiles.read(path, MAX_PASSPHRASE_BYTES + 2);
  const passphrase = withoutLineEnd(app, bytes);
  const { length } = passphrase.reveal();
  if (length > 0 && length <= MAX_PASSPHRASE_BYTES) return passphrase;
  passphrase[Symbol.dispose]();
  const why = length === 0 ? "empty" : "too long";
  throw new PalyraError("usage", `Cannot use the passphrase in ${path}: it is ${why}`);
}

async function typed({ options, platform }: App, times: 1 | 2): Promise<SensitiveBytes> {
  const { terminal } = platform;
  if (!options.interactive || !terminal.inputIsTerminal()) {
    throw new PalyraError("would_prompt", "Cannot use the backup: its passphrase is needed", {
      hint: `Give it by ${FLAG} FILE (also /dev/fd/N)${times === 2 ? ", or use --recipient" : ""}`,
    });
  }
  const ask = async (prompt: string): Promise<SensitiveBytes> => {
    const bytes = await terminal.readHidden(prompt);
    if (bytes !== undefined && bytes.length > 0) return new SensitiveBytes(bytes);
    throw new PalyraError("usage", "Cannot use the backup: no passphrase was entered");
  };
  const first = await ask("Passphrase of the backup (not shown): ");
  if (times === 1) return first;
  using second = await ask("The same again: ");
  if (equalBytes(first.reveal(), second.reveal())) return first;
  first[Symbol.dispose]();
  throw new PalyraError("usage", "Cannot use the passphrase: the two entries differ");
}
