/** The identity: is it whole, what protects it, and does the vault belong to it. */

import { isPalyraError } from "../../errors.ts";
import { openIdentity } from "../../identity/identity.ts";
import { protectorOf } from "../../identity/protection.ts";
import type { Protector } from "../../identity/protector.ts";
import { causeOf } from "../../keystore/failure.ts";
import type { App } from "../app.ts";
import { type Check, fail, failed, ok, skipped, warn } from "./check.ts";

/** Any salt will do to see whether a key can be derived. */
const SALT_BYTES = 32;

const PROTECTIONS: Readonly<Record<Protector, string>> = {
  file: "by file modes only: who copies the state root has the identity",
  keystore: "by the keystore of the system",
  passphrase: "by a passphrase",
};

/** Opens the identity if that needs nobody to type. */
export async function checkIdentity(app: App): Promise<Check[]> {
  const { platform, identityDirectory, access } = app;
  let protector: Protector | undefined;
  try {
    protector = platform.directories.check(identityDirectory)
      ? protectorOf(platform, identityDirectory)
      : undefined;
    const authority = await openIdentity(platform, identityDirectory, access);
    if (authority === undefined) {
      return [
        skipped("identity", "there is none yet"),
        skipped("protection", "there is nothing yet"),
      ];
    }
    const protection = protectionOf(app, protector ?? "file");
    try {
      await authority.kekFor(new Uint8Array(SALT_BYTES));
      return [ok("identity", "whole, and it opens"), protection];
    } catch (error) {
      return [notOpened(error), protection];
    }
  } catch (error) {
    return [failed("identity", error), skipped("protection", "the identity cannot be read")];
  }
}

/** What interrupted changes left may be what an attacker, or its owner, is looking for. */
function protectionOf({ platform, identityDirectory }: App, protector: Protector): Check {
  const names = platform.directories.list(identityDirectory);
  if (protector !== "file" && names.includes("store.key")) {
    const cause = `${identityDirectory}/store.key lies in the clear beside its protected form`;
    return warn(
      "protection",
      cause,
      `palyra vault protect ${protector} removes it, if all is well`,
    );
  }
  if (names.includes("store.key.pending")) {
    const remedy = "The next writing command removes them, while the keystore is open";
    return warn("protection", "keys that are not in force wait in a keystore", remedy);
  }
  return ok("protection", PROTECTIONS[protector]);
}

function notOpened(error: unknown): Check {
  if (isPalyraError(error, "would_prompt")) {
    return skipped("identity", "its passphrase was not given: --passphrase-file FILE");
  }
  if (causeOf(error) !== undefined && isPalyraError(error)) {
    return fail("identity", `its protector is out of reach: ${error.message}`, error.hint ?? "");
  }
  return failed("identity", error);
}
