#!/usr/bin/env bash
# Prints the path of a program of Debian's package `prometheus`, and unpacks it into target/tools when it is nowhere. It is not
# installed, so that nothing is started, and where apt-get's lists are there it takes no root.
#
#   ci/prometheus.sh promtool      the checker of metrics
#   ci/prometheus.sh prometheus    the server
. "$(dirname "${BASH_SOURCE[0]}")/steps.sh"

program=$1
own=$target/tools/bin/$program
for candidate in "$(command -v "$program" || true)" "$own"; do
    if [ -x "$candidate" ]; then
        echo "$candidate"
        exit
    fi
done
need apt-get "it fetches Debian's package prometheus; elsewhere install $program by hand"
need dpkg-deb "it unpacks Debian's package prometheus"
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
# Where the lists are missing or too old, the download fails once.
if ! apt-get download prometheus >&2; then
    apt-get -qq update >&2
    apt-get download prometheus >&2
fi
dpkg-deb --fsys-tarfile prometheus_*.deb | tar -x "./usr/bin/$program"
mkdir -p "$(dirname "$own")"
mv "usr/bin/$program" "$own"
echo "$own"
