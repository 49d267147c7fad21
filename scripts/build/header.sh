#!/bin/sh
# palyra: the program and what runs it in one file. The first run of a version unpacks it into a
# directory that only you can use; after these lines comes the archive.
set -u
fail() {
  echo "palyra: Cannot start: $1" >&2
  echo "hint: $2" >&2
  exit 5
}
# The runtime's own words would be a backtrace. The shell has looked that PWD is where it is.
[ -n "${PWD:-}" ] && [ -d "$PWD/." ] || fail "the working directory was removed" "Change to a directory that is there"
# What would steer the runtime is taken away; palyra gives it back to the programs that it starts.
for v in NODE_OPTIONS COMPLETE DENO_DIR DENO_V8_FLAGS DENO_COVERAGE_DIR DENO_NO_UPDATE_CHECK \
  OTEL_DENO OTEL_DENO_TRACING OTEL_DENO_METRICS OTEL_DENO_CONSOLE; do
  unset "PALYRA_ENV_$v"
  eval "[ -z \"\${$v+x}\" ] || export PALYRA_ENV_$v=\"\$$v\""
  unset "$v"
done
base=
case ${PALYRA_RUNTIME_DIR:-} in /*) base=$PALYRA_RUNTIME_DIR ;; esac
if [ -z "$base" ]; then
  case ${XDG_CACHE_HOME:-} in /*) base=$XDG_CACHE_HOME/palyra ;; esac
fi
if [ -z "$base" ] && [ -n "${HOME:-}" ]; then base=$HOME/.cache/palyra; fi
if [ -z "$base" ]; then
  user=$(id -un 2>/dev/null) || user=
  case $user in "" | *[!A-Za-z0-9._-]*) ;; *) eval "base=~$user/.cache/palyra" ;; esac
fi
case $base in
  /*) ;;
  *) fail "there is no home directory to unpack into" "Set PALYRA_RUNTIME_DIR to a directory of your own" ;;
esac
rt=$base/rt-@ID@
is_ours() {
  [ ! -L "$rt" ] && [ -O "$rt" ] && [ -O "$rt/deno" ] && [ -x "$rt/deno" ] && [ -O "$rt/dist/main.js" ]
}
unpack() (
  umask 077
  mkdir -p "$base" && [ -O "$base" ] || exit 1
  find "$base" -maxdepth 1 -name 'rt-*.*' -mtime +1 -exec rm -rf {} + # left by first runs that were killed
  tmp=$(mktemp -d "$rt.XXXXXXXX") || exit 1
  trap 'rm -rf "$tmp" "$rt/${tmp##*/}"' 0 # the latter when another first run was faster
  trap 'exit 1' 1 2 15
  tail -c @SIZE@ "$0" | tar -xzf - -C "$tmp" || exit 1
  [ -x "$tmp/deno" ] && [ -f "$tmp/dist/main.js" ] && mv "$tmp" "$rt"
)
is_ours || unpack 2>/dev/null
is_ours || fail "it cannot be unpacked into $rt" \
  "The file may be incomplete, the disk full, or the directory not yours; PALYRA_RUNTIME_DIR names another"
case $0 in /*) program=$0 ;; *) program=$(command -v -- "$0") && program=$(CDPATH='' cd -- "$(dirname -- "$program")" && pwd)/${0##*/} ;; esac
export PALYRA_PROGRAM="${program:-}" DENO_DIR="$rt/cache" DENO_NO_UPDATE_CHECK=1 PALYRA_LAUNCHER=1
exec "$rt/deno" run -A --quiet --no-config --no-lock --no-npm --no-remote --no-prompt "$rt/dist/main.js" "$@"
exit 5
