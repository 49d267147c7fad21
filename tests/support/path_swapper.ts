/**
 * A program of its own, for any user: exchanges what stands at a path for a link to something else,
 * and back, until it is killed, or two minutes are over. Arguments: the path, and what the link leads to.
 * Without the latter it is a file, and another one takes its place in one step, each with a new number.
 */

const [path, target] = Deno.args as [string, string?];
const end = performance.now() + 120_000;
for (let number = 0; performance.now() < end; number++) {
  if (target === undefined) replace(number);
  else exchange(target);
}

function replace(number: number): void {
  Deno.writeTextFileSync(`${path}.new`, `inside ${number}`, { mode: 0o600 });
  Deno.renameSync(`${path}.new`, path!);
}

function exchange(target: string): void {
  Deno.renameSync(path!, `${path}.away`);
  Deno.symlinkSync(target, path!);
  linger();
  Deno.removeSync(path!);
  Deno.renameSync(`${path}.away`, path!);
  linger();
}

/** Lets others see it; a timer would take far too long. */
function linger(): void {
  for (let at = 0; at < 20; at++) Deno.lstatSync(path!);
}
