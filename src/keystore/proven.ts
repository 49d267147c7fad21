/**
 * A keystore whose answers are proven: what is not found is looked for beside the canary, an item
 * with a fixed public value that every holder has. If the canary reads, this is the right keystore
 * and it is open, so what it does not have is gone.
 */

import { causeOf, keystoreFailure } from "./failure.ts";
import type { ItemName, KeystoreItems } from "./keystore.ts";

/** What the canary holds. */
const CANARY_TEXT = "PCN1.palyra";
const CANARY: ItemName = { kind: "canary" };

/** Longest text: a keystore's limits are never met. */
const MAX_TEXT = 1_024;
const TEXT = /^[\x21-\x7e]+$/;

/** Items of one kind and holder, by id. */
export class ProvenKeystore {
  readonly #items: KeystoreItems;
  readonly #kind: "vault_key" | "store_key";
  readonly #mayUnlock: boolean;

  constructor(items: KeystoreItems, kind: "vault_key" | "store_key", mayUnlock: boolean) {
    this.#items = items;
    this.#kind = kind;
    this.#mayUnlock = mayUnlock;
  }

  /**
   * Makes sure that the keystore can be used, by a round trip of the canary. Throws `unavailable`
   * with the cause, `denied`, or `integrity` when it gives back something else than was just stored.
   */
  async prepare(): Promise<void> {
    const found = await this.#read(CANARY);
    if (found === CANARY_TEXT) return;
    // Whoever is killed while the tool reads leaves an empty item, or a cut one.
    if (found !== undefined) await this.#remove(CANARY);
    await this.#items.store(CANARY, CANARY_TEXT);
    if (await this.#read(CANARY) !== CANARY_TEXT) {
      throw keystoreFailure(this.#items.kind, "corrupt");
    }
  }

  /** Looks for the canary: throws where the keystore cannot be reached, or something is locked. */
  async look(): Promise<boolean> {
    return await this.#read(CANARY) !== undefined;
  }

  /** Stores a text under a new id. The caller reads it back: a tool's word is not enough. */
  async put(id: string, text: string): Promise<void> {
    if (text.length > MAX_TEXT || !TEXT.test(text)) {
      throw new RangeError("The text does not fit a keystore"); // a bug of palyra
    }
    await this.#items.store({ kind: this.#kind, id }, text);
  }

  /**
   * The text; `undefined` when it is certainly gone. Throws `unavailable` when that cannot be told:
   * the keystore is locked, or is another one.
   */
  async get(id: string): Promise<string | undefined> {
    const name = { kind: this.#kind, id };
    const text = await this.#read(name);
    if (text !== undefined) return text;
    await this.#requireCanary();
    return await this.#read(name); // the keystore may have come between the two looks
  }

  /** Removes an item. Throws `unavailable` unless it is certainly gone. */
  async delete(id: string): Promise<void> {
    const name = { kind: this.#kind, id };
    await this.#remove(name);
    await this.#requireCanary();
    if (await this.#items.read(name) !== undefined) {
      throw keystoreFailure(this.#items.kind, "kept"); // it came between the two looks
    }
  }

  /** Removes the canary: the holder has no more items here. */
  async retire(): Promise<void> {
    await this.#remove(CANARY);
  }

  /** Throws unless the canary reads; one that was cut short tells as much. */
  async #requireCanary(): Promise<void> {
    if (!await this.look()) throw keystoreFailure(this.#items.kind, "not_here");
  }

  async #remove(name: ItemName): Promise<void> {
    await this.#items.remove(name);
    if (await this.#items.read(name) !== undefined) {
      throw keystoreFailure(this.#items.kind, "kept");
    }
  }

  /** Reads; a locked item is read once more after a person has unlocked it. */
  async #read(name: ItemName): Promise<string | undefined> {
    try {
      return await this.#items.read(name);
    } catch (error) {
      const { unlock } = this.#items;
      if (!this.#mayUnlock || unlock === undefined || causeOf(error) !== "locked") throw error;
      await unlock.call(this.#items, name);
      return await this.#items.read(name);
    }
  }
}
