/** Where the wrapper of a client stands, and what is there now. */

import { decodeUtf8 } from "../../crypto/encoding.ts";
import { PalyraError } from "../../errors.ts";
import type { App } from "../app.ts";
import type { Client, Place } from "./client.ts";
import { formatWrapper, isWrapper } from "./wrapper.ts";

/** Flags that say where a wrapper is, and what is in it. */
export interface PlaceFlags {
  readonly dir?: string | undefined;
  readonly label?: string | undefined;
}

const DIRECTORY = ".local/bin";
const MAX_BYTES = 65_536;

/** The place. Throws `usage` where it cannot be told. */
export function placeOf(
  { platform: { environment } }: App,
  client: Client,
  { dir }: PlaceFlags,
): Place {
  if (/\p{Cc}/u.test(dir ?? "")) {
    throw new PalyraError("usage", "Cannot use --dir: it holds a control character");
  }
  const directory = dir === undefined
    ? inHome(environment.get("HOME"), client)
    : absolute(environment, dir);
  return { directory, path: `${directory}/${client.file}` };
}

/** The wrapper as it should be now. Throws `precondition` without a config that could map anything. */
export async function wrapperOf(
  app: App,
  name: string,
  client: Client,
  { label }: PlaceFlags,
): Promise<string> {
  const { findOwnConfig } = await import("../../config/location.ts");
  const config = await findOwnConfig(app.platform, app.options.config);
  if (config === undefined) {
    throw new PalyraError(
      "precondition",
      "Cannot install: there is no config that names anything",
      {
        hint: "palyra config path tells where it would be; or name one with --config",
      },
    );
  }
  if (label !== undefined && client.label === undefined) {
    throw new PalyraError("usage", "Cannot use --label: this client names what it wants itself");
  }
  const program = (await app.platform.ownProgram())();
  return formatWrapper(name, client, {
    program,
    stateRoot: app.stateRoot,
    config: config.path,
    label,
  });
}

/** The wrapper that is there; `undefined` when there is nothing. Throws `precondition` for what is none. */
export async function wrapperAt({ platform }: App, { path }: Place): Promise<string | undefined> {
  const found = platform.directories.inspect(path);
  if (found === undefined) return undefined;
  if (found.kind === "file") {
    const text = decodeUtf8(await platform.userFiles.read(path, MAX_BYTES));
    if (text !== undefined && isWrapper(text)) return text;
  }
  throw new PalyraError(
    "precondition",
    `Cannot use ${path}: palyra has not written what stands there`,
    {
      hint: "Choose another directory with --dir",
    },
  );
}

function inHome(home: string | undefined, client: Client): string {
  if (home?.startsWith("/")) return `${home.replace(/\/+$/, "")}/${client.directory ?? DIRECTORY}`;
  throw new PalyraError("usage", "Cannot find a place for the wrapper: HOME is not set", {
    hint: "Name one with --dir",
  });
}

function absolute(environment: App["platform"]["environment"], path: string): string {
  const whole = path.startsWith("/") ? path : `${environment.workingDirectory()}/${path}`;
  return whole.replace(/\/+$/, "") || "/";
}
