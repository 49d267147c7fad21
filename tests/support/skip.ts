/** Tests that need something which a machine may lack: they are skipped aloud, never in silence. */

/** What may be lacking; the names stand in `tests/allowed_skips.txt` too. */
export type SkipName =
  | "not-root"
  | "no-setpriv"
  | "no-strace"
  | "no-secret-service"
  | "no-keystore-of-this-system"
  | "no-mount-namespaces"
  | "no-tmux"
  | "no-zsh"
  | "no-fish"
  | "no-node"
  | "no-direnv"
  | "no-docker"
  | "no-age"
  | "no-certtool"
  | "no-nginx"
  | "no-faketime"
  | "no-qr-reader"
  | "no-network-namespaces"
  | "no-real-client"
  | "no-pass"
  | "no-systemd-library"
  | "no-python3-cryptography";

/** Registers one test, or ignores it. */
export type RegisterTest = (
  name: string,
  fn: (t: Deno.TestContext) => void | Promise<void>,
) => void;

/**
 * Gives the function that registers tests with this need. With a reason they are ignored, and one
 * line that says so is printed at once.
 */
export function unlessSkipped(name: SkipName, reason: string | undefined): RegisterTest {
  const ignore = reason !== undefined;
  if (ignore) {
    const line = `skipped: ${name}: ${reason.replaceAll(/\s+/g, " ")}\n`;
    Deno.stdout.writeSync(new TextEncoder().encode(line));
  }
  return (testName, fn) => Deno.test({ name: testName, ignore, fn });
}
