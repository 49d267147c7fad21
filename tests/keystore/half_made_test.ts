/** A vault that was refused its keystore stays without a key: no other command makes a weaker one. */

import assert from "node:assert/strict";
import { palyra, tempRoot } from "../support/palyra.ts";
import { whyNoSecretService } from "../support/requirements.ts";
import { startSecretService } from "../support/secret_service.ts";
import { unlessSkipped } from "../support/skip.ts";

const onKeyring = unlessSkipped("no-secret-service", whyNoSecretService());

onKeyring(
  "after a refused init every command asks for the same backend, and the next init says that it made the vault",
  async () => {
    await using service = await startSecretService("locked");
    using place = tempRoot();
    const root = place.state;
    const env = { ...service.env, PALYRA_VAULT_BACKEND: "linux_secret_service" };
    const run = async (...args: string[]): Promise<readonly [number, string]> => {
      const { status, out } = await palyra(args, { root, env, stdin: "value" });
      return [status, out];
    };
    assert.equal((await run("init"))[0], 5);
    const others = [
      ["vault", "protect", "file"],
      ["vault", "migrate", "--to", "linux_secret_service"],
      ["secrets", "set", "global/a"],
      ["vault", "check", "--repair"],
    ];
    for (const args of others) assert.equal((await run(...args))[0], 5, args.join(" "));
    await service.unlock();
    const doctor = await run("doctor", "--only", "backend");
    assert.match(doctor[1], /a new vault would be kept by linux_secret_service/);
    const [status, out] = await run("init", "--json");
    assert.equal(status, 0);
    assert.deepEqual(
      [JSON.parse(out).backend, JSON.parse(out).created],
      ["linux_secret_service", true],
    );
  },
);
