/** Generation of asymmetric keys, apart because it is slow to load and needed on the first run only. */

/** Makes a signing key pair; the private key as a JWK (RFC 7517), which holds the public one. */
export async function createPrivateKeyJwk(
  algorithm: EcKeyGenParams | { readonly name: "Ed25519" },
): Promise<JsonWebKey> {
  const pair = await crypto.subtle.generateKey(algorithm, true, ["sign", "verify"]);
  return await crypto.subtle.exportKey("jwk", (pair as CryptoKeyPair).privateKey);
}
