/** The seam to the command framework: its context, and how a command's function is loaded and called. */

import type {
  CommandContext as FrameworkContext,
  CommandFunction,
  TypedPositionalParameter,
} from "@stricli/core";
import type { App } from "./app.ts";
import { oneOf, type Propose } from "./candidates.ts";
import type { View } from "./view.ts";

/** What the framework hands to a command: the app, and where the outcome goes. */
export interface CommandContext extends FrameworkContext {
  readonly app: App;
  outcome: Outcome | undefined;
  /** While a command line is completed: its words before the one that is being typed. */
  readonly typed?: readonly string[];
}

/** How a command ended. */
export type Outcome = { readonly view: View } | { readonly error: unknown };

/** Flags of a command that has none of its own. */
export type NoFlags = Readonly<Record<never, never>>;

/** A command: arguments in, one view out. It neither prints nor exits. */
export type Command<FLAGS, ARGS extends readonly unknown[]> = (
  app: App,
  flags: FLAGS,
  ...args: ARGS
) => View | Promise<View>;

/** Loads a command when it is called, and keeps its outcome from the framework's own printing. */
export function load<
  FLAGS extends Readonly<Partial<Record<keyof FLAGS, unknown>>>,
  ARGS extends readonly unknown[],
>(
  loader: () => Promise<Command<FLAGS, ARGS>>,
): () => Promise<CommandFunction<FLAGS, ARGS, CommandContext>> {
  return async () => {
    const command = await loader();
    return async function (this: CommandContext, flags: FLAGS, ...args: ARGS): Promise<void> {
      try {
        this.outcome = { view: await command(this.app, flags, ...args) };
      } catch (error) {
        this.outcome = { error };
      }
    };
  };
}

/** A positional argument that must be given; the command itself checks it. */
export function required(
  placeholder: string,
  brief: string,
  propose: Propose = oneOf([]),
): TypedPositionalParameter<string, CommandContext> {
  return { placeholder, brief, parse: String, proposeCompletions: propose };
}

/** A positional argument that may be left out. */
export function optional(
  placeholder: string,
  brief: string,
  propose: Propose = oneOf([]),
): TypedPositionalParameter<string | undefined, CommandContext> {
  return { placeholder, brief, parse: String, optional: true, proposeCompletions: propose };
}
