//! A chunk in the gate: its pieces, until all of them are there and it is their turn.

use super::desk::Reading;
use crate::Position;

/// A chunk between its fill and its settling.
pub(super) struct Slot<P> {
    /// Pieces that are still worked on or wait for their retry.
    pub(super) open: usize,
    /// The position of its first record, when the source counts.
    pub(super) first: Option<u64>,
    pub(super) rows: usize,
    pub(super) position: Option<Position>,
    pub(super) pieces: Pieces<P>,
}

/// The pieces of a chunk: nearly always one.
pub(super) struct Pieces<P> {
    pub(super) one: Option<P>,
    pub(super) more: Vec<P>,
}

/// A complete chunk whose turn it is to be settled.
pub(super) struct Due<P> {
    pub(super) pieces: Pieces<P>,
    pub(super) first: Option<u64>,
    pub(super) rows: usize,
    pub(super) reading: Reading,
}

impl<P> Pieces<P> {
    pub(super) fn push(&mut self, piece: P) {
        if self.one.is_none() {
            self.one = Some(piece);
        } else {
            self.more.push(piece);
        }
    }
}
