/** The hidden prompt on a real pseudo-terminal: no echo, and the terminal is always given back. */

import assert from "node:assert/strict";

const MAIN = new URL("../../main.ts", import.meta.url).pathname;

/** Types into `secrets set` under script(1); what the terminal showed, then the value that was stored. */
async function typeInto(
  keys: readonly (string | number)[],
): Promise<{ shown: string; stored: string }> {
  const directory = Deno.makeTempDirSync();
  try {
    const env = {
      PALYRA_STATE_ROOT: `${directory}/state`,
      PATH: "/usr/bin:/bin",
      HOME: directory,
      SHELL: "/bin/sh",
      PALYRA_VAULT_BACKEND: "encrypted_file",
    };
    const cache = Deno.env.get("DENO_DIR") ?? `${Deno.env.get("HOME")}/.cache/deno`;
    const run = `${Deno.execPath()} run -A --no-prompt --cached-only ${MAIN}`;
    const line =
      `${run} secrets set global/typed; echo status=$?; stty -a | tr ' ;' '\\n\\n' | grep -x -e echo -e -echo -e icanon`;
    const child = new Deno.Command("/usr/bin/script", {
      args: ["-q", "-e", "-c", line, "/dev/null"],
      env: { ...env, DENO_DIR: cache },
      clearEnv: true,
      stdin: "piped",
      stdout: "piped",
      stderr: "null",
    }).spawn();
    const writer = child.stdin.getWriter();
    let shown = "";
    const decoder = new TextDecoder();
    const reading = child.stdout.pipeTo(
      new WritableStream({
        write: (chunk) => void (shown += decoder.decode(chunk, { stream: true })),
      }),
    );
    for (const key of keys) {
      if (typeof key === "number") { // wait for the nth prompt
        const deadline = Date.now() + 60_000;
        while (shown.split(/\): |again: /).length <= key && Date.now() < deadline) await sleep(20);
        await sleep(100);
      } else await writer.write(new TextEncoder().encode(key));
    }
    await child.status;
    await writer.close().catch(() => {});
    await reading;
    const read = await new Deno.Command(Deno.execPath(), {
      args: ["run", "-A", "--no-prompt", "--cached-only", MAIN, "resolve", "global/typed"],
      env: { ...env, DENO_DIR: cache },
      clearEnv: true,
    }).output();
    return { shown, stored: decoder.decode(read.stdout) };
  } finally {
    Deno.removeSync(directory, { recursive: true });
  }
}

function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

Deno.test("a typed value is stored and never shown", async () => {
  const { shown, stored } = await typeInto([1, "typ€d-xx\x7f\x7fsecret\r", 2, "typ€d-secret\r"]);
  assert.equal(stored, "typ€d-secret");
  assert.ok(!shown.includes("secret") && !shown.includes("typ€"), shown);
  assert.match(shown, /status=0/);
  assert.match(shown, /\bicanon\b/);
  assert.match(shown, /^echo/m);
});

Deno.test("two different entries store nothing", async () => {
  const { shown, stored } = await typeInto([1, "one-secret\r", 2, "two-secret\r"]);
  assert.equal(stored, "");
  assert.match(shown, /two entries differ/);
  assert.match(shown, /status=2/);
});

Deno.test("Ctrl-C and Ctrl-D give up, store nothing and give the terminal back", async () => {
  const rows = [["half-secret\x03", /status=130/], [
    "\x04",
    /nothing was entered\s+status=2/,
  ]] as const;
  for (const [keys, ended] of rows) {
    const { shown, stored } = await typeInto([1, keys]);
    assert.equal(stored, "");
    assert.match(shown, ended);
    assert.match(shown, /^echo/m);
    assert.ok(!shown.includes("half"));
  }
});
