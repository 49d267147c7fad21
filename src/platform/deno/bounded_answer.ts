/** Answers of servers, read to their end and within bounds. */

/** Thrown when an answer is longer than it may be. */
export class AnswerTooLarge extends Error {}

/** Thrown when an answer cannot be given on: its status is none of HTTP's, or its body is packed. */
export class AnswerInvalid extends Error {}

/** Statuses by which a server sends a client elsewhere (RFC 9110, 15.4). */
const REDIRECTS: readonly number[] = [301, 302, 303, 307, 308];
/** Answers that have no body (Fetch, 2.2.3). */
const WITHOUT_BODY: readonly number[] = [204, 205, 304];

/** Whether an answer sends its client elsewhere. */
export function isRedirect({ status }: Response): boolean {
  return REDIRECTS.includes(status);
}

/**
 * The same answer with its whole body in memory. Throws {@link AnswerTooLarge} past `maxBytes`,
 * {@link AnswerInvalid} for what is no answer to a request that asked for plain bytes.
 */
export async function readAnswer(answer: Response, maxBytes: number): Promise<Response> {
  const { status, statusText } = answer;
  const encoding = answer.headers.get("content-encoding") ?? "identity";
  if (status < 200 || status > 599 || encoding.toLowerCase() !== "identity") {
    throw new AnswerInvalid();
  }
  const body = await readBody(answer, maxBytes);
  return new Response(WITHOUT_BODY.includes(status) ? null : body, {
    status,
    statusText,
    headers: answer.headers,
  });
}

async function readBody(answer: Response, maxBytes: number): Promise<Uint8Array<ArrayBuffer>> {
  const pieces: Uint8Array[] = [];
  let length = 0;
  for await (const piece of answer.body ?? []) {
    length += piece.length;
    if (length > maxBytes) throw new AnswerTooLarge();
    pieces.push(piece);
  }
  const whole = new Uint8Array(length);
  let at = 0;
  for (const piece of pieces) {
    whole.set(piece, at);
    at += piece.length;
    piece.fill(0);
  }
  return whole;
}
