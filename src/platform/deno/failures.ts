/** Turns what the operating system refused into palyra's typed errors. */

import { type ErrorCode, isPalyraError, PalyraError } from "../../errors.ts";

interface Cause {
  readonly code: ErrorCode;
  readonly why: string;
}

const BY_ERRNO: Readonly<Record<string, Cause>> = {
  EACCES: { code: "denied", why: "permission denied" },
  EPERM: { code: "denied", why: "operation not permitted" },
  EROFS: { code: "unavailable", why: "the medium is read-only" },
  ENOSPC: { code: "unavailable", why: "no space left on the medium" },
  EDQUOT: { code: "unavailable", why: "the disk quota is used up" },
  EIO: { code: "unavailable", why: "input or output error of the medium" },
  EMFILE: { code: "unavailable", why: "too many open files" },
  ENOENT: { code: "usage", why: "no such file or directory" },
  ENOTDIR: { code: "usage", why: "a part of the path is not a directory" },
  EISDIR: { code: "usage", why: "it is a directory" },
  ELOOP: { code: "denied", why: "too many symbolic links" },
  ENAMETOOLONG: { code: "usage", why: "the path is too long" },
  EINVAL: { code: "usage", why: "the path is not valid" },
  ENXIO: { code: "usage", why: "nothing that can be read is open there" },
  EBUSY: { code: "precondition", why: "it is in use" },
  ENOTEMPTY: { code: "precondition", why: "the directory is not empty" },
};

/** Names by which Deno throws where it gives no errno. */
const BY_CLASS: Readonly<Record<string, string>> = {
  NotFound: "ENOENT",
  PermissionDenied: "EACCES",
  IsADirectory: "EISDIR",
  NotADirectory: "ENOTDIR",
  FilesystemLoop: "ELOOP",
  InvalidData: "EINVAL",
  BadResource: "EBADF",
};

/** Numbers that Deno gives in the text only. */
const BY_NUMBER: Readonly<Record<string, string>> = { "6": "ENXIO" };

/** The errno of something that Deno threw, as a name; `undefined` when it has none. */
export function errnoOf(error: unknown): string | undefined {
  if (!(error instanceof Error)) return undefined;
  const code = (error as { code?: unknown }).code;
  if (typeof code === "string") return code;
  return BY_CLASS[error.name] ?? BY_NUMBER[/\(os error (\d+)\)/.exec(error.message)?.[1] ?? ""];
}

/**
 * The typed error for a failed file operation, or what was thrown when nobody foresaw it.
 * `action` completes "Cannot …" and names the user's own path.
 */
export function fileFailure(action: string, error: unknown): unknown {
  if (isPalyraError(error)) return error;
  const errno = errnoOf(error);
  if (errno === undefined) return error;
  const cause = BY_ERRNO[errno] ?? { code: "unavailable", why: `the system says ${errno}` };
  return new PalyraError(cause.code, `Cannot ${action}: ${cause.why}`, { cause: error });
}

/** Runs a file operation and types its failure by {@link fileFailure}. */
export function attempt<T>(action: string, operation: () => T): T {
  try {
    return operation();
  } catch (error) {
    throw fileFailure(action, error);
  }
}

/** The result of a look-up, or `undefined` when the path is proven to be absent (ENOENT). */
export function unlessAbsent<T>(action: string, operation: () => T): T | undefined {
  try {
    return operation();
  } catch (error) {
    if (errnoOf(error) === "ENOENT") return undefined;
    throw fileFailure(action, error);
  }
}
