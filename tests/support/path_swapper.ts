/**
 * A program of its own, for any user: exchanges what stands at a path for a link to something else,
 * and back, until it is killed, or two minutes are over. Arguments: the path, and what the link leads to.
 */

const [path, target] = Deno.args as [string, string];
const end = performance.now() + 120_000;
while (performance.now() < end) {
  Deno.renameSync(path, `${path}.away`);
  Deno.symlinkSync(target, path);
  linger();
  Deno.removeSync(path);
  Deno.renameSync(`${path}.away`, path);
  linger();
}

/** Lets others see it; a timer would take far too long. */
function linger(): void {
  for (let at = 0; at < 20; at++) Deno.lstatSync(path);
}
