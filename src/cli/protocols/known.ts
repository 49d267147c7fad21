/** The protocols that palyra speaks, by name; each is loaded when it is asked for. */

import type { Protocol } from "../../protocols/protocol.ts";

/** A protocol that palyra speaks. */
export interface KnownProtocol {
  /** For whom it is. */
  readonly brief: string;
  readonly load: () => Promise<Protocol>;
}

/** By what stands behind `palyra helper`. */
export const PROTOCOLS: Readonly<Record<string, KnownProtocol>> = {
  ansible: {
    brief: "ansible's vault password scripts and client scripts",
    load: async () => (await import("../../protocols/ansible.ts")).ansible,
  },
  askpass: {
    brief: "GIT_ASKPASS, SSH_ASKPASS, SUDO_ASKPASS",
    load: async () => (await import("../../protocols/askpass.ts")).askpass,
  },
  aws: {
    brief: "credential_process of the AWS tools",
    load: async () => (await import("../../protocols/aws.ts")).aws,
  },
  bazel: {
    brief: "bazel's --credential_helper",
    load: async () => (await import("../../protocols/bazel.ts")).bazel,
  },
  cargo: {
    brief: "cargo's credential-provider, protocol 1",
    load: async () => (await import("../../protocols/cargo.ts")).cargo,
  },
  docker: {
    brief: "docker, podman, skopeo, buildah",
    load: async () => (await import("../../protocols/docker.ts")).docker,
  },
  git: {
    brief: "git's credential.helper",
    load: async () => (await import("../../protocols/git.ts")).git,
  },
  keyring: {
    brief: "pip and uv, in the place of Python's keyring",
    load: async () => (await import("../../protocols/keyring.ts")).keyring,
  },
  kubernetes: {
    brief: "kubectl and other clients, ExecCredential v1",
    load: async () => (await import("../../protocols/kubernetes.ts")).kubernetes,
  },
  openclaw: {
    brief: "OpenClaw's exec provider, protocol 1",
    load: async () => (await import("../../protocols/openclaw.ts")).openclaw,
  },
  podman: {
    brief: "podman's secret driver shell",
    load: async () => (await import("../../protocols/podman.ts")).podman,
  },
  summon: {
    brief: "a provider of summon",
    load: async () => (await import("../../protocols/summon.ts")).summon,
  },
  systemd: {
    brief: "credentials of systemd services",
    load: async () => (await import("../../protocols/systemd.ts")).systemd,
  },
  terraform: {
    brief: "terraform's credentials_helper",
    load: async () => (await import("../../protocols/terraform.ts")).terraform,
  },
  token: {
    brief: "a plain value: Claude Code, Codex, pnpm, restic, borg, rclone, msmtp, mbsync",
    load: async () => (await import("../../protocols/token.ts")).token,
  },
  "vault-token": {
    brief: "the token_helper of HashiCorp Vault",
    load: async () => (await import("../../protocols/vault_token.ts")).vaultToken,
  },
};

/** The protocol of a name. */
export function knownProtocol(name: string): KnownProtocol | undefined {
  return Object.hasOwn(PROTOCOLS, name) ? PROTOCOLS[name] : undefined;
}
