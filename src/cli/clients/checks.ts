/** What a client looks at before it runs a helper, and whether the helper then answers. */

import { decodeUtf8, encodeUtf8 } from "../../crypto/encoding.ts";
import { isPalyraError } from "../../errors.ts";
import type { App } from "../app.ts";
import type { Client, Place } from "./client.ts";
import { type PlaceFlags, placeOf, wrapperAt, wrapperOf } from "./place.ts";

/** One check. */
export interface ClientCheck {
  /** Public: add one, never rename one. */
  readonly id: "file" | "owner" | "mode" | "path" | "content" | "answer";
  readonly status: "ok" | "fail";
  readonly cause: string;
  readonly remedy: string;
}

/** Who is checked. */
export interface CheckRequest {
  readonly name: string;
  readonly client: Client;
  readonly flags: PlaceFlags;
}

const OTHERS_MAY_WRITE = 0o022;
const OWNER_MAY_RUN = 0o100;
const TIMEOUT_MS = 10_000;
const MAX_BYTES = 65_536;

/** All checks that make sense; where there is no wrapper that is the one that fails. */
export async function checkClient(app: App, request: CheckRequest): Promise<ClientCheck[]> {
  const { name, client, flags } = request;
  const place = placeOf(app, client, flags);
  const again = `palyra helper install ${name} writes it anew`;
  const found = app.platform.directories.inspect(place.path);
  if (found === undefined) return [failing("file", `there is no ${place.path}`, again)];
  if (found.kind !== "file") {
    return [failing("file", `${place.path} is no regular file`, "Remove it, and install it again")];
  }
  const mode = found.mode ?? EXECUTABLE;
  const isFit = (mode & OTHERS_MAY_WRITE) === 0 && (mode & OWNER_MAY_RUN) !== 0;
  return [
    passing("file", place.path),
    found.owner === "self"
      ? passing("owner", "it belongs to this user")
      : failing("owner", "it belongs to another user", again),
    isFit
      ? passing("mode", "it can be run, and others cannot write to it")
      : failing("mode", "its mode is not 0755", `chmod 755 ${place.path}`),
    checkPath(app, place),
    await checkContent(app, request, place),
    await checkAnswer(app, client, place),
  ];
}

const EXECUTABLE = 0o755;

function checkPath({ platform }: App, { path, directory }: Place): ClientCheck {
  try {
    platform.processes.requireSafe(path);
    return passing("path", "nobody else could exchange it");
  } catch (error) {
    if (!isPalyraError(error)) throw error;
    return failing("path", error.message, error.hint ?? `Install it elsewhere than ${directory}`);
  }
}

async function checkContent(
  app: App,
  { name, client, flags }: CheckRequest,
  place: Place,
): Promise<ClientCheck> {
  const again = `palyra helper install ${name} writes it anew`;
  try {
    const isCurrent = await wrapperAt(app, place) === await wrapperOf(app, name, client, flags);
    return isCurrent
      ? passing("content", "it runs this palyra, with this state root and config")
      : failing("content", "it runs another palyra, state root or config", again);
  } catch (error) {
    if (!isPalyraError(error)) throw error;
    return failing("content", error.message, error.hint ?? again);
  }
}

/** As the strictest client runs it: without any environment, somewhere else. */
async function checkAnswer(
  { platform }: App,
  client: Client,
  { path }: Place,
): Promise<ClientCheck> {
  const { args, stdin, statuses, output } = client.probe;
  try {
    const result = await platform.processes.run({
      argv: [path, ...args],
      env: {},
      cwd: "/",
      stdin: encodeUtf8(stdin),
      timeoutMs: TIMEOUT_MS,
      maxBytes: MAX_BYTES,
    });
    const isRight = result.failure === undefined && statuses.includes(result.status) &&
      output.test(decodeUtf8(result.stdout) ?? "\0");
    result.stdout.fill(0);
    if (isRight) return passing("answer", "it answers without any environment");
    const what = result.failure ?? `status ${result.status} in place of ${statuses.join(" or ")}`;
    return failing("answer", `it does not answer as it should: ${what}`, `Run it: ${path}`);
  } catch (error) {
    if (!isPalyraError(error)) throw error;
    return failing("answer", error.message, error.hint ?? `Run it: ${path}`);
  }
}

function passing(id: ClientCheck["id"], cause: string): ClientCheck {
  return { id, status: "ok", cause, remedy: "" };
}

function failing(id: ClientCheck["id"], cause: string, remedy: string): ClientCheck {
  return { id, status: "fail", cause, remedy };
}
