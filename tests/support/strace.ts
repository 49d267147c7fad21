/** How strace is started, with its options and what it runs to follow. */

/** Stops a process and its children at the traced calls alone: that takes a fifth of the time. */
export const STRACE = ["/usr/bin/strace", "-f", "--seccomp-bpf"] as const;

/** Stops at every call, but can send a signal at one, which does not arrive at a stop of seccomp's. */
export const SIGNALLING_STRACE = ["/usr/bin/strace", "-f"] as const;
