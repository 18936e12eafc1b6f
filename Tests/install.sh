#!/usr/bin/env bash
# Installs the program into a folder and holds it to what `make install` promises: no library of Swift's, and a root folder with
# nothing but the C library, OpenBLAS and libyaml is enough to plan and to train.
set -euo pipefail
cd "$(dirname "$0")/.."

folder=$(mktemp -d)
leave() {
  # Nothing below a mounted folder may be removed.
  if mountpoint -q "$folder/root/proc"; then umount "$folder/root/proc"; fi
  rm -rf --one-file-system "$folder"
}
trap leave EXIT
make install PREFIX="$folder/installed"
program=$folder/installed/bin/strata

for file in bin/strata share/man/man1/strata.1 share/bash-completion/completions/strata \
  share/zsh/site-functions/_strata share/fish/vendor_completions.d/strata.fish; do
  [[ -s $folder/installed/$file ]] || { echo "missing: $file" >&2; exit 1; }
done
if command -v mandoc > /dev/null; then mandoc -T lint -W error "$folder/installed/share/man/man1/strata.1"
elif command -v groff > /dev/null; then
  complaints=$(groff -man -Tutf8 -ww "$folder/installed/share/man/man1/strata.1" 2>&1 > /dev/null)
  [[ -z $complaints ]] || { echo "$complaints" >&2; exit 1; }
fi

ldd "$program"
if ldd "$program" | grep -iE 'swift|Foundation|libstdc'; then
  echo "libraries of the toolchain are needed" >&2
  exit 1
fi

if [[ $(id -u) != 0 ]]; then
  echo "skipped: a root folder of its own needs root"
  exit 0
fi
root=$folder/root
mkdir -p "$root/tmp" "$root/proc"
# Swift's runtime reads the command line there.
if ! mount -t proc proc "$root/proc"; then
  echo "skipped: a root folder of its own needs /proc, which can't be mounted here"
  exit 0
fi
# What the program and its two libraries load, by the paths they are looked for.
ldd "$program" | grep -oE '/[^ ]+' | sort -u | while read -r library; do
  install -D "$(readlink -f "$library")" "$root$library"
done
install -D "$program" "$root/bin/strata"
install -D -m 644 specs/digits.yaml "$root/specs/digits.yaml"
inside() { env -i "$(command -v chroot)" "$root" /bin/strata "$@"; }
inside --version
inside plan /specs/digits.yaml > "$folder/plan.txt"
grep -q 'peak' "$folder/plan.txt"
inside run /specs/digits.yaml --set training.epochs=2 -o /tmp/run
grep -q '"status": *"finished"' "$root/tmp/run/summary.json"

make uninstall PREFIX="$folder/installed"
if find "$folder/installed" -type f | grep -q .; then
  echo "left behind by make uninstall" >&2
  exit 1
fi
echo "installed, ran in a bare root, uninstalled"
