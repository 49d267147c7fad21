/** Keys and certificate requests that somebody might send in place of sound ones. */

import assert from "node:assert/strict";
import { decodeBase64Url, encodeBase64Url } from "../../../src/crypto/encoding.ts";
import { hmac, importMacKey } from "../../../src/crypto/mac.ts";
import { isSigned } from "../../../src/crypto/ed25519.ts";
import { deriveCodeKeys, parseCode } from "../../../src/identity/pairing/code.ts";
import {
  formatRequestDocument,
  type PairingRequest,
  proofMessage,
  readDecisionDocument,
  readRequestDocument,
  requestMessage,
} from "../../../src/identity/pairing/messages.ts";
import { signAsDevice } from "../../../src/identity/signing.ts";
import { parsePem } from "../../../src/x509/pem.ts";
import {
  ask,
  codeOf,
  decideOn,
  file,
  makeSides,
  outcomeOf,
  type Side,
  stateOf,
} from "../../support/pairing_sides.ts";

/** Points of small order and encodings of them that are not the shortest (RFC 8032 section 5.1.3). */
const SMALL_ORDER = [
  "00".repeat(32),
  `01${"00".repeat(31)}`,
  `01${"00".repeat(30)}80`,
  `${"00".repeat(31)}80`,
  `ec${"ff".repeat(30)}7f`,
  `ec${"ff".repeat(31)}`,
  `ed${"ff".repeat(30)}7f`,
  `ee${"ff".repeat(30)}7f`,
  `ee${"ff".repeat(31)}`,
  "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
  "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85",
  "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
  "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa",
];

Deno.test("A key of small order signs nothing, and is no identity key in a request", async () => {
  using sides = await makeSides(2);
  const [approver, joiner] = sides.all as [Side, Side];
  const code = await codeOf(approver);
  const request = read(await ask(joiner, code));
  const zero = new Uint8Array(64);
  zero[0] = 1; // R the neutral element, S zero: fits half of all messages under such a key
  for (const hex of SMALL_ORDER) {
    const key = Uint8Array.fromHex(hex);
    for (let at = 0; at < 16; at++) {
      assert.equal(await isSigned(key, zero, Uint8Array.of(at)), false, hex);
    }
    const forged = await proven({ ...request, identity_key: key, signature: zero }, code);
    assert.equal(await outcomeOf(() => file(approver, forged)), "usage", hex);
  }
});

Deno.test("A signature is good in one form only", async () => {
  using sides = await makeSides(2);
  const [approver, joiner] = sides.all as [Side, Side];
  const code = await codeOf(approver);
  const request = read(await ask(joiner, code));
  const order = (1n << 252n) + 27742317777372353535851937790883648493n;
  const s = [...request.signature.slice(32)].reduceRight(
    (sum, byte) => sum << 8n | BigInt(byte),
    0n,
  );
  const shifted = request.signature.slice();
  for (let at = 0, left = s + order; at < 32; at++, left >>= 8n) {
    shifted[32 + at] = Number(left & 255n);
  }
  const forged = await proven({ ...request, signature: shifted }, code);
  assert.equal(await outcomeOf(() => file(approver, forged)), "denied");
});

