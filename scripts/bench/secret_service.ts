/** What reading costs when the vault's key rests in a real Secret Service. */

import { startSecretService } from "../../tests/support/secret_service.ts";
import { deno, median, say, timed } from "./measure.ts";

const RUNS = 25;
const SCOPES = 10;
const SECRETS = 50;
/** Times an empty script, beside the tool's own time. */
const BUDGET = 2.4;

/**
 * Resolves 50 secrets of ten scopes in turn with an empty script and with the one call of the tool
 * that it takes. How many budgets were passed.
 */
export async function benchSecretService(main: readonly string[], temp: string): Promise<number> {
  await using service = await startSecretService("unlocked");
  const stateRoot = `${temp}/keyring`;
  const env = { ...service.env, PALYRA_STATE_ROOT: stateRoot };
  await deno([...main, "init", "--quiet", "--backend", "linux_secret_service"], env);
  const references = Array.from(
    { length: SECRETS },
    (_, at) => `skill:s${at % SCOPES}/secret_${at}`,
  );
  for (const reference of references) {
    await deno([...main, "secrets", "set", reference], env, { stdin: `value of ${reference}` });
  }
  const tool = "/usr/bin/secret-tool";
  const search = ["search", "--all", "application", "palyra", "kind", "vault_key"];
  const times = { tool: [] as number[], resolve: [] as number[], ratio: [] as number[] };
  for (let run = -2; run < RUNS; run++) {
    const empty = await timed(["run", "-A", `${temp}/empty.ts`], env);
    const toolTime = await timed(search, env, { program: tool });
    const resolve = await timed([...main, "resolve", "--json", ...references], env);
    if (run < 0) continue; // caches are filled first
    times.tool.push(toolTime);
    times.resolve.push(resolve);
    times.ratio.push((resolve - toolTime) / empty); // so that a drift of the machine hits all three
  }
  const [toolTime, resolve, ratio] = [times.tool, times.resolve, times.ratio].map(median) as [
    number,
    number,
    number,
  ];
  say(
    `${`resolve of ${SECRETS}, keyring`.padEnd(28)} ${resolve.toFixed(1).padStart(7)} ms  tool ${
      toolTime.toFixed(1)
    } ms, the rest ratio ${ratio.toFixed(2)}  budget ${BUDGET}`,
  );
  return ratio <= BUDGET ? 0 : 1;
}
