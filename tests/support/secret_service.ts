/** A real Secret Service without a desktop: a D-Bus session and a gnome-keyring that nobody else uses. */

import { pathsBelow } from "./file_trees.ts";
import { type Ended, feed, runProcess } from "./process.ts";

/**
 * - `unlocked`: an open keyring without items
 * - `locked`: a keyring with one item, `SEED`, locked after it was stored
 * - `nokeyring`: a service, but no keyring was ever made
 * - `noservice`: a bus on which nothing offers the Secret Service
 * - `nobus`: no D-Bus at all
 */
export type ServiceMode = "unlocked" | "locked" | "nokeyring" | "noservice" | "nobus";

/** Attributes of an item, as `secret-tool` takes them: name and value in turn. */
export type Attributes = readonly string[];

/** Choices that most tests leave alone. */
export interface ServiceOptions {
  /** Attributes of the item in a keyring that starts locked; `SEED` by default. */
  readonly seed?: Attributes | undefined;
  /**
   * What becomes of a dialog that the keyring wants to open: it fails for lack of a display, or
   * stands on a screen where nobody answers it. `fails` by default.
   */
  readonly dialog?: "fails" | "waits" | undefined;
  /** Where the programs are; `/usr/bin` by default. */
  readonly programs?: string | undefined;
}

/** A running Secret Service; disposing of it kills all its processes and removes its directory. */
export interface SecretService extends AsyncDisposable {
  /** Everything that it keeps; gone after disposal. */
  readonly directory: string;
  /** Variables for programs that are to meet this service and no other. */
  readonly env: Readonly<Record<string, string>>;
  /** Runs the real `secret-tool`. */
  tool(args: readonly string[], stdin?: string): Promise<Ended>;
  /** Locks the keyring, as a desktop does after a while. */
  lock(): Promise<void>;
  /** Opens it again, by a daemon that takes the place of the one that runs. */
  unlock(): Promise<void>;
  /**
   * Ends the daemon without warning. The next call starts another one by way of the bus: its
   * keyring is locked, and it knows of its items hashed attributes only.
   */
  kill(): Promise<void>;
  /** Ends bus and daemon without warning: nothing answers any more. */
  killBus(): Promise<void>;
  /** Lets the daemon hang: calls are taken and never answered. */
  stop(): Promise<void>;
  /** Lets it go on. */
  cont(): Promise<void>;
  /** How many items have these attributes, locked ones included; by default those of palyra. */
  items(attributes?: Attributes): Promise<number>;
  /**
   * All bytes that rest in files, and all that the tool tells of palyra's items. It asks to unlock
   * them, and so takes ten seconds where a dialog waits.
   */
  dump(): Promise<Uint8Array>;
  /** A new, open keyring without items takes the place of the old one. */
  wipe(): Promise<void>;
  /** Process ids of all that was started and still runs. */
  running(): number[];
}

/** Attributes of the item in a keyring that starts locked. */
export const SEED: Attributes = ["application", "palyra", "kind", "seed"];

const OF_PALYRA: Attributes = ["application", "palyra"];
const PASSWORD = "test-only-password";
const PACKAGES = "dbus dbus-bin dbus-daemon gnome-keyring libsecret-tools";
const CALL_TIMEOUT_MS = 10_000;
const PATIENCE_MS = 60_000;
const LOOK_EVERY_MS = 10;
/** A new daemon has its keyring open within a moment, or not at all. */
const UNLOCKED_MS = 15_000;
const MOST_DAEMONS = 4;
const SERVICE = "org.freedesktop.secrets";
const ROOT_OBJECT = "/org/freedesktop/secrets";
const LOGIN = `${ROOT_OBJECT}/collection/login`;

/** Starts one; it answers when this resolves. */
export async function startSecretService(
  mode: ServiceMode,
  { seed = SEED, dialog = "fails", programs = "/usr/bin" }: ServiceOptions = {},
): Promise<SecretService> {
  await requirePrograms(programs);
  const directory = Deno.realPathSync(Deno.makeTempDirSync({ prefix: "palyra-test-" }));
  const offspring = makeOffspring();
  const dispose = async (): Promise<void> => {
    try {
      await offspring.end();
    } finally {
      if (exists(directory)) Deno.removeSync(directory, { recursive: true });
    }
  };
  try {
    const home = makeHome(directory);
    if (mode === "nobus") return serviceOf({ directory, env: home, programs, offspring, dispose });
    const config = writeBusConfig(directory, mode === "noservice" ? undefined : dialog, programs);
    const bus = offspring.start([`${programs}/dbus-daemon`, ...busWords(config)], home);
    const address = await bus.firstLine();
    const env = { ...home, DBUS_SESSION_BUS_ADDRESS: address };
    const service = serviceOf({ directory, env, programs, offspring, dispose });
    if (mode === "nokeyring") await service.items(); // so that no test waits for its activation
    if (mode === "unlocked" || mode === "locked") await service.unlock();
    if (mode === "locked") {
      const { status, err } = await service.tool(["store", "--label=seeded", ...seed], "seeded");
      if (status !== 0) throw new Error(`Cannot store the item of a locked keyring: ${err}`);
      await service.lock();
    }
    return service;
  } catch (error) {
    await dispose();
    throw error;
  }
}

