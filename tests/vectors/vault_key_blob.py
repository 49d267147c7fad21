"""The vectors of vault_key_blob.json."""

import json

import palyra_format as form
from vector_file import Vectors, device_ca, drawn, flip, other_alphabet, unused_bit


def read_blob(given):
    kek = bytes.fromhex(given["kek"])
    names = ("vault_id", "generation", "kek_kid", "blob")
    return {"vault_key": form.open_blob(kek, *(given[name] for name in names)).hex()}


def make():
    about = "The sealed vault key as a backend holds it (FORMAT.md section 3), opened with the KEK."
    vectors = Vectors(about, read_blob)
    vault_id = drawn("vault id", 16).hex()

    def add(name, generation, salt):
        kek, kid = form.kek_of(form.scalar_of(device_ca("device CA")), drawn(salt))
        vault_key = drawn("vault key" if generation == 1 else f"vault key {generation}")
        aad = form.vault_key_aad(vault_id, generation, kid)
        dek, iv = drawn(f"{name} DEK"), drawn(f"{name} iv", 12)
        blob = form.format_blob(form.seal_jwe(kek, aad, vault_key, dek, iv))
        given = {
            "kek": kek.hex(),
            "vault_id": vault_id,
            "generation": generation,
            "kek_kid": kid,
            "blob": blob,
        }
        steps = {"aad": aad.decode(), "content_aad": form.jwe_aad(aad).decode()}
        vectors.opens(name, given, {"vault_key": vault_key.hex()}, steps=steps,
                      drawn={"dek": dek.hex(), "iv": iv.hex()})

    add("first generation", 1, "salt")
    add("second generation", 2, "other salt")
    add("generation 1000", 1000, "third salt")
    refuse_blobs(vectors)
    refuse_blobs_of_other_writers(vectors)
    return vectors


def refuse_blobs(vectors):
    given, second = (vectors.given[name] for name in ("first generation", "second generation"))
    magic, protected, *encoded = given["blob"].split(".")
    names = ("encrypted_key", "iv", "ciphertext", "tag")
    texts = dict(zip(names, encoded))
    raw = {name: form.from_b64u(text) for name, text in texts.items()}

    def refuse(failure, why, **change):
        vectors.refuses(failure, why, change)

    def blob(failure, why, magic=magic, protected=protected, **members):
        text = ".".join([magic, protected, *({**texts, **members}[name] for name in names)])
        refuse(failure, why, blob=text)

    def header(failure, why, text):
        blob(failure, why, protected=form.b64u(text.encode()))

    refuse("wrong key", "The KEK of another salt", kek=second["kek"])
    refuse("other vault id", "It is in the AAD", vault_id=drawn("other", 16).hex())
    refuse("other generation", "It is in the AAD", generation=2)
    refuse("other kid", "It is in the AAD", kek_kid=second["kek_kid"])
    refuse("blob of another generation", "The blob that came after", blob=second["blob"])
    for name in names:
        blob(f"flipped bit in {name}", "First byte", **{name: form.b64u(flip(raw[name]))})
        blob(f"no {name}", "An empty part", **{name: ""})
        blob(f"extended {name}", "Eight bytes more", **{name: form.b64u(raw[name] + bytes(8))})
        blob(f"truncated {name}", "A byte less", **{name: form.b64u(raw[name][:-1])})
        blob(f"padded {name}", "Padding of base64, needed or not",
             **{name: texts[name] + "=" * (-len(texts[name]) % 4 or 4)})
    for name in ("encrypted_key", "ciphertext", "tag"):
        blob(f"non-canonical last character of {name}", "Unused bits are set",
             **{name: unused_bit(texts[name])})
    blob("tag of 12 bytes", "A length that some take for GCM", tag=form.b64u(raw["tag"][:12]))
    blob("tag of 4 bytes", "A length that some take for GCM", tag=form.b64u(raw["tag"][:4]))
    blob("short encrypted_key", "32 bytes: that of a 24-byte DEK",
         encrypted_key=form.b64u(raw["encrypted_key"][:32]))
    header("other alg", "A128KW", '{"alg":"A128KW","enc":"A256GCM"}')
    header("alg dir", "The content under the KEK itself", '{"alg":"dir","enc":"A256GCM"}')
    header("other enc", "A128GCM", '{"alg":"A256KW","enc":"A128GCM"}')
    header("compression", "A member that JWE knows", '{"alg":"A256KW","enc":"A256GCM","zip":"DEF"}')
    header("member in another order", "The same to JSON", '{"enc":"A256GCM","alg":"A256KW"}')
    header("white space in the header", "The same to JSON", '{"alg": "A256KW", "enc": "A256GCM"}')
    header("no header", "An empty part", "")
    blob("wrong magic", "Another version of the format", magic="PKV2")
    blob("magic in lower case", "Strict", magic="pkv1")
    blob("no magic", "An empty part", magic="")
    text = given["blob"]
    refuse("magic left out", "The shape of a compact JWE", blob=text[len("PKV1."):])
    refuse("missing part", "No tag, and no dot for it", blob=text[:text.rindex(".")])
    refuse("extra part", "An empty part at the end", blob=text + ".")
    refuse("extra part in the middle", "An empty part", blob=text.replace(".", "..", 1))
    refuse("line feed", "What a keystore tool may add", blob=text + "\n")
    refuse("space before the blob", "Strict", blob=" " + text)
    refuse("other alphabet", "Base64 with + and /",
           blob=f"{magic}.{protected}.{other_alphabet('.'.join(encoded))}")
    refuse("empty blob", "Nothing", blob="")


def refuse_blobs_of_other_writers(vectors):
    """Blobs that the KEK opens, but that no writer of this format makes."""
    given = vectors.given["first generation"]
    kek, place = bytes.fromhex(given["kek"]), [given["vault_id"], 1, given["kek_kid"]]
    aad, vault_key = form.vault_key_aad(*place), drawn("vault key")
    dek, iv = drawn("first generation DEK"), drawn("first generation iv", 12)

    def refuse(failure, why, parts):
        vectors.refuses(failure, why, {"blob": form.format_blob(parts)})

    def sealed(plaintext=vault_key, aad=aad):
        return form.seal_jwe(kek, aad, plaintext, dek, iv)

    refuse("short vault key", "31 bytes, sealed well", sealed(vault_key[:31]))
    refuse("long vault key", "33 bytes, sealed well", sealed(vault_key + b"\n"))
    refuse("vault key of AES-128", "16 bytes, sealed well", sealed(vault_key[:16]))
    refuse("generation as text", "In the AAD it is a number",
           sealed(aad=form.json_bytes(["palyra/v1/vault-key", place[0], "1", place[2]])))
    refuse("white space in the AAD", "The same to JSON",
           sealed(aad=json.dumps(["palyra/v1/vault-key", *place]).encode()))
    refuse("AAD of an envelope", "Other words in front",
           sealed(aad=form.json_bytes(["palyra/v1/value", *place])))
    protected = form.b64u(form.PROTECTED_JSON).encode()
    refuse("no AAD", "As a compact JWE has it",
           form.seal_content(kek, protected, vault_key, dek, iv))
    refuse("AAD without the header", "Not by RFC 7516 section 5.1 step 14",
           form.seal_content(kek, aad, vault_key, dek, iv))
    refuse("AAD that is not encoded", "Not by RFC 7516 section 5.1 step 14",
           form.seal_content(kek, protected + b"." + aad, vault_key, dek, iv))
