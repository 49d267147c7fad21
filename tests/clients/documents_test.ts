/** docs/clients.md says of every client what `helper install` says. */

import assert from "node:assert/strict";
import { CLIENTS } from "../../src/cli/clients/client.ts";

const TEXT = Deno.readTextFileSync(new URL("../../docs/clients.md", import.meta.url));

Deno.test("every client has a section with its config", () => {
  const sections = [...TEXT.matchAll(/^## (\S+)$/gm)].map(([, name]) => name);
  assert.deepEqual(sections, Object.keys(CLIENTS));
  for (const [name, client] of Object.entries(CLIENTS)) {
    const directory = `/home/you/${client.directory ?? ".local/bin"}`;
    const { where, text } = client.config({ directory, path: `${directory}/${client.file}` });
    const section = TEXT.split(`## ${name}\n`)[1]!.split(/^## /m)[0]!;
    assert.ok(section.includes(`In ${where}:\n\n\`\`\`\n${text}\n\`\`\``), name);
    assert.ok(section.includes(`Protocol \`${client.protocol}\``), name);
  }
});
