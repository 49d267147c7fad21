/** The values of references, for commands that put them to use: all of them, of one state of the config. */

import type { SensitiveBytes } from "../crypto/sensitive_bytes.ts";
import { PalyraError } from "../errors.ts";
import { resolveSecrets } from "../resolver/resolver.ts";
import type { App } from "./app.ts";
import { openVaultToRead } from "./stores.ts";
import { type Asked, type Wanted, wantedOf } from "./wanted.ts";

/** How often everything is read again while the config changes. */
const MAX_TRIES = 10;

/** A value that was read, and what it was asked for as. */
export interface Read {
  readonly wanted: Wanted;
  readonly value: SensitiveBytes;
}

/** Values that were read; optional ones that are not there are left out. Disposing wipes them. */
export interface ReadValues extends Disposable {
  readonly all: readonly Read[];
}

/** Which references are asked for. */
export interface ReadOptions {
  /** Every reference of the config as well. */
  readonly all?: boolean;
  /** Takes some of what is wanted, once the config has said what that is. */
  readonly choose?: (wanted: readonly Wanted[]) => readonly Wanted[];
}

/** Reads all values or none. */
export async function readWanted(
  app: App,
  asked: readonly Asked[],
  { all = false, choose = (wanted) => wanted }: ReadOptions = {},
): Promise<ReadValues> {
  for (let tries = 1;; tries++) {
    const { wanted, isCurrent } = await wantedOf(app, asked, all);
    const chosen = choose(wanted);
    const resolved = await resolveSecrets(chosen, {
      openVault: () => openVaultToRead(app, { opensValues: true }),
      credentialOf: async (id) => (await import("./auth/credential.ts")).credentialOf(app, id),
      platform: app.platform,
    });
    if (await isCurrent()) {
      return {
        all: chosen.flatMap((wanted, at) => {
          const value = resolved.values[at];
          return value === undefined ? [] : [{ wanted, value }];
        }),
        [Symbol.dispose]: () => resolved[Symbol.dispose](),
      };
    }
    resolved[Symbol.dispose](); // some may be older than the config, others newer
    if (tries === MAX_TRIES) {
      throw new PalyraError("precondition", "Cannot resolve: the config keeps changing");
    }
  }
}
