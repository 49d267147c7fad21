/**
 * The short way to the commands that other programs run often: `resolve` and `secrets get`. It takes
 * only command lines whose meaning is plain; everything else, help and mistakes included, goes
 * through the framework, which costs some milliseconds to load.
 */

import type { App } from "./app.ts";
import type { View } from "./view.ts";

/** Runs the command; `undefined` when the framework has to look at the command line. */
export function runShortWay(app: App, args: readonly string[]): Promise<View> | undefined {
  const [first, second, ...others] = args;
  if (first === "resolve") return resolveDirectly(app, args.slice(1));
  if (first === "secrets" && second === "get") return getDirectly(app, others);
  return undefined;
}

function resolveDirectly(app: App, args: readonly string[]): Promise<View> | undefined {
  if (args.length === 0 || args.some(isFlag)) return undefined;
  return import("./commands/resolve.ts").then(({ resolve }) => resolve(app, {}, ...args));
}

function getDirectly(app: App, args: readonly string[]): Promise<View> | undefined {
  const [first, second, ...more] = args.filter((arg) => arg !== "--reveal");
  if (first === undefined || more.length > 0) return undefined;
  const switches = args.length - (second === undefined ? 1 : 2);
  if (switches > 1 || isFlag(first) || (second !== undefined && isFlag(second))) return undefined;
  const flags = { reveal: switches === 1 };
  return import("./commands/secrets_get.ts").then(({ secretsGet }) =>
    secretsGet(app, flags, first, second)
  );
}

function isFlag(arg: string): boolean {
  return arg.startsWith("-");
}
