#!/usr/bin/env bash
# What a dependent relies on: every feature alone, none and all, and what optional ones bring; the minimum Rust; licences and sources of dependencies;
# no C compiler for the defaults; no competitor in `cargo test`.
. "$(dirname "${BASH_SOURCE[0]}")/steps.sh"

need cargo "install Rust (https://rustup.rs)"
need python3 "ci/workspace.py reads cargo's metadata with it"

# Packages that are called as bindings to C are, and only declare what the system's kernel or libraries have.
declarations='linux-raw-sys|windows-sys'

# The crates that must build by default without a C compiler.
pure=(crm-cache crm-batch crm-compress crm-metrics crm-monitor)

# Each published crate with its default, without any feature, with each one alone, and with all. Clippy instead of a plain
# check: what only one feature set leaves unused is a warning, and a warning fails.
each_feature() {
    local crate flags
    python3 ci/workspace.py feature-sets | while read -r crate flags; do
        echo "-- $crate ${flags:-(default)}"
        # The flags are words without spaces by construction, and must be split.
        # shellcheck disable=SC2086
        cargo clippy --quiet -p "$crate" --lib $flags -- -D warnings
    done
}

# What is only there with a feature that is no default, `cargo test` leaves out. The other tests run once more beside it: a
# feature must not change what they find.
tests_with_features() {
    cargo test -p crm-batch --all-features
    cargo test -p crm-cache --all-features
    cargo test -p crm-compress --all-features
    cargo test -p crm-metrics --all-features
    cargo test -p crm-monitor --all-features
    cargo test -p crm-perf --all-features
}

# The models themselves run in ci/deep.sh; what they are made of must compile with every change.
models() {
    RUSTFLAGS="--cfg loom" cargo check --quiet -p crm-batch -p crm-cache -p crm-monitor --lib --profile test --target-dir "$target/loom"
    RUSTFLAGS="--cfg shuttle" cargo check --quiet -p crm-batch -p crm-cache --lib --profile test --target-dir "$target/shuttle"
}

# A target folder of its own: sharing one would make the two compilers rebuild each other's work.
minimum_rust() {
    local version packages
    version=$(python3 ci/workspace.py minimum-rust)
    toolchain "$version"
    packages=$(python3 ci/workspace.py published | sed 's/^/-p /')
    # shellcheck disable=SC2086
    cargo "+$version" check --lib $packages --all-features --target-dir "$target/msrv"
}

# Licences, bans and sources need nothing but the lock file and the crates; advisories change by the day, and are a step of
# ci/deep.sh.
dependencies() {
    local deny
    deny=$(ci/cargo-deny.sh)
    "$deny" --color never --all-features check licenses bans sources
}

no_c_compiler() {
    local crate tree found
    for crate in "${pure[@]}"; do
        tree=$(cargo tree -p "$crate" -e normal,build --prefix none --format '{p}' --locked)
        found=$(awk '{ print $1 }' <<<"$tree" | sort -u | grep -Exv "$declarations" | grep -Ex 'cc|cmake|pkg-config|vcpkg|bindgen|.*-sys' || true)
        if [ -n "$found" ]; then
            echo "the default $crate needs" $found >&2
            return 1
        fi
        echo "-- $crate: $(awk '{ print $1 }' <<<"$tree" | sort -u | wc -l) packages, none for C"
    done
}

no_competitor_in_tests() {
    cargo test --no-run --quiet --message-format=json >"$target/test-artifacts.json"
    python3 ci/workspace.py only-benched "$target/test-artifacts.json"
}

step "each feature alone, none, all" each_feature
step "tests with optional features" tests_with_features
step "models compile" models
step "minimum Rust" minimum_rust
step "licences, bans, sources" dependencies
step "no C compiler by default" no_c_compiler
step "no competitor in cargo test" no_competitor_in_tests
