/** What every command is given: the outside world, the global options, and notes to the user. */

import type { Platform } from "../platform/platform.ts";
import { shown } from "./shown.ts";
import type { GlobalOptions } from "./global_flags.ts";
import type { ProtectorAccess } from "../identity/protector.ts";
import type { Passphrases } from "./passphrases.ts";
import { findStateRoot } from "./state_root.ts";

/** One run of palyra. */
export class App {
  readonly platform: Platform;
  readonly options: GlobalOptions;
  /** Of palyra itself. */
  readonly version: string;
  #stateRoot: string | undefined;
  #passphrases: Promise<Passphrases> | undefined;

  constructor(platform: Platform, options: GlobalOptions, version: string) {
    this.platform = platform;
    this.options = options;
    this.version = version;
  }

  /** The state root. Throws `usage` when none can be told. */
  get stateRoot(): string {
    return this.#stateRoot ??= findStateRoot(this.platform.environment, this.options.stateRoot);
  }

  /** The directory of the identity store. */
  get identityDirectory(): string {
    return `${this.stateRoot}/identity`;
  }

  /** A person is there, and has allowed the keystore to open a dialog. */
  get mayUnlock(): boolean {
    const { terminal } = this.platform;
    const { unlock, interactive } = this.options;
    return unlock && interactive && (terminal.inputIsTerminal() || terminal.errorIsTerminal());
  }

  /** Ways to what protects the identity. */
  get access(): ProtectorAccess {
    return {
      mayUnlock: this.mayUnlock,
      passphrase: async () => await (await this.passphrases()).current(),
    };
  }

  /** The passphrases of this run; `newFile` where one to come is read. */
  passphrases(newFile?: string): Promise<Passphrases> {
    return this.#passphrases ??= import("./passphrases.ts").then(({ Passphrases }) =>
      new Passphrases(this, newFile)
    );
  }

  /** The same run with another config. */
  withConfig(config: string): App {
    return new App(this.platform, { ...this.options, config }, this.version);
  }

  /** The same run, in which nobody is asked. */
  unattended(): App {
    return new App(this.platform, { ...this.options, interactive: false }, this.version);
  }

  /** A line on standard error, unless the user wants quiet. */
  note(text: string): void {
    if (!this.options.quiet) this.platform.streams.writeError(`palyra: ${shown(text)}\n`);
  }

  /** A line on standard error that is never left out. */
  warn(text: string): void {
    this.platform.streams.writeError(`palyra: ${shown(text)}\n`);
  }

  /** A line on standard error that only `--verbose` shows. */
  noteVerbose(text: string): void {
    if (this.options.verbose) this.note(text);
  }
}
