/** `auth token` with a token that is good, and many profiles. */

import { deno, median, say, timed } from "./measure.ts";

const PROFILES = 2_048;
const RUNS = 25;
const TOKEN_BUDGET = 2.5;
const MANY_BUDGET_MS = 200;

/** Measures both; the number of rows over budget. */
export async function benchAuth(main: readonly string[], temp: string): Promise<number> {
  const env = { PALYRA_STATE_ROOT: `${temp}/auth`, PALYRA_VAULT_BACKEND: "encrypted_file" };
  const set = JSON.stringify({
    version: 1,
    access_token: "access",
    token_type: "bearer",
    refresh_token: "refresh",
    expires_at: Date.now() + 86_400_000,
    obtained_at: Date.now(),
  });
  await deno([...main, "secrets", "set", "global/tokens"], env, { stdin: set });
  const profile = ["--provider", "custom:bench", "--tokens-ref", "global/tokens"];
  const server = ["--client-id", "c", "--token-endpoint", "https://auth.example/token"];
  await deno([...main, "auth", "profiles", "set", "one", ...profile, ...server], env);
  await Deno.writeTextFile(`${temp}/nothing.ts`, "");
  const ratios: number[] = [];
  const times: number[] = [];
  for (let run = -2; run < RUNS; run++) {
    const base = await timed(["run", "-A", `${temp}/nothing.ts`], env);
    const time = await timed([...main, "auth", "token", "one"], env);
    if (run < 0) continue; // caches are filled first
    ratios.push(time / base);
    times.push(time);
  }
  const ratio = median(ratios);
  say(
    `${"auth token, bundle".padEnd(28)} ${median(times).toFixed(1).padStart(7)} ms  ratio ${
      ratio.toFixed(2)
    }  budget ${TOKEN_BUDGET}`,
  );
  const tables = Array.from(
    { length: PROFILES },
    (_, at) =>
      `[profiles.p${at}]\nprovider = "openai"\nprofile_name = "Profile ${at}"\nscope = "global"\n` +
      `enabled = true\ntype = "api_key"\napi_key_vault_ref = "global/key_${at}"\n`,
  );
  const path = `${temp}/auth/auth_profiles.toml`;
  await Deno.writeTextFile(path, `version = 1\n\n${tables.join("\n")}`, { mode: 0o600 });
  let over = Number(ratio > TOKEN_BUDGET);
  for (const [name, args] of [["list", ["list"]], ["selection", ["explain-selection"]]] as const) {
    const all: number[] = [];
    for (let run = 0; run < 7; run++) {
      all.push(await timed([...main, "auth", "profiles", ...args, "--json"], env));
    }
    const time = median(all);
    const row = `${name} of ${PROFILES} profiles`;
    say(`${row.padEnd(28)} ${time.toFixed(1).padStart(7)} ms  budget ${MANY_BUDGET_MS}`);
    over += Number(time > MANY_BUDGET_MS);
  }
  return over;
}
