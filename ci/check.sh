#!/usr/bin/env bash
# The daily checks: format, lints, the README's test command, documentation, and every benchmark once as a test.
. "$(dirname "${BASH_SOURCE[0]}")/steps.sh"

need cargo "install Rust (https://rustup.rs)"

# What the README tells its reader to run is what runs here; when the README changes, this has to follow.
test_of_the_readme() {
    grep -qx 'cargo test' README.md || {
        echo 'README.md no longer tells its reader to run `cargo test`' >&2
        return 1
    }
    cargo test
}

documentation() {
    RUSTDOCFLAGS="-D warnings" cargo doc --workspace --no-deps --all-features
}

step "format" cargo fmt --all --check -- --color never
step "clippy" cargo clippy --workspace --all-targets --all-features -- -D warnings
step "test" test_of_the_readme
step "documentation" documentation
# Whether they run is all that is asked here, so the slow half of the optimiser can stay away.
step "benchmarks, once as tests" env CARGO_PROFILE_BENCH_LTO=off CARGO_PROFILE_BENCH_CODEGEN_UNITS=16 cargo bench -- --test
