/**
 * What is wrong with a PowerShell script that is to be handed over as one argument; it comes on
 * standard input, and the findings go to standard output as a JSON array. The syntax is read by
 * tree-sitter's grammar of PowerShell, which takes a misspelt keyword for a command.
 */

import process from "node:process";

/** What of tree-sitter is used here. */
interface SyntaxNode {
  readonly type: string;
  readonly text: string;
  readonly isMissing: boolean;
  readonly startPosition: { readonly row: number; readonly column: number };
  readonly children: readonly SyntaxNode[];
}

const LIBRARY: string = "@vscode/tree-sitter-wasm";
/** Command lines of Windows hold 32,767 characters. */
const MAX_LENGTH = 30_000;

const script = await new Response(Deno.stdin.readable).text();
const findings = [...nodesOf(await parse(script))].flatMap(findingsAt).concat(rulesBroken(script));
process.stdout.write(JSON.stringify(findings));

async function parse(text: string): Promise<SyntaxNode> {
  const { Parser, Language } = (await import(LIBRARY)).default;
  await Parser.init();
  const grammar = new URL(import.meta.resolve(`${LIBRARY}/wasm/tree-sitter-powershell.wasm`));
  const parser = new Parser();
  parser.setLanguage(await Language.load(Deno.readFileSync(grammar)));
  return parser.parse(text).rootNode;
}

function* nodesOf(node: SyntaxNode): Generator<SyntaxNode> {
  yield node;
  for (const child of node.children) yield* nodesOf(child);
}

function findingsAt(
  { type, text, isMissing, startPosition: { row, column } }: SyntaxNode,
): string[] {
  const place = `line ${row + 1}, column ${column + 1}`;
  if (type === "ERROR") return [`${place}: cannot be parsed`];
  if (isMissing) return [`${place}: ${type} is missing`];
  const isInput = type === "variable" && /^[$@]\{?(?:\w+:)?input\}?$/i.test(text);
  return isInput ? [`${place}: uses $input, so that the host swallows standard input`] : [];
}

function rulesBroken(text: string): string[] {
  return [
    // deno-lint-ignore no-control-regex -- all of ASCII, and nothing else
    ...(/^[\x00-\x7f]*$/.test(text) ? [] : ["holds characters outside ASCII"]),
    ...(text.includes('"') ? ["holds a double quote"] : []),
    ...(text.length > MAX_LENGTH ? [`is longer than ${MAX_LENGTH} characters`] : []),
  ];
}
