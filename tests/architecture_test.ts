/** The architecture, as tables that the sources are held against. */

import assert from "node:assert/strict";
import {
  computedImports,
  exportedTypes,
  findCycle,
  importsOf,
  loadedWith,
  readSources,
  roomOf,
  snakeCase,
} from "./support/architecture.ts";
import { codeOf } from "./support/source_text.ts";

const ROOT = new URL("..", import.meta.url).pathname;
const sources = readSources(ROOT, ["main.ts", "src"]);
const imports = importsOf(sources);

/** Rooms that each room may import, beside itself; and why it is where it is. */
const MAY_IMPORT: Readonly<Record<string, readonly [readonly string[], string]>> = {
  main: [["platform/deno", "cli"], "puts the real world and the command line together"],
  cli: [
    [
      ...["audit", "scan", "importing", "backup", "vault", "resolver", "config", "ci"],
      ...["masking", "protocols", "x509", "auth", "network"],
      ...["identity", "keystore", "crypto", "platform", "errors"],
    ],
    "the top: wires the rooms",
  ],
  backup: [
    ["vault", "crypto", "errors"],
    "entries in, a file out: reads references and limits of the vault, and opens none",
  ],
  protocols: [
    ["vault", "crypto", "errors"],
    "texts in, texts out, over a port to the secrets: reads references, and opens no vault",
  ],
  audit: [
    ["resolver", "config", "vault", "scan", "crypto", "platform", "errors"],
    "looks at config and vault together, through the resolver; repairs by what they offer; is given the auth profiles",
  ],
  importing: [
    ["vault", "crypto", "platform", "errors"],
    "other programs' secrets in, entries out; stores them and scrubs their source",
  ],
  scan: [["crypto", "platform", "errors"], "bytes and trees in, places out: knows no vault"],
  resolver: [["vault", "crypto", "platform", "errors"], "reads secrets wherever they are"],
  auth: [
    ["config", "vault", "network", "crypto", "platform", "errors"],
    "profiles and their tokens: edits its documents as the config is edited; is given the vault",
  ],
  config: [
    ["vault", "network", "crypto", "platform", "errors"],
    "changes the config and the vault as one unit; never sees the identity",
  ],
  ci: [["crypto", "errors"], "texts in, texts out: knows no vault and touches nothing"],
  masking: [
    ["crypto", "platform", "errors"],
    "bytes in, bytes out: finds values in streams, and knows no vault",
  ],
  vault: [
    ["keystore", "database", "crypto", "platform", "errors"],
    "is given its KEK: it never sees the identity",
  ],
  identity: [
    ["x509", "keystore", "database", "crypto", "platform", "errors"],
    "never sees the vault",
  ],
  keystore: [["crypto", "platform", "errors"], "short texts in, short texts out: knows no vault"],
  database: [["platform", "errors"], "tables, versions and columns: knows none of them"],
  x509: [["errors"], "certificates and lists: knows no device and no store"],
  crypto: [["errors"], "bytes in, bytes out"],
  network: [["errors"], "addresses and rules about them: connects to nothing"],
  "platform/deno": [["platform", "network", "errors"], "the adapters, behind the ports"],
  platform: [["errors"], "port types, and what is thrown through them"],
  errors: [[], "the ground"],
};

/** Libraries: where each may be imported, and why it is here. */
const LIBRARIES: Readonly<Record<string, readonly [string, string]>> = {
  "@stricli/core": ["src/cli/", "routes, typed flags and help, in 2 ms and without a node: module"],
  "@peculiar/x509": [
    "src/x509/library.ts",
    "certificates and requests as every TLS stack reads them; loaded by the commands that need them",
  ],
  oauth4webapi: [
    "src/auth/", // the steps of login, and token_endpoint.ts
    "OAuth 2 by the book, by fetch and WebCrypto alone; loaded when a server is asked",
  ],
  "reflect-metadata": ["src/x509/library.ts", "what the library for certificates is built on"],
  "age-encryption": [
    "src/backup/age_file.ts",
    "backups in a format that other tools open, by the author of age; loaded by backup and restore only",
  ],
  "jose/jwe/flattened/encrypt": [
    "src/crypto/jwe_seal.ts",
    "JWE by the book: envelopes that other tools open; opening them is our own, and compared",
  ],
  "smol-toml": [
    "src/config/toml_",
    "TOML 1.0 by its own test suite, small, and it tells where a document is wrong",
  ],
  "toml-eslint-parser": [
    "src/config/toml_",
    "the position of every key and value: edits in place; loaded only when a config is changed",
  ],
  uqr: [
    "src/cli/qr_code.ts",
    "QR codes by the standard, small and without dependencies; loaded where one is shown",
  ],
  valibot: ["src/config/", "schemas as values, in half a millisecond; zod costs ten times that"],
  "node:inspector": [
    "src/platform/deno/debugger.ts",
    "closes the debugger that the runtime opens at SIGUSR1; loaded only where commands run long",
  ],
  "node:fs": [
    "src/platform/deno/", // file_trees.ts and secret_files.ts, each loaded on first use
    "the only way to O_NOFOLLOW and O_NONBLOCK, to exact inodes, and to reading at a position",
  ],
  "node:sqlite": [
    "src/platform/deno/sqlite.ts",
    "crash-safe, concurrent storage that the runtime brings",
  ],
};

