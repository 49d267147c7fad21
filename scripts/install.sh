#!/bin/sh
# Installs palyra from a release directory that was built here: install.sh [--prefix DIR] [--from DIR].
# Without --prefix into /usr/local as root, else into ~/.local. Nothing is fetched.
set -eu
fail() {
  echo "install.sh: $1" >&2
  exit 1
}
from=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd)/release
prefix=
while [ $# -gt 0 ]; do
  case $1 in
    --prefix | --from) [ $# -gt 1 ] || fail "$1 needs a directory" ;;
    *) fail "usage: install.sh [--prefix DIR] [--from DIR]" ;;
  esac
  case $1 in
    --prefix) prefix=$2 ;;
    --from) from=$2 ;;
  esac
  shift 2
done
if [ -z "$prefix" ]; then
  if [ "$(id -u)" = 0 ]; then prefix=/usr/local; else prefix=${HOME:?HOME is not set}/.local; fi
fi
[ -f "$from/SHA256SUMS" ] || fail "no release in $from: deno task build makes one"
if command -v sha256sum >/dev/null 2>&1; then sum="sha256sum"; else sum="shasum -a 256"; fi
(cd "$from" && $sum -c SHA256SUMS >/dev/null 2>&1) || fail "the files in $from are not those of its SHA256SUMS"

case $(uname -s) in
  Linux) os=linux target=unknown-linux-gnu ;;
  Darwin) os=darwin target=apple-darwin ;;
  *) fail "no palyra for $(uname -s)" ;;
esac
case $(uname -m) in
  x86_64 | amd64) arch=x86_64 ;;
  aarch64 | arm64) arch=aarch64 ;;
  *) fail "no palyra for $(uname -m)" ;;
esac
program=
for one in "$from"/palyra-*-"$arch-$target" "$from"/palyra-*-"$os-$arch"; do # the compiled one first
  if [ -f "$one" ]; then program=$one && break; fi
done
[ -n "$program" ] || fail "no program for this machine in $from"

# Each file beside its place, then moved there: whoever starts palyra meanwhile has the old or the new.
put() {
  mkdir -p "$(dirname "$3")"
  cp "$1" "$3.new.$$" && chmod "$2" "$3.new.$$" && mv "$3.new.$$" "$3"
}
put "$program" 755 "$prefix/bin/palyra"
put "$from/palyra.1" 644 "$prefix/share/man/man1/palyra.1"
put "$from/completions/palyra.bash" 644 "$prefix/share/bash-completion/completions/palyra"
put "$from/completions/palyra.zsh" 644 "$prefix/share/zsh/site-functions/_palyra"
put "$from/completions/palyra.fish" 644 "$prefix/share/fish/vendor_completions.d/palyra.fish"
echo "installed $prefix/bin/palyra"
case :$PATH: in *":$prefix/bin:"*) ;; *) echo "add $prefix/bin to PATH" ;; esac
