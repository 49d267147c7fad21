/** The single file for POSIX systems: a shell script that unpacks the archive behind it, once. */

import { archive, type ArchivedFile } from "./archive.ts";

const HEADER = new URL("header.sh", import.meta.url);

/** A file with the runtime and the bundle in it; the same bytes for the same contents. */
export async function singleFile(
  runtime: string,
  bundle: string,
): Promise<Uint8Array<ArrayBuffer>> {
  const files: ArchivedFile[] = [
    { name: "deno", bytes: await Deno.readFile(runtime), executable: true },
  ];
  for (const { name } of Deno.readDirSync(bundle)) {
    const bytes = await Deno.readFile(`${bundle}/${name}`);
    files.push({ name: `dist/${name}`, bytes, executable: false });
  }
  const payload = await archive(files);
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", payload)).toHex();
  const header = new TextEncoder().encode(
    (await Deno.readTextFile(HEADER))
      .replaceAll("@ID@", digest.slice(0, 32))
      .replaceAll("@SIZE@", `${payload.length}`),
  );
  const whole = new Uint8Array(header.length + payload.length);
  whole.set(header);
  whole.set(payload, header.length);
  return whole;
}
