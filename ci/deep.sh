#!/usr/bin/env bash
# The long checks, scaled to end within half an hour on two cores.
#
#   ci/deep.sh         runs all of them in the order of the list below
#   ci/deep.sh NAME    runs one
. "$(dirname "${BASH_SOURCE[0]}")/steps.sh"

need cargo "install Rust (https://rustup.rs)"
need python3 "ci/workspace.py reads cargo's metadata with it"
need timeout "it holds each step to its share of the time (GNU coreutils)"

# To add a check: write a function, name it here, and give its command a share of the time by `timeout`.
names=(advisories loom shuttle miri stress stale_reads properties kill simulator operations large prometheus dashboard fuzz)

packages() {
    python3 ci/workspace.py published | sed 's/^/-p /'
}

# Known vulnerabilities in dependencies. Not a daily check: its answer changes without a change here.
advisories() {
    local deny
    deny=$(ci/cargo-deny.sh)
    # Fetching and checking are apart, so that a database out of reach is told from a finding.
    if timeout 60 "$deny" --color never fetch db; then
        "$deny" --color never --all-features check --disable-fetch advisories
    else
        echo "SKIPPED: the advisory database is out of reach"
    fi
}

# Undefined behaviour and data races, in our code and in what it drives of its dependencies. The interpreter is some hundred
# times slower, so properties run one case here. The system's clock and proptest's files lie outside its sandbox.
#
# It interprets a macOS program, whatever it runs on: parking_lot_core 0.9.12 hands Linux's futex call its word by a type that
# newer interpreters refuse (rust-lang/rust#161734), and parks by pthread elsewhere.
miri_crates=(crm-cache crm-clock)
# Not yet interpreted: crm-batch, whose thread pool breaks Stacked Borrows inside crossbeam-epoch and whose tests take many minutes
# even under Tree Borrows; crm-compress, not tried; crm-metrics, which is arithmetic. Of ours, crm-cache alone has
# unsafe code. A test that would take minutes does less under `cfg!(miri)`.
miri() {
    toolchain nightly miri rust-src
    # shellcheck disable=SC2046
    XDG_CACHE_HOME="$target/miri-cache" PROPTEST_CASES=1 RUST_BACKTRACE=0 \
        MIRIFLAGS="-Zmiri-disable-isolation -Zmiri-permissive-provenance -Zmiri-deterministic-floats" \
        timeout 600 cargo +nightly miri test --target x86_64-apple-darwin $(printf -- '-p %s ' "${miri_crates[@]}") \
        --all-features --lib --tests
}

# Every order of a few steps of the lock-free store, of a signal, of flights and of tags, within so many preemptions, and every value that the memory
# model lets a load return. Each ordering and fence of the store has been seen to be needed by one of the models.
loom() {
    LOOM_MAX_PREEMPTIONS=${LOOM_MAX_PREEMPTIONS:-5} RUSTFLAGS="--cfg loom" \
        timeout 240 cargo test --release -p crm-cache --all-features --lib models:: --target-dir "$target/loom"
    # The hand-over of batches: gate and control. A preemption less, because its steps are many.
    LOOM_MAX_PREEMPTIONS=${BATCH_LOOM_PREEMPTIONS:-2} RUSTFLAGS="--cfg loom" \
        CARGO_PROFILE_RELEASE_DEBUG_ASSERTIONS=true CARGO_PROFILE_RELEASE_OVERFLOW_CHECKS=true CARGO_PROFILE_RELEASE_LTO=off \
        timeout 300 cargo test --release -p crm-batch --lib engine::models:: --target-dir "$target/loom"
    # A histogram's words and what moves out of them, against its readers.
    LOOM_MAX_PREEMPTIONS=${MONITOR_LOOM_PREEMPTIONS:-3} RUSTFLAGS="--cfg loom" \
        CARGO_PROFILE_RELEASE_DEBUG_ASSERTIONS=true CARGO_PROFILE_RELEASE_LTO=off \
        timeout 120 cargo test --release -p crm-monitor --lib models:: --target-dir "$target/loom"
}

