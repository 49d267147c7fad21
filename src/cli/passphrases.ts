/** The passphrase that protects an identity: from a file, a descriptor, a credential, or a hidden prompt. */

import { equalBytes } from "../crypto/equal_bytes.ts";
import { SensitiveBytes } from "../crypto/sensitive_bytes.ts";
import { PalyraError } from "../errors.ts";
import type { App } from "./app.ts";
import { withoutLineEnd } from "./read_value.ts";

const MAX_BYTES = 1_024;
/** A new one: what can be guessed in an afternoon protects nothing. */
const LEAST_BYTES = 8;
/** Its name among the credentials that systemd hands over (systemd.exec, LoadCredential). */
const CREDENTIAL = "palyra.passphrase";

/** Passphrases of one run: each source is read once, since a descriptor gives its bytes only once. */
export class Passphrases {
  readonly #app: App;
  readonly #newFile: string | undefined;
  #current: Promise<SensitiveBytes> | undefined;
  #coming: SensitiveBytes | undefined;

  /** `newFile`: where a new one is read, if not where the one in force is. */
  constructor(app: App, newFile?: string) {
    this.#app = app;
    this.#newFile = newFile;
  }

  /** A copy of the passphrase in force. Throws `would_prompt` where nobody can be asked. */
  async current(): Promise<SensitiveBytes> {
    this.#current ??= this.#read(1);
    return copyOf(await this.#current);
  }

  /** As {@link current}, from a file or a credential only: nobody is asked. Throws `would_prompt`. */
  async given(): Promise<SensitiveBytes> {
    if (this.#current === undefined && this.#file() === undefined) throw this.#missing(1);
    return await this.current();
  }

  /**
   * A copy of the passphrase to come: from its own file, from where the one in force would come if
   * none was asked for yet, or typed twice.
   */
  async fresh(): Promise<SensitiveBytes> {
    const made = this.#coming ?? await this.#readFresh();
    this.#coming = undefined;
    this.#current = Promise.resolve(made);
    return copyOf(made);
  }

  /** Asks for the one to come now, and keeps it until {@link fresh} is called: nobody types under a lock. */
  async askFresh(): Promise<void> {
    this.#coming ??= await this.#readFresh();
  }

  async #readFresh(): Promise<SensitiveBytes> {
    const isSecond = this.#current !== undefined;
    const made = this.#newFile !== undefined
      ? await this.#readFile(this.#newFile)
      : isSecond
      ? await this.#prompt(2)
      : await this.#read(2);
    if (made.reveal().length >= LEAST_BYTES) return made;
    made[Symbol.dispose]();
    throw new PalyraError(
      "usage",
      `Cannot use the passphrase: it has fewer than ${LEAST_BYTES} bytes`,
    );
  }

  async #read(times: 1 | 2): Promise<SensitiveBytes> {
    const path = this.#file();
    return path === undefined ? await this.#prompt(times) : await this.#readFile(path);
  }

  #file(): string | undefined {
    const { options, platform } = this.#app;
    if (options.passphraseFile !== undefined) return options.passphraseFile;
    const directory = platform.environment.get("CREDENTIALS_DIRECTORY");
    const path = directory?.startsWith("/") ? `${directory}/${CREDENTIAL}` : undefined;
    return path !== undefined && platform.userFiles.exists(path) ? path : undefined;
  }

  async #readFile(path: string): Promise<SensitiveBytes> {
    const bytes = await this.#app.platform.userFiles.read(path, MAX_BYTES + 2);
    const passphrase = withoutLineEnd(this.#app, bytes);
    const { length } = passphrase.reveal();
    if (length > 0 && length <= MAX_BYTES) return passphrase;
    passphrase[Symbol.dispose]();
    throw new PalyraError(
      "usage",
      `Cannot use the passphrase in ${path}: it is ${length === 0 ? "empty" : "too long"}`,
    );
  }

  #missing(times: 1 | 2): PalyraError {
    const isNew = times === 2 && this.#current !== undefined;
    const what = times === 2 ? "protect the identity: its new" : "open the identity: its";
    const flag = isNew ? "--new-passphrase-file" : "--passphrase-file";
    const credential = isNew ? "" : `, or as the credential ${CREDENTIAL}`;
    return new PalyraError("would_prompt", `Cannot ${what} passphrase is needed`, {
      hint: `Give it by ${flag} FILE (also /dev/fd/N)${credential}`,
    });
  }

  async #prompt(times: 1 | 2): Promise<SensitiveBytes> {
    const { options, platform: { terminal } } = this.#app;
    if (!options.interactive || !terminal.inputIsTerminal()) throw this.#missing(times);
    const what = times === 2 ? "New passphrase" : "Passphrase of the identity";
    const first = await terminal.readHidden(`${what} (not shown): `);
    if (first === undefined || first.length === 0) throw nothingEntered();
    const passphrase = new SensitiveBytes(first);
    if (first.length > MAX_BYTES) {
      passphrase[Symbol.dispose]();
      throw new PalyraError("usage", "Cannot use the passphrase: it is too long");
    }
    if (times === 1) return passphrase;
    const second = await terminal.readHidden("The same again: ");
    if (second === undefined) throw nothingEntered();
    using again = new SensitiveBytes(second);
    if (equalBytes(first, again.reveal())) return passphrase;
    passphrase[Symbol.dispose]();
    throw new PalyraError("usage", "Cannot use the passphrase: the two entries differ");
  }
}

function copyOf(passphrase: SensitiveBytes): SensitiveBytes {
  return new SensitiveBytes(passphrase.reveal().slice());
}

function nothingEntered(): PalyraError {
  return new PalyraError("usage", "Cannot use the passphrase: nothing was entered");
}
