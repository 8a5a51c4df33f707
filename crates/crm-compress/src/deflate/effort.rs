//! How hard the search for matches tries, by level.

/// What a level means to the search.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Effort {
    /// How many earlier places with the same hash are looked at.
    pub(crate) depth: u32,
    /// A match of this length ends the search.
    pub(crate) nice: usize,
    /// So many bytes at the front of a match are all entered as places to find again; behind them every second one is.
    pub(crate) dense: usize,
}

impl Effort {
    /// The effort of a level on zlib's scale, 1 to 9. The design notes have what each gives.
    pub(crate) const fn of(level: u8) -> Self {
        let (depth, nice, dense) = match level {
            0 | 1 => (2, 24, 0),
            2 => (3, 32, 0),
            3 => (4, 32, 8),
            4 => (6, 48, 16),
            5 => (10, 64, 32),
            6 => (16, 96, ALL),
            7 => (32, 128, ALL),
            8 => (128, ALL, ALL),
            _ => (512, ALL, ALL),
        };
        Self { depth, nice, dense }
    }
}

/// No match is longer.
const ALL: usize = super::symbols::LONGEST;
