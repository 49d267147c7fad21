/** A tar archive (POSIX ustar, IEEE Std 1003.1 "pax") whose bytes depend on names and contents alone. */

/** A file of an archive. */
export interface ArchivedFile {
  /** Relative, at most 100 characters. */
  readonly name: string;
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly executable: boolean;
}

const BLOCK = 512;
const encoder = new TextEncoder();

/** The archive, compressed by gzip; directories come before what is in them. */
export async function archive(files: readonly ArchivedFile[]): Promise<Uint8Array<ArrayBuffer>> {
  const sorted = files.toSorted((a, b) => a.name < b.name ? -1 : 1);
  const directories = new Set(sorted.flatMap(({ name }) => parentsOf(name)));
  const parts: Uint8Array<ArrayBuffer>[] = [];
  for (const name of [...directories].sort()) {
    parts.push(header({ name: `${name}/`, size: 0, mode: 0o700, type: "5" }));
  }
  for (const { name, bytes, executable } of sorted) {
    parts.push(header({ name, size: bytes.length, mode: executable ? 0o700 : 0o600, type: "0" }));
    parts.push(bytes, new Uint8Array(-bytes.length & (BLOCK - 1)));
  }
  parts.push(new Uint8Array(2 * BLOCK));
  const compressed = new Blob(parts).stream().pipeThrough(new CompressionStream("gzip"));
  return new Uint8Array(await new Response(compressed).arrayBuffer());
}

function parentsOf(name: string): string[] {
  const steps = name.split("/").slice(0, -1);
  return steps.map((_step, at) => steps.slice(0, at + 1).join("/"));
}

function header({ name, size, mode, type }: {
  readonly name: string;
  readonly size: number;
  readonly mode: number;
  readonly type: "0" | "5";
}): Uint8Array<ArrayBuffer> {
  if (encoder.encode(name).length > 100) throw new Error(`Too long for an archive: ${name}`);
  const block = new Uint8Array(BLOCK);
  const put = (at: number, text: string): void => block.set(encoder.encode(text), at);
  const octal = (value: number, digits: number): string =>
    `${value.toString(8).padStart(digits, "0")}\0`;
  put(0, name);
  put(100, octal(mode, 7));
  put(108, octal(0, 7)); // uid
  put(116, octal(0, 7)); // gid
  put(124, octal(size, 11));
  put(136, octal(0, 11)); // mtime
  put(148, " ".repeat(8)); // the sum is taken with blanks in its own place
  put(156, type);
  put(257, "ustar\x0000");
  const sum = block.reduce((total, byte) => total + byte, 0);
  put(148, `${sum.toString(8).padStart(6, "0")}\0 `);
  return block;
}
