/**
 * Stands for `secret-tool` where the real one cannot be brought: hanging, crashing, lying, full.
 * Run it in the real one's place, with these words before the tool's own; it reads no variables,
 * because its callers clear the environment:
 *
 * - `--fake-state=FILE`: the items, as JSON; made when it is missing
 * - `--fake-log=FILE`: gets one JSON line a call, with `argv`, `env` and `stdin`
 * - `--fake-mode=MODE`: how it behaves, see `MODES`; `ok` by default
 * - `--fake-cut=BYTES`: where a value is cut; 8192 by default, as in the real one
 */

/** What it can be like. */
const MODES = {
  ok: "as the real one with an open keyring",
  hang: "takes every call and never ends it",
  "hang-store": "never ends a store: a dialog stands on some screen",
  cut: "as ok: the real one cuts, says so on standard error, and exits 0; see --fake-cut",
  utf8: "refuses values that are not UTF-8, as from libsecret 0.21.2 on",
  signal: "does its work, and dies by SIGSEGV before it says so",
  keepassxc: "KeePassXC: attributes of its own, UUIDs, and no end when an item is overwritten",
  undeletable: "clear exits 0 and deletes nothing",
  "undeletable-silent": "clear exits 1 without a word and deletes nothing, as with a locked item",
  "locked-once": "locked until lookup is called, which a person is taken to have answered",
  altered: "gives another secret than was stored",
  noise: "fails with words that nobody knows, the secret among them",
  two: "search finds every item twice",
  full: "a full disk: nothing can be stored or deleted",
} as const;

type Mode = keyof typeof MODES;

interface Item {
  /** Last part of its path. */
  readonly id: string;
  readonly label: string;
  readonly attributes: Readonly<Record<string, string>>;
  readonly secret: string; // base64
  readonly created: string;
  readonly modified: string;
}

interface State {
  items: Item[];
  /** Number of the next item; the first one of a new keyring is 1. */
  next: number;
  /** Whether somebody has answered the dialog of `locked-once`. */
  isUnlocked: boolean;
}

/** What a call leads to. */
interface Answer {
  readonly status: number;
  readonly out?: Uint8Array;
  readonly err?: string;
  readonly hangs?: true;
}

interface Call {
  readonly mode: Mode;
  readonly cutAt: number;
  readonly words: readonly string[];
  readonly options: ReadonlySet<string>;
  readonly label: string | undefined;
  readonly attributes: Readonly<Record<string, string>>;
  readonly stdin: Uint8Array;
}

const USAGE = `usage: secret-tool store --label='label' attribute value ...
       secret-tool lookup attribute value ...
       secret-tool clear attribute value ...
       secret-tool search [--all] [--unlock] attribute value ...
       secret-tool lock --collection='collection'
`;
const LOCKED = "secret-tool: Cannot get secret of a locked object\n";
const VERBS: Readonly<Record<string, (call: Call, state: State) => Answer>> = {
  store,
  lookup,
  search,
  clear,
};

if (import.meta.main) await main(Deno.args);

async function main(args: readonly string[]): Promise<void> {
  const { mode, state: stateFile, log, cut, words } = parseOwnWords(args);
  const stdin = words[0] === "store" ? await readAll() : new Uint8Array(); // others never read it
  if (log !== undefined) writeLog(log, words, stdin);
  if (mode === "hang") return hang();
  const answer = await changeState(stateFile, (state) => run({ mode, cut, words, stdin }, state));
  if (answer.hangs) return hang();
  if (mode === "signal") return die();
  if (answer.out !== undefined) writeAll(Deno.stdout, answer.out);
  if (answer.err !== undefined) writeAll(Deno.stderr, new TextEncoder().encode(answer.err));
  Deno.exit(answer.status);
}

interface OwnWords {
  readonly mode: Mode;
  readonly state: string;
  readonly log: string | undefined;
  readonly cut: number;
  readonly words: readonly string[];
}

function parseOwnWords(args: readonly string[]): OwnWords {
  const own = args.filter((word) => word.startsWith("--fake-"));
  const valueOf = (name: string): string | undefined =>
    own.find((word) => word.startsWith(`--fake-${name}=`))?.slice(`--fake-${name}=`.length);
  const mode = valueOf("mode") ?? "ok";
  const state = valueOf("state");
  if (!Object.hasOwn(MODES, mode)) throw new Error(`Unknown mode: ${mode}`);
  if (state === undefined) throw new Error("--fake-state is missing");
  return {
    mode: mode as Mode,
    state,
    log: valueOf("log"),
    cut: Number(valueOf("cut") ?? 8192),
    words: args.filter((word) => !own.includes(word)),
  };
}

