/** What palyra costs as a helper of other programs, and what other programs cost as sources of palyra. */

import { startSecretService } from "../../tests/support/secret_service.ts";
import { deno, median, say, timed } from "./measure.ts";

const RUNS = 25;
const PROGRAMS = 20;
/** Most milliseconds for programs of 50 ms each. */
const BUDGET_PROGRAMS_MS = 400;
const IDS = 100;
/** Most times an empty script. */
const BUDGET_ONE = 2.4;
const BUDGET_MANY = 3.4;

interface Row {
  readonly name: string;
  readonly args: readonly string[];
  readonly stdin: string;
  readonly budget: number;
}

/** Prints the rows; how many of them are over budget. */
export async function benchPrograms(
  main: readonly string[],
  stateRoot: string,
  temp: string,
): Promise<number> {
  return await execSources(main, stateRoot, temp) + await helperCalls(main, stateRoot, temp);
}

async function execSources(
  main: readonly string[],
  stateRoot: string,
  temp: string,
): Promise<number> {
  const config = `${temp}/programs.toml`;
  const tables = Array.from(
    { length: PROGRAMS },
    (_, at) =>
      `k${at}_secret_ref = { kind = "exec", command = ["/bin/sh", "-c", "sleep 0.05; echo ${at}"] }`,
  );
  await Deno.writeTextFile(config, `${tables.join("\n")}\n`, { mode: 0o600 });
  const args = [...main, "resolve", "--all", "--json", "--config", config];
  const times: number[] = [];
  for (let run = -2; run < RUNS; run++) {
    const time = await timed(args, { PALYRA_STATE_ROOT: stateRoot });
    if (run >= 0) times.push(time);
  }
  const time = median(times);
  say(
    `${`resolve of ${PROGRAMS} programs`.padEnd(28)} ${
      time.toFixed(1).padStart(7)
    } ms  budget ${BUDGET_PROGRAMS_MS}`,
  );
  return time <= BUDGET_PROGRAMS_MS ? 0 : 1;
}

async function helperCalls(
  main: readonly string[],
  stateRoot: string,
  temp: string,
): Promise<number> {
  const config = `${temp}/clients.toml`;
  await Deno.writeTextFile(
    config,
    `[[helper.git.map]]\nmatch = "https://example.org/*"\nref = "global/secret_1"\n` +
      `username = "bob"\n[helper.openclaw]\nallow = ["global/secret_*"]\n`,
    { mode: 0o600 },
  );
  const ids = (count: number): string =>
    JSON.stringify({
      protocolVersion: 1,
      provider: "palyra",
      ids: Array.from({ length: count }, (_, at) => `global/secret_${at}`),
    });
  const flags = ["--config", config];
  const rows: readonly Row[] = [
    {
      name: "helper git get",
      args: [...main, ...flags, "helper", "git", "get"],
      stdin: "protocol=https\nhost=example.org\n\n",
      budget: BUDGET_ONE,
    },
    {
      name: "helper openclaw, 1 id",
      args: [...main, ...flags, "helper", "openclaw"],
      stdin: ids(1),
      budget: BUDGET_ONE,
    },
    {
      name: `helper openclaw, ${IDS} ids`,
      args: [...main, ...flags, "helper", "openclaw"],
      stdin: ids(IDS),
      budget: BUDGET_MANY,
    },
  ];
  await using service = await startSecretService("unlocked");
  const env = { ...service.env, PALYRA_STATE_ROOT: stateRoot };
  const tool = ["store", "--label=bench", "application", "bench"];
  await deno(tool, env, { program: "/usr/bin/secret-tool", stdin: "value" });
  const show = await passwordStore(temp);
  const ratios = rows.map((): number[] => []);
  const times = rows.map((): number[] => []);
  const peers: Record<string, number[]> = { "secret-tool lookup": [], "pass show": [] };
  for (let run = -2; run < RUNS; run++) {
    const empty = await timed(["run", "-A", `${temp}/empty.ts`], env);
    const took: number[] = [];
    for (const { args, stdin } of rows) took.push(await timed(args, env, { stdin }));
    const lookup = ["lookup", "application", "bench"];
    const other = [await timed(lookup, env, { program: "/usr/bin/secret-tool" }), await show()];
    if (run < 0) continue; // caches are filled first
    took.forEach((time, at) => (times[at]!.push(time), ratios[at]!.push(time / empty)));
    Object.values(peers).forEach((list, at) => list.push(other[at]!));
  }
  let over = 0;
  rows.forEach(({ name, budget }, at) => {
    const ratio = median(ratios[at]!);
    if (ratio > budget) over++;
    say(
      `${name.padEnd(28)} ${median(times[at]!).toFixed(1).padStart(7)} ms  ratio ${
        ratio.toFixed(2)
      }  budget ${budget}`,
    );
  });
  for (const [name, list] of Object.entries(peers)) {
    say(`${name.padEnd(28)} ${median(list).toFixed(1).padStart(7)} ms`);
  }
  return over;
}

/** A password store with one entry, and how long it takes to show it. */
async function passwordStore(temp: string): Promise<() => Promise<number>> {
  const home = `${temp}/pass`;
  await Deno.mkdir(home, { mode: 0o700 });
  const env = { HOME: home, GNUPGHOME: home, PASSWORD_STORE_DIR: `${home}/store` };
  const shell = async (script: string): Promise<void> =>
    await deno(["-c", script], env, { program: "/bin/sh", stdin: "value\n" });
  await shell(
    "gpg --batch -q --passphrase '' --quick-generate-key bench@example.org default default never" +
      " && pass init bench@example.org >/dev/null && pass insert -m entry >/dev/null",
  );
  return async () => await timed(["show", "entry"], env, { program: "/usr/bin/pass" });
}
