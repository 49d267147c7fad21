/** How far a long piece of work is. */

/** Called as often as the work likes; it must not throw. */
export type Progress = (done: number, total: number) => void;

/** For who does not want to know. */
export function untold(): void {}
