/** The commands under `palyra vault`. */

import { buildCommand, buildRouteMap, type Command, type RouteMap } from "@stricli/core";
import type { VaultBackupFlags } from "../commands/vault_backup.ts";
import type { VaultCheckFlags } from "../commands/vault_check.ts";
import type { VaultMigrateFlags } from "../commands/vault_migrate.ts";
import type { VaultProtectFlags } from "../commands/vault_protect.ts";
import type { VaultRestoreFlags } from "../commands/vault_restore.ts";
import { type Protector, PROTECTORS } from "../../identity/protector.ts";
import { BACKEND_KINDS } from "../../vault/backend.ts";
import type { App } from "../app.ts";
import { oneOf, scopes } from "../candidates.ts";
import { type CommandContext, load, type NoFlags, required } from "../command.ts";
import { flag, text, texts } from "../flags.ts";

const status = buildCommand<NoFlags, [], CommandContext>({
  loader: load(async () => (await import("../commands/vault_status.ts")).vaultStatusCommand),
  parameters: {},
  docs: { brief: "Which vault this is, what keeps its key, how much is in it" },
});

const check = buildCommand<VaultCheckFlags, [], CommandContext>({
  loader: load(async () => (await import("../commands/vault_check.ts")).vaultCheck),
  parameters: {
    flags: {
      repair: {
        kind: "boolean",
        optional: true,
        withNegated: false,
        brief: "Remove what interrupted writers left; never what cannot be opened",
      },
      strict: {
        kind: "boolean",
        optional: true,
        withNegated: false,
        brief: "Exit 10 when anything was left behind",
      },
    },
  },
  docs: { brief: "Open every version of every secret" },
});

const kek = buildCommand<NoFlags, [], CommandContext>({
  loader: load(async () => (await import("../commands/vault_rotate.ts")).vaultRotateKek),
  parameters: {},
  docs: { brief: "Make a new KEK and vault key, and wrap every scope key anew" },
});

const scope = buildCommand<NoFlags, [string], CommandContext>({
  loader: load(async () => (await import("../commands/vault_rotate.ts")).vaultRotateScope),
  parameters: {
    positional: {
      kind: "tuple",
      parameters: [required("scope", "The scope whose key is rotated", scopes)],
    },
  },
  docs: { brief: "Make a new key for one scope, and wrap every key under it anew" },
});

const migrate = buildCommand<VaultMigrateFlags, [], CommandContext>({
  loader: load(async () => (await import("../commands/vault_migrate.ts")).vaultMigrate),
  parameters: {
    flags: { to: text("backend", BACKEND_KINDS.join(", "), oneOf(BACKEND_KINDS)) },
  },
  docs: {
    brief: "Move the vault's key to another backend",
    fullDescription: "Move the vault's key to another backend.\n" +
      "It is made anew on the way, read back and opened before the old one goes.",
  },
});

const backup = buildCommand<VaultBackupFlags, [], CommandContext>({
  loader: load(async () => (await import("../commands/vault_backup.ts")).vaultBackup),
  parameters: {
    flags: {
      out: text("file", "The file to write, of mode 0600"),
      recipient: texts(
        "age1…",
        "Encrypt for this key of age, in place of a passphrase; again and again",
      ),
      "backup-passphrase-file": text("file", "The passphrase of the backup; also /dev/fd/N"),
      force: flag("Replace what stands there"),
    },
  },
  docs: {
    brief: "Write all secrets with their history into one encrypted, signed file",
    fullDescription: "Write all secrets with their history into one encrypted, signed file.\n" +
      "It is an age file: with a passphrase, or for recipients. The identity of the device, its\n" +
      "pairings and the config are not in it.",
  },
});

const restore = buildCommand<VaultRestoreFlags, [string], CommandContext>({
  loader: load(async () => (await import("../commands/vault_restore.ts")).vaultRestore),
  parameters: {
    flags: {
      "accept-signer": text(
        "fingerprint",
        "Another device has made it: the signer that it printed",
      ),
      merge: flag("Add what is missing to a vault that is not empty; what is there stays"),
      "identity-file": text("file", "The keys of age that open it"),
      "backup-passphrase-file": text("file", "The passphrase of the backup; also /dev/fd/N"),
    },
    positional: { kind: "tuple", parameters: [required("file", "What palyra vault backup wrote")] },
  },
  docs: {
    brief: "Restore the secrets of a backup: all of them, or none",
    fullDescription: "Restore the secrets of a backup: all of them, or none.\n" +
      "Versions and dates are kept, and every value is sealed anew for this vault.",
  },
});

const PROTECT_BRIEFS: Readonly<Record<Protector, string>> = {
  file: "By file modes only: a copied state root opens",
  keystore: "By the keystore that keeps the vault's key",
  passphrase: "By a passphrase, asked for whenever a value is opened",
};

function protectBy(protector: Protector): Command<CommandContext> {
  return buildCommand<VaultProtectFlags, [], CommandContext>({
    loader: load(async () => {
      const { vaultProtect } = await import("../commands/vault_protect.ts");
      return (app: App, flags: VaultProtectFlags) => vaultProtect(app, flags, protector);
    }),
    parameters: {
      flags: {
        "new-passphrase-file": text("file", "Where the passphrase to come is read"),
      },
    },
    docs: { brief: PROTECT_BRIEFS[protector] },
  });
}

const [file, keystore, passphrase] = PROTECTORS.map(protectBy) as [
  Command<CommandContext>,
  Command<CommandContext>,
  Command<CommandContext>,
];

/** `palyra vault …` */
export const vaultRoutes: RouteMap<CommandContext> = buildRouteMap({
  routes: {
    status,
    check,
    migrate,
    backup,
    restore,
    protect: buildRouteMap({
      routes: { file, keystore, passphrase },
      docs: { brief: "Change what protects the identity: file, keystore or passphrase" },
    }),
    rotate: buildRouteMap({ routes: { kek, scope }, docs: { brief: "Rotate keys: kek or scope" } }),
  },
  docs: { brief: "Look after the vault and its keys" },
});