interface Parts {
  readonly directory: string;
  readonly env: Readonly<Record<string, string>>;
  readonly programs: string;
  readonly offspring: Offspring;
  readonly dispose: () => Promise<void>;
}

function serviceOf({ directory, env, programs, offspring, dispose }: Parts): SecretService {
  const run = (program: string, args: readonly string[], stdin?: string): Promise<Ended> =>
    runProcess({
      argv: [`${programs}/${program}`, ...args],
      env,
      stdin,
      timeoutMs: CALL_TIMEOUT_MS,
    });
  const tool: SecretService["tool"] = (args, stdin) => run("secret-tool", args, stdin);
  const ask = (to: string, object: string, ...words: readonly string[]): Promise<Ended> =>
    run("dbus-send", ["--session", "--print-reply=literal", `--dest=${to}`, object, ...words]);
  const daemonId = async (): Promise<number | undefined> => {
    const words = ["org.freedesktop.DBus.GetConnectionUnixProcessID", `string:${SERVICE}`];
    const { out } = await ask("org.freedesktop.DBus", "/", ...words);
    const id = /^ *uint32 (\d+)/.exec(out)?.[1];
    return id === undefined ? undefined : Number(id);
  };
  const signalDaemon = async (signal: Deno.Signal): Promise<void> => {
    const id = await daemonId();
    if (id === undefined) throw new Error(`Cannot send ${signal}: no daemon offers the service`);
    if (!offspring.running().includes(id)) throw new Error(`Process ${id} is none of ours`);
    Deno.kill(id, signal);
  };
  const isLocked = async (): Promise<boolean | undefined> => {
    const words = ["string:org.freedesktop.Secret.Collection", "string:Locked"];
    const { out } = await ask(SERVICE, LOGIN, "org.freedesktop.DBus.Properties.Get", ...words);
    return { true: true, false: false }[/boolean (true|false)/.exec(out)?.[1] ?? ""];
  };
  const comesTrue = async (isSo: () => Promise<boolean>, withinMs: number): Promise<boolean> => {
    const end = Date.now() + withinMs;
    while (!await isSo()) {
      if (/AT_SECURE/.test(offspring.said())) throw new Error(capabilityText(programs));
      if (Date.now() > end) return false;
      await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY_MS));
    }
    return true;
  };
  const until = async (what: string, isSo: () => Promise<boolean>): Promise<void> => {
    if (await comesTrue(isSo, PATIENCE_MS)) return;
    throw new Error(`It never came true that ${what}: ${offspring.said()}`);
  };
  const stores = async (): Promise<boolean> => {
    const attributes = ["palyra-probe", crypto.randomUUID()];
    if ((await tool(["store", "--label=probe", ...attributes], "ok")).status !== 0) return false;
    const { out } = await tool(["lookup", ...attributes]);
    await tool(["clear", ...attributes]);
    return out === "ok";
  };
  const kill = async (): Promise<void> => {
    const id = await daemonId();
    await signalDaemon("SIGKILL");
    await until(
      "the daemon has gone",
      async () => await daemonId() !== id && !offspring.running().includes(id!),
    );
  };
  const replaceDaemon = async (): Promise<void> => {
    const words = ["--replace", "--unlock", "--foreground", "--components=secrets"];
    const before = await daemonId();
    const daemon = offspring.start([`${programs}/gnome-keyring-daemon`, ...words], env, PASSWORD);
    // A call before the daemon owns its name would make the bus start another one beside it.
    await until("the new daemon has its name", async () => await daemonId() === daemon.id);
    await until(
      "the daemon before it has gone",
      () => Promise.resolve(before === undefined || !offspring.running().includes(before)),
    );
    await until("the keyring keeps what is stored", stores);
  };
  const unlock = async (): Promise<void> => {
    for (let daemons = 1; daemons <= MOST_DAEMONS; daemons++) {
      await replaceDaemon();
      // It keeps items a moment before the bus has its collection under the name that is asked here. One
      // whose caller goes while it answers can break ("assertion 'client' failed") and never has it.
      if (await comesTrue(async () => await isLocked() === false, UNLOCKED_MS)) return;
    }
    throw new Error(`The keyring was never unlocked: ${offspring.said()}`);
  };
  return {
    directory,
    env,
    tool,
    unlock,
    kill,
    lock: async () => {
      // Not `secret-tool lock`, which crashes in 0.20.5.
      await ask(
        SERVICE,
        ROOT_OBJECT,
        "org.freedesktop.Secret.Service.Lock",
        `array:objpath:${LOGIN}`,
      );
      if (await isLocked() !== true) throw new Error("The keyring cannot be locked");
    },
    killBus: () => offspring.end(),
    stop: () => signalDaemon("SIGSTOP"),
    cont: () => signalDaemon("SIGCONT"),
    items: async (attributes = OF_PALYRA) => {
      const { status, out, err } = await tool(["search", "--all", ...attributes]);
      if (status !== 0) throw new Error(`Cannot count the items: ${err}`);
      return [...out.matchAll(/^\[.*\]$/gm)].length;
    },
    dump: async () => {
      const data = env["XDG_DATA_HOME"]!;
      const files = pathsBelow(data).map((path) => `${data}/${path}`)
        .filter((path) => Deno.statSync(path).isFile);
      const told = await tool(["search", "--all", "--unlock", ...OF_PALYRA]);
      const parts = [...files.map((path) => Deno.readFileSync(path)), told.stdout, told.stderr];
      return new Uint8Array(await new Blob(parts as Uint8Array<ArrayBuffer>[]).arrayBuffer());
    },
    wipe: async () => {
      if (await daemonId() !== undefined) await kill();
      const keyrings = `${env["XDG_DATA_HOME"]}/keyrings`;
      if (exists(keyrings)) Deno.removeSync(keyrings, { recursive: true });
      await unlock();
    },
    running: () => offspring.running(),
    [Symbol.asyncDispose]: dispose,
  };
}

