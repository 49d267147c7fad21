/** One time limit over many steps. */

/** A limit that runs from when it was started. */
export interface Deadline {
  /** Aborted when the time is over, the caller gave up, or {@link end} was called. */
  readonly signal: AbortSignal;
  /** What `work` gives; rejects when the time is over, whether or not the work heeds the signal. */
  before<T>(work: () => Promise<T>): Promise<T>;
  /** Stops the clock and ends what is still under way. */
  end(): void;
}

/** Starts a limit of some milliseconds; `outer` ends it early. */
export function startDeadline(ms: number, outer: AbortSignal | undefined): Deadline {
  const own = new AbortController();
  const passed = Promise.withResolvers<never>();
  passed.promise.catch(() => {}); // nobody may be waiting
  const stop = (): void => {
    own.abort();
    passed.reject(new DOMException("The time is over", "TimeoutError"));
  };
  const timer = setTimeout(stop, ms);
  if (outer?.aborted) stop();
  outer?.addEventListener("abort", stop, { once: true });
  return {
    signal: own.signal,
    before: (work) => Promise.race([passed.promise, work()]),
    end(): void {
      clearTimeout(timer);
      outer?.removeEventListener("abort", stop);
      own.abort();
    },
  };
}
