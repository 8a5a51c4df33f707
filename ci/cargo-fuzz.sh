#!/usr/bin/env bash
# Prints the path of a cargo-fuzz, and builds one into target/tools when there is none.
. "$(dirname "${BASH_SOURCE[0]}")/steps.sh"

version=0.13.2
own=$target/tools/bin/cargo-fuzz
for candidate in "$(command -v cargo-fuzz || true)" "$own"; do
    # Any patch version will do.
    if [ -x "$candidate" ] && [[ $("$candidate" --version) == "cargo-fuzz ${version%.*}."* ]]; then
        echo "$candidate"
        exit
    fi
done
cargo install --locked --debug --version "$version" cargo-fuzz --root "$target/tools" --target-dir "$target/tools/build" >&2
rm -rf "$target/tools/build"
echo "$own"
