/** Ports to files that are not palyra's own: trees that are looked through, and files with a secret. */

/** Trees of other people's files, which are looked through. All calls are synchronous: they are many. */
export interface FileTrees {
  /** What is at a path; a link is not followed. Throws `usage` when there is nothing. */
  inspect(path: string): TreeEntry;
  /** Entries of a directory, by name. Throws `denied` where it may not be read. */
  list(path: string): { readonly name: string; readonly kind: TreeEntry["kind"] }[];
  /**
   * Opens a regular file; a link is not followed, and nothing is waited for. `undefined` for what is
   * no regular file by now. Throws `denied` where it may not be read.
   */
  open(path: string): TreeFile | undefined;
  /** Sets the permission bits of what belongs to this user; a link is refused. */
  setMode(path: string, mode: number): void;
}

/** Files that hold a secret, in places that others may have a hand in. */
export interface SecretFiles {
  /**
   * Reads a whole file, synchronously; `undefined` when it is certainly not there. Throws `denied`
   * for what somebody else than this user and root could have put there, or lies outside the trusted
   * directories, `usage` past `maxBytes`.
   */
  read(request: SecretFileRequest): Uint8Array<ArrayBuffer> | undefined;
}

/** Which file, and where it may be. All paths are absolute, without `.` and `..`. */
export interface SecretFileRequest {
  readonly path: string;
  /** The file must be inside one of them, when all links have been followed. */
  readonly trustedDirs: readonly string[];
  /** Also links that are not root's own. */
  readonly allowSymlinks: boolean;
  readonly maxBytes: number;
}

/** What stands in a tree. */
export interface TreeEntry {
  readonly kind: "file" | "directory" | "link" | "other";
  /** The file system that it is on. */
  readonly device: number;
}

/** An open file of a tree. */
export interface TreeFile extends Disposable {
  /** Fills the buffer from a position on; the number of bytes, 0 at the end. */
  readAt(buffer: Uint8Array, position: number): number;
}
