/** BSD `getopt`, as far as macOS `security` uses it. */

/** The options of a command, and the words behind them. */
export interface Options {
  readonly flags: ReadonlySet<string>;
  readonly values: ReadonlyMap<string, string>;
  /** The option that ends the reading, because it is unknown or its value is not there. */
  readonly wrong: { readonly letter: string; readonly lacksValue: boolean } | undefined;
  readonly rest: readonly string[];
}

/** Reads options up to the first word that is none; `spec` is that of `getopt`. */
export function getopt(args: readonly string[], spec: string): Options {
  const flags = new Set<string>();
  const values = new Map<string, string>();
  let at = 0;
  for (; at < args.length; at++) {
    const word = args[at]!;
    if (word === "--") {
      at++;
      break;
    }
    if (!word.startsWith("-") || word === "-") break;
    for (let place = 1; place < word.length; place++) {
      const letter = word[place]!;
      const known = letter === ":" ? -1 : spec.indexOf(letter);
      if (known >= 0 && spec[known + 1] !== ":") {
        flags.add(letter);
        continue;
      }
      const value = word.slice(place + 1) || args[at + 1];
      if (known < 0 || value === undefined) {
        return { flags, values, wrong: { letter, lacksValue: known >= 0 }, rest: [] };
      }
      values.set(letter, value);
      if (place + 1 === word.length) at++;
      break;
    }
  }
  return { flags, values, wrong: undefined, rest: args.slice(at) };
}
