/** References to secrets of any source, as they are typed on the command line. */

import { PalyraError } from "../errors.ts";
import { formatVaultRef, parseVaultRef, type VaultRef } from "../vault/vault_ref.ts";

/** Where one value comes from. */
export type SecretRef =
  | { readonly kind: "vault"; readonly ref: VaultRef }
  | { readonly kind: "env"; readonly variable: string }
  | FileRef
  | ExecRef
  | AuthRef;

/** The key of an auth profile, or a token of it that is good now. */
export interface AuthRef {
  readonly kind: "auth";
  readonly profile: string;
}

/** A file that holds the value. All paths are absolute. */
export interface FileRef {
  readonly kind: "file";
  readonly path: string;
  /** The file, and what a link leads to, must be below one of these. */
  readonly trustedDirs: readonly string[];
  readonly allowSymlinks: boolean;
  /** The one line end at the end is kept. */
  readonly raw: boolean;
}

/** A program that prints the value, or answers a request for it. */
export interface ExecRef {
  readonly kind: "exec";
  /** Without a shell; the program by absolute path. */
  readonly command: readonly [string, ...string[]];
  /** Variables that it gets beside the base that every one gets. */
  readonly inheritedEnv: readonly string[];
  /** Absolute. */
  readonly cwd: string | undefined;
  /** Milliseconds; `undefined` for the default. */
  readonly timeoutMs: number | undefined;
  readonly raw: boolean;
  /** With it the program is asked by OpenClaw's exec protocol, version 1, for this id. */
  readonly id?: string | undefined;
}

const ENV = "env:";
const VARIABLE = /^[A-Za-z_][A-Za-z0-9_]{0,255}$/;
const FILE = "file:";
const MAX_PATH = 4_096;
const AUTH = "auth:";
const PROFILE = /^[a-z0-9][a-z0-9._-]{0,127}$/;
/** Sources that palyra knows by name but cannot read from the command line. */
const OTHER_SOURCES = /^(?:exec|config):/;

/** Reads a reference. Throws `usage` without repeating the text. */
export function parseSecretRef(text: string): SecretRef {
  if (text.startsWith(ENV)) {
    const variable = text.slice(ENV.length);
    if (VARIABLE.test(variable)) return { kind: "env", variable };
    throw new PalyraError("usage", "Cannot read the reference: env: needs the name of a variable");
  }
  if (text.startsWith(FILE)) return parseFile(text.slice(FILE.length));
  if (text.startsWith(AUTH)) {
    const profile = text.slice(AUTH.length);
    if (PROFILE.test(profile)) return { kind: "auth", profile };
    throw new PalyraError("usage", "Cannot read the reference: auth: needs the id of a profile");
  }
  if (OTHER_SOURCES.test(text)) {
    throw new PalyraError("usage", "Cannot read the reference: this version knows no such source", {
      hint:
        "References are SCOPE/NAME, vault://SCOPE/NAME, env:VARIABLE, file:/PATH, auth:PROFILE and config:FIELD",
    });
  }
  return { kind: "vault", ref: parseVaultRef(text) };
}

/** A file that the user names is trusted to be where it is, and nowhere else. */
function parseFile(path: string): FileRef {
  const why = whyNoPath(path);
  if (why !== undefined) {
    throw new PalyraError("usage", `Cannot read the reference: ${why}`, {
      hint: "A file is file:/PATH, from the root on",
    });
  }
  const isOfWindows = !path.startsWith("/"); // elsewhere a backslash is a letter of a name
  const plain = isOfWindows ? path.replaceAll("\\", "/") : path;
  const directory = path.slice(0, Math.max(1, plain.lastIndexOf("/")));
  return { kind: "file", path, trustedDirs: [directory], allowSymlinks: false, raw: false };
}

/** Why a text is no absolute path that says where it leads; `undefined` for one that is. */
export function whyNoPath(path: string): string | undefined {
  if (!/^(?:\/|[A-Za-z]:[\\/])/.test(path)) return "the path is not absolute";
  if (path.length > MAX_PATH) return `the path is longer than ${MAX_PATH} characters`;
  if (/\p{Cc}/u.test(path)) return "the path holds a control character";
  const parts = path.split(/[\\/]/);
  if (parts.includes("..") || parts.includes(".")) return "the path has a part . or ..";
  return /[\\/]$/.test(path) ? "the path ends in a slash" : undefined;
}

/** The canonical text: equal for references to the same thing. */
export function formatSecretRef(ref: SecretRef): string {
  switch (ref.kind) {
    case "vault":
      return formatVaultRef(ref.ref);
    case "env":
      return `${ENV}${ref.variable}`;
    case "auth":
      return `${AUTH}${ref.profile}`;
    case "file":
      return `file:${JSON.stringify([ref.path, ref.trustedDirs, ref.allowSymlinks, ref.raw])}`;
    case "exec":
      return `exec:${
        JSON.stringify([
          ref.command,
          ref.inheritedEnv,
          ref.cwd ?? null,
          ref.timeoutMs ?? null,
          ref.raw,
          ref.id ?? null,
        ])
      }`;
  }
}
