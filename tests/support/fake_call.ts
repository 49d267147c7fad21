/** What the stand-ins for tools of macOS and Windows share: words of their own, a log, and streams. */

/** How a stand-in was called. */
export interface FakeCall {
  /** Values of the words `--fake-NAME=VALUE`, which come first. */
  readonly own: ReadonlyMap<string, string>;
  /** The words for the tool that it stands for. */
  readonly words: readonly string[];
}

/** What a tool says, and how it ends. */
export interface FakeAnswer {
  readonly status: number;
  readonly out?: string | Uint8Array;
  readonly err?: string;
  /** It never ends: a dialog stands on some screen. */
  readonly hangs?: true;
}

/** Parts the words; they are words and no variables, because callers clear the environment. */
export function parseFakeCall(args: readonly string[], known: readonly string[]): FakeCall {
  const own = new Map<string, string>();
  let at = 0;
  for (; args[at]?.startsWith("--fake-"); at++) {
    const [, name, value] = /^--fake-([a-z0-9-]+)=(.*)$/s.exec(args[at]!) ?? [];
    if (name === undefined || !known.includes(name)) throw new Error(`Unknown word: ${args[at]}`);
    own.set(name, value!);
  }
  return { own, words: args.slice(at) };
}

/** Leaves one line with `argv`, `env` and `stdin` in the file of `--fake-log`, if there is one. */
export function logFakeCall({ own, words }: FakeCall, stdin = new Uint8Array()): void {
  const log = own.get("log");
  if (log === undefined) return;
  const call = { argv: words, env: Deno.env.toObject(), stdin: new TextDecoder().decode(stdin) };
  Deno.writeTextFileSync(log, `${JSON.stringify(call)}\n`, { append: true, mode: 0o600 });
}

/** All of standard input; comes back only when the caller has closed it. */
export async function readStdin(): Promise<Uint8Array<ArrayBuffer>> {
  return new Uint8Array(await new Response(Deno.stdin.readable).arrayBuffer());
}

/** Says what there is to say. */
export function speak({ out = "", err = "" }: Omit<FakeAnswer, "status">): void {
  writeAll(Deno.stdout, typeof out === "string" ? new TextEncoder().encode(out) : out);
  writeAll(Deno.stderr, new TextEncoder().encode(err));
}

/** Never comes back; a signal ends the process. */
export function hang(): never {
  for (;;) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
}

function writeAll(to: typeof Deno.stdout, bytes: Uint8Array): void {
  for (let at = 0; at < bytes.length;) at += to.writeSync(bytes.subarray(at));
}
