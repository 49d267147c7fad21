/** The adapter of DPAPI: under the contract, and against all that PowerShell can do. */

import assert from "node:assert/strict";
import { DPAPI_SCRIPT } from "../../src/keystore/dpapi_script.ts";
import type { KeystoreCause } from "../../src/keystore/failure.ts";
import type { ItemName, KeystoreItems } from "../../src/keystore/keystore.ts";
import { ProvenKeystore } from "../../src/keystore/proven.ts";
import {
  tighten,
  type WindowsPrograms,
  windowsPrograms,
} from "../../src/keystore/windows_access.ts";
import { windowsDpapi } from "../../src/keystore/windows_dpapi.ts";
import type { ProcessRequest } from "../../src/platform/platform.ts";
import { testBlobBackend } from "../contracts/blob_backend.ts";
import {
  answering,
  assertClean,
  assertFailsBy,
  BLOB,
  HOLDER,
  impatient,
  ITEM,
  makePowerShell,
  platformWith,
  type Spoken,
  type StandIn,
  stored,
  WHISPER,
} from "../support/keystore_tools.ts";

const CANARY = { kind: "canary" } as const;
const SYSTEM = "C:\\Windows\\System32";
const ENV = {
  PATH: SYSTEM,
  SystemRoot: "C:\\Windows",
  windir: "C:\\Windows",
  SystemDrive: "C:",
  TEMP: "C:\\T",
  TMP: "C:\\T",
  USERPROFILE: "C:\\Users\\x",
  LOCALAPPDATA: "C:\\Users\\x\\AppData\\Local",
  APPDATA: "C:\\Users\\x\\AppData\\Roaming",
  USERNAME: "x",
  USERDOMAIN: "Y",
};
const SID = "S-1-5-21-1004336348-1177238915-682003330-512";
const LIMIT_MS = 20_000;
/** In place of the adapter's limit, which a slow test waits for. */
const IMPATIENT_MS = 1_000;
/** Of the script; who changes it has it checked on real Windows. */
const SCRIPT_SHA256 = "4ef36933a299ede38c6b4fefee2251e4aa4ea2e8277475cd3f9150469fe317a4";
/** The first bytes of every blob of DPAPI: version 1, and the GUID of its provider. */
const MAGIC = "01000000d08c9ddf0115d1118c7a00c04fc297eb";

testBlobBackend("windows_dpapi (stand-in)", () => {
  const tool = makePowerShell();
  return Promise.resolve({
    backend: keystoreOf(tool),
    again: () => keystoreOf(tool),
    [Symbol.asyncDispose]: () => Promise.resolve(tool[Symbol.dispose]()),
  });
});

Deno.test("PowerShell gets what is to be sealed on standard input, and no stranger's variables", async () => {
  using tool = makePowerShell();
  assert.equal(await stored(itemsOf(tool)), BLOB);
  const calls = tool.calls();
  assertClean(calls, Object.keys(ENV));
  const text = new TextEncoder();
  const entropy = text.encode(`palyra/v1/${HOLDER.id}`).toBase64();
  const sealed = Deno.readFileSync(`${tool.directory}/keystore/${fileOf(ITEM)}`);
  assert.deepEqual(calls.map(({ stdin }) => stdin), [
    `protect\n${entropy}\n${text.encode(BLOB).toBase64()}\n`,
    `unprotect\n${entropy}\n${sealed.toBase64()}\n`,
  ]);
  const encoded = text.encode(BLOB).toBase64();
  for (const { argv } of calls) {
    assert.deepEqual(argv.slice(0, 4), ["-NoLogo", "-NoProfile", "-NonInteractive", "-Command"]);
    assert.equal(argv.length, 5);
    assert.ok(!argv[4]!.includes(encoded) && !argv[4]!.includes(entropy));
  }
});

Deno.test("What rests in the file is DPAPI's, and not the text", async () => {
  using tool = makePowerShell();
  await itemsOf(tool).store(ITEM, BLOB);
  const bytes = Deno.readFileSync(`${tool.directory}/keystore/${fileOf(ITEM)}`);
  assert.ok(bytes.toHex().startsWith(MAGIC));
  assert.ok(!new TextDecoder("latin1").decode(bytes).includes(BLOB.slice(0, 8)));
});