/** Libraries of the tests. */
const TEST_LIBRARIES: Readonly<Record<string, string>> = {
  "fast-check": "property tests with shrinking",
  "jose/jwe/flattened/decrypt": "a second opinion on what opens and what does not",
};

/** Libraries that tests compare palyra with, in processes of their own. */
const ORACLES: Readonly<Record<string, string>> = {
  "@actions/core": "prints GitHub's own masks and exports",
  "@vscode/tree-sitter-wasm": "parses the PowerShell script, where no PowerShell is",
  "azure-pipelines-task-lib/": "prints Azure's own masks and variables",
  "dotenv": "reads dotenv files, as most programs on Node do",
  "oidc-provider": "an authorization server as many run it, with rotation and reuse detection",
};

/** What would cost milliseconds on the way of a read, where no other test would see it. */
const SLOW_WORDS =
  /\bIntl\b|toLocale|localeCompare|generateKey|setTimeout|setInterval|\bBuffer\b|\bprocess\.(?:env|stdout|stderr|argv|exit)\b|TextDecoderStream|\bfetch\(/;

/** Most modules that a command loads, itself included. */
const BUDGETS: Readonly<Record<string, number>> = {
  "main.ts": 1,
  "src/cli/run.ts": 14,
  "src/cli/commands/resolve.ts": 34,
  "src/cli/commands/secrets_get.ts": 34,
  "src/cli/framework.ts": 29,
  "src/cli/protocols/serve.ts": 47,
  "src/cli/commands/auth_token.ts": 55,
};

const BANNED =
  /(?:^|_)(?:utils?|helpers?|common|misc|manager|service|handler|data|info|base|core|impl)(?:_|$)/;

/** Names that are those of a system's own parts. */
const OWN_NAMES: readonly string[] = ["linux_secret_service.ts"];

function check(problems: string[]): void {
  assert.deepEqual(problems, []);
}

Deno.test("imports point down", () => {
  check(imports.flatMap(({ from, specifier, typeOnly }) => {
    if (!specifier.endsWith(".ts")) return [];
    const [room, target] = [roomOf(from), roomOf(specifier)];
    const allowed = MAY_IMPORT[room];
    if (allowed === undefined) return [`${from}: room ${room} is not in the table`];
    // Types cost nothing at run time, yet a room that must not know another must not know its types.
    if (target === room || allowed[0].includes(target)) return [];
    return [`${from} imports ${specifier}${typeOnly ? " (type)" : ""}: ${room} ${allowed[1]}`];
  }));
  const rooms = new Set([...sources.keys()].map(roomOf));
  check(
    Object.keys(MAY_IMPORT).filter((room) => !rooms.has(room)).map((room) => `no room ${room}`),
  );
});

Deno.test("each library is imported where the table says, and each is used", () => {
  const foreign = imports.filter(({ specifier }) => !specifier.endsWith(".ts"));
  check(foreign.flatMap(({ from, specifier }) => {
    const allowed = LIBRARIES[specifier];
    return allowed !== undefined && from.startsWith(allowed[0])
      ? []
      : [`${from} imports ${specifier}`];
  }));
  const used = new Set(foreign.map(({ specifier }) => specifier));
  check(Object.keys(LIBRARIES).filter((name) => !used.has(name)));
  const { imports: map } = JSON.parse(Deno.readTextFileSync(`${ROOT}deno.json`));
  const known = [...Object.keys(LIBRARIES), ...Object.keys(TEST_LIBRARIES)];
  check(
    Object.keys(map).filter((name) => !known.some((one) => one === name || one.startsWith(name))),
  );
  const oracles = JSON.parse(Deno.readTextFileSync(`${ROOT}tests/oracles/deno.json`)).imports;
  assert.deepEqual(Object.keys(oracles), Object.keys(ORACLES));
});

Deno.test("the runtime is touched by the adapters only, and only main.ts exits", () => {
  check([...sources].flatMap(([path, text]) => {
    const code = codeOf(text);
    const problems = [];
    const adapter = path === "main.ts" || path.startsWith("src/platform/deno/");
    if (!adapter && /\bDeno\./.test(code)) problems.push(`${path} says Deno.`);
    if (!adapter && /\bfetch\(/.test(code)) problems.push(`${path} calls fetch`);
    if (path !== "main.ts" && /\bDeno\.exit\b/.test(code)) problems.push(`${path} exits`);
    if (/\bconsole\./.test(code)) problems.push(`${path} uses console`);
    if (/node:https|node:tls/.test(text)) problems.push(`${path} names ${"node:https"}`);
    return problems;
  }));
});

Deno.test("every dynamic import names its module", () => {
  check(
    [...sources].flatMap(([path, text]) => computedImports(text).map((what) => `${path}: ${what}`)),
  );
});

Deno.test("there is no import cycle", () => {
  assert.equal(findCycle(imports), undefined);
});

Deno.test("nothing slow is loaded on the way of a read", () => {
  const entries = [
    "main.ts",
    "src/cli/run.ts",
    "src/cli/commands/resolve.ts",
    "src/cli/commands/secrets_get.ts",
    "src/cli/commands/run.ts",
    "src/platform/deno/foreground.ts",
    "src/cli/app.ts",
    "src/platform/deno/platform.ts",
    "src/platform/deno/sqlite.ts",
    "src/resolver/sources/vault.ts",
    "src/vault/backends/encrypted_file.ts",
    "src/keystore/open_keystore.ts",
    "src/keystore/linux_secret_service.ts",
    "src/identity/pending_keys.ts",
  ];
  const files = new Set(entries.flatMap((entry) => [...loadedWith(entry, imports)]));
  check([...files].flatMap((path) => {
    const word = SLOW_WORDS.exec(codeOf(sources.get(path)!))?.[0];
    return word === undefined ? [] : [`${path} says ${word}`];
  }));
  assert.ok(files.size > 30, `only ${files.size} files were looked at`);
});

Deno.test("commands stay within their budgets of modules", () => {
  check(
    Object.entries(BUDGETS).flatMap(([entry, budget]) => {
      const { size } = loadedWith(entry, imports);
      return size <= budget ? [] : [`${entry} loads ${size} modules, more than ${budget}`];
    }),
  );
});

Deno.test("files are small, named for what they are, and say what they are for", () => {
  check([...sources].flatMap(([path, text]) => {
    const name = path.slice(path.lastIndexOf("/") + 1);
    const problems = [];
    if (!/^[a-z0-9_]+\.ts$/.test(name)) problems.push(`${path}: not snake_case`);
    if (/^(?:mod|index)\.ts$/.test(name)) problems.push(`${path}: a barrel`);
    const isOwn = OWN_NAMES.includes(name);
    if (!isOwn && BANNED.test(name.replace(".ts", ""))) {
      problems.push(`${path}: the name says nothing`);
    }
    for (const type of exportedTypes(text)) {
      if (BANNED.test(snakeCase(type))) problems.push(`${path}: the name ${type} says nothing`);
    }
    if (!text.startsWith("/**")) problems.push(`${path}: does not begin with what it is for`);
    if (text.split("\n").length > 300) problems.push(`${path}: more than 300 lines`);
    if (/^export \* from|^export \{[^}]*\} from/m.test(text)) problems.push(`${path}: re-exports`);
    return problems;
  }));
});

Deno.test("exported functions, classes and types are documented", () => {
  check(
    [...sources].flatMap(([path, text]) =>
      [...text.matchAll(
        /^(.*)\n+export (?:async )?(?:function|class|interface|type|const) (\w+)/gm,
      )]
        .filter(([, before]) => !/\*\/\s*$/.test(before!))
        .filter(([, , name]) =>
          ![
            "directories",
            "privateFiles",
            "userFiles",
            "locks",
            "streams",
            "terminal",
            "processes",
            "databases",
            "clock",
            "random",
            "environment",
            "documents",
            "fileTrees",
            "secretFiles",
          ].includes(name!)
        )
        .map(([, , name]) => `${path}: ${name}`)
    ),
  );
});
