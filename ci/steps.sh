# Sourced by the scripts beside it: strict mode, the project's root as the working directory, and named, timed steps.
# shellcheck shell=bash

set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

export CARGO_TERM_COLOR=never CARGO_TERM_PROGRESS_WHEN=never RUSTUP_TERM_COLOR=never

# A check compiles each crate once: what would make the second time faster is thirteen gigabytes of target folder.
export CARGO_INCREMENTAL=0

# Whatever a script keeps between runs lies in here.
target=${CARGO_TARGET_DIR:-$PWD/target}
mkdir -p "$target"

current_step=
trap '[ -z "$current_step" ] || echo "== $current_step: FAILED" >&2' EXIT

# step NAME COMMAND...: runs the command, and prints its name before and its time after.
step() {
    local start=$SECONDS
    current_step=$1
    shift
    echo "== $current_step"
    "$@"
    echo "== $current_step: $((SECONDS - start)) s"
    current_step=
}

# need PROGRAM WHY: ends with a clear line when the program is not there.
need() {
    command -v "$1" >/dev/null || {
        echo "$1 is missing: $2" >&2
        exit 1
    }
}

# toolchain NAME [COMPONENT...]: installs a Rust toolchain unless it is there with its components.
toolchain() {
    local name=$1 component missing=
    shift
    need rustup "it installs the toolchain $name (https://rustup.rs)"
    for component in cargo "$@"; do
        rustup component list --installed --toolchain "$name" 2>/dev/null | grep -q "^$component" || missing=yes
    done
    [ -z "$missing" ] || rustup toolchain install "$name" --profile minimal ${1:+--component "$(IFS=, && echo "$*")"}
}
