/** Answers of token endpoints, freed of what the library would refuse or judge although it does no harm. */

import { endOf } from "./token_set.ts";

/** What is kept of an answer. */
export interface Kept {
  /** Where none is asked for there is nothing to hold it against. */
  readonly idToken: boolean;
}

/**
 * The same answer with an `expires_in` that is a believable number or not there: tokens that are good
 * are not refused for it. A refusal is one whatever status it comes with, and is read whatever stands in
 * its headers: GitHub refuses with status 200, and the library reads no body beside a challenge. An answer
 * that is no JSON object stays as it is.
 */
export async function believable(response: Response, { idToken }: Kept): Promise<Response> {
  const { status, headers } = response;
  const text = await response.text();
  const document = objectIn(text);
  if (document === undefined) return new Response(text, { status, headers });
  const { id_token, expires_in, ...others } = document;
  if (typeof others["error"] === "string" && others["access_token"] === undefined) {
    return refusal(others, response);
  }
  const isNumeral = typeof expires_in === "string" && /^[0-9]{1,10}$/.test(expires_in);
  const seconds = isNumeral ? Number(expires_in) : expires_in;
  const answer = {
    ...others,
    ...(idToken && id_token !== undefined ? { id_token } : {}),
    ...(endOf(seconds, 0) === undefined ? {} : { expires_in: seconds }),
  };
  return new Response(JSON.stringify(answer), { status, headers: withoutLength(headers) });
}

/** As RFC 6749 section 5.2 has it, for the library. */
function refusal(document: object, { status, headers }: Response): Response {
  const copy = withoutLength(headers);
  copy.delete("www-authenticate");
  copy.set("content-type", "application/json");
  const body = JSON.stringify(document);
  return new Response(body, { status: status < 400 ? 400 : status, headers: copy });
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