Deno.test("An item opens under its own holder only, and for its own user only", async () => {
  using tool = makePowerShell();
  await itemsOf(tool).store(ITEM, BLOB);
  const other = { ...HOLDER, id: "9".repeat(32) };
  const directory = `${tool.directory}/keystore`;
  Deno.copyFileSync(
    `${directory}/${fileOf(ITEM)}`,
    `${directory}/${fileOf(ITEM).replace(HOLDER.id, other.id)}`,
  );
  const options = { directory, programs: programsOf(tool.command()) };
  await assertFailsBy("lost_key", () => windowsDpapi(platform(), other, options).read(ITEM));
  const stranger = itemsOf(tool, "ok", `--fake-key=${tool.directory}/other.key`);
  await assertFailsBy("lost_key", () => stranger.read(ITEM), "another user");
  assert.equal(await itemsOf(tool).read(ITEM), BLOB);
});

Deno.test("A file that was altered, cut or emptied is a lost key, and stays where it is", async () => {
  using tool = makePowerShell();
  await itemsOf(tool).store(ITEM, BLOB);
  const path = `${tool.directory}/keystore/${fileOf(ITEM)}`;
  const sealed = Deno.readFileSync(path);
  const altered = sealed.slice();
  altered[altered.length - 1]! ^= 1;
  for (const bytes of [altered, sealed.slice(0, -1), new Uint8Array()]) {
    Deno.writeFileSync(path, bytes);
    await assertFailsBy("lost_key", () => itemsOf(tool).read(ITEM), `${bytes.length} bytes`);
    assert.deepEqual(Deno.readFileSync(path), bytes);
  }
});

/** Exit statuses of the script and of its host, and what they mean. */
const STATUSES: readonly (readonly [number, KeystoreCause, KeystoreCause])[] = [
  [41, "policy", "policy"],
  [64, "policy", "policy"],
  [42, "unknown", "unknown"],
  [43, "unknown", "lost_key"],
  [44, "unknown", "unknown"],
  [1, "unknown", "unknown"],
  [139, "unknown", "unknown"],
  [0, "no_tool", "no_tool"],
];

Deno.test("Every exit status becomes its cause, and nothing is repeated", async () => {
  for (const [status, protecting, opening] of STATUSES) {
    const spoken = { status, out: WHISPER, err: `${WHISPER} ${BLOB}` };
    const act = await actsOn(() => spoken);
    const stored = await assertFailsBy(protecting, act.store, `protect: ${status}`);
    const read = await assertFailsBy(opening, act.read, `unprotect: ${status}`);
    assert.deepEqual([stored, read].map(({ details }) => details), [
      detailsOf(protecting, "protect", status),
      detailsOf(opening, "unprotect", status),
    ]);
  }
});

Deno.test("Only an answer between its marks counts, and only with status 0", async () => {
  const opened = `PALYRA1:${new TextEncoder().encode(BLOB).toBase64()}:END`;
  const good = [opened, `\ufeff${opened}`, `${opened}\r\n`];
  for (const out of good) {
    const { read } = await actsOn(() => ({ out, err: "#< CLIXML\r\n<Objs></Objs>" }));
    assert.equal(await read(), BLOB);
  }
  const wrong = [
    "",
    `${WHISPER}\n${opened}`,
    `${opened}${WHISPER}`,
    opened.replace("PALYRA1", "PALYRA2"),
    opened.slice(0, -4),
    "PALYRA1::END",
    "PALYRA1:=:END",
    "PALYRA1:QQ=Q:END",
    `${opened}\n${opened}`,
  ];
  for (const out of wrong) {
    const { read, store } = await actsOn(() => ({ out }));
    await assertFailsBy("no_tool", read, `unprotect: ${out}`);
    await assertFailsBy("no_tool", store, `protect: ${out}`);
  }
  const { read } = await actsOn(() => ({ status: 1, out: opened }));
  await assertFailsBy("unknown", read, "a failure that answers");
});

