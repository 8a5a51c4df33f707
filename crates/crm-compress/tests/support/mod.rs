//! What several test files need. Each uses a part of it.
#![expect(dead_code, reason = "every test file compiles its own copy")]

pub(crate) mod bodies;
pub(crate) mod codings;
pub(crate) mod decoders;
pub(crate) mod decoding;
pub(crate) mod negotiation;
#[cfg(feature = "http-body")]
pub(crate) mod script;
#[cfg(feature = "tower")]
pub(crate) mod server;
pub(crate) mod streams;
pub(crate) mod tags;

use proptest::test_runner::Config;

/// Proptest's configuration for a property that deserves more or fewer cases than others: a share of `PROPTEST_CASES`,
/// or of proptest's own number without it.
pub(crate) fn properties(share: impl FnOnce(u32) -> u32) -> Config {
    let usual = Config::default();
    Config {
        cases: share(usual.cases).max(1),
        failure_persistence: None,
        ..usual
    }
}
