"""The vectors of store_key_ref.json."""

import palyra_format as form
from vector_file import Vectors, drawn, flip, other_alphabet, unused_bit

HOLDER = drawn("holder", 16).hex()
ID = drawn("protecting key id", 16).hex()
SALT = drawn("passphrase salt", 16)
KEYSTORE = {"backend": "linux_secret_service", "holder": HOLDER, "id": ID}
LEAST = {"memory_kib": 8_192, "passes": 1, "parallelism": 1}
NEW = {"memory_kib": 65_536, "passes": 3, "parallelism": 4}


def read_reference(given):
    item = given["item"]
    passphrase = bytes.fromhex(given["passphrase"])
    return {"store_key": form.open_store_key(given["file"], item, passphrase).hex()}


def make():
    about = "store.key.ref (FORMAT.md section 2): a file, opened with what a keystore holds or a passphrase."
    vectors = Vectors(about, read_reference)
    store_key = drawn("store key")
    protecting = drawn("protecting key")
    item = f"PSK1.{form.b64u(protecting)}"

    def add(name, place, key, *, item="", passphrase=b""):
        nonce = drawn(f"{name} nonce", 12)
        file = form.format_reference(place, nonce, form.seal_store_key(store_key, place, key, nonce))
        given = {"file": file, "item": item, "passphrase": passphrase.hex()}
        steps = {"aad": form.store_key_aad(place).decode(), "protecting_key": key.hex()}
        gives = {"store_key": store_key.hex()}
        vectors.opens(name, given, gives, steps=steps, drawn={"nonce": nonce.hex()})

    def by_passphrase(name, passphrase, cost):
        place = {"protector": "passphrase", "kdf": "argon2id", **cost, "salt": form.b64u(SALT)}
        add(name, place, form.argon2id(passphrase, SALT, cost), passphrase=passphrase)

    for backend in ("linux_secret_service", "macos_keychain", "windows_dpapi"):
        add(backend, {"protector": "keystore", **KEYSTORE, "backend": backend}, protecting, item=item)
    by_passphrase("passphrase at the cost of new ones", b"correct horse", NEW)
    by_passphrase("passphrase at the least cost", b"correct horse", LEAST)
    by_passphrase("passphrase of one byte", b"x", LEAST)
    by_passphrase("passphrase of 1,024 bytes", b"0123456789abcdef" * 64, LEAST)
    by_passphrase("passphrase that is no text", bytes(range(255, 223, -1)), LEAST)
    refuse_keystore(vectors, item)
    refuse_passphrase(vectors)
    refuse_form(vectors)
    return vectors


def refuse_keystore(vectors, item):
    file = vectors.given["linux_secret_service"]["file"]

    def replaced(failure, why, old, new):
        assert old in file, old
        vectors.refuses(failure, why, {"file": file.replace(old, new)})

    def wrong_item(failure, why, text):
        vectors.refuses(failure, why, {"item": text})

    wrong_item("another protecting key", "What another generation holds",
               f"PSK1.{form.b64u(drawn('another'))}")
    wrong_item("the canary in place of the key", "Fixed and public", "PCN1.palyra")
    wrong_item("protecting key without its magic", "Strict", item.removeprefix("PSK1."))
    wrong_item("another magic", "Another version", item.replace("PSK1", "PSK2"))
    wrong_item("short protecting key", "31 bytes", f"PSK1.{form.b64u(drawn('protecting key')[:31])}")
    wrong_item("long protecting key", "33 bytes",
               f"PSK1.{form.b64u(drawn('protecting key') + bytes(1))}")
    wrong_item("padded protecting key", "Valid padding of base64", f"{item}=")
    wrong_item("no protecting key", "An empty part", "PSK1.")
    replaced("other holder", "It is in the AAD", HOLDER, drawn("other holder", 16).hex())
    replaced("other id", "It is in the AAD", ID, drawn("other id", 16).hex())
    other = vectors.given["macos_keychain"]["file"]
    vectors.refuses("other backend", "It is in the AAD",
                    {"file": other.replace("macos_keychain", "linux_secret_service")}, "macos_keychain")
    replaced("holder in capitals", "As a number it is the same", HOLDER, HOLDER.upper())
    replaced("short holder", "31 digits", HOLDER, HOLDER[:-1])
    replaced("long id", "33 digits", ID, ID + "0")
    replaced("id of other characters", "Strict", ID, "/" + ID[1:])
    replaced("no backend", "An empty text", "linux_secret_service", "")