Deno.test("What opens but is no text is corrupt", async () => {
  const { read } = await actsOn(() => ({ out: "PALYRA1:/w==:END" }));
  await assertFailsBy("corrupt", read);
});

Deno.test("A tool that was ended for its time or its output is told apart, without a status", async () => {
  const opened = `PALYRA1:${new TextEncoder().encode(BLOB).toBase64()}:END`;
  const ends = [["timeout", "timeout"], ["too much output", "unknown"]] as const;
  for (const [failure, cause] of ends) {
    for (const status of [0, 43, 137]) {
      const act = await actsOn(() => ({ status, failure, out: opened }));
      for (const what of ["store", "read"] as const) {
        const { details } = await assertFailsBy(cause, act[what], `${what}: ${status}`);
        assert.ok(!("status" in details!));
      }
    }
  }
});

Deno.test("What the stand-in does wrong is told apart, and noise and byte order marks are none of it", async () => {
  using tool = makePowerShell();
  await itemsOf(tool).store(ITEM, BLOB);
  for (const mode of ["noise", "bom"]) {
    assert.equal(await itemsOf(tool, mode).read(ITEM), BLOB, mode);
    const name = { kind: "vault_key", id: mode.padEnd(32, "0") } as const;
    await itemsOf(tool, mode).store(name, BLOB);
    assert.equal(await itemsOf(tool).read(name), BLOB, mode);
  }
  const modes: readonly (readonly [string, KeystoreCause])[] = [
    ["stub", "no_tool"],
    ["garbage", "no_tool"],
    ["badcrypt", "lost_key"],
    ["clm", "policy"],
    ["policy", "policy"],
    ["hostfail", "unknown"],
  ];
  for (const [mode, cause] of modes) {
    await assertFailsBy(cause, () => itemsOf(tool, mode).read(ITEM), `${mode}: read`);
    if (mode === "badcrypt") continue; // seals, for it is the old master key that is gone
    await assertFailsBy(cause, () => itemsOf(tool, mode).store(CANARY, BLOB), `${mode}: store`);
    assert.equal(await itemsOf(tool).read(CANARY), undefined, `${mode}: nothing was kept`);
  }
});

Deno.test("A host that hangs is ended, and told as that; every program has twenty seconds", async () => {
  using tool = makePowerShell();
  await itemsOf(tool).store(ITEM, BLOB);
  const directory = `${tool.directory}/keystore`;
  const programs = programsOf(tool.command("--fake-mode=hang"));
  const hanging = windowsDpapi(impatient(platform(), IMPATIENT_MS), HOLDER, {
    directory,
    programs,
  });
  await Promise.all([
    assertFailsBy("timeout", () => hanging.store(CANARY, BLOB), "protect"),
    assertFailsBy("timeout", () => hanging.read(ITEM), "unprotect"),
  ]);
  const { platform: heard, requests } = answering(speakWindows(), platform());
  const options = { directory: `${tool.directory}/new`, programs: programsOf(["/powershell"]) };
  const items = windowsDpapi(heard, HOLDER, options);
  await items.store(ITEM, BLOB);
  await items.read(ITEM).catch(() => {}); // nobody has sealed it
  assert.deepEqual(requests.map(({ timeoutMs }) => timeoutMs), Array(4).fill(LIMIT_MS));
});

Deno.test("Nothing is started for what is not there, and removing needs no tool", async () => {
  using place = makePowerShell();
  const { platform: silent, requests } = answering(() => ({}), platform());
  const options = { directory: `${place.directory}/keystore`, programs: programsOf(["/x"]) };
  const items = windowsDpapi(silent, HOLDER, options);
  assert.equal(await items.read(ITEM), undefined);
  await items.remove(ITEM);
  Deno.mkdirSync(options.directory, { mode: 0o700 });
  assert.equal(await items.read(ITEM), undefined);
  await items.remove(ITEM);
  assert.equal(requests.length, 0);
});

Deno.test("An item that is there already is a duplicate, and keeps its text", async () => {
  using tool = makePowerShell();
  const items = itemsOf(tool);
  await items.store(ITEM, "first");
  await assertFailsBy("duplicate", () => items.store(ITEM, BLOB));
  assert.equal(await items.read(ITEM), "first");
});

