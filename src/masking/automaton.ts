/**
 * Finds many forms at once in a stream of bytes: the automaton of Aho and Corasick (1975). Each byte
 * costs a bounded number of steps on average, whatever the output is.
 *
 * Forms are long and few, so that nearly every node has one child: that child's number is the next
 * one, and a node costs ten bytes. The other children, and the ends of forms, are looked up.
 */

const HAS_NEXT = 1;
const HAS_OTHERS = 2;
const ENDS_FORM = 4;

/** The state before anything was read. */
export const START = 0;

/** Recognises the ends of forms. A state is a number. Disposing wipes the forms. */
export class FormAutomaton implements Disposable {
  /** The byte that leads to each node. */
  readonly #labels: Uint8Array;
  readonly #flags: Uint8Array;
  readonly #fallbacks: Int32Array;
  readonly #depths: Int32Array;
  readonly #first = new Int32Array(256);
  readonly #others = new Map<number, number[]>();
  readonly #lengths = new Map<number, number>();
  /** Whether two bytes begin a form: what nearly all output is judged by. */
  readonly pairs: Uint8Array = new Uint8Array(65_536);
  #count = 1;

  /** No form may be shorter than two bytes. */
  constructor(forms: readonly Uint8Array[]) {
    const bytes = forms.reduce((sum, { length }) => sum + length, 1);
    this.#labels = new Uint8Array(bytes);
    this.#flags = new Uint8Array(bytes);
    this.#fallbacks = new Int32Array(bytes);
    this.#depths = new Int32Array(bytes);
    for (const form of forms) this.#add(form);
    this.#link();
  }

  /** The state after one more byte. */
  step(state: number, byte: number): number {
    for (let at = state;; at = this.#fallbacks[at]!) {
      const child = this.#childOf(at, byte);
      if (child !== START || at === START) return child;
    }
  }

  /** How many of the last bytes may be the beginning of a form. */
  depthOf(state: number): number {
    return this.#depths[state]!;
  }

  /** The length of the longest form that ends here; 0 when none does. */
  formAt(state: number): number {
    return (this.#flags[state]! & ENDS_FORM) === 0 ? 0 : this.#lengths.get(state)!;
  }

  [Symbol.dispose](): void {
    this.#labels.fill(0);
  }

  #childOf(node: number, byte: number): number {
    if (node === START) return this.#first[byte]!;
    const flags = this.#flags[node]!;
    if ((flags & HAS_NEXT) !== 0 && this.#labels[node + 1] === byte) return node + 1;
    if ((flags & HAS_OTHERS) === 0) return START;
    return this.#others.get(node)!.find((child) => this.#labels[child] === byte) ?? START;
  }

  #add(form: Uint8Array): void {
    this.pairs[form[0]! << 8 | form[1]!] = 1;
    let node = START;
    for (const byte of form) node = this.#childOf(node, byte) || this.#grow(node, byte);
    this.#lengths.set(node, form.length);
    this.#flags[node]! |= ENDS_FORM;
  }

  #grow(node: number, byte: number): number {
    const child = this.#count++;
    this.#labels[child] = byte;
    this.#depths[child] = this.#depths[node]! + 1;
    if (node === START) this.#first[byte] = child;
    else if (child === node + 1) this.#flags[node]! |= HAS_NEXT;
    else {
      this.#flags[node]! |= HAS_OTHERS;
      const others = this.#others.get(node);
      if (others === undefined) this.#others.set(node, [child]);
      else others.push(child);
    }
    return child;
  }

  /** From the shallow to the deep: where to go on when a form breaks off. */
  #link(): void {
    let level = [...this.#first].filter((node) => node !== START);
    while (level.length > 0) {
      const next: number[] = [];
      for (const node of level) {
        const fallback = this.#fallbacks[node]!;
        for (const child of this.#childrenOf(node)) {
          this.#fallbacks[child] = this.step(fallback, this.#labels[child]!);
          this.#inherit(child);
          next.push(child);
        }
      }
      level = next;
    }
  }

  /** What ends at a node's fallback ends at the node too. */
  #inherit(node: number): void {
    const inherited = this.formAt(this.#fallbacks[node]!);
    if (inherited === 0 || this.formAt(node) > 0) return;
    this.#lengths.set(node, inherited);
    this.#flags[node]! |= ENDS_FORM;
  }

  #childrenOf(node: number): number[] {
    const flags = this.#flags[node]!;
    const children = (flags & HAS_OTHERS) === 0 ? [] : [...this.#others.get(node)!];
    if ((flags & HAS_NEXT) !== 0) children.push(node + 1);
    return children;
  }
}
