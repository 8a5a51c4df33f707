//! How a body is cut into literals and matches.
//!
//! At each place the longest match is taken, and the search goes on behind it: one search a match, where the usual "lazy"
//! parse looks for another match at the next byte as well. What that second search is for, a longer match that begins a
//! little later, is found from the other side: the next match is extended backwards, and where it leaves no more of the
//! one before than a few bytes, these become literals. That is the idea of "medium" deflate in zlib-ng (Intel, 2013),
//! carried further: there at most one byte may be left, here three, which costs less than a match nearly always; and a
//! match is extended over literals too, so that inside of matches every second place suffices to find it again.

use super::block::Block;
use super::effort::Effort;
use super::matches::{HASHED, Match, Matches};
use super::symbols::LONGEST;

/// What is left of a match, if it is not longer, is better sent as literals.
const CRUMB: usize = 3;

/// After so many places in a row without a match, every second place is looked at, then every third, and so on: what does not
/// repeat is passed over quickly (the idea is LZ4's, Yann Collet), and a match that is found late is extended backwards.
const PATIENCE: usize = 32;

/// So many bytes or some more make a block, however few the matches in them.
const LONG: usize = 1 << 20;

/// A walk through one piece of a body.
pub(crate) struct Parse<'a> {
    piece: &'a [u8],
    matches: &'a mut Matches,
    effort: Effort,
    /// All before this place is in a block, but for the match that is held.
    at: usize,
    /// The last match, which ends at `at`. It may still give way to the next one.
    held: Match,
    /// How many places have been looked at since.
    missed: usize,
}

impl<'a> Parse<'a> {
    /// A walk from `from` on, which knows what stands before.
    pub(crate) fn new(
        piece: &'a [u8],
        from: usize,
        matches: &'a mut Matches,
        effort: Effort,
    ) -> Self {
        let hashed = piece.len().saturating_sub(HASHED - 1);
        // Every second place suffices, as inside of matches.
        matches.enter::<2>(piece, 0, from.min(hashed));
        Self {
            piece,
            matches,
            effort,
            at: from,
            held: Match::NONE,
            missed: 0,
        }
    }

    /// Fills an empty block, and returns the place up to which it goes: the end of the piece, or before it where the
    /// block is full.
    pub(crate) fn fill(&mut self, block: &mut Block) -> usize {
        // Each block begins with patience. Wide steps of one width meet only what repeats at a multiple of it: behind noise,
        // records of 1001 bytes would never be found again.
        self.missed = 0;
        // From here on there are not enough bytes for a hash.
        let hashed = self.piece.len().saturating_sub(HASHED - 1);
        let end = hashed.min(self.at + LONG);
        while self.at < end && !block.is_full() {
            let Effort { depth, nice, .. } = self.effort;
            let found = self
                .matches
                .enter_and_find(self.piece, self.at, depth, nice);
            if found == Match::NONE {
                self.release(block);
                let stride = 1 + self.missed / PATIENCE;
                let next = (self.at + stride).min(hashed);
                for &byte in &self.piece[self.at..next] {
                    block.literal(byte);
                }
                self.at = next;
                self.missed += 1;
            } else {
                self.missed = 0;
                self.take(found, block);
                self.enter_inside(found, hashed);
                self.at += found.length;
            }
        }
        self.release(block);
        if self.at >= hashed {
            for &byte in &self.piece[self.at..] {
                block.literal(byte);
            }
            self.at = self.piece.len();
        }
        self.at
    }

    /// Hands the held match to the block.
    #[inline]
    fn release(&mut self, block: &mut Block) {
        if self.held != Match::NONE {
            block.repeat(self.held);
            self.held = Match::NONE;
        }
    }

    /// Holds a match that was found at `at`, after it has taken what it can of the bytes before.
    #[inline]
    fn take(&mut self, mut found: Match, block: &mut Block) {
        let behind = if self.held == Match::NONE {
            block.run()
        } else {
            self.held.length
        };
        let most = behind
            .min(LONGEST - found.length)
            .min(self.at - found.distance);
        let mut back = 0;
        while back < most {
            let before = self.at - 1 - back;
            if self.piece[before] != self.piece[before - found.distance] {
                break;
            }
            back += 1;
        }
        if self.held == Match::NONE {
            for &byte in &self.piece[self.at - back..self.at] {
                block.take_back(byte);
            }
            found.length += back;
        } else if self.held.length - back <= CRUMB {
            for &byte in &self.piece[self.at - self.held.length..self.at - back] {
                block.literal(byte);
            }
            found.length += back;
        } else {
            block.repeat(self.held);
        }
        self.held = found;
    }

    /// Enters places inside a match that was found at `at`.
    #[inline]
    fn enter_inside(&mut self, found: Match, hashed: usize) {
        let end = (self.at + found.length).min(hashed);
        let dense = (self.at + 1 + self.effort.dense).min(end);
        self.matches.enter::<1>(self.piece, self.at + 1, dense);
        self.matches.enter::<2>(self.piece, dense, end);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// However long its matches are, a block ends, so that its codes fit and a limit is noticed.
    #[test]
    fn a_block_ends_after_a_megabyte() {
        let piece = vec![b'a'; 3 * LONG];
        let mut matches = Matches::new();
        matches.begin(piece.len());
        let mut parse = Parse::new(&piece, 0, &mut matches, Effort::of(5));
        let mut block = Block::new();
        let end = parse.fill(&mut block);
        assert!((LONG..LONG + LONGEST).contains(&end), "{end}");
    }
}
