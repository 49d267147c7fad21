/** What a credential protocol is: one call of another program in, one reply out, over a port to secrets. */

import type { PalyraError } from "../errors.ts";
import type { SensitiveBytes } from "../crypto/sensitive_bytes.ts";
import type { Address } from "./address.ts";

/** One call of palyra by another program. */
export interface Call {
  /** What stands behind the name of the protocol. */
  readonly args: readonly string[];
  readonly input: Input;
  /** The value of an environment variable; `undefined` when it is not set. */
  readonly variable: (name: string) => string | undefined;
  /** Milliseconds since 1970. */
  readonly now: () => number;
  /**
   * Writes files of mode 0400 into a directory that belongs to this user alone and is made where
   * there is none, each in one step.
   */
  readonly writeFiles: (directory: string, files: readonly CredentialFile[]) => Promise<void>;
  /** Writes before the reply, for protocols in which palyra speaks first or more than once. */
  readonly write: (text: string) => Promise<void>;
  /** Of palyra. */
  readonly version: string;
}

/**
 * Standard input. All of it throws `usage` for what is larger than the protocol allows, `unavailable`
 * when it does not come in time; as text also `usage` for what is no UTF-8 or has a NUL.
 */
export interface Input {
  /** All of it, at most so many bytes. */
  all(maxBytes: number): Promise<string>;
  /** All of it as it is; whoever asks wipes it. */
  bytes(maxBytes: number): Promise<Uint8Array<ArrayBuffer>>;
  /**
   * The next line without its end, which is LF and nothing else, at most so many bytes; `undefined` at
   * the end of the input.
   */
  line(maxBytes: number): Promise<string | undefined>;
}

/** A file with a secret in it. */
export interface CredentialFile {
  readonly name: string;
  readonly content: SensitiveBytes;
}

/** What the other program gets. */
export interface Reply {
  readonly status: number;
  /** For standard output: the protocol and nothing else. It is wiped when it has been written. */
  readonly output?: SensitiveBytes;
  /** For standard error: a line for people, never a value. */
  readonly error?: string;
  /** With an error: what a person can do about it. */
  readonly hint?: string;
}

/** A user name and what belongs to it. */
export interface Credential {
  readonly username: string | undefined;
  readonly secret: SensitiveBytes;
  /** What the protocol keeps beside them, by its own names. */
  readonly attributes?: Readonly<Record<string, string>>;
}

/** A credential to store: with what the client called its address. */
export interface NewCredential extends Omit<Credential, "username"> {
  readonly username: string;
}

/** Which of the credentials at an address is meant. */
export interface Wish {
  readonly username?: string | undefined;
  /** Only the one with this secret. */
  readonly secret?: string | undefined;
}

/** What is stored, or mapped to one exact address. */
export interface Listed {
  /** As the client wrote it. */
  readonly address: string;
  readonly username: string;
}

/** What was found for an address: nothing also where the rules do not allow it. */
export type Found =
  | { readonly status: "found"; readonly credential: Credential }
  | { readonly status: "nothing" }
  | { readonly status: "failed"; readonly error: PalyraError };

/** The port: what a protocol may reach, by the rules of the config and by nothing else. */
export interface Credentials {
  /** The credential of an address; `undefined` when there is certainly none, or none is allowed. */
  get(address: Address, username?: string): Promise<Credential | undefined>;
  /** The same for many, in their order, each with its own failure. */
  getAll(addresses: readonly Address[]): Promise<readonly Found[]>;
  /**
   * Stores a credential, where the rules name a place for it; `false` where they name none. What a
   * rule already gives for the address stays as it is.
   */
  put(address: Address, credential: NewCredential): Promise<boolean>;
  /** Removes stored credentials, and only those; none is fine. */
  erase(address: Address, wish?: Wish): Promise<void>;
  /** All credentials that can be named. */
  list(): Promise<readonly Listed[]>;
}

/** Whose credential is wanted, where the client leaves open which profile. */
export interface ProfileWish {
  readonly provider: string;
  /** Without it only profiles for everybody are looked at. */
  readonly agentId: string | undefined;
}

/** A second port, for protocols whose clients name a provider. */
export interface ProfileCredentials {
  /**
   * The credential of the profile to use now, of those that the rules allow under their own names;
   * `undefined` when there is none. Throws `usage` for what is no provider or agent.
   */
  choose(wish: ProfileWish): Promise<Credential | undefined>;
}

/** A failure of palyra itself, as a reply must tell it. */
export interface Failure {
  readonly message: string;
  /** palyra's own exit status for it. */
  readonly status: number;
}

/** A protocol: what its addresses look like, and how it talks. */
export interface Protocol {
  /** An address as the client writes it, or as a rule's `match`; `undefined` for what is none. */
  readonly parseAddress: (text: string) => Address | undefined;
  /** The address under which a rule may name the same thing, where the client itself has it shorter. */
  readonly inFull?: (address: Address) => Address | undefined;
  /** Serves one call. What it throws is told by {@link failed}. */
  serve(call: Call, credentials: Credentials & ProfileCredentials): Promise<Reply>;
  /** How the protocol says that it failed. */
  failed(failure: Failure, call: Call): Reply;
}
