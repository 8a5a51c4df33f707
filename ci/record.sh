#!/usr/bin/env bash
# record.sh WHAT -- COMMAND...: runs a measurement and begins its record, benches/records/DATE-WHAT.md.
#
# The record gets the command, the commit, the compiler, the processor, the load and what the command printed. Its table and
# its meaning are written by hand before it is committed; benches/records/README.md says what belongs into them.
. "$(dirname "${BASH_SOURCE[0]}")/steps.sh"

[ $# -ge 3 ] && [ "$2" = -- ] || {
    echo "usage: ci/record.sh WHAT -- COMMAND..." >&2
    exit 2
}
what=$1
shift 2
record=benches/records/$(date -u +%F)-$what.md
[ ! -e "$record" ] || {
    echo "$record exists, and a record is never edited: choose another name" >&2
    exit 1
}

commit=$(git rev-parse HEAD)
[ -z "$(git status --porcelain)" ] || commit+=", with changes that are not committed: not fit for a record"
processor=$(lscpu 2>/dev/null | sed -n 's/^Model name: *//p')
printed=$target/record.txt
load=$(cut -d ' ' -f 1-3 /proc/loadavg 2>/dev/null || echo unknown)
"$@" 2>&1 | tee "$printed"

{
    echo "# $what, $(date -u +%F)"
    echo
    echo "- command: \`$*\`"
    echo "- commit: $commit"
    echo "- processor: ${processor:-unknown}, $(getconf _NPROCESSORS_ONLN) cores; load before the run: $load"
    echo
    echo '```text'
    rustc -Vv
    echo '```'
    echo
    echo "## What was found"
    echo
    echo "TABLE AND MEANING ARE STILL TO BE WRITTEN"
    echo
    echo "## What the command printed"
    echo
    echo '```text'
    cat "$printed"
    echo '```'
} >"$record"
echo "$record begun"