Deno.test("A new directory is closed to others once, by SID, and never again", async () => {
  using place = makePowerShell();
  const directory = `${place.directory}/keystore`;
  const { platform: heard, requests } = answering(speakWindows(), platform());
  const programs = programsOf(["/powershell"]);
  const items = windowsDpapi(heard, HOLDER, { directory, programs });
  await items.store(ITEM, BLOB);
  await items.store(CANARY, "PCN1.palyra");
  assert.deepEqual(requests.map(({ argv }) => argv[0]), [
    "/whoami",
    "/icacls",
    "/powershell",
    "/powershell",
  ]);
  assert.deepEqual(requests[0]!.argv, ["/whoami", "/user", "/fo", "csv", "/nh"]);
  assert.deepEqual(requests[1]!.argv, [
    "/icacls",
    directory.replaceAll("/", "\\"), // as the program of Windows wants it
    "/inheritance:r",
    "/grant:r",
    `*${SID}:(OI)(CI)F`,
    "*S-1-5-18:(OI)(CI)F",
    "/q",
  ]);
  for (const { env } of requests) assert.deepEqual(env, ENV);
});

Deno.test("Access lists that cannot be set fail nothing", async () => {
  const ways: Readonly<Record<string, (request: ProcessRequest) => Spoken>> = {
    "whoami fails": speakWindows({ whoami: { status: 1, err: WHISPER } }),
    "whoami hangs": speakWindows({ whoami: { status: 137, failure: "timeout" } }),
    "whoami says nothing": speakWindows({ whoami: { out: "" } }),
    "whoami says no SID": speakWindows({ whoami: { out: '"y\\x","x & del"\r\n' } }),
    "icacls fails": speakWindows({ icacls: { status: 5, err: WHISPER } }),
    "icacls hangs": speakWindows({ icacls: { status: 137, failure: "timeout" } }),
  };
  for (const [what, answer] of Object.entries(ways)) {
    using place = makePowerShell();
    const { platform: heard, requests } = answering(answer, platform());
    const directory = `${place.directory}/keystore`;
    const programs = programsOf(["/powershell"]);
    await windowsDpapi(heard, HOLDER, { directory, programs }).store(ITEM, BLOB);
    assert.ok(requests.some(({ argv }) => argv[0] === "/powershell"), what);
    const asked = requests.some(({ argv }) => argv[0] === "/icacls");
    assert.equal(asked, what.startsWith("icacls"), `${what}: only a SID is handed on`);
    Deno.mkdirSync(`${place.directory}/other`, { mode: 0o700 });
    assert.equal(await tighten(heard, `${place.directory}/other`, programs), false, what);
  }
});

Deno.test("Programs for access lists that are not there fail nothing", async () => {
  using tool = makePowerShell();
  const programs: WindowsPrograms = {
    ...programsOf(tool.command()),
    whoami: ["/nonexistent/whoami.exe"],
    icacls: ["/nonexistent/icacls.exe"],
  };
  const directory = `${tool.directory}/keystore`;
  const items = windowsDpapi(platform(), HOLDER, { directory, programs });
  assert.equal(await stored(items), BLOB);
});

Deno.test("Without PowerShell the cause is no_tool", async () => {
  using tool = makePowerShell();
  await itemsOf(tool).store(ITEM, BLOB);
  const directory = `${tool.directory}/keystore`;
  const programs = programsOf(["/nonexistent/powershell.exe"]);
  const items = windowsDpapi(platform(), HOLDER, { directory, programs });
  await assertFailsBy("no_tool", () => items.read(ITEM), "unprotect");
  await assertFailsBy("no_tool", () => items.store(CANARY, BLOB), "protect");
});

Deno.test("The programs are those of the system directory, with what they need of the environment", () => {
  const { environment } = platformWith({ ...ENV, PSModulePath: "C:\\evil" }, "windows");
  assert.deepEqual(windowsPrograms(environment), {
    powershell: [`${SYSTEM}\\WindowsPowerShell\\v1.0\\powershell.exe`],
    whoami: [`${SYSTEM}\\whoami.exe`],
    icacls: [`${SYSTEM}\\icacls.exe`],
    env: ENV,
  });
});

