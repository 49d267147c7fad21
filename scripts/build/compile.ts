/** `deno compile` of the bundle, for targets whose base is at hand and is the one that we know. */

/** A target, as `deno compile --target` names it. */
export type Target = typeof TARGETS[number];

/** What releases are built for. */
export const TARGETS = [
  "x86_64-unknown-linux-gnu",
  "aarch64-unknown-linux-gnu",
  "x86_64-apple-darwin",
  "aarch64-apple-darwin",
  "x86_64-pc-windows-msvc",
  "aarch64-pc-windows-msvc",
] as const;

/** A base that can be used, or why there is none. */
export type Base = { readonly path: string } | { readonly lack: string };

const PINS = new URL("denort.sha256", import.meta.url);
/** Paths are baked in literally, so that a narrower permission would fit one user only. */
const FLAGS = [
  ...["compile", "--quiet", "--allow-all", "--no-config", "--no-lock", "--no-prompt"],
  "--no-code-cache", // it would lie in a shared temporary folder, and be run from there
];

/** The base of a target: `DENORT_BIN` for this machine, else the archive in Deno's cache. */
export async function findBase(target: Target, denoDir: string): Promise<Base> {
  const given = Deno.env.get("DENORT_BIN");
  const path = target === Deno.build.target && given
    ? given
    : `${denoDir}/dl/release/v${Deno.version.deno}/denort-${target}.zip`;
  let bytes: Uint8Array<ArrayBuffer>;
  try {
    bytes = await Deno.readFile(path);
  } catch {
    return { lack: `there is no ${path}` };
  }
  const found = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes)).toHex();
  const name = `${Deno.version.deno} ${
    path === given ? `denort-${target}` : `denort-${target}.zip`
  }`;
  const pin = pinOf(await Deno.readTextFile(PINS), name);
  if (pin === found) return { path };
  return {
    lack: pin === undefined
      ? `no SHA-256 is pinned for ${name}; that of ${path} is ${found}`
      : `${path} is not the base that is pinned: its SHA-256 is ${found}`,
  };
}

/** The pinned digest of a name in a file of lines `DIGEST  VERSION NAME`. */
export function pinOf(text: string, name: string): string | undefined {
  for (const line of text.split("\n")) {
    const match = /^([0-9a-f]{64}) {2}(.+)$/.exec(line);
    if (match?.[2] === name) return match[1];
  }
  return undefined;
}

/** Compiles the bundle. Throws when that fails or the result is not as it must be. */
export async function compile(
  bundle: string,
  { target, base, out }: {
    readonly target: Target;
    /** The file for DENORT_BIN; without it Deno takes the archive from its cache. */
    readonly base: string | undefined;
    readonly out: string;
  },
): Promise<void> {
  const env: Record<string, string> = base === undefined ? {} : { DENORT_BIN: base };
  for (const name of ["PATH", "HOME", "DENO_DIR", "DENO_CERT"]) {
    const value = Deno.env.get(name);
    if (value !== undefined) env[name] = value;
  }
  const places = ["--target", target, "--include", bundle, "--output", out];
  const { success, stderr } = await new Deno.Command(Deno.execPath(), {
    args: [...FLAGS, ...places, `${bundle}/main.js`],
    env,
    clearEnv: true, // what is set now would be frozen into the binary
  }).output();
  if (!success) throw new Error(new TextDecoder().decode(stderr));
  const file = target.includes("windows") ? `${out}.exe` : out;
  requireSound(await Deno.readFile(file), bundle);
}

/** No prompt, no code cache, and every chunk: some are looked for only when they are needed. */
function requireSound(bytes: Uint8Array<ArrayBuffer>, bundle: string): void {
  const text = new TextDecoder("latin1").decode(bytes);
  const wanted = ['"prompt":false', '"code_cache_key":null'];
  const chunks = [...Deno.readDirSync(bundle)].map(({ name }) => name);
  const missing = [...wanted, ...chunks].filter((one) => !text.includes(one));
  if (missing.length > 0) throw new Error(`The compiled program lacks ${missing.join(", ")}`);
}
