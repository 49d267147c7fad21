/** Certificates for servers, made by openssl as any other program would make them. */

/** PEM texts of a server and of the CA that vouches for it. */
export interface WebCertificate {
  readonly cert: string;
  readonly key: string;
  readonly ca: string;
}

/**
 * The name that the certificate is for. `fetch` looks every name up, even if a proxy connects: this
 * one is known without asking a network.
 */
export const WEB_NAME = "localhost";

let made: WebCertificate | undefined;
let authority: { readonly cert: string; readonly key: string } | undefined;

/** Makes one CA and one certificate a process, for {@link WEB_NAME}. */
export function webCertificate(): WebCertificate {
  return made ??= certificateFor(WEB_NAME);
}

/** A certificate of the same CA for a name; one of `-1` days has expired. */
export function certificateFor(name: string, days = 30): WebCertificate {
  return inPlace((at, read) => {
    const { cert, key } = authority ??= makeAuthority();
    Deno.writeTextFileSync(at("ca.pem"), cert);
    Deno.writeTextFileSync(at("ca.key"), key);
    openssl([
      ...["req", ...CURVE, "-keyout", at("leaf.key"), "-out", at("leaf.csr")],
      ...["-subj", `/CN=${name}`],
    ]);
    Deno.writeTextFileSync(at("names"), `${namesOf(name)}\nextendedKeyUsage=serverAuth\n`);
    openssl([
      ...["x509", "-req", "-in", at("leaf.csr"), "-CA", at("ca.pem"), "-CAkey", at("ca.key")],
      ...["-CAcreateserial", "-out", at("leaf.pem"), "-days", `${days}`, "-extfile", at("names")],
    ]);
    return { cert: read("leaf.pem"), key: read("leaf.key"), ca: cert };
  });
}

/** A certificate that nobody but itself vouches for. */
export function selfSigned(name: string): { readonly cert: string; readonly key: string } {
  return inPlace((at, read) => {
    openssl([
      ...["req", "-x509", ...CURVE, "-keyout", at("key"), "-out", at("pem"), "-days", "30"],
      ...["-subj", `/CN=${name}`, "-addext", namesOf(name)],
    ]);
    return { cert: read("pem"), key: read("key") };
  });
}

const CURVE = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"];

function namesOf(name: string): string {
  return `subjectAltName=DNS:${name}`;
}

function makeAuthority(): { cert: string; key: string } {
  return inPlace((at, read) => {
    openssl([
      ...["req", "-x509", ...CURVE, "-keyout", at("ca.key"), "-out", at("ca.pem")],
      ...["-days", "30", "-subj", "/CN=Test CA", "-addext", "keyUsage=critical,keyCertSign"],
    ]);
    return { cert: read("ca.pem"), key: read("ca.key") };
  });
}

function inPlace<T>(work: (at: (name: string) => string, read: (name: string) => string) => T): T {
  const place = Deno.makeTempDirSync();
  try {
    const at = (name: string): string => `${place}/${name}`;
    return work(at, (name) => Deno.readTextFileSync(at(name)));
  } finally {
    Deno.removeSync(place, { recursive: true });
  }
}

function openssl(args: string[]): void {
  const { success } = new Deno.Command("openssl", { args, stdout: "null", stderr: "null" })
    .outputSync();
  if (!success) throw new Error(`openssl ${args[0]} failed`);
}