# Whole caches in many orders: single flight with cancellations and panics, the batch queue, invalidations against loads. Whole
# batch runs on a pool of the checker's threads: cancelled, late, paused or failed at any point, with retries and stages apart.
shuttle() {
    CRM_CACHE_MODEL_RUNS=${CRM_CACHE_MODEL_RUNS:-20000} RUSTFLAGS="--cfg shuttle" \
        timeout 180 cargo test --release -p crm-cache --all-features --lib load::models --target-dir "$target/shuttle"
    CRM_BATCH_MODEL_RUNS=${CRM_BATCH_MODEL_RUNS:-20000} RUSTFLAGS="--cfg shuttle" \
        CARGO_PROFILE_RELEASE_DEBUG_ASSERTIONS=true CARGO_PROFILE_RELEASE_OVERFLOW_CHECKS=true CARGO_PROFILE_RELEASE_LTO=off \
        timeout 300 cargo test --release -p crm-batch --lib engine::models:: --target-dir "$target/shuttle"
}

# The cache under threads that do everything at once: plain, and under the address sanitiser, which also finds leaks.
stress() {
    toolchain nightly
    CRM_CACHE_STRESS_SECONDS=15 CARGO_PROFILE_RELEASE_DEBUG_ASSERTIONS=true \
        timeout 120 cargo test --release -p crm-cache --test stress --target-dir "$target/deep"
    CRM_CACHE_STRESS_SECONDS=15 RUSTFLAGS="-Zsanitizer=address" \
        timeout 180 cargo +nightly test --release -p crm-cache --test stress --test panics \
        --target x86_64-unknown-linux-gnu --target-dir "$target/sanitizer"
}

# Readers that must never see what was invalidated before they asked: a hundred million reads, and every way to load, to
# write and to invalidate.
stale_reads() {
    CRM_CACHE_DEEP_READS=${CRM_CACHE_DEEP_READS:-100000000} \
        CARGO_PROFILE_RELEASE_DEBUG_ASSERTIONS=true CARGO_PROFILE_RELEASE_OVERFLOW_CHECKS=true CARGO_PROFILE_RELEASE_LTO=off \
        timeout 300 cargo test --release -p crm-cache --all-features --test no_stale_reads --target-dir "$target/deep" \
        -- --nocapture
}

# Every property with many more cases than `cargo test` tries, optimised, with overflow and debug assertions on.
properties() {
    # shellcheck disable=SC2046
    PROPTEST_CASES=10000 \
        CARGO_PROFILE_RELEASE_DEBUG_ASSERTIONS=true CARGO_PROFILE_RELEASE_OVERFLOW_CHECKS=true CARGO_PROFILE_RELEASE_LTO=off \
        timeout 300 cargo test --release $(packages) --all-features --lib --tests --target-dir "$target/deep"
}

# Batch jobs in processes of their own, killed at any moment and run again: nothing is lost, nothing is doubled.
kill() {
    CRM_BATCH_KILLS=${CRM_BATCH_KILLS:-300} \
        CARGO_PROFILE_RELEASE_DEBUG_ASSERTIONS=true CARGO_PROFILE_RELEASE_OVERFLOW_CHECKS=true CARGO_PROFILE_RELEASE_LTO=off \
        timeout 300 cargo test --release -p crm-batch --all-features --test kill --target-dir "$target/deep" -- --nocapture
}

# The adaptive policy against its simulator, hit for hit: every load at every capacity.
simulator() {
    CRM_CACHE_DEEP=1 timeout 240 cargo test --release -p crm-cache --lib simulator::agreement --target-dir "$target/deep"
}

# The cache and the loading cache against obvious ones, over random configurations and long sequences of operations.
operations() {
    CRM_CACHE_DEEP_OPERATIONS=${CRM_CACHE_DEEP_OPERATIONS:-10000000} \
        CARGO_PROFILE_RELEASE_DEBUG_ASSERTIONS=true CARGO_PROFILE_RELEASE_OVERFLOW_CHECKS=true CARGO_PROFILE_RELEASE_LTO=off \
        timeout 300 cargo test --release -p crm-cache --test agrees_with_the_obvious \
        --test loading_agrees_with_the_obvious --target-dir "$target/deep" -- --nocapture as_many_operations_as_asked_for
}

# Exports of 100 MB in every coding, whole, streamed and on all threads, through the decoders of this machine.
large() {
    CRM_COMPRESS_LARGE=${CRM_COMPRESS_LARGE:-100000000} \
        CARGO_PROFILE_RELEASE_DEBUG_ASSERTIONS=true CARGO_PROFILE_RELEASE_OVERFLOW_CHECKS=true CARGO_PROFILE_RELEASE_LTO=off \
        timeout 300 cargo test --release -p crm-compress --all-features --test large --target-dir "$target/deep" -- --nocapture
}

