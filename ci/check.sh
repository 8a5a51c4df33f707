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

# What crm-monitor exposes, through readers of other makers. Where one of them cannot be had, its part is left out and says so; what
# is there and finds a fault fails.
exposition() {
    local folder=$target/exposition tools=$target/tools/exposition log=$target/exposition.log promtool
    cargo run --quiet -p crm-monitor --all-features --example exposition -- "$folder"

    if "$tools/bin/python" -c "import google.protobuf, prometheus_client" 2>/dev/null ||
        { python3 -m venv --clear "$tools" && timeout 60 "$tools/bin/pip" install --quiet --disable-pip-version-check \
            prometheus_client==0.26.0 protobuf==7.36.2; } >"$log" 2>&1; then
        "$tools/bin/python" ci/exposition.py openmetrics "$folder"
        "$tools/bin/python" ci/exposition.py protobuf "$folder"
    else
        skipped "prometheus_client and protobuf" "$log"
    fi

    if promtool=$(timeout 60 ci/prometheus.sh promtool 2>"$log"); then
        "$promtool" check metrics <"$folder/prometheus.txt"
        echo "promtool has nothing against it"
    else
        skipped "promtool" "$log"
    fi
}

# skipped WHAT LOG: says that an oracle could not be had, and why.
skipped() {
    echo "SKIPPED: $1 could not be installed, so that nothing was held against it:" >&2
    tail -n 5 "$2" >&2
}

step "format" cargo fmt --all --check -- --color never
step "clippy" cargo clippy --workspace --all-targets --all-features -- -D warnings
step "test" test_of_the_readme
step "exposition" exposition
step "documentation" documentation
# Whether they run is all that is asked here, so the slow half of the optimiser can stay away.
step "benchmarks, once as tests" env CARGO_PROFILE_BENCH_LTO=off CARGO_PROFILE_BENCH_CODEGEN_UNITS=16 cargo bench -- --test
