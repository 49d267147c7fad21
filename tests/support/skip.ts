/** Tests that need what a machine may lack: skipped aloud, under a name that must be allowed. */

/** Registers a test, or one line `skipped: NAME: why` and an ignored test when there is a reason. */
export function testUnless(
  reason: string | undefined,
  skipName: string,
  name: string,
  body: () => Promise<void> | void,
): void {
  if (reason !== undefined) {
    Deno.stdout.writeSync(new TextEncoder().encode(`skipped: ${skipName}: ${reason} (${name})\n`));
  }
  Deno.test({ name, ignore: reason !== undefined, fn: body });
}

/** Why a program cannot be used, if it cannot. */
export function missing(program: string): string | undefined {
  try {
    Deno.statSync(program);
    return undefined;
  } catch {
    return `${program} is not installed`;
  }
}
