/** What a vault may hold after kills: every acknowledged write, and maybe the one that was killed. */

import assert from "node:assert/strict";
import type { Machine } from "./cli_run.ts";

/** Keeps the books on one machine's vault. */
export class KnownState {
  readonly #machine: Machine;
  /** Values that each reference may have; `undefined` stands for no secret. */
  readonly #possible = new Map<string, (string | undefined)[]>();
  readonly #versions = new Map<string, number>();

  constructor(machine: Machine) {
    this.#machine = machine;
  }

  /** References that were ever written. */
  get refs(): string[] {
    return [...this.#possible.keys()];
  }

  /** An acknowledged write; its version must be new. */
  acknowledged(ref: string, value: string | undefined, version?: number): void {
    this.#possible.set(ref, [value]);
    if (version === undefined) return;
    const last = this.#versions.get(ref) ?? 0;
    assert.ok(version > last, `${ref}: version ${version} came after ${last}`);
    this.#versions.set(ref, version);
  }

  /** A write that was killed: it happened or it did not. */
  maybe(ref: string, value: string | undefined): void {
    this.#possible.set(ref, [...(this.#possible.get(ref) ?? [undefined]), value]);
  }

  /** Reads a reference; whether what a killed write wanted is there. */
  async check(ref: string): Promise<boolean> {
    const { status, stdout, stderr } = await this.#machine.run(["resolve", ref]);
    assert.ok(status === 0 || status === 8, `resolve ${ref}: ${status} ${stderr}`);
    const found = status === 0 ? stdout : undefined;
    const possible = this.#possible.get(ref) ?? [undefined];
    assert.ok(possible.includes(found), `${ref} is ${found}, not one of ${possible.join(" | ")}`);
    this.#possible.set(ref, [found]);
    return found === possible.at(-1) && found !== possible[0];
  }

  /** Reads every reference that was ever written. */
  async checkAll(): Promise<void> {
    for (const ref of this.refs) await this.check(ref);
  }
}

/** After one more write nothing of killed writers may be left: no row, no file. */
export async function assertClean(machine: Machine): Promise<void> {
  const { status, stdout, stderr } = await machine.run(["vault", "check", "--strict", "--json"]);
  assert.equal(status, 0, `${stdout}${stderr}`);
  assert.deepEqual(strayFiles(machine.stateRoot), []);
}

function strayFiles(stateRoot: string): string[] {
  return ["identity", "vault"].flatMap((room) =>
    [...Deno.readDirSync(`${stateRoot}/${room}`)].map(({ name }) => `${room}/${name}`)
  ).filter((name) => name.includes("/.") || name.includes("journal"));
}
