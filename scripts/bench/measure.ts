/** Running whole processes for the benchmark, and telling what they took. */

const root = new URL("../..", import.meta.url).pathname;

/** What a process is given, and which it is if not Deno. */
export interface TimedOptions {
  readonly stdin?: string | undefined;
  readonly program?: string | undefined;
}

/** Milliseconds from start to end of a process that must succeed. */
export async function timed(
  args: readonly string[],
  env: Record<string, string>,
  options: TimedOptions = {},
): Promise<number> {
  const start = performance.now();
  await deno(args, env, options);
  return performance.now() - start;
}

/** Runs a process; throws when it fails. */
export async function deno(
  args: readonly string[],
  env: Record<string, string> = {},
  { stdin = "", program = Deno.execPath() }: TimedOptions = {},
): Promise<void> {
  const child = new Deno.Command(program, {
    args: [...args],
    cwd: root,
    env,
    stdin: "piped",
    stdout: "null",
    stderr: "piped",
  }).spawn();
  const writer = child.stdin.getWriter();
  await writer.write(new TextEncoder().encode(stdin)).catch(() => {});
  await writer.close().catch(() => {});
  const { success, stderr } = await child.output();
  if (!success) throw new Error(`${args.join(" ")}: ${new TextDecoder().decode(stderr)}`);
}

/** The middle one. */
export function median(values: number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)]!;
}

/** A line on standard output. */
export function say(line: string): void {
  Deno.stdout.writeSync(new TextEncoder().encode(`${line}\n`));
}
