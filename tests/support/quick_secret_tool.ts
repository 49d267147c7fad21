/**
 * A Secret Service of files, without a process: as quick as tests with hundreds of calls need it, and
 * shared by all processes that name the same directory.
 */

import { denoPlatform } from "../../src/platform/deno/platform.ts";
import type { Platform, ProcessRequest, ProcessResult } from "../../src/platform/platform.ts";

/** A call of the tool. */
export type Verb = "store" | "search" | "clear" | "lookup";

/** What a call does in place of its work: `false` says that it is to do it. */
export type Interruption = (verb: Verb, attributes: string) => Promise<Partial<Spoken> | false>;

interface Spoken {
  readonly status: number;
  readonly out: string;
  readonly err: string;
}

/** A platform whose Secret Service is a directory. */
export interface QuickService {
  readonly platform: Platform;
  /** Verbs of all calls so far. */
  readonly calls: Verb[];
  /** Kind and text of every item; the tests alter and remove them here. */
  items(): Map<string, string>;
  set(key: string, text: string | undefined): void;
  /** Asked before each call. */
  interrupt: Interruption;
}

/** Opens one; the directory is there. */
export function openQuickService(
  directory: string,
  platform: Platform = denoPlatform,
): QuickService {
  const calls: Verb[] = [];
  const run = async (request: ProcessRequest): Promise<ProcessResult> => {
    const verb = request.argv[1] as Verb;
    const attributes = request.argv.slice(2).filter((word) => !word.startsWith("--")).join(" ");
    calls.push(verb);
    const instead = await service.interrupt(verb, attributes);
    const said = instead || act(verb, attributes, request.stdin);
    return {
      status: said.status ?? 0,
      stdout: encode(said.out ?? ""),
      stderr: encode(said.err ?? ""),
      failure: undefined,
    };
  };
  const pathOf = (key: string): string => `${directory}/${encode(key).toHex()}`;
  function act(verb: Verb, key: string, stdin?: Uint8Array): Partial<Spoken> {
    const path = pathOf(key);
    if (verb === "store") {
      const temporary = `${path.slice(0, -8)}.${crypto.randomUUID().slice(0, 8)}`;
      Deno.writeFileSync(temporary, stdin!);
      Deno.renameSync(temporary, path);
      return {};
    }
    const text = read(path);
    if (verb === "search") return text === undefined ? {} : { out: `[/1]\nsecret = ${text}\n` };
    if (text === undefined) return { status: 1 };
    if (verb === "lookup") return { out: text };
    Deno.removeSync(path);
    return {};
  }
  const environment = { ...denoPlatform.environment, os: "linux", get: () => undefined } as const;
  const find = (name: string): string => `/usr/bin/${name}`;
  const service: QuickService = {
    platform: { ...platform, environment, processes: { ...platform.processes, run, find } },
    calls,
    interrupt: () => Promise.resolve(false),
    items: () =>
      new Map(
        [...Deno.readDirSync(directory)].filter(({ name }) => !name.includes(".")).map(
          ({ name }) => [
            new TextDecoder().decode(Uint8Array.fromHex(name)),
            Deno.readTextFileSync(`${directory}/${name}`),
          ],
        ),
      ),
    set(key, text): void {
      if (text === undefined) Deno.removeSync(pathOf(key));
      else Deno.writeTextFileSync(pathOf(key), text);
    },
  };
  return service;
}

function read(path: string): string | undefined {
  try {
    return Deno.readTextFileSync(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}

function encode(text: string): Uint8Array<ArrayBuffer> {
  return new TextEncoder().encode(text);
}
