#!/bin/sh
# install.sh install | remove: puts kata-ts on a node, or takes it away. What `npm run install:system` does, from inside a
# container that has the node's root at $HOST.
set -eu
host=${HOST:-/host}
from=${FROM:-/opt/kata-ts}
snippets=${SNIPPETS:-$(dirname "$0")}
prefix=/opt/kata
bin=/usr/local/bin
config=$host/etc/containerd/config.toml
begin='# begin of kata-ts'
end='# end of kata-ts'

fail() {
  echo "kata-ts: $*" >&2
  exit 1
}

# Programs of the node that kata-ts runs, each with its package.
check_node() {
  missing=
  [ -x "$host/usr/bin/qemu-system-x86_64" ] || missing="$missing qemu-system-x86"
  [ -x "$host/usr/bin/mkfs.erofs" ] || missing="$missing erofs-utils"
  [ -z "$missing" ] || fail "the node lacks packages; run there: apt-get install$missing"
}

# File by file, each by a rename: programs that run go on with what they were started from.
copy_programs() {
  (cd "$from" && find . -type f) | while read -r file; do
    to=$host$prefix/$file
    mkdir -p "$(dirname "$to")"
    cp -p "$from/$file" "$to.tmp"
    mv "$to.tmp" "$to"
  done
  ln -sfn kata-runtime "$host$prefix/bin/containerd-shim-kata-v2"
  mkdir -p "$host$bin"
  for name in kata-runtime containerd-shim-kata-v2; do ln -sfn "$prefix/bin/$name" "$host$bin/$name"; done
}

# The configuration without what was added to it.
without_ours() {
  [ ! -e "$config" ] || sed "/^$begin\$/,/^$end\$/d" "$config"
}

# What is to be added to a configuration on standard input. In the format of 1.x the first runtime that is named leaves the
# others out, runc too.
ours() {
  text=$(cat)
  case $(echo "$text" | sed -n 's/^version *= *//p') in
    3) sed '/^version/d' "$snippets/2.x.toml" ;;
    *)
      if echo "$text" | grep -q 'runtimes\.["'\'']*runc["'\'']*\]'; then
        sed '/^# Without this table/,/^$/d' "$snippets/1.x.toml"
      else
        cat "$snippets/1.x.toml"
      fi
      ;;
  esac
}

# The configuration of a node that has none: containerd 2.x reads the newer format.
first_line() {
  case $(chroot "$host" containerd --version 2>/dev/null) in
    *\ v2.* | *\ 2.*) echo 'version = 3' ;;
    *) echo 'version = 2' ;;
  esac
}

# Writes the configuration if it is another one, and has containerd read it.
configure() {
  mkdir -p "$(dirname "$config")"
  if [ -e "$config" ] && cmp -s "$1" "$config"; then
    rm "$1"
    return
  fi
  mv "$1" "$config"
  [ -n "${NO_RESTART:-}" ] || nsenter --target 1 --mount -- systemctl restart containerd
}

case ${1:-} in
  install)
    check_node
    copy_programs
    new=$config.kata-ts
    mkdir -p "$(dirname "$config")"
    if [ -s "$config" ]; then without_ours >"$new"; else first_line >"$new"; fi
    added=$(ours <"$new")
    printf '%s\n%s\n%s\n' "$begin" "$added" "$end" >>"$new"
    configure "$new"
    echo 'kata-ts is installed'
    # A DaemonSet's container has to stay.
    [ -n "${NO_RESTART:-}" ] || exec sleep infinity
    ;;
  remove)
    new=$config.kata-ts
    without_ours >"$new"
    configure "$new"
    for name in kata-runtime containerd-shim-kata-v2; do rm -f "$host$bin/$name"; done
    rm -rf "${host:?}$prefix"
    echo 'kata-ts is removed'
    ;;
  *) fail "install or remove is expected, found '${1:-}'" ;;
esac