Deno.test("A system directory that is none is no_tool", async () => {
  for (const root of [undefined, "", "Windows", "\\\\host\\share", "C:", 'C:\\a"b', "/usr"]) {
    const { environment } = platformWith({ ...ENV, SystemRoot: root }, "windows");
    await assertFailsBy(
      "no_tool",
      () => Promise.try(() => windowsPrograms(environment)),
      `${root}`,
    );
  }
});

Deno.test("The script is the one that was reviewed, and survives every command line", async () => {
  const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(DPAPI_SCRIPT));
  assert.equal(new Uint8Array(digest).toHex(), SCRIPT_SHA256);
  assert.match(DPAPI_SCRIPT, /^[\n\x20-\x7e]+$/);
  assert.doesNotMatch(DPAPI_SCRIPT, /"|\$\{?input\b/i);
  assert.ok(DPAPI_SCRIPT.length < 8_000, "command lines hold 32,767 characters");
});

/** Answers of the programs of Windows, where a test does not put its own. */
function speakWindows(
  { whoami, icacls }: { readonly whoami?: Spoken; readonly icacls?: Spoken } = {},
): (request: ProcessRequest) => Spoken {
  return ({ argv: [program] }) => {
    if (program === "/whoami") return whoami ?? { out: `"y\\x","${SID}"\r\n` };
    if (program === "/icacls") return icacls ?? {};
    return { out: `PALYRA1:${MAGIC_BASE64}:END` };
  };
}

const MAGIC_BASE64 = Uint8Array.fromHex(MAGIC).toBase64();

interface Acts {
  readonly store: () => Promise<void>;
  readonly read: () => Promise<string | undefined>;
}

/** Storing and reading, answered by words alone; there is something to read. */
async function actsOn(answer: (request: ProcessRequest) => Spoken): Promise<Acts> {
  const { platform: heard } = answering(answer, platform());
  const files = new Map<string, Uint8Array<ArrayBuffer>>();
  const items = windowsDpapi(
    {
      ...heard,
      directories: { ...heard.directories, check: () => true },
      files: {
        ...heard.files,
        read: (path) => files.get(path),
        create: (path, bytes) => {
          files.set(path, new Uint8Array(bytes));
          return true;
        },
      },
    },
    HOLDER,
    { directory: "/d", programs: programsOf(["/powershell"]) },
  );
  files.set(`/d/${fileOf(ITEM)}`, new Uint8Array(20));
  return await Promise.resolve({
    store: () => items.store(CANARY, BLOB),
    read: () => items.read(ITEM),
  });
}

function detailsOf(
  cause: KeystoreCause,
  verb: string,
  status: number,
): Readonly<Record<string, unknown>> {
  return { backend: "windows_dpapi", cause, tool: "powershell", verb, status };
}

function fileOf(name: ItemName): string {
  const id = name.kind === "canary" ? [] : [name.id];
  return `${[HOLDER.id, name.kind, ...id].join(".")}.dpapi`;
}

function platform(): ReturnType<typeof platformWith> {
  return platformWith(ENV);
}

function programsOf(powershell: WindowsPrograms["powershell"]): WindowsPrograms {
  return { powershell, whoami: ["/whoami"], icacls: ["/icacls"], env: ENV };
}

/** The stand-in of PowerShell alone: access lists are spoken of elsewhere. */
function itemsOf(tool: StandIn, mode = "ok", ...own: readonly string[]): KeystoreItems {
  const powershell = tool.command(`--fake-mode=${mode}`, ...own);
  const real = platform();
  const run: typeof real.processes.run = async (request) => {
    if (request.argv[0].startsWith("/whoami") || request.argv[0] === "/icacls") {
      return await answering(speakWindows()).platform.processes.run(request);
    }
    return await real.processes.run(request);
  };
  return windowsDpapi({ ...real, processes: { ...real.processes, run } }, HOLDER, {
    directory: `${tool.directory}/keystore`,
    programs: programsOf(powershell),
  });
}

function keystoreOf(tool: StandIn): ProvenKeystore {
  return new ProvenKeystore(itemsOf(tool), "vault_key", false);
}