interface Asked {
  readonly mode: Mode;
  readonly cut: number;
  readonly words: readonly string[];
  readonly stdin: Uint8Array;
}

function run({ mode, cut, words, stdin }: Asked, state: State): Answer {
  const [name = "", ...rest] = words;
  const verb = Object.hasOwn(VERBS, name) ? VERBS[name] : undefined;
  if (verb === undefined) return { status: 2, err: USAGE };
  const plain: string[] = [];
  const options = new Set<string>();
  let label: string | undefined;
  for (const word of rest) {
    if (word.startsWith("--label=")) label = word.slice("--label=".length);
    else if (word.startsWith("--")) options.add(word);
    else plain.push(word);
  }
  const wrong = (what: string): Answer => ({ status: 2, err: `secret-tool: ${what}\n${USAGE}` });
  if (name === "store" && label === undefined) {
    return wrong("must specify a label for the new item");
  }
  if (plain.length === 0) return wrong("must specify attribute and value pairs");
  if (plain.length % 2 === 1) return wrong("must specify attributes and values in pairs");
  const pairs = plain.flatMap((word, i) => i % 2 === 0 ? [[word, plain[i + 1]!] as const] : []);
  const attributes = Object.fromEntries(pairs);
  if (mode === "noise") {
    const text = new TextDecoder().decode(stdin);
    return { status: 1, err: `secret-tool: The frobnicator refused ${name} ${text}\n` };
  }
  return verb({ mode, cutAt: cut, words, options, label, attributes, stdin }, state);
}

function store(call: Call, state: State): Answer {
  const { mode, cutAt, label = "", attributes, stdin } = call;
  if (mode === "hang-store") return { status: 0, hangs: true };
  if (mode === "full") return failure("Couldn't create item: An error occurred on the device");
  if (mode === "utf8" && !isUtf8(stdin)) return failure("password not valid UTF-8");
  if (isLocked(call, state)) return failure("Cannot create an item in a locked collection");
  const known = state.items.find((item) => isSame(item.attributes, attributes));
  if (mode === "keepassxc" && known !== undefined) return { status: 0, hangs: true };
  const now = localTime(new Date());
  const item: Item = {
    id: known?.id ?? (mode === "keepassxc" ? crypto.randomUUID().replaceAll("-", "") : nextId()),
    label,
    attributes,
    secret: stdin.slice(0, cutAt).toBase64(),
    created: known?.created ?? now,
    modified: now,
  };
  state.items = [...state.items.filter((other) => other !== known), item];
  return { status: 0, ...stdin.length >= cutAt && { err: "secret-tool: password is too long\n" } };

  function nextId(): string {
    return String(state.next++);
  }
}

function lookup(call: Call, state: State): Answer {
  state.isUnlocked = true;
  const item = matching(call, state)[0];
  return item === undefined ? { status: 1 } : { status: 0, out: secretOf(item, call.mode) };
}

function search(call: Call, state: State): Answer {
  const found = matching(call, state).flatMap((item) =>
    call.mode === "two" ? [item, { ...item, id: `${item.id}1` }] : [item]
  ).slice(0, call.options.has("--all") ? undefined : 1);
  const locked = isLocked(call, state);
  const out = found.map((item) => {
    const before = `[/${item.id}]\nlabel = ${item.label}\n`;
    const after = `created = ${item.created}\nmodified = ${item.modified}\n`;
    const secret = secretOf(item, call.mode);
    return locked ? [before, after] : [before, "secret = ", secret, "\n", after];
  });
  const err = found.map((item) =>
    (locked ? LOCKED : "") + shownAttributes(item, call.mode)
      .map(([name, value]) => `attribute.${name} = ${value}\n`).join("")
  );
  return { status: 0, out: joined(out.flat()), err: err.join("") };
}

function clear(call: Call, state: State): Answer {
  const found = matching(call, state);
  if (call.mode === "undeletable-silent" || isLocked(call, state)) return { status: 1 };
  if (found.length === 0) return { status: 1 };
  if (call.mode === "full") {
    return failure("Couldn't delete collection: An error occurred on the device");
  }
  if (call.mode !== "undeletable") {
    state.items = state.items.filter((item) => !found.includes(item));
  }
  return { status: 0 };
}

