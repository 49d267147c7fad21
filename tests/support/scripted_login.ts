/** An authorization server that answers as a test says, byte by byte if need be, and a person who logs in there. */

import type { CliOptions, CliResult, Machine } from "./cli_run.ts";
import { readRequest } from "./web_servers.ts";

/** A request that arrived. */
export interface SeenRequest {
  readonly path: string;
  /** The head of the request as it came. */
  readonly head: string;
  readonly form: URLSearchParams;
}

/** What a server does with a request: the text of a whole answer, or whatever it writes itself. */
export type Talk = (
  seen: SeenRequest,
  write: (text: string) => Promise<void>,
) => string | void | Promise<string | void>;

/** The server. */
export interface ScriptedServer extends AsyncDisposable {
  readonly issuer: string;
  /** By path, in place of the usual answers. */
  readonly talks: Map<string, Talk>;
  readonly seen: SeenRequest[];
}

/** Where a server is, and how. */
export interface ScriptedPlace {
  /** The name in its issuer; by default its address, 127.0.0.1. */
  readonly name?: string;
  /** PEM texts; without them it speaks plain HTTP. */
  readonly tls?: { readonly cert: string; readonly key: string };
}

/** The text of an answer in JSON. */
export function json(document: unknown, status = 200, more = ""): string {
  return plain(JSON.stringify(document), status, `content-type: application/json\r\n${more}`);
}

/** The text of an answer. */
export function plain(body: string, status = 200, headers = ""): string {
  const { length } = new TextEncoder().encode(body);
  return `HTTP/1.1 ${status} X\r\n${headers}content-length: ${length}\r\n\r\n${body}`;
}

/** Starts it. Its usual answers are those of a server that gives `usual` to whoever asks. */
export function startScriptedServer(
  usual: Readonly<Record<string, unknown>>,
  { name = "127.0.0.1", tls }: ScriptedPlace = {},
): ScriptedServer {
  const place = { hostname: "127.0.0.1", port: 0 };
  const listener = tls === undefined ? Deno.listen(place) : Deno.listenTls({ ...place, ...tls });
  const { port } = listener.addr as Deno.NetAddr;
  const issuer = `${tls === undefined ? "http" : "https"}://${name}:${port}`;
  const talks = new Map<string, Talk>();
  const seen: SeenRequest[] = [];
  const open = new Set<Deno.Conn>();
  const usually: Readonly<Record<string, unknown>> = {
    "/.well-known/openid-configuration": metadataOf(issuer),
    "/device": {
      device_code: "device-code",
      user_code: "WDJB-MJHT",
      verification_uri: `${issuer}/activate`,
      expires_in: 60,
      interval: 1,
    },
    "/token": usual,
    "/revoke": {},
    "/v1/models": { data: [] },
  };
  async function serve(connection: Deno.Conn): Promise<void> {
    const write = async (text: string): Promise<void> => {
      const bytes = new TextEncoder().encode(text);
      for (let at = 0; at < bytes.length;) at += await connection.write(bytes.subarray(at));
    };
    const request = await readWhole(connection);
    if (request === undefined) return;
    seen.push(request);
    const answer = usually[request.path];
    const talk = talks.get(request.path) ??
      (() => answer === undefined ? plain("", 404) : json(answer));
    const text = await talk(request, write);
    if (typeof text === "string") await write(text);
  }
  const serving: Promise<void>[] = [];
  const accepting = (async () => {
    for await (const connection of listener) {
      open.add(connection);
      serving.push(
        serve(connection).catch(() => {}).finally(() => {
          open.delete(connection);
          closeQuietly(connection);
        }),
      );
    }
  })().catch(() => {});
  return {
    issuer,
    talks,
    seen,
    async [Symbol.asyncDispose](): Promise<void> {
      listener.close();
      for (const connection of [...open]) closeQuietly(connection);
      await accepting;
      await Promise.all(serving);
    },
  };
}

/** What it says of itself. */
export function metadataOf(issuer: string): Record<string, unknown> {
  return {
    issuer,
    authorization_endpoint: `${issuer}/authorize`,
    token_endpoint: `${issuer}/token`,
    device_authorization_endpoint: `${issuer}/device`,
    revocation_endpoint: `${issuer}/revoke`,
    authorization_response_iss_parameter_supported: true,
    token_endpoint_auth_methods_supported: ["client_secret_post", "client_secret_basic"],
  };
}

/** How a login by pasting went. */
export interface PastedLogin {
  readonly result: CliResult;
  /** Where the person was sent; `undefined` when nobody was sent anywhere. */
  readonly asked: URL | undefined;
}

/**
 * Logs in with `--paste`; `change` may alter the address that comes back, once it has been seen where to
 * go, and the login waits for it.
 */
export async function pasteLogin(
  machine: Machine,
  args: readonly string[],
  { issuer, change = () => {}, ...options }: CliOptions & {
    readonly issuer: string;
    readonly change?: (back: URL, asked: URL) => void | Promise<void>;
  },
): Promise<PastedLogin> {
  const child = await machine.spawn(["auth", "login", ...args, "--paste"], {
    ...options,
    stdin: "",
  });
  let stderr = "";
  let asked: URL | undefined;
  const talking = (async () => {
    const writer = child.stdin.getWriter();
    for await (const text of child.stderr.pipeThrough(new TextDecoderStream())) {
      stderr += text;
      const found = /browser: (\S+)\n/.exec(stderr)?.[1];
      if (found === undefined || asked !== undefined) continue;
      asked = new URL(found);
      const back = new URL(asked.searchParams.get("redirect_uri")!);
      back.searchParams.set("code", "canary-code-of-the-login");
      back.searchParams.set("state", asked.searchParams.get("state")!);
      back.searchParams.set("iss", issuer);
      await change(back, asked);
      await writer.write(new TextEncoder().encode(`${back.href}\n`)).catch(() => {});
      await writer.close().catch(() => {});
    }
    if (asked === undefined) await writer.close().catch(() => {});
  })();
  const bytes = await new Response(child.stdout).bytes();
  await talking;
  const { code } = await child.status;
  const stdout = new TextDecoder().decode(bytes);
  return { result: { status: code, bytes, stdout, stderr }, asked };
}

async function readWhole(connection: Deno.Conn): Promise<SeenRequest | undefined> {
  let text = await readRequest(connection);
  const end = text.indexOf("\r\n\r\n");
  if (end < 0) return undefined;
  const head = text.slice(0, end);
  const length = Number(/^content-length: (\d+)/im.exec(head)?.[1] ?? 0);
  while (text.length < end + 4 + length) {
    const piece = new Uint8Array(65_536);
    const read = await connection.read(piece);
    if (read === null) return undefined;
    text += new TextDecoder().decode(piece.subarray(0, read));
  }
  const path = head.split(" ")[1]!.replace(/\?.*/, "");
  return { path, head, form: new URLSearchParams(text.slice(end + 4)) };
}

function closeQuietly(connection: Deno.Conn): void {
  try {
    connection.close();
  } catch { /* closed by the talk */ }
}