/** Fails, and does not skip, where a program is missing: no release without the real one. */
async function requirePrograms(programs: string): Promise<void> {
  const needed = ["dbus-daemon", "dbus-send", "gnome-keyring-daemon", "secret-tool"];
  const missing = needed.filter((name) => !exists(`${programs}/${name}`));
  if (missing.length > 0) {
    throw new Error(`${missing.join(", ")} not found in ${programs}: install ${PACKAGES}`);
  }
  try {
    await runProcess({ argv: [`${programs}/gnome-keyring-daemon`, "--version"] });
  } catch (error) {
    if (!/Operation not permitted/.test(String(error))) throw error;
    throw new Error(capabilityText(programs));
  }
}

/** With this capability a container may not run it, and for an ordinary user it finds no bus. */
function capabilityText(programs: string): string {
  const daemon = `${programs}/gnome-keyring-daemon`;
  return `Cannot use ${daemon} (Operation not permitted, or it finds no bus): its file has the ` +
    `capability cap_ipc_lock; remove it by setcap -r ${daemon}, or allow it by --cap-add IPC_LOCK`;
}

function exists(path: string): boolean {
  try {
    Deno.statSync(path);
    return true;
  } catch {
    return false;
  }
}

/** The variables of a user with an empty home; bus and daemon must share the runtime directory. */
function makeHome(directory: string): Record<string, string> {
  const places = {
    HOME: "home",
    XDG_DATA_HOME: "data",
    XDG_CONFIG_HOME: "config",
    XDG_CACHE_HOME: "cache",
    XDG_STATE_HOME: "state",
    XDG_RUNTIME_DIR: "run",
  };
  const env: Record<string, string> = { PATH: "/usr/bin:/bin", LC_ALL: "C" };
  for (const [variable, name] of Object.entries(places)) {
    env[variable] = `${directory}/${name}`;
    Deno.mkdirSync(env[variable], { mode: 0o700 });
  }
  return env;
}

function busWords(config: string): string[] {
  return [`--config-file=${config}`, "--nofork", "--print-address"];
}

