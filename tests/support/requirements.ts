/** What a machine has of the things that some tests need; each answer is `undefined` or the lack. */

import { clockLibrary } from "./nginx.ts";
import { STRACE } from "./strace.ts";

/** Changing users, owning other people's files. */
export function whyNotRoot(): string | undefined {
  return Deno.uid() === 0 ? undefined : "needs uid 0";
}

/** Running programs as another user. */
export function whyNoSetpriv(): string | undefined {
  if (Deno.uid() !== 0) return "needs uid 0 and setpriv";
  const works = succeeds("/usr/bin/setpriv", "--reuid", "65534", "--clear-groups", "/bin/true");
  return works ? undefined : "/usr/bin/setpriv is missing or may not change the user";
}

/** Following the system calls of a program. */
export function whyNoStrace(): string | undefined {
  const works = succeeds(...STRACE, "-o", "/dev/null", "/bin/true");
  return works ? undefined : `${STRACE[0]} is missing or may not trace`;
}

/** A Secret Service of the tests' own. */
export function whyNoSecretService(): string | undefined {
  const programs = ["dbus-daemon", "dbus-send", "gnome-keyring-daemon", "secret-tool"];
  const missing = programs.find((name) => !succeeds("/bin/sh", "-c", `command -v ${name}`));
  return missing === undefined ? undefined : `${missing} is missing`;
}

/** Mounting in a name space of one's own: full disks, read-only media. */
export function whyNoMounts(): string | undefined {
  const mount = "mount -t tmpfs -o size=64k none /tmp";
  const works = succeeds("/usr/bin/unshare", "--mount", "/bin/sh", "-c", mount);
  return works ? undefined : "unshare --mount and a tmpfs are not allowed here";
}

/** Terminals that a test can type into. */
export function whyNoTmux(): string | undefined {
  return succeeds("/usr/bin/tmux", "-V") ? undefined : "tmux is missing";
}

/** A shell to complete in. */
export function whyNoZsh(): string | undefined {
  return succeeds("/usr/bin/zsh", "-c", "true") ? undefined : "zsh is missing";
}

/** A shell to complete in. */
export function whyNoFish(): string | undefined {
  return succeeds("/usr/bin/fish", "-c", "true") ? undefined : "fish is missing";
}

/** A reader of dotenv files, `node --env-file`. */
export function whyNoNode(): string | undefined {
  return succeeds("node", "--env-file=/dev/null", "-e", "0") ? undefined : "no node >= 20.6";
}

/** A reader of shell assignments. */
export function whyNoDirenv(): string | undefined {
  return succeeds("direnv", "version") ? undefined : "direnv is missing";
}

/** The command line of Docker; no daemon is needed. */
export function whyNoDocker(): string | undefined {
  return succeeds("docker", "--version") ? undefined : "docker is missing";
}

/** The library with systemd's own parser, and what can call it. */
export function whyNoSystemdLibrary(): string | undefined {
  const script =
    "import ctypes, glob; ctypes.CDLL(glob.glob('/usr/lib/*/systemd/libsystemd-shared-*.so')[0]).load_env_file";
  return succeeds("/usr/bin/python3", "-c", script) ? undefined : "no libsystemd-shared or python3";
}

/** An independent implementation of the cryptography. */
export function whyNoPythonCryptography(): string | undefined {
  return pythonWithCryptography() === undefined ? "no python3 has cryptography" : undefined;
}

/** The interpreter that can import `cryptography`, if there is one. */
export function pythonWithCryptography(): string | undefined {
  const candidates = ["/usr/bin/python3", "python3"];
  return candidates.find((python) => succeeds(python, "-c", "import cryptography"));
}

function succeeds(program: string, ...args: string[]): boolean {
  try {
    const options = { args, stdin: "null", stdout: "null", stderr: "null" } as const;
    return new Deno.Command(program, options).outputSync().success;
  } catch {
    return false;
  }
}

/** GnuTLS, a second opinion on certificates. */
export function whyNoCerttool(): string | undefined {
  return succeeds("/usr/bin/certtool", "--version") ? undefined : "/usr/bin/certtool is missing";
}

/** A server that lets in who has a certificate. */
export function whyNoNginx(): string | undefined {
  return succeeds("/usr/sbin/nginx", "-v") ? undefined : "/usr/sbin/nginx is missing";
}

/** A library that gives a program another clock. */
export function whyNoFaketime(): string | undefined {
  return clockLibrary() === undefined ? "libfaketime is missing" : undefined;
}

/** A reader of QR codes. */
export function whyNoQrReader(): string | undefined {
  return succeeds("/usr/bin/zbarimg", "--version") ? undefined : "/usr/bin/zbarimg is missing";
}

/** Networks of one's own, with nobody else in them. */
export function whyNoNetworkNamespaces(): string | undefined {
  const works = succeeds("/usr/bin/unshare", "--net", "/bin/true");
  return works ? undefined : "unshare --net is not allowed here";
}

/** The program that opens backups as well. */
export function whyNoAge(): string | undefined {
  return succeeds("/usr/bin/age", "--version") ? undefined : "/usr/bin/age is missing";
}

/** The password store, and what encrypts it. */
export function whyNoPass(): string | undefined {
  return succeeds("pass", "version") && succeeds("gpg", "--version")
    ? undefined
    : "pass or gpg is missing";
}
