/** TypeScript as text: without its comments, or without what its strings say. */

type Kind = "code" | "comment" | "string" | "regex";

interface Piece {
  readonly kind: Kind;
  readonly text: string;
}

/** The text without comments and the content of strings; what stands in `${…}` is code. */
export function codeOf(text: string): string {
  return pieces(text).map(({ kind, text }) =>
    kind === "code" ? text : kind === "comment" ? blank(text) : kind === "string" ? '""' : "/./"
  ).join("");
}

/** The text without comments, strings and all. */
export function withoutComments(text: string): string {
  return pieces(text).map(({ kind, text }) => kind === "comment" ? blank(text) : text).join("");
}

/** A comment parts words, and its lines still count. */
function blank(comment: string): string {
  return comment.replaceAll(/[^\n]/g, "") || " ";
}

const STRING = /"(?:[^"\\\n]|\\[^])*"?|'(?:[^'\\\n]|\\[^])*'?/y;
const COMMENT = /\/\/.*|\/\*[^]*?(?:\*\/|$)/y;
const REGEX = /\/(?:[^/\\[\n]|\\.|\[(?:[^\]\\\n]|\\.)*\])+\/\w*/y;
/** From the backtick, or from the brace that ends `${`, to the next `${` or the end. */
const TEMPLATE = /[`}](?:[^`\\$]|\\[^]|\$(?!\{))*(?:`|\$\{|$)/y;
/** After these a slash begins a regular expression and does not divide. */
const BEFORE_REGEX = /(?:^|[(,=:[!&|?{};+\-*%<>~^]|\b(?:return|typeof|case|in|of|void|await))\s*$/;

function pieces(text: string): Piece[] {
  const found: Piece[] = [];
  const braces: number[] = []; // open braces inside of each `${` that is not closed
  let code = "";
  for (let at = 0; at < text.length;) {
    const piece = otherThanCode(text, at, code, braces);
    if (piece === undefined) {
      if (text[at] === "{" && braces.length > 0) braces[braces.length - 1]!++;
      if (text[at] === "}" && braces.length > 0) braces[braces.length - 1]!--;
      code += text[at++];
      continue;
    }
    found.push({ kind: "code", text: code }, piece);
    code = "";
    at += piece.text.length;
    if (piece.kind !== "string") continue;
    if (piece.text.startsWith("}")) braces.pop();
    if (/^[`}][^]*\$\{$/.test(piece.text)) braces.push(0);
  }
  return [...found, { kind: "code", text: code }];
}

function otherThanCode(
  text: string,
  at: number,
  code: string,
  braces: readonly number[],
): Piece | undefined {
  const char = text[at];
  if (char === '"' || char === "'") return match("string", STRING, text, at);
  if (char === "`" || (char === "}" && braces.at(-1) === 0)) {
    return match("string", TEMPLATE, text, at);
  }
  if (char !== "/") return undefined;
  const comment = match("comment", COMMENT, text, at);
  if (comment !== undefined) return comment;
  return BEFORE_REGEX.test(code) ? match("regex", REGEX, text, at) : undefined;
}

function match(kind: Kind, pattern: RegExp, text: string, at: number): Piece | undefined {
  pattern.lastIndex = at;
  const found = pattern.exec(text)?.[0];
  return found === undefined ? undefined : { kind, text: found };
}
