/** A server that real clients log in to: git, docker, kubectl, cargo, pip, pnpm. It counts what they bring. */

/** A server of a test. */
export interface ClientServer extends AsyncDisposable {
  readonly port: number;
  /** Method, path and Authorization header of every request, in their order. */
  readonly requests: readonly { readonly path: string; readonly authorization: string }[];
}

/** A certificate for 127.0.0.1, as files. */
export interface Certificate {
  readonly certificate: string;
  readonly key: string;
}

const BAD = '{"type":"error","error":{"type":"authentication_error","message":"bad"}}';
const MANIFEST = "application/vnd.docker.distribution.manifest.v2+json";
const EMPTY_OBJECT = "sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a";

/** Answers 200 to requests with this Authorization header, and 401 to all others. */
export function startClientServer(wanted: string, tls?: Certificate): ClientServer {
  const requests: { path: string; authorization: string }[] = [];
  const handler = async (request: Request): Promise<Response> => {
    await request.arrayBuffer();
    const { pathname } = new URL(request.url);
    const authorization = request.headers.get("authorization") ?? "";
    requests.push({ path: pathname, authorization });
    const base = new URL(request.url).origin;
    const headers = new Headers({ "Docker-Distribution-Api-Version": "registry/2.0" });
    if (authorization !== wanted) {
      const challenge = pathname === "/config.json"
        ? `Cargo login_url="${base}/me"`
        : 'Basic realm="r"';
      headers.set("WWW-Authenticate", challenge);
      headers.set("Content-Type", "application/json");
      return new Response(BAD, { status: 401, headers });
    }
    const [type, body] = bodyOf(pathname, base);
    headers.set("Content-Type", type);
    return new Response(request.method === "HEAD" ? null : body, { headers });
  };
  const options = { hostname: "127.0.0.1", port: 0, onListen: () => {} };
  const server = tls === undefined
    ? Deno.serve(options, handler)
    : Deno.serve({ ...options, cert: tls.certificate, key: tls.key }, handler);
  const { port } = server.addr as Deno.NetAddr;
  return { port, requests, [Symbol.asyncDispose]: () => server.shutdown() };
}

/** A certificate of its own making. */
export async function makeCertificate(directory: string): Promise<Certificate & { file: string }> {
  const [key, file] = [`${directory}/key.pem`, `${directory}/cert.pem`];
  const args = [
    ...["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=127.0.0.1"],
    ...["-addext", "subjectAltName=IP:127.0.0.1", "-keyout", key, "-out", file],
  ];
  const { success } = await new Deno.Command("/usr/bin/openssl", { args, stderr: "null" }).output();
  if (!success) throw new Error("openssl makes no certificate");
  return { certificate: Deno.readTextFileSync(file), key: Deno.readTextFileSync(key), file };
}

function bodyOf(path: string, base: string): [type: string, body: string] {
  if (path.includes("/info/refs")) return ["text/plain", `${"0".repeat(39)}1\trefs/heads/main\n`];
  if (path.endsWith("/HEAD")) return ["text/plain", "ref: refs/heads/main\n"];
  if (path.includes("/manifests/")) {
    const config = {
      size: 2,
      mediaType: "application/vnd.docker.container.image.v1+json",
      digest: EMPTY_OBJECT,
    };
    return [
      MANIFEST,
      JSON.stringify({ schemaVersion: 2, mediaType: MANIFEST, layers: [], config }),
    ];
  }
  if (path === "/config.json") {
    return ["application/json", JSON.stringify({ dl: base, api: base, "auth-required": true })];
  }
  if (path.includes("/owners")) {
    return ["application/json", '{"users":[{"id":1,"login":"bob","name":null}]}'];
  }
  if (path.startsWith("/simple/")) return ["text/html", "<html><body></body></html>"];
  if (path === "/foo") {
    const dist = { tarball: `${base}/foo.tgz`, shasum: "0".repeat(40) };
    const versions = { "1.0.0": { name: "foo", version: "1.0.0", dist } };
    return [
      "application/json",
      JSON.stringify({ name: "foo", "dist-tags": { latest: "1.0.0" }, versions }),
    ];
  }
  return ["application/json", "{}"];
}