/** A bus that starts this keyring for whoever asks, and a dialog that nobody can answer. */
function writeBusConfig(
  directory: string,
  dialog: "fails" | "waits" | undefined,
  programs: string,
): string {
  const services = `${directory}/services`;
  if (dialog !== undefined) {
    Deno.mkdirSync(services);
    const keyring = `${programs}/gnome-keyring-daemon --start --foreground --components=secrets`;
    writeServiceFile(services, SERVICE, keyring);
    const prompter = dialog === "waits" ? "/bin/sleep 600" : "/bin/false";
    writeServiceFile(services, "org.gnome.keyring.SystemPrompter", prompter);
  }
  const config = `${directory}/bus.conf`;
  Deno.writeTextFileSync(
    config,
    `<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig>
  <type>session</type>
  <listen>unix:path=${directory}/bus.socket</listen>
  <auth>EXTERNAL</auth>
  ${dialog === undefined ? "" : `<servicedir>${services}</servicedir>`}
  <policy context="default">
    <allow send_destination="*" eavesdrop="true"/>
    <allow eavesdrop="true"/>
    <allow own="*"/>
  </policy>
  <limit name="service_start_timeout">600000</limit>
</busconfig>
`,
  );
  return config;
}

function writeServiceFile(services: string, name: string, command: string): void {
  const text = `[D-BUS Service]\nName=${name}\nExec=${command}\n`;
  Deno.writeTextFileSync(`${services}/${name}.service`, text);
}

/** Processes in sessions of their own, by which all that they start in turn is found again. */
interface Offspring {
  start(argv: readonly string[], env: Readonly<Record<string, string>>, stdin?: string): Started;
  running(): number[];
  /** What they wrote, for errors. */
  said(): string;
  /** Kills all, and waits until they are gone. */
  end(): Promise<void>;
}

interface Started {
  readonly id: number;
  firstLine(): Promise<string>;
}

function makeOffspring(): Offspring {
  const sessions = new Set<number>();
  const ends: Promise<unknown>[] = [];
  let said = "";
  const running = (): number[] => processesOf(sessions);
  const start: Offspring["start"] = ([program, ...args], env, stdin) => {
    const child = new Deno.Command(program!, {
      args,
      env: { ...env },
      clearEnv: true,
      detached: true, // setsid
      stdin: stdin === undefined ? "null" : "piped",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
    sessions.add(child.pid);
    let out = "";
    let heard = Promise.withResolvers<void>();
    const read = async (stream: ReadableStream<Uint8Array>, isOut: boolean): Promise<void> => {
      const decoder = new TextDecoder();
      for await (const chunk of stream) {
        const text = decoder.decode(chunk, { stream: true });
        said += text;
        if (isOut) out += text;
        heard.resolve();
        heard = Promise.withResolvers();
      }
    };
    ends.push(
      read(child.stdout, true),
      read(child.stderr, false),
      child.status.then(() => {
        // Nobody may be killed who gets the number of a session that is over.
        if (processesOf(new Set([child.pid])).length === 0) sessions.delete(child.pid);
        heard.resolve();
      }),
    );
    if (stdin !== undefined) ends.push(feed(child.stdin, stdin));
    const firstLine = async (): Promise<string> => {
      while (!out.includes("\n")) {
        if (!sessions.has(child.pid)) throw new Error(`Cannot start ${program}: ${said}`);
        await heard.promise;
      }
      return out.slice(0, out.indexOf("\n"));
    };
    return { id: child.pid, firstLine };
  };
  const end = async (): Promise<void> => {
    const limit = Date.now() + PATIENCE_MS;
    for (let left = running(); left.length > 0; left = running()) {
      if (Date.now() > limit) throw new Error(`Processes ${left.join(", ")} cannot be killed`);
      for (const id of left) killIfThere(id);
      await new Promise((resolve) => setTimeout(resolve, 1));
    }
    await Promise.all(ends);
    sessions.clear();
  };
  return { start, running, said: () => said, end };
}

function killIfThere(id: number): void {
  try {
    Deno.kill(id, "SIGKILL");
  } catch { /* it has just ended */ }
}

/** Living processes of sessions, read from `/proc`, which tells this to every user. */
function processesOf(sessions: ReadonlySet<number>): number[] {
  return [...Deno.readDirSync("/proc")].map(({ name }) => Number(name))
    .filter((id) => id > 1 && sessions.has(sessionOf(id) ?? 0));
}

function sessionOf(id: number): number | undefined {
  try {
    const stat = Deno.readTextFileSync(`/proc/${id}/stat`);
    const [state, , , session] = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    return state === "Z" || state === "X" ? undefined : Number(session);
  } catch {
    return undefined; // it has just ended
  }
}
