//! What an alert asks for.

use std::fmt;

/// What an alert asks for, the lesser first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// Somebody must look on a working day.
    Ticket,
    /// Somebody must look now, at night too.
    Page,
}

impl Severity {
    /// All of them, the most urgent first.
    pub(super) const ALL: [Self; 2] = [Self::Page, Self::Ticket];
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Ticket => "ticket",
            Self::Page => "page",
        })
    }
}
