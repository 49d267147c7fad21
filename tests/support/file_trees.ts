/** Trees of small files: pictures of them to compare, and exact copies. */

/** Every entry below a directory: its path, its kind and mode, and its bytes in base64. */
export function pictureOf(directory: string): Record<string, string> {
  const picture: Record<string, string> = {};
  for (const path of pathsBelow(directory)) {
    const found = Deno.lstatSync(`${directory}/${path}`);
    const mode = (found.mode! & 0o7777).toString(8);
    picture[path] = found.isDirectory
      ? `directory ${mode}`
      : found.isSymlink
      ? `link ${Deno.readLinkSync(`${directory}/${path}`)}`
      : `file ${mode} ${Deno.readFileSync(`${directory}/${path}`).toBase64()}`;
  }
  return picture;
}

/** Paths of all entries below a directory; none when it is not there. */
export function pathsBelow(directory: string, prefix = ""): string[] {
  let entries: Deno.DirEntry[];
  try {
    entries = [...Deno.readDirSync(`${directory}/${prefix}`)];
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return [];
    throw error;
  }
  return entries.map(({ name, isDirectory }) => ({ path: `${prefix}${name}`, isDirectory }))
    .sort((a, b) => a.path < b.path ? -1 : 1)
    .flatMap(({ path, isDirectory }) =>
      isDirectory ? [path, ...pathsBelow(directory, `${path}/`)] : [path]
    );
}

/** Copies a tree of directories (0700) and files (0600) to a place that is not taken. */
export function copyTree(from: string, to: string): void {
  Deno.mkdirSync(to, { mode: 0o700 });
  for (const path of pathsBelow(from)) {
    if (Deno.lstatSync(`${from}/${path}`).isDirectory) {
      Deno.mkdirSync(`${to}/${path}`, { mode: 0o700 });
    } else {
      Deno.writeFileSync(`${to}/${path}`, Deno.readFileSync(`${from}/${path}`), {
        createNew: true,
        mode: 0o600,
      });
    }
  }
}

/** The first difference between two pictures, in words; `undefined` when they are equal. */
export function differenceOf(
  before: Readonly<Record<string, string>>,
  after: Readonly<Record<string, string>>,
): string | undefined {
  for (const path of new Set([...Object.keys(before), ...Object.keys(after)])) {
    const [was, is] = [before[path], after[path]];
    if (was === is) continue;
    if (was === undefined) return `${path} is new`;
    return is === undefined ? `${path} is gone` : `${path} has changed`;
  }
  return undefined;
}
