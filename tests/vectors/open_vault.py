#!/usr/bin/env python3
"""Prints one secret of a state root, exact bytes: an independent reader of src/vault/FORMAT.md.

usage: open_vault.py STATE_ROOT SCOPE/NAME[#VERSION]

Exit status: 0 read, 1 damaged or altered, 2 wrong usage, 3 no such secret or version. It writes
nothing. Only a vault whose key rests in `encrypted_file` can be read: the others need a keystore.
The text of the schema is not compared: it stands in palyra's source, which this does not read.
"""

import datetime
import pathlib
import sqlite3
import sys

sys.dont_write_bytecode = True
import palyra_format as form  # noqa: E402

MEMBERS = ("encrypted_key", "iv", "ciphertext", "tag")


def main(args):
    if len(args) != 2 or "/" not in args[1]:
        return fail(2, "usage: open_vault.py STATE_ROOT SCOPE/NAME[#VERSION]")
    try:
        value = read(pathlib.Path(args[0]), args[1])
    except form.Refused as refused:
        return fail(1, f"open_vault: refused: {refused}")
    except (OSError, sqlite3.Error) as error:
        return fail(1, f"open_vault: cannot read: {error}")
    if value is None:
        return fail(3, "open_vault: no such secret or version")
    sys.stdout.buffer.write(value)
    return 0


def fail(status, text):
    print(text, file=sys.stderr)
    return status


def read(state_root, ref):
    """The value; None when it is not there or has expired."""
    body, _, number = ref.partition("#")
    scope, _, name = body.partition("/")
    uri = (state_root / "vault" / "vault.db").resolve().as_uri() + "?mode=ro"
    database = sqlite3.connect(uri, uri=True, isolation_level=None)
    try:
        database.row_factory = sqlite3.Row
        database.execute("BEGIN")  # one snapshot
        if database.execute("PRAGMA user_version").fetchone()[0] != 2:
            raise form.Refused("vault.db has another user_version")
        rows = database.execute(
            "SELECT * FROM versions WHERE scope = ? AND name = ? ORDER BY version DESC",
            (scope, name),
        ).fetchall()
        row = next((row for row in rows if number in ("", str(row["version"]))), None)
        if row is None:
            return None
        vault_id = one(database, "SELECT vault_id FROM vault")["vault_id"]
        vault_key = open_vault_key(state_root / "identity", database, vault_id)
        opened = [open_row(database, vault_key, vault_id, found) for found in (row, rows[0])]
    finally:
        database.close()
    # Dates are believed now that they are authenticated. The current version speaks for all.
    now = datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="milliseconds")
    now = now.replace("+00:00", "Z")
    gone = any(found["expires_at"] is not None and found["expires_at"] <= now
               for found in (row, rows[0]))
    return None if gone else opened[0]


def open_vault_key(identity, database, vault_id):
    """From the files of the identity to the vault key in force."""
    store_key = (identity / "store.key").read_bytes()
    ca = form.open_record(store_key, "ca", (identity / "ca.sealed").read_bytes())
    form.open_record(store_key, "device", (identity / "device.sealed").read_bytes())
    blob = one(
        database,
        "SELECT b.*, k.salt FROM blobs b JOIN keks k ON k.kid = b.kek_kid WHERE b.state = 'live'",
    )
    if blob["backend"] != "encrypted_file":
        raise form.Refused("the vault key rests in a keystore")
    kek = form.open_kek(ca, blob["salt"], blob["kek_kid"])
    return form.open_blob(kek, vault_id, blob["generation"], blob["kek_kid"], blob["content"])


def open_row(database, vault_key, vault_id, row):
    """The value in a row of `versions`."""
    key = one(database, "SELECT * FROM scope_keys WHERE kid = ?", row["kid"])
    scope_key = form.open_scope_key(
        vault_key, vault_id, row["scope"], key["generation"], row["kid"], key["wrapped"]
    )
    place = {**dict(row), "vault_id": vault_id}
    return form.open_value(scope_key, place, {name: row[name] for name in MEMBERS})


def one(database, sql, *parameters):
    rows = database.execute(sql, parameters).fetchall()
    if len(rows) != 1:
        raise form.Refused("a row is missing, or there are too many")
    return rows[0]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
