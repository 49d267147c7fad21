/** The value that a command stores: from standard input, a file, a generator, or a hidden prompt. */

import { encodeBase64Url, encodeUtf8 } from "../crypto/encoding.ts";
import { equalBytes } from "../crypto/equal_bytes.ts";
import { SensitiveBytes } from "../crypto/sensitive_bytes.ts";
import { PalyraError } from "../errors.ts";
import { MAX_VALUE_BYTES } from "../vault/envelope.ts";
import type { App } from "./app.ts";
import { parseWhole } from "./values.ts";

/** Flags that say where a value comes from. */
export interface ValueFlags {
  readonly "value-stdin"?: boolean | undefined;
  readonly "from-file"?: string | undefined;
  readonly generate?: boolean | undefined;
  readonly bytes?: string | undefined;
  readonly raw?: boolean | undefined;
}

const DEFAULT_BYTES = 32;
const BYTES_BOUNDS = [8, 65_536] as const;
const LINE_FEED = 0x0a;
const CARRIAGE_RETURN = 0x0d;

/** Reads the value for `what`. Throws `usage`, or `would_prompt` where a prompt is not allowed. */
export async function readValue(
  app: App,
  flags: ValueFlags,
  what: string,
): Promise<SensitiveBytes> {
  requireOneSource(flags);
  const { platform } = app;
  if (flags.generate) {
    const count = flags.bytes === undefined
      ? DEFAULT_BYTES
      : parseWhole(flags.bytes, "--bytes", BYTES_BOUNDS);
    using random = new SensitiveBytes(platform.random.bytes(count));
    return new SensitiveBytes(encodeUtf8(encodeBase64Url(random.reveal())));
  }
  if (flags["from-file"] !== undefined) {
    // Room for the one line end that is dropped.
    return trimmed(
      app,
      await platform.userFiles.read(flags["from-file"], MAX_VALUE_BYTES + 2),
      flags,
    );
  }
  if (flags["value-stdin"] || !platform.terminal.inputIsTerminal()) {
    return trimmed(app, await platform.streams.readInput(MAX_VALUE_BYTES + 2), flags);
  }
  if (flags.raw) {
    throw new PalyraError("usage", "Cannot use --raw: it goes with --value-stdin or --from-file");
  }
  return await promptFor(app, what);
}

function requireOneSource(flags: ValueFlags): void {
  const sources = [flags["value-stdin"], flags["from-file"] !== undefined, flags.generate];
  if (sources.filter(Boolean).length > 1) {
    throw new PalyraError(
      "usage",
      "Cannot read the value: choose one of --value-stdin, --from-file, --generate",
    );
  }
  if (flags.bytes !== undefined && !flags.generate) {
    throw new PalyraError("usage", "Cannot use --bytes: it goes with --generate");
  }
  if (flags.raw && flags.generate) {
    throw new PalyraError("usage", "Cannot use --raw: it goes with --value-stdin or --from-file");
  }
}

/** Drops exactly one line end, which `echo` and editors add, unless every byte is wanted. */
function trimmed(app: App, bytes: Uint8Array<ArrayBuffer>, { raw }: ValueFlags): SensitiveBytes {
  return raw ? new SensitiveBytes(bytes) : withoutLineEnd(app, bytes);
}

/** The value without its one line end; the bytes that were given are wiped or become the value. */
export function withoutLineEnd(app: App, bytes: Uint8Array<ArrayBuffer>): SensitiveBytes {
  if (bytes.at(-1) !== LINE_FEED) return new SensitiveBytes(bytes);
  using whole = new SensitiveBytes(bytes);
  const end = bytes.at(-2) === CARRIAGE_RETURN ? bytes.length - 2 : bytes.length - 1;
  app.noteVerbose("dropped one line end from the value; --raw keeps it");
  return new SensitiveBytes(whole.reveal().slice(0, end));
}

async function promptFor(app: App, what: string): Promise<SensitiveBytes> {
  if (!app.options.interactive) {
    throw new PalyraError("would_prompt", "Cannot read the value: prompting is not allowed", {
      hint: "Give it by --value-stdin, --from-file or --generate",
    });
  }
  const { terminal } = app.platform;
  const first = await terminal.readHidden(`Value of ${what} (not shown): `);
  const second = first === undefined ? undefined : await terminal.readHidden("The same again: ");
  if (first === undefined || second === undefined) {
    throw new PalyraError("usage", "Cannot read the value: nothing was entered");
  }
  using again = new SensitiveBytes(second);
  const value = new SensitiveBytes(first);
  if (equalBytes(first, again.reveal())) return value;
  value[Symbol.dispose]();
  throw new PalyraError("usage", "Cannot read the value: the two entries differ");
}
