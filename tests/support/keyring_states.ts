/** Command lines that a keyring is tried with, and the states that it can be in at first use. */

import type { SecretService, ServiceMode } from "./secret_service.ts";

/** A command line, its input, and how many items the keyring has after it. */
export type Step = readonly [words: string, stdin: string | undefined, items: number];

/** What somebody does with palyra. */
export const LIFE: readonly Step[] = [
  ["init", undefined, 2],
  ["secrets set global/a", "first", 2],
  ["secrets set global/a", "second", 2],
  ["secrets set skill:git/token", "token", 2],
  ["secrets get global/a --reveal", undefined, 2],
  ["resolve global/a skill:git/token --format json", undefined, 2],
  ["secrets list", undefined, 2],
  ["secrets history global/a", undefined, 2],
  ["secrets rollback global/a --to 1", undefined, 2],
  ["secrets delete skill:git/token", undefined, 2],
  ["secrets configure openai-api-key global/openai", "sk-configured", 2],
  ["resolve config:model_provider.openai_api_key", undefined, 2],
  ["vault rotate kek", undefined, 2],
  ["vault rotate scope global", undefined, 2],
  ["vault check --strict", undefined, 2],
  ["init", undefined, 2],
  ["doctor --strict --only backend", undefined, 2],
  ["vault protect keystore", undefined, 4],
  ["vault protect keystore", undefined, 4],
  ["vault rotate kek", undefined, 4],
  ["secrets set global/a", "third", 4],
  ["init --protect keystore", undefined, 4],
  ["vault check --strict", undefined, 4],
  ["vault protect passphrase --passphrase-file PASSPHRASE", undefined, 2],
  ["secrets set global/a --passphrase-file PASSPHRASE", "fourth", 2],
  ["vault protect keystore --passphrase-file PASSPHRASE", undefined, 4],
  ["vault protect file", undefined, 2],
  ["vault migrate --to encrypted_file", undefined, 0],
  ["vault migrate --to encrypted_file", undefined, 0],
  ["vault rotate kek", undefined, 0],
  ["secrets set global/a", "fifth", 0],
  ["vault migrate --to linux_secret_service", undefined, 2],
  ["secrets set global/a", "sixth", 2],
  ["vault check --strict", undefined, 2],
];

/** What opens a value or a key, on a vault that holds `global/a` in two versions. */
export const OPENING: readonly (readonly [words: string, stdin?: string])[] = [
  ["resolve global/a"],
  ["resolve global/a#1"],
  ["secrets get global/a"],
  ["secrets get global/a --reveal"],
  ["vault status"],
  ["vault check"],
  ["vault check --repair"],
  ["secrets set global/a", "other"],
  ["secrets set global/new", "other"],
  ["secrets set skill:new/a", "other"],
  ["secrets rollback global/a --to 1"],
  ["vault rotate kek"],
  ["vault rotate scope global"],
  ["vault migrate --to encrypted_file"],
  ["vault protect keystore"],
];

/** The same for a keyring that is reached and does not hold the keys. */
export const OPENING_ELSEWHERE = OPENING.filter(([words]) => words !== "vault protect keystore");

/** The same with an identity that the keyring protects: without it nothing can be told of the identity. */
export const OPENING_PROTECTED: typeof OPENING = [
  ...OPENING.filter(([words]) => !/migrate|protect/.test(words)),
  ["vault protect file"],
  ["init"],
];

/** What opens none, and so works in every state. */
export const UNOPENED = [
  "secrets list",
  "secrets history global/a",
  "init",
  "completions bash",
  "version",
];

/** Where a vault may be looked for, and its keys are not; and what can be told of it. */
export const OTHER_KEYRINGS = [
  ["nokeyring", "not_here"],
  ["noservice", "no_service"],
  ["nobus", "no_bus"],
  ["unlocked", "not_here"],
] as const;

/** A state at first use: how it comes about, its cause, and the words for it. */
export interface FirstState {
  readonly name: string;
  readonly mode: ServiceMode;
  readonly enter?: (service: SecretService) => Promise<void>;
  readonly cause: string;
  readonly why: string;
}

const NO_BUS = { cause: "no_bus", why: "there is no D-Bus session bus" };
const IS_LOCKED = { cause: "locked", why: "it is locked" };

/** Every state in which a vault may be made. */
export const FIRST_STATES: readonly FirstState[] = [
  { name: "locked", mode: "locked", ...IS_LOCKED },
  { name: "daemon killed", mode: "unlocked", enter: (service) => service.kill(), ...IS_LOCKED },
  {
    name: "no keyring",
    mode: "nokeyring",
    cause: "no_collection",
    why: "no keyring was ever made",
  },
  {
    name: "no service",
    mode: "noservice",
    cause: "no_service",
    why: "nothing offers the keystore's service here",
  },
  { name: "no bus", mode: "nobus", ...NO_BUS },
  { name: "bus killed", mode: "unlocked", enter: (service) => service.killBus(), ...NO_BUS },
  {
    name: "daemon stopped",
    mode: "unlocked",
    enter: (service) => service.stop(),
    cause: "timeout",
    why: "it did not answer in time",
  },
];
