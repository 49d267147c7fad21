/** The programs that palyra can be installed for: their names, their rules, and what they want to be told. */

import { PalyraError } from "../../errors.ts";

/** Where a wrapper stands, for what is told to the client. */
export interface Place {
  /** Of the wrapper; absolute. */
  readonly path: string;
  readonly directory: string;
}

/** One call that shows whether the wrapper works: what nobody has mapped, asked as the client asks. */
export interface Probe {
  readonly args: readonly string[];
  readonly stdin: string;
  /** The exit status of "nothing is mapped", and for a fixed label also that of a value. */
  readonly statuses: readonly number[];
  readonly output: RegExp;
}

/** A program. */
export interface Client {
  readonly brief: string;
  readonly protocol: string;
  /** The name of the wrapper: some clients look for it. */
  readonly file: string;
  /** Below the home directory; `.local/bin` where the client does not mind. */
  readonly directory?: string;
  /** Arguments before the client's own; `LABEL` stands for the label. */
  readonly args?: readonly string[];
  /** The label that is asked for where the client names none. */
  readonly label?: string;
  readonly probe: Probe;
  /** What the person writes where; `undefined`: nothing is needed. */
  readonly config: (place: Place) => ClientConfig;
}

/** What a client has to be told. */
export interface ClientConfig {
  /** The file, or a command line. */
  readonly where: string;
  readonly text: string;
}

const NOTHING = "palyra-check-nothing";
const SILENT = /^$/;
const LABEL = "LABEL";
const TOKEN_PROBE: Probe = { args: [], stdin: "", statuses: [0, 8], output: /^/ };

function tokenClient(
  brief: string,
  file: string,
  label: string,
  config: Client["config"],
  prefix: readonly string[] = [],
): Client {
  return {
    brief,
    protocol: "token",
    file,
    label,
    args: [...prefix, LABEL],
    probe: TOKEN_PROBE,
    config,
  };
}