function failure(text: string): Answer {
  return { status: 1, err: `secret-tool: ${text}\n` };
}

function isLocked({ mode }: Call, { isUnlocked }: State): boolean {
  return mode === "locked-once" && !isUnlocked;
}

function matching({ attributes }: Call, { items }: State): Item[] {
  const wanted = Object.entries(attributes);
  return items.filter((item) => wanted.every(([name, value]) => item.attributes[name] === value));
}

function isSame(a: Readonly<Record<string, string>>, b: Readonly<Record<string, string>>): boolean {
  const names = Object.keys(a);
  return names.length === Object.keys(b).length && names.every((name) => a[name] === b[name]);
}

function secretOf({ secret }: Item, mode: Mode): Uint8Array {
  const bytes = Uint8Array.fromBase64(secret);
  // The first letter becomes another one, so that what comes back still looks like a blob.
  if (mode === "altered") bytes[0] = bytes[0] === 0x41 ? 0x42 : 0x41;
  return bytes;
}

/** In the order of the hash table in which the real one keeps them, and with what KeePassXC adds. */
function shownAttributes({ attributes, label, id }: Item, mode: Mode): [string, string][] {
  const shown = Object.entries(attributes).sort(([a], [b]) => hashIndex(a) - hashIndex(b));
  if (mode !== "keepassxc") return shown;
  const added = { Title: label, Path: `/${label}`, Uuid: id, UserName: "", URL: "", Notes: "" };
  return [...shown, ...Object.entries(added)];
}

/** Where GLib's `g_str_hash` puts a name in a table of up to seven. */
function hashIndex(name: string): number {
  let hash = 5381;
  for (const byte of new TextEncoder().encode(name)) hash = (Math.imul(hash, 33) + byte) >>> 0;
  return (Math.imul(hash, 11) >>> 0) % 7;
}

function isUtf8(bytes: Uint8Array): boolean {
  try {
    new TextDecoder("utf-8", { fatal: true }).decode(bytes);
    return true;
  } catch {
    return false;
  }
}

function localTime(at: Date): string {
  const two = (n: number): string => String(n).padStart(2, "0");
  const day = [at.getFullYear(), two(at.getMonth() + 1), two(at.getDate())].join("-");
  return `${day} ${[at.getHours(), at.getMinutes(), at.getSeconds()].map(two).join(":")}`;
}

function joined(parts: readonly (string | Uint8Array)[]): Uint8Array {
  const encoder = new TextEncoder();
  return new Uint8Array(
    parts.flatMap((part) => [...typeof part === "string" ? encoder.encode(part) : part]),
  );
}

/** Reads the items, lets a call change them, and writes them, one process at a time. */
async function changeState(path: string, change: (state: State) => Answer): Promise<Answer> {
  using lock = Deno.openSync(`${path}.lock`, { write: true, create: true });
  await lock.lock(true);
  const state = readState(path);
  const answer = change(state);
  Deno.writeTextFileSync(`${path}.new`, JSON.stringify(state));
  Deno.renameSync(`${path}.new`, path);
  return answer;
}

function readState(path: string): State {
  try {
    return JSON.parse(Deno.readTextFileSync(path));
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
    return { items: [], next: 1, isUnlocked: false };
  }
}

function writeLog(path: string, argv: readonly string[], stdin: Uint8Array): void {
  const call = { argv, env: Deno.env.toObject(), stdin: new TextDecoder().decode(stdin) };
  Deno.writeTextFileSync(path, `${JSON.stringify(call)}\n`, { append: true });
}

async function readAll(): Promise<Uint8Array> {
  return new Uint8Array(await new Response(Deno.stdin.readable).arrayBuffer());
}

function writeAll(to: { writeSync(bytes: Uint8Array): number }, bytes: Uint8Array): void {
  for (let at = 0; at < bytes.length;) at += to.writeSync(bytes.subarray(at));
}

/** A timer keeps the process, which ends by a signal only. */
function hang(): void {
  setInterval(() => {}, 1_000_000);
}

/** The runtime may take the first signal for its own. */
function die(): void {
  for (;;) Deno.kill(Deno.pid, "SIGSEGV");
}
