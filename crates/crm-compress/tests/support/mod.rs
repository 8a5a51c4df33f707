//! What several test files need. Each uses a part of it.
#![expect(dead_code, reason = "every test file compiles its own copy")]

pub(crate) mod bodies;
pub(crate) mod decoders;
pub(crate) mod negotiation;
