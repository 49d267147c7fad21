/** What may stand in the place of a config, or around it, so that it cannot be replaced. */

import type { Refusal } from "./config_place.ts";

/** One of them. */
export interface Obstacle extends Refusal {
  /** A shell line; `C` is the config, `D` its directory. */
  readonly arrange: string;
}

/** What stands in the way of a config of nobody's, and what every writer says to it. */
export const OBSTACLES: Readonly<Record<string, Obstacle>> = {
  "a read-only config": {
    arrange: "chmod 444 $C",
    status: 6,
    message: /it is read-only\nhint: chmod u\+w /,
    early: true,
  },
  "a config of another user": {
    arrange: "chown 0:0 $C; chmod 644 $C",
    status: 6,
    message: /it belongs to another user/,
    early: true,
  },
  "a second hard link": {
    arrange: "ln $C $D/second",
    status: 6,
    message: /it has another hard link/,
    early: true,
  },
  "a link to a read-only config": {
    arrange: "chmod 400 $C; mv $C $D/real; ln -s real $C",
    status: 6,
    message: /real: it is read-only/,
    early: true,
  },
  "a config that cannot be read": {
    arrange: "chmod 200 $C",
    status: 6,
    message: /permission denied/,
    early: true,
  },
  "a read-only directory": { arrange: "chmod 555 $D", status: 6, message: /permission denied/ },
  "a directory that cannot be entered": {
    arrange: "chmod 000 $D",
    status: 6,
    message: /permission denied/,
    early: true,
  },
  "a directory in the place of the config": {
    arrange: "rm $C; mkdir $C",
    status: 2,
    message: /it is a directory/,
    early: true,
  },
  "a pipe in the place of the config": {
    arrange: "rm $C; mkfifo $C; chown 65534 $C",
    status: 2,
    message: /it is no regular file/,
    early: true,
  },
  "a link to a device": {
    arrange: "rm $C; ln -s /dev/null $C",
    status: 2,
    message: /it is no regular file/,
    early: true,
  },
  "a link that leads nowhere": {
    arrange: "mv $C $D/away; ln -s gone $C",
    status: 2,
    message: /it is a symbolic link that leads nowhere/,
    early: true,
  },
  "a link to itself": {
    arrange: "rm $C; ln -s palyra.toml $C",
    status: 6,
    message: /too many symbolic links/,
    early: true,
  },
  "a file in the place of the directory": {
    arrange: "mv $C $D.toml; rmdir $D; mv $D.toml $D",
    status: 2,
    message: /a part of the path is not a directory/,
    early: true,
  },
  "no TOML": {
    arrange: "echo 'a = = 1' >> $C",
    status: 2,
    message: /invalid TOML at line 7, column 5/,
    early: true,
  },
  "no UTF-8": {
    arrange: "printf 'a = \"\\377\"\\n' >> $C",
    status: 2,
    message: /it is not valid UTF-8/,
    early: true,
  },
  "more than a mebibyte": {
    arrange: "head -c 1048576 /dev/zero | tr '\\0' '#' >> $C",
    status: 2,
    message: /it is larger than 1048576 bytes/,
    early: true,
  },
};
