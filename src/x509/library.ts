/** The library for certificates, ready for use; loading it takes 20 ms, and only commands that need it do. */

import "reflect-metadata"; // first: the library throws at import without it
import * as x509 from "@peculiar/x509";

x509.cryptoProvider.set(crypto);

export { x509 };

/** The one algorithm: ECDSA over P-256 with SHA-256. */
export const ALGORITHM = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" } as const;