# What a real Prometheus server stores is what was recorded: known figures, scraped as text and as native histograms beside threads
# that record, and those of the monitored service. The server is that of Debian's package.
prometheus() {
    local server log=$target/prometheus.log
    if ! server=$(timeout 120 ci/prometheus.sh prometheus 2>"$log"); then
        echo "SKIPPED: Debian's package prometheus could not be had, so that no server was asked:" >&2
        tail -n 5 "$log" >&2
        return
    fi
    cargo build --quiet -p crm-monitor --all-features --example scraped
    timeout 180 python3 ci/scraped.py known "$server" "$target/debug/examples/scraped"
    cargo build --quiet -p examples --example monitored_service
    timeout 180 python3 ci/scraped.py service "$server" "$target/debug/examples/monitored_service"
}

# The dashboard of the monitored service in a real browser: live, legible by day and by night on a phone and on a desk, and quiet
# on the console.
dashboard() {
    if ! command -v chromium >/dev/null; then
        need apt-get "install chromium by hand, the browser that looks at the dashboard"
        apt-get update -qq
        DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends chromium >/dev/null
    fi
    cargo build -p examples --example monitored_service
    timeout 300 python3 ci/dashboard.py "$target/debug/examples/monitored_service"
}

# The same operations, the bytes of snapshots, CSV files in blocks, headers of requests, and encoded bodies, chosen by a fuzzer that looks at which code they reach, under the address
# sanitiser. It goes on from what it found before, which it keeps in fuzz/corpus.
fuzz() {
    local fuzz seconds=${FUZZ_SECONDS:-60}
    fuzz=$(ci/cargo-fuzz.sh)
    toolchain nightly
    # Long inputs from the beginning: it takes many operations to fill a cache.
    RUSTUP_TOOLCHAIN=nightly timeout $((seconds + 240)) "$fuzz" run cache_operations --target-dir "$target/fuzz" \
        -- -max_total_time="$seconds" -len_control=0 -max_len=2400 -verbosity=0 -print_final_stats=1
    RUSTUP_TOOLCHAIN=nightly timeout $((seconds + 240)) "$fuzz" run cache_loading --target-dir "$target/fuzz" \
        -- -max_total_time="$seconds" -len_control=0 -max_len=1200 -verbosity=0 -print_final_stats=1
    RUSTUP_TOOLCHAIN=nightly timeout $((seconds + 240)) "$fuzz" run cache_restore --target-dir "$target/fuzz" \
        -- -max_total_time="$seconds" -max_len=1200 -verbosity=0 -print_final_stats=1
    RUSTUP_TOOLCHAIN=nightly timeout $((seconds + 240)) "$fuzz" run batch_csv --target-dir "$target/fuzz" \
        -- -max_total_time="$seconds" -max_len=1200 -verbosity=0 -print_final_stats=1
    RUSTUP_TOOLCHAIN=nightly timeout $((seconds + 240)) "$fuzz" run compress_negotiate --target-dir "$target/fuzz" \
        -- -max_total_time="$seconds" -max_len=400 -verbosity=0 -print_final_stats=1
    RUSTUP_TOOLCHAIN=nightly timeout $((seconds + 240)) "$fuzz" run compress_headers --target-dir "$target/fuzz" \
        -- -max_total_time="$seconds" -max_len=200 -verbosity=0 -print_final_stats=1
    RUSTUP_TOOLCHAIN=nightly timeout $((seconds + 240)) "$fuzz" run compress_decode --target-dir "$target/fuzz" \
        -- -max_total_time="$seconds" -len_control=0 -max_len=1200 -verbosity=0 -print_final_stats=1
    RUSTUP_TOOLCHAIN=nightly timeout $((seconds + 240)) "$fuzz" run compress_round_trip --target-dir "$target/fuzz" \
        -- -max_total_time="$seconds" -len_control=0 -max_len=4000 -verbosity=0 -print_final_stats=1
    RUSTUP_TOOLCHAIN=nightly timeout $((seconds + 240)) "$fuzz" run monitor_registration --target-dir "$target/fuzz" \
        -- -max_total_time="$seconds" -max_len=600 -verbosity=0 -print_final_stats=1
    RUSTUP_TOOLCHAIN=nightly timeout $((seconds + 240)) "$fuzz" run monitor_snapshot --target-dir "$target/fuzz" \
        -- -max_total_time="$seconds" -max_len=300 -verbosity=0 -print_final_stats=1
}

if [ $# -eq 0 ]; then
    for name in "${names[@]}"; do
        step "$name" "$name"
    done
elif [ $# -eq 1 ] && [[ " ${names[*]} " == *" $1 "* ]]; then
    step "$1" "$1"
else
    echo "usage: ci/deep.sh [${names[*]}]" >&2
    exit 2
fi
