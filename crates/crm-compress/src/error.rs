//! What can be refused, and what to do instead.

use std::error::Error;
use std::fmt;

/// A name that is no coding of this crate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UnknownCoding;

impl fmt::Display for UnknownCoding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("unknown content coding; use gzip, deflate or identity")
    }
}

impl Error for UnknownCoding {}