def refuse_passphrase(vectors):
    base = "passphrase at the least cost"
    file = vectors.given[base]["file"]

    def replaced(failure, why, old, new):
        assert old in file, old
        vectors.refuses(failure, why, {"file": file.replace(old, new)}, base)

    wrong = {"passphrase": b"Correct horse".hex()}
    vectors.refuses("wrong passphrase", "One letter differs", wrong, base)
    more = {"passphrase": b"correct horse\n".hex()}
    vectors.refuses("passphrase with a line end", "Not dropped by the format", more, base)
    empty = {"passphrase": ""}
    vectors.refuses("empty passphrase", "Nothing", empty, base)
    replaced("other memory", "It is in the AAD, and changes the key", '"memory_kib":8192',
             '"memory_kib":8193')
    replaced("other passes", "It is in the AAD, and changes the key", '"passes":1', '"passes":2')
    replaced("other parallelism", "It is in the AAD, and changes the key", '"parallelism":1',
             '"parallelism":2')
    replaced("too little memory", "8,192 KiB is the least", '"memory_kib":8192', '"memory_kib":8191')
    replaced("too much memory", "1 GiB is the most", '"memory_kib":8192', '"memory_kib":1048577')
    replaced("no passes", "At least 1", '"passes":1', '"passes":0')
    replaced("too many passes", "16 are the most", '"passes":1', '"passes":17')
    replaced("no lanes", "At least 1", '"parallelism":1', '"parallelism":0')
    replaced("too many lanes", "16 are the most", '"parallelism":1', '"parallelism":17')
    replaced("negative memory", "Not a cost", '"memory_kib":8192', '"memory_kib":-8192')
    replaced("memory with a fraction", "As a number it is the same", '"memory_kib":8192',
             '"memory_kib":8192.0')
    replaced("memory with an exponent", "As a number it is the same", '"memory_kib":8192',
             '"memory_kib":8.192e3')
    replaced("memory as a text", "As a number it is the same", '"memory_kib":8192',
             '"memory_kib":"8192"')
    replaced("another derivation", "Only argon2id is known", "argon2id", "argon2i")
    salt = form.b64u(SALT)
    replaced("other salt", "It is in the AAD, and changes the key", salt, form.b64u(flip(SALT)))
    replaced("short salt", "15 bytes", salt, form.b64u(SALT[:-1]))
    replaced("long salt", "17 bytes", salt, form.b64u(SALT + b"\0"))
    replaced("salt with unused bits", "They are not zero", salt, unused_bit(salt))
    replaced("salt with padding", "Valid padding of base64", salt, salt + "==")
    replaced("no salt", "An empty text", salt, "")


def refuse_form(vectors):
    file = vectors.given["linux_secret_service"]["file"]
    nonce, sealed = (file.split(f'"{name}":"')[1].split('"')[0] for name in ("nonce", "sealed"))
    raw = form.from_b64u(sealed)

    def text(failure, why, changed):
        vectors.refuses(failure, why, {"file": changed})

    def altered(failure, why, old, new):
        assert old in file, old
        text(failure, why, file.replace(old, new))

    altered("flipped bit in the nonce", "It enters the key stream", nonce,
            form.b64u(flip(form.from_b64u(nonce))))
    altered("short nonce", "9 bytes", nonce, nonce[:12])
    altered("flipped bit in the ciphertext", "First byte", sealed, form.b64u(flip(raw)))
    altered("flipped bit in the tag", "Last byte", sealed, form.b64u(flip(raw, -1)))
    altered("no tag", "The ciphertext alone", sealed, form.b64u(raw[:-16]))
    altered("extended", "A byte after the tag", sealed, form.b64u(raw + b"\0"))
    altered("nothing sealed", "An empty text", sealed, "")
    altered("other alphabet", "That of base64", sealed, other_alphabet(sealed))
    altered("other protector", "With the members of a keystore", '"keystore"', '"passphrase"')
    altered("unknown protector", "Not one of the two", '"keystore"', '"nobody"')
    altered("other schema version", "Another format", '"schema_version":1', '"schema_version":2')
    altered("no schema version", "It comes first", '"schema_version":1,', "")
    altered("member that nobody knows", "Strict", '"schema_version":1', '"schema_version":1,"x":1')
    altered("member twice", "The first one would be ignored", '"protector":"keystore"',
            '"protector":"keystore","protector":"keystore"')
    altered("members in another order", "As JSON it is the same",
            '"schema_version":1,"protector":"keystore"', '"protector":"keystore","schema_version":1')
    altered("escaped letter", "As JSON it is the same", '"keystore"', '"\\u006beystore"')
    altered("white space within", "As JSON it is the same", '"schema_version":', '"schema_version": ')
    text("no line feed", "Cut off at the end", file.rstrip("\n"))
    text("two line feeds", "A line more", file + "\n")
    text("carriage return", "Saved by an editor of another system", file.replace("\n", "\r\n"))
    text("byte order mark", "Saved by an editor", "\ufeff" + file)
    text("two references", "One file holds one", file + file)
    text("nothing", "An empty file", "")
    text("no object", "JSON of another kind", "null\n")
