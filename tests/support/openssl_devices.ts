/** Devices with keys that OpenSSL has made, so that other programs can use their certificates. */

import { makeKeyAndRequest } from "./certificate_tools.ts";
import { type Machine, makeMachine } from "./cli_run.ts";
import { jsonOf, pairMachines } from "./pairing_machines.ts";

/** A machine that approves, and the files that it gives to other programs. */
export interface Approver extends Disposable {
  readonly machine: Machine;
  readonly deviceId: string;
  /** The certificate of its CA. */
  readonly ca: string;
  /** Writes its list of revoked certificates, always to the same file; the path. */
  writeList(...flags: readonly string[]): Promise<string>;
  /** A certificate of its own. */
  ownLeaf(usage: CertificateUsage): Promise<Leaf>;
  /** Pairs another machine: code, request, submit, approve, complete. */
  pair(wish?: Wish): Promise<Joiner>;
}

/** What `--usage` takes. */
export type CertificateUsage = "client" | "server" | "both";

/** What a joiner asks for. */
export interface Wish {
  readonly usage?: CertificateUsage;
  readonly validity?: string;
}

/** Paths of PEM files: a certificate, and the key that OpenSSL has made for it. */
export interface Leaf {
  readonly certificate: string;
  readonly key: string;
}

/** A machine that was paired. */
export interface Joiner extends Disposable {
  readonly machine: Machine;
  readonly deviceId: string;
  /** What it was paired with. */
  readonly leaf: Leaf;
  /** Renews by document with a new key. */
  renew(...flags: readonly string[]): Promise<Leaf>;
}

/** A new machine whose CA issues certificates. */
export async function makeApprover(): Promise<Approver> {
  const machine = makeMachine();
  await machine.succeed(["init"]);
  const deviceId = String((await jsonOf(machine, ["identity", "show"]))["device_id"]);
  const ca = `${machine.home}/ca.pem`;
  await save(ca, machine, ["identity", "export-ca"]);
  const list = `${machine.home}/crl.pem`;
  let made = 0;
  return {
    machine,
    deviceId,
    ca,
    writeList: async (...flags) => {
      await machine.succeed(["identity", "crl", "--out", list, ...flags]);
      return list;
    },
    ownLeaf: async (usage) => {
      const { key, request } = await makeKeyAndRequest(`${machine.home}/own${made++}`);
      await machine.succeed(["identity", "renew", "--csr", request, "--usage", usage, "--force"]);
      const certificate = key.replace(/key$/, "pem");
      await save(certificate, machine, ["identity", "export-certificate", "--of", "self"]);
      return { certificate, key };
    },
    pair: async (wish = {}) => await pair(machine, makeMachine(), wish),
    [Symbol.dispose]: () => machine[Symbol.dispose](),
  };
}

async function pair(
  approver: Machine,
  machine: Machine,
  { usage = "client", validity = "7d" }: Wish,
): Promise<Joiner> {
  let made = 0;
  const nextKey = (): ReturnType<typeof makeKeyAndRequest> =>
    makeKeyAndRequest(`${machine.home}/device${made++}`);
  const exported = async (key: string): Promise<Leaf> => {
    const certificate = key.replace(/key$/, "pem");
    await save(certificate, machine, ["identity", "export-certificate"]);
    return { certificate, key };
  };
  const { key, request } = await nextKey();
  const flags = ["--csr", request, "--usage", usage, "--validity", validity];
  const { deviceId } = await pairMachines(approver, machine, flags);
  return {
    machine,
    deviceId,
    leaf: await exported(key),
    renew: async (...flags) => {
      const next = await nextKey();
      const ask = (await machine.succeed(["identity", "csr", "--csr", next.request])).stdout;
      const rotate = ["devices", "rotate", "--request", "-", ...flags];
      const answer = (await approver.succeed(rotate, { stdin: ask })).stdout;
      await machine.succeed(["identity", "renew", "--answer", "-"], { stdin: answer });
      return await exported(next.key);
    },
    [Symbol.dispose]: () => machine[Symbol.dispose](),
  };
}

async function save(path: string, machine: Machine, args: readonly string[]): Promise<void> {
  Deno.writeTextFileSync(path, (await machine.succeed(args)).stdout);
}
