/** A machine with a profile whose tokens a test has put there. */

import type { Machine } from "./cli_run.ts";
import type { TokenServer } from "./token_server.ts";

/** The id of the profile. */
export const PROFILE = "work";
/** Where its tokens are. */
export const TOKENS_REF = "global/tokens";

/** Makes the profile, with an access token that ends so many milliseconds from now. */
export async function loginBy(
  machine: Machine,
  { endpoint, refreshToken }: Pick<TokenServer, "endpoint" | "refreshToken">,
  endsInMs = -1_000,
): Promise<void> {
  await storeTokens(machine, {
    access_token: "access-old",
    refresh_token: refreshToken,
    expires_at: Date.now() + endsInMs,
  });
  await machine.succeed([
    ...[
      "auth",
      "profiles",
      "set",
      PROFILE,
      "--provider",
      "custom:test",
      "--tokens-ref",
      TOKENS_REF,
    ],
    ...["--client-id", "client", "--token-endpoint", endpoint],
  ]);
}

/** Puts a token set in place, as a login does. */
export async function storeTokens(
  machine: Machine,
  tokens: Readonly<Record<string, unknown>>,
): Promise<void> {
  const set = { version: 1, token_type: "bearer", obtained_at: Date.now() - 3_600_000, ...tokens };
  await machine.succeed(["secrets", "set", TOKENS_REF], { stdin: JSON.stringify(set) });
}
