/**
 * The short way to the commands that other programs run often: `resolve`, `secrets get`, `helper`, `auth
 * token`. It takes only command lines whose meaning is plain; everything else, help and mistakes included, goes
 * through the framework, which costs some milliseconds to load.
 */

import type { App } from "./app.ts";
import type { View } from "./view.ts";

/** Runs the command; `undefined` when the framework has to look at the command line. */
export function runShortWay(app: App, args: readonly string[]): Promise<View> | undefined {
  const [first, second, ...others] = args;
  if (first === "resolve") return resolveDirectly(app, args.slice(1));
  if (first === "secrets" && second === "get") return getDirectly(app, others);
  if (first === "auth" && second === "token") return tokenDirectly(app, others);
  if (first === "helper" && second !== undefined) return serveDirectly(app, second, others);
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

function tokenDirectly(app: App, [id, ...more]: readonly string[]): Promise<View> | undefined {
  if (id === undefined || more.length > 0 || isFlag(id)) return undefined;
  return import("./commands/auth_token.ts").then(({ authToken }) => authToken(app, {}, id));
}

/** Arguments of other programs are theirs; a person gets help, and commands are for the framework. */
function serveDirectly(
  app: App,
  protocol: string,
  args: readonly string[],
): Promise<View> | undefined {
  if (isFlag(protocol) || NO_PROTOCOLS.includes(protocol)) return undefined;
  if (args.length === 1 && /^(?:-h|--help)$/.test(args[0]!)) return undefined;
  return import("./protocols/serve.ts").then(({ serve }) => serve(app, protocol, args));
}

/** Commands under `palyra helper` that are for people. */
const NO_PROTOCOLS: readonly string[] = ["list", "explain", "install", "uninstall", "check"];

function isFlag(arg: string): boolean {
  return arg.startsWith("-");
}
