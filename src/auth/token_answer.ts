/** Answers of token endpoints, freed of what the library would refuse or judge although it does no harm. */

import { endOf } from "./token_set.ts";

/** What is kept of an answer. */
export interface Kept {
  /** Where none is asked for there is nothing to hold it against. */
  readonly idToken: boolean;
}

/**
 * The same answer with an `expires_in` that is a believable number or not there: tokens that are good
 * are not refused for it. An answer that is no JSON object stays as it is.
 */
export async function believable(response: Response, { idToken }: Kept): Promise<Response> {
  const { status, headers } = response;
  const text = await response.text();
  const document = objectIn(text);
  if (document === undefined) return new Response(text, { status, headers });
  const { id_token, expires_in, ...others } = document;
  const isNumeral = typeof expires_in === "string" && /^[0-9]{1,10}$/.test(expires_in);
  const seconds = isNumeral ? Number(expires_in) : expires_in;
  const answer = {
    ...others,
    ...(idToken && id_token !== undefined ? { id_token } : {}),
    ...(endOf(seconds, 0) === undefined ? {} : { expires_in: seconds }),
  };
  return new Response(JSON.stringify(answer), { status, headers: withoutLength(headers) });
}

function objectIn(text: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    const isObject = typeof value === "object" && value !== null && !Array.isArray(value);
    return isObject ? { ...value } : undefined;
  } catch { // its message quotes the text
    return undefined;
  }
}

function withoutLength(headers: Headers): Headers {
  const copy = new Headers(headers);
  copy.delete("content-length");
  return copy;
}