Deno.test("Certificate requests for other keys, or not signed with theirs, are refused", async () => {
  using sides = await makeSides(2);
  const [approver, joiner] = sides.all as [Side, Side];
  const directory = Deno.makeTempDirSync({ prefix: "palyra-test-" });
  try {
    const good = await opensslRequest(directory, [
      "-newkey",
      "ec",
      "-pkeyopt",
      "ec_paramgen_curve:P-256",
    ]);
    const altered = good.slice();
    altered[altered.length - 1]! ^= 1;
    const subject = good.slice();
    subject[20]! ^= 1;
    const bad: [string, Uint8Array<ArrayBuffer>][] = [
      ["RSA", await opensslRequest(directory, ["-newkey", "rsa:2048"])],
      [
        "P-384",
        await opensslRequest(directory, ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-384"]),
      ],
      [
        "secp256k1",
        await opensslRequest(directory, [
          ...["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:secp256k1"],
        ]),
      ],
      [
        "explicit parameters",
        await opensslRequest(directory, [
          ...["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"],
          ...["-pkeyopt", "ec_param_enc:explicit"],
        ]),
      ],
      ["Ed25519", await opensslRequest(directory, ["-newkey", "ed25519"])],
      ["another signature", altered],
      ["another subject", subject],
      ["cut", good.slice(0, -1)],
      ["something behind it", new Uint8Array([...good, 0])],
      ["an element behind it", new Uint8Array([...good, 5, 0])],
      ["no request", crypto.getRandomValues(new Uint8Array(300))],
      ["one byte", Uint8Array.of(0x30)],
      ["endless length", Uint8Array.of(0x30, 0x84, 0xff, 0xff, 0xff, 0xff)],
      ["nested deeply", nested(4_000)],
    ];
    const code = await codeOf(approver);
    const request = read(await ask(joiner, code));
    const before = stateOf(approver);
    for (const [what, csr] of bad) {
      assert.match(
        await outcomeOf(() => ask(joiner, code, { ownRequest: csr })),
        /^(?!done)/,
        what,
      );
      const document = await resigned(joiner, { ...request, csr }, code);
      assert.match(await outcomeOf(() => file(approver, document)), /^(?:usage|integrity)$/, what);
      assert.equal(stateOf(approver), before, what);
    }
  } finally {
    Deno.removeSync(directory, { recursive: true });
  }
});

Deno.test("Of a certificate request nothing but its key gets into the certificate", async () => {
  using sides = await makeSides(2);
  const [approver, joiner] = sides.all as [Side, Side];
  const directory = Deno.makeTempDirSync({ prefix: "palyra-test-" });
  try {
    const wishes = [
      ...["-addext", "basicConstraints=critical,CA:TRUE", "-addext", "keyUsage=keyCertSign"],
      ...[
        "-addext",
        "subjectAltName=URI:palyra:device:01ARZ3NDEKTSV4RRFFQ69G5FAV,DNS:bank.example",
      ],
      ...["-addext", "extendedKeyUsage=serverAuth,codeSigning"],
    ];
    const curve = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"];
    const csr = await opensslRequest(directory, [...curve, ...wishes]);
    const request = await ask(joiner, await codeOf(approver), { ownRequest: csr });
    const decision = await decideOn(approver, (await file(approver, request)).requestId);
    const { certificate } = readDecisionDocument(new TextEncoder().encode(decision));
    const path = `${directory}/leaf.der`;
    Deno.writeFileSync(path, certificate);
    const text = await openssl(["x509", "-in", path, "-inform", "DER", "-noout", "-text"]);
    assert.match(text, /CA:FALSE/);
    assert.match(text, new RegExp(`URI:palyra:device:${joiner.device.deviceId}\n`));
    assert.match(text, /TLS Web Client Authentication\n/);
    assert.doesNotMatch(text, /CA:TRUE|DNS:|bank|01ARZ3|Server Auth|Code Sign|Certificate Sign/);
  } finally {
    Deno.removeSync(directory, { recursive: true });
  }
});

function read(document: string): PairingRequest {
  return readRequestDocument(new TextEncoder().encode(document));
}

/** The document with a MAC that fits. */
async function proven(request: PairingRequest, code: string): Promise<string> {
  using keys = await deriveCodeKeys((await parseCode(code)).token);
  const message = proofMessage(await requestMessage(request), request.signature);
  const mac = await hmac(await importMacKey(keys.macKey.reveal()), message);
  return formatRequestDocument({ ...request, mac });
}

/** The document with a signature and a MAC that fit. */
async function resigned(joiner: Side, request: PairingRequest, code: string): Promise<string> {
  const signature = await signAsDevice(joiner.store, await requestMessage(request));
  return await proven({ ...request, signature }, code);
}

async function opensslRequest(
  directory: string,
  words: readonly string[],
): Promise<Uint8Array<ArrayBuffer>> {
  const key = ["-nodes", "-keyout", `${directory}/key.pem`, "-subj", "/CN=bank.example"];
  const der = parsePem("CERTIFICATE REQUEST", await openssl(["req", "-new", ...words, ...key]))!;
  assert.equal(decodeBase64Url(encodeBase64Url(der))!.length, der.length);
  return der;
}

async function openssl(args: readonly string[]): Promise<string> {
  const output = await new Deno.Command("/usr/bin/openssl", { args: [...args], stderr: "piped" })
    .output();
  assert.ok(output.success, new TextDecoder().decode(output.stderr));
  return new TextDecoder().decode(output.stdout);
}

/** Sequences in sequences, so deep that a parser that calls itself would need a deep stack. */
function nested(length: number): Uint8Array<ArrayBuffer> {
  let whole: number[] = [];
  while (whole.length < length - 4) {
    const size = whole.length < 128
      ? [whole.length]
      : [0x82, whole.length >> 8, whole.length & 255];
    whole = [0x30, ...size, ...whole];
  }
  return Uint8Array.from(whole);
}
