/** A server of AWS that checks who signed: Signature Version 4, as its documentation has it. */

const ANSWER = `<GetCallerIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/">
<GetCallerIdentityResult><Arn>arn:aws:iam::1:user/bob</Arn><UserId>U</UserId><Account>1</Account>
</GetCallerIdentityResult><ResponseMetadata><RequestId>r</RequestId></ResponseMetadata>
</GetCallerIdentityResponse>`;
const REFUSAL = `<ErrorResponse><Error><Type>Sender</Type><Code>SignatureDoesNotMatch</Code>
<Message>no</Message></Error></ErrorResponse>`;

/** A server of a test. */
export interface AwsServer extends AsyncDisposable {
  readonly port: number;
  /** Of each request whether its signature is right. */
  readonly signed: readonly boolean[];
}

/** Tells who they are only to those that sign with these keys. */
export function startAws(accessKeyId: string, secretAccessKey: string): AwsServer {
  const signed: boolean[] = [];
  const server = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen: () => {} },
    async (request) => {
      const isRight = await isSigned(request, accessKeyId, secretAccessKey);
      signed.push(isRight);
      return new Response(isRight ? ANSWER : REFUSAL, {
        status: isRight ? 200 : 403,
        headers: { "Content-Type": "text/xml" },
      });
    },
  );
  const { port } = server.addr as Deno.NetAddr;
  return { port, signed, [Symbol.asyncDispose]: () => server.shutdown() };
}

async function isSigned(request: Request, id: string, secret: string): Promise<boolean> {
  const body = new Uint8Array(await request.arrayBuffer());
  const { headers, method, url } = request;
  const form =
    /^AWS4-HMAC-SHA256 Credential=([^/]+)\/([^,]+), ?SignedHeaders=([^,]+), ?Signature=(\w+)$/;
  const [, given, scope = "", names = "", signature] =
    form.exec(headers.get("authorization") ?? "") ?? [];
  if (given !== id) return false;
  const lines = names.split(";").map((name) => `${name}:${(headers.get(name) ?? "").trim()}\n`);
  const { pathname, search } = new URL(url);
  const canonical = [
    ...[method, pathname, search.slice(1), lines.join(""), names],
    hex(await sha256(body)),
  ].join("\n");
  const text = [
    ...["AWS4-HMAC-SHA256", headers.get("x-amz-date"), scope],
    hex(await sha256(new TextEncoder().encode(canonical))),
  ].join("\n");
  let key: Uint8Array<ArrayBuffer> = new TextEncoder().encode(`AWS4${secret}`);
  for (const part of scope.split("/")) key = await hmac(key, part);
  return hex(await hmac(key, text)) === signature;
}

async function sha256(bytes: Uint8Array<ArrayBuffer>): Promise<Uint8Array> {
  return new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
}

async function hmac(
  key: Uint8Array<ArrayBuffer>,
  text: string,
): Promise<Uint8Array<ArrayBuffer>> {
  const algorithm = { name: "HMAC", hash: "SHA-256" };
  const imported = await crypto.subtle.importKey("raw", key, algorithm, false, ["sign"]);
  return new Uint8Array(
    await crypto.subtle.sign("HMAC", imported, new TextEncoder().encode(text)),
  );
}

function hex(bytes: Uint8Array): string {
  return bytes.toHex();
}
