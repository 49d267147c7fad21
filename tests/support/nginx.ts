/** A real nginx that asks its clients for certificates, behind a socket file: no port is taken. */

import { runProcess } from "./process.ts";

/** What it is set up with; paths of PEM files. */
export interface NginxFiles {
  readonly certificate: string;
  readonly key: string;
  /** Whose certificates are let in. */
  readonly ca: string;
  /** Which of them are not. */
  readonly crl: string;
  /** Its clock is so far ahead, as `+2h`; needs libfaketime. */
  readonly clock?: string;
}

/** A running server. It answers 200, or 403 where the client's certificate is refused. */
export interface Nginx extends AsyncDisposable {
  readonly socket: string;
  /** Reads all files again; over when no worker is left that knows the old ones. */
  reload(): Promise<void>;
}

const PROGRAM = "/usr/sbin/nginx";
const LOOK_EVERY_MS = 20;
const PATIENCE_MS = 20_000;

/** Starts it in the foreground, with one worker. */
export async function startNginx(files: NginxFiles): Promise<Nginx> {
  const directory = Deno.makeTempDirSync({ prefix: "palyra-nginx-" });
  const socket = `${directory}/socket`;
  const config = `${directory}/nginx.conf`;
  Deno.writeTextFileSync(config, settings(directory, files));
  const child = new Deno.Command(PROGRAM, {
    args: ["-p", directory, "-c", config, "-e", `${directory}/error.log`],
    clearEnv: true,
    env: { PATH: "/usr/bin:/bin", ...clock(files.clock) },
    stdin: "null",
    stdout: "null",
    stderr: "null",
  }).spawn();
  let isOver = false;
  const over = child.status.then(() => isOver = true);
  const workers = async (): Promise<string> =>
    (await runProcess({ argv: ["/usr/bin/pgrep", "-P", `${child.pid}`] })).out.trim();
  const until = async (wanted: () => boolean | Promise<boolean>): Promise<void> => {
    for (const end = Date.now() + PATIENCE_MS; !await wanted();) {
      if (isOver || Date.now() > end) {
        throw new Error(Deno.readTextFileSync(`${directory}/error.log`));
      }
      await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY_MS));
    }
  };
  await until(async () => exists(socket) && /^\d+$/.test(await workers()));
  return {
    socket,
    reload: async () => {
      const before = await workers();
      child.kill("SIGHUP");
      await until(async () => {
        const now = await workers();
        return /^\d+$/.test(now) && now !== before;
      });
    },
    [Symbol.asyncDispose]: async () => {
      if (!isOver) child.kill("SIGTERM");
      await over;
      Deno.removeSync(directory, { recursive: true });
    },
  };
}

/** The library that gives a program another clock; `undefined` where it is not installed. */
export function clockLibrary(): string | undefined {
  for (const { name } of Deno.readDirSync("/usr/lib")) {
    const path = `/usr/lib/${name}/faketime/libfaketime.so.1`;
    if (exists(path)) return path;
  }
  return undefined;
}

function clock(ahead: string | undefined): Record<string, string> {
  if (ahead === undefined) return {};
  return { LD_PRELOAD: clockLibrary()!, FAKETIME: ahead, DONT_FAKE_MONOTONIC: "1" };
}

function settings(directory: string, { certificate, key, ca, crl }: NginxFiles): string {
  const temporary = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
    .map((name) => `  ${name}_temp_path ${directory}/${name};`);
  return `daemon off;
worker_processes 1;
${Deno.uid() === 0 ? "user root;" : ""}
env FAKETIME; # nginx clears its workers' environment
env DONT_FAKE_MONOTONIC;
pid ${directory}/pid;
events {}
http {
  access_log off;
${temporary.join("\n")}
  server {
    listen unix:${directory}/socket ssl;
    ssl_certificate ${certificate};
    ssl_certificate_key ${key};
    ssl_client_certificate ${ca};
    ssl_crl ${crl};
    ssl_verify_client on;
    ssl_session_cache off;
    ssl_session_tickets off;
    error_page 495 496 = @refused;
    location / { return 200 "$ssl_client_verify $ssl_client_serial $ssl_client_s_dn\\n"; }
    location @refused { return 403 "$ssl_client_verify\\n"; }
  }
}
`;
}

function exists(path: string): boolean {
  try {
    Deno.lstatSync(path);
    return true;
  } catch {
    return false;
  }
}
