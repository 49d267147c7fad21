/** The address that a browser could not open in the end: it holds the code, and is read like a secret. */

import type { BegunLogin } from "../../auth/browser_login.ts";
import { decodeUtf8 } from "../../crypto/encoding.ts";
import { SensitiveBytes } from "../../crypto/sensitive_bytes.ts";
import { PalyraError } from "../../errors.ts";
import { isOfThisMachine } from "../../network/address_rules.ts";
import type { App } from "../app.ts";

/** A redirect that nobody listens at: the person copies the address that the browser failed to open. */
export const PASTED_REDIRECT = "http://127.0.0.1/callback";

const MAX_BYTES = 16_384;

/**
 * The answer to this very login, yes or no: nothing else of it is judged. Throws `usage` for any other
 * address, and what reading it throws.
 */
export async function pastedAnswer(app: App, { state }: Pick<BegunLogin, "state">): Promise<URL> {
  const answer = await pastedAddress(app);
  if (answer.searchParams.get("state") === state) return answer;
  throw new PalyraError("usage", "Cannot end the login: the address is no answer to it", {
    hint: "It is the address that the browser could not open, with code= and state= in it",
  });
}

/** Reads it from standard input, or at a hidden prompt. Throws `would_prompt`, `usage`. */
async function pastedAddress(app: App): Promise<URL> {
  const { terminal, streams } = app.platform;
  const bytes = !terminal.inputIsTerminal()
    ? await streams.readInput(MAX_BYTES)
    : app.options.interactive
    ? await terminal.readHidden("Address (not shown): ")
    : undefined;
  if (bytes === undefined) {
    throw new PalyraError("would_prompt", "Cannot log in: the address was not given");
  }
  using pasted = new SensitiveBytes(bytes);
  const text = (decodeUtf8(pasted.reveal()) ?? "").trim();
  if (URL.canParse(text)) return new URL(text);
  throw new PalyraError("usage", "Cannot log in: what was given is no address");
}

/**
 * The address that a client was registered with for its answers: on this machine alone (RFC 8252 section
 * 7.3), whether or not somebody listens there. Throws `usage`.
 */
export function parseRedirect(text: string): string {
  const url = URL.parse(text);
  const isHere = url?.protocol === "http:" && isOfThisMachine(url);
  const isBare = url?.username === "" && url.password === "" && !text.includes("#");
  if (url !== null && isHere && isBare) return url.href;
  throw new PalyraError("usage", "Cannot use --redirect-uri: it is no address of this machine", {
    hint: "As in http://localhost:1455/auth/callback",
  });
}
