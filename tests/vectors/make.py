#!/usr/bin/env python3
"""Makes the test vectors of src/vault/FORMAT.md and src/identity/PAIRING.md, and checks each of them before it is written.

usage: make.py            writes the *.json files beside itself
       make.py --check    writes nothing; exit status 1 and a summary when a file differs

A vector that opens has what a reader is `given`, what it must get (`gives`), what lies between
(`steps`), and what a writer draws at random (`drawn`). A vector that is refused names the vector
that it is a copy of (`base`), and the members of `given` that `change`; nothing else is wrong with
it. Everything random is SHA-256 of a label, so that the same bytes come out each time. Bytes are
lower-case hexadecimal.
"""

import difflib
import pathlib
import sys

sys.dont_write_bytecode = True
import backup_payload  # noqa: E402
import envelope  # noqa: E402
import identity_record  # noqa: E402
import keys  # noqa: E402
import pairing  # noqa: E402
import store_key_ref  # noqa: E402
import vault_key_blob  # noqa: E402

FILES = {
    "backup_payload.json": backup_payload.make,
    "identity_record.json": identity_record.make,
    "pairing.json": pairing.make,
    "store_key_ref.json": store_key_ref.make,
    "keys.json": keys.make,
    "vault_key_blob.json": vault_key_blob.make,
    "envelope.json": envelope.make,
}


def main(args):
    if args not in ([], ["--check"]):
        print("usage: make.py [--check]", file=sys.stderr)
        return 2
    directory = pathlib.Path(__file__).resolve().parent
    texts = {directory / name: make().text() for name, make in FILES.items()}
    if not args:
        for path, text in texts.items():
            path.write_bytes(text.encode())
        return 0
    differences = [line for path, text in texts.items() for line in difference(path, text)]
    strangers = set(directory.glob("*.json")) - set(texts)
    differences += [f"{path.name}: not made here" for path in sorted(strangers)]
    print("\n".join(differences), end="\n" if differences else "")
    return 1 if differences else 0


def difference(path, text):
    """What a reviewer needs to see first: the counts, and the beginning of the difference."""
    if not path.exists():
        return [f"{path.name}: missing"]
    found = path.read_bytes().decode(errors="replace")
    if found == text:
        return []
    lines = list(difflib.unified_diff(found.splitlines(), text.splitlines(), "on disk", "made",
                                      n=0, lineterm=""))
    removed, added = (sum(line[0] == sign for line in lines[2:]) for sign in "-+")
    shown = [f"  {line[:120]}" for line in lines[2:12]]
    return [f"{path.name}: {removed} lines on disk differ from {added} lines made", *shown]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