/** By the name on the command line. */
export const CLIENTS: Readonly<Record<string, Client>> = {
  ansible: {
    brief: "ansible, --vault-id LABEL@…-client",
    protocol: "ansible",
    file: "palyra-client",
    probe: { args: ["--vault-id", NOTHING], stdin: "", statuses: [2], output: SILENT },
    config: ({ path }) => ({
      where: "ansible.cfg",
      text: `[defaults]\nvault_identity_list = dev@${path}`,
    }),
  },
  askpass: {
    brief: "git, ssh and sudo, where they ask for a password",
    protocol: "askpass",
    file: "palyra-askpass",
    probe: { args: [`${NOTHING}: `], stdin: "", statuses: [8], output: SILENT },
    config: ({ path }) => ({
      where: "the environment",
      text: `export GIT_ASKPASS=${path} SUDO_ASKPASS=${path}\n` +
        `export SSH_ASKPASS=${path} SSH_ASKPASS_REQUIRE=force`,
    }),
  },
  aws: {
    brief: "the AWS tools, credential_process",
    protocol: "aws",
    file: "palyra-aws",
    probe: { args: [NOTHING], stdin: "", statuses: [8], output: SILENT },
    config: ({ path }) => ({
      where: "~/.aws/config",
      text: `[profile NAME]\ncredential_process = "${path}" NAME`,
    }),
  },
  bazel: {
    brief: "bazel, --credential_helper",
    protocol: "bazel",
    file: "palyra-bazel",
    probe: {
      args: ["get"],
      stdin: `{"uri":"https://${NOTHING}.invalid/"}`,
      statuses: [0],
      output: /^\{\}\n$/,
    },
    config: ({ path }) => ({
      where: ".bazelrc",
      text: `common --credential_helper=*.example.com=${path}`,
    }),
  },
  borg: tokenClient("borg, BORG_PASSCOMMAND", "palyra-borg", "borg", ({ path }) => ({
    where: "the environment",
    text: `export BORG_PASSCOMMAND=${path}`,
  })),
  cargo: {
    brief: "cargo, credential-provider",
    protocol: "cargo",
    file: "cargo-credential-palyra",
    probe: { args: ["--cargo-plugin"], stdin: "", statuses: [0], output: /^\{"v":\[1\]\}\n$/ },
    config: ({ path }) => ({
      where: "~/.cargo/config.toml",
      text: `[registry]\nglobal-credential-providers = ["${path}"]`,
    }),
  },
  claude: tokenClient("Claude Code, apiKeyHelper", "palyra-claude", "claude", ({ path }) => ({
    where: "~/.claude/settings.json",
    text: JSON.stringify({ apiKeyHelper: path }, null, 2),
  })),
  codex: tokenClient("Codex, auth.command", "palyra-codex", "codex", ({ path }) => ({
    where: "~/.codex/config.toml",
    text: `[model_providers.NAME.auth]\ncommand = "${path}"`,
  })),
  docker: {
    brief: "docker, podman, skopeo, buildah",
    protocol: "docker",
    file: "docker-credential-palyra",
    probe: {
      args: ["get"],
      stdin: `${NOTHING}.invalid`,
      statuses: [1],
      output: /^credentials not found in native keychain\n$/,
    },
    config: ({ directory }) => ({
      where: "~/.docker/config.json",
      text: `${
        JSON.stringify({ credsStore: "palyra" }, null, 2)
      }\n(${directory} has to be in PATH)`,
    }),
  },
  git: {
    brief: "git, credential.helper",
    protocol: "git",
    file: "git-credential-palyra",
    probe: {
      args: ["get"],
      stdin: `protocol=https\nhost=${NOTHING}.invalid\n\n`,
      statuses: [0],
      output: SILENT,
    },
    config: ({ path }) => ({
      where: "a command",
      text: `git config --global credential.helper '${path}'`,
    }),
  },
  keyring: {
    brief: "pip and uv, in the place of keyring",
    protocol: "keyring",
    file: "keyring",
    probe: {
      args: ["get", `https://${NOTHING}.invalid/simple`, "user"],
      stdin: "",
      statuses: [1],
      output: SILENT,
    },
    config: ({ directory }) => ({
      where: "the environment",
      text: `export PIP_KEYRING_PROVIDER=subprocess UV_KEYRING_PROVIDER=subprocess\n` +
        `export PATH=${directory}:$PATH`,
    }),
  },
  kubernetes: {
    brief: "kubectl and other Kubernetes clients",
    protocol: "kubernetes",
    file: "palyra-kubernetes",
    probe: { args: [NOTHING], stdin: "", statuses: [8], output: SILENT },
    config: ({ path }) => ({
      where: "the kubeconfig, for a user",
      text: `exec:\n  apiVersion: client.authentication.k8s.io/v1\n  command: ${path}\n` +
        `  interactiveMode: Never\n  provideClusterInfo: true`,
    }),
  },
  openclaw: {
    brief: "OpenClaw, exec provider",
    protocol: "openclaw",
    file: "palyra-openclaw",
    probe: {
      args: [],
      stdin: JSON.stringify({ protocolVersion: 1, provider: "palyra", ids: [NOTHING] }),
      statuses: [0],
      output: /^\{"protocolVersion":1,"values":\{\},"errors":\{"[^"]+":\{"code":"NOT_FOUND"\}\}\}$/,
    },
    config: ({ path }) => ({
      where: "~/.openclaw/openclaw.json",
      text: JSON.stringify(
        { secrets: { providers: { palyra: { source: "exec", command: path } } } },
        null,
        2,
      ),
    }),
  },
  pnpm: tokenClient("pnpm, tokenHelper", "palyra-pnpm", "pnpm", ({ path }) => ({
    where: "~/.npmrc",
    text: `//HOST/:tokenHelper=${path}`,
  }), ["--prefix", "Bearer "]),
  podman: {
    brief: "podman's secret driver shell",
    protocol: "podman",
    file: "palyra-podman",
    probe: { args: ["list"], stdin: "", statuses: [0], output: /^(?:[^\n]+\n)*$/ },
    config: ({ path }) => ({
      where: "~/.config/containers/containers.conf",
      text: `[secrets]\ndriver = "shell"\n[secrets.opts]\n` +
        ["list", "lookup", "store", "delete"].map((one) => `${one} = "${path} ${one}"`).join("\n"),
    }),
  },
  rclone: tokenClient("rclone, --password-command", "palyra-rclone", "rclone", ({ path }) => ({
    where: "the environment",
    text: `export RCLONE_PASSWORD_COMMAND=${path}`,
  })),
  restic: tokenClient("restic, --password-command", "palyra-restic", "restic", ({ path }) => ({
    where: "the environment",
    text: `export RESTIC_PASSWORD_COMMAND=${path}`,
  })),
  summon: {
    brief: "summon, as a provider",
    protocol: "summon",
    file: "palyra-summon",
    probe: { args: [NOTHING], stdin: "", statuses: [8], output: SILENT },
    config: ({ path }) => ({ where: "the environment", text: `export SUMMON_PROVIDER=${path}` }),
  },
  terraform: {
    brief: "terraform, credentials_helper",
    protocol: "terraform",
    file: "terraform-credentials-palyra",
    directory: ".terraform.d/plugins",
    probe: { args: ["get", `${NOTHING}.invalid`], stdin: "", statuses: [0], output: /^\{\}\n$/ },
    config: () => ({ where: "~/.terraformrc", text: `credentials_helper "palyra" {}` }),
  },
  token: {
    brief: "any program that runs a command for a value: the label is its argument",
    protocol: "token",
    file: "palyra-token",
    probe: { args: [NOTHING], stdin: "", statuses: [8], output: SILENT },
    config: ({ path }) => ({ where: "the program's settings", text: `${path} LABEL` }),
  },
  "vault-token": {
    brief: "HashiCorp Vault, token_helper",
    protocol: "vault-token",
    file: "palyra-vault-token",
    probe: { args: ["get"], stdin: "", statuses: [0], output: /^[^\n]*$/ },
    config: ({ path }) => ({ where: "~/.vault", text: `token_helper = "${path}"` }),
  },
};

/** The client of a name, for what is to be done with it. Throws `usage`. */
export function clientOf(name: string, verb: "install" | "uninstall" | "check"): Client {
  if (Object.hasOwn(CLIENTS, name)) return CLIENTS[name]!;
  throw new PalyraError("usage", `Cannot ${verb}: palyra does not know this client`, {
    hint: `It knows ${Object.keys(CLIENTS).join(", ")}`,
  });
}
