//! Where the bytes that follow have occurred before: hash chains that never need clearing.
//!
//! A table of heads has, for each hash of four bytes, the last place with that hash; a second table leads from each place
//! to the one before. The usual table of heads must be cleared for each body, which for a body of 400 bytes costs more
//! than the search itself. Here places are counted on from body to body, with a gap of more than the window between two
//! of them: whatever an earlier body left behind is too far away to be taken for a match, and so needs no clearing. After
//! some gigabytes the count starts again, and only then the table is cleared.

use super::symbols::{LONGEST, WINDOW};

/// The hash has at most so many bits.
const MOST_BITS: u32 = 15;
/// And at least so many.
const LEAST_BITS: u32 = 8;
/// A count that has come so far starts again. Distances stay below twice as much, as [`link`] relies on.
const MOST_COUNTED: u32 = 1 << 30;

/// The bytes that a hash is made of; a match is at least so long.
pub(crate) const HASHED: usize = 4;

/// So many places with the hash of four bytes and others than these four end a search.
const CHANCES: u32 = 128;

/// A stretch that repeats what stands `distance` bytes before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Match {
    pub(crate) length: usize,
    pub(crate) distance: usize,
}

impl Match {
    /// That there is no match.
    pub(crate) const NONE: Self = Self {
        length: 0,
        distance: 0,
    };
}

/// The two tables, which serve one body after another.
pub(crate) struct Matches {
    /// By hash, the last place, counted through all bodies.
    heads: Box<[u32; 1 << MOST_BITS]>,
    /// By place modulo the window, the distance to the place before with the same hash; 0 where there is none.
    links: Box<[u16; WINDOW]>,
    /// Where the present body begins, counted through all bodies.
    base: u32,
    /// How far a product is shifted to make a hash.
    shift: u32,
}

impl Matches {
    /// The bytes that the tables take.
    pub(crate) const BYTES: usize = 4 * (1 << MOST_BITS) + 2 * WINDOW;

    pub(crate) fn new() -> Self {
        Self {
            heads: vec![0; 1 << MOST_BITS].try_into().expect("of this length"),
            links: vec![0; WINDOW].try_into().expect("of this length"),
            base: WINDOW as u32,
            shift: 32 - MOST_BITS,
        }
    }

    /// Begins a piece of `length` bytes that knows nothing of what came before.
    pub(crate) fn begin(&mut self, length: usize) {
        debug_assert!(length <= MOST_COUNTED as usize);
        // A small piece gets by with a small part of the table, which stays in the nearest cache.
        let bits = (usize::BITS - length.leading_zeros()).clamp(LEAST_BITS, MOST_BITS);
        self.shift = 32 - bits;
        if self.base >= MOST_COUNTED {
            self.heads.fill(0);
            self.base = WINDOW as u32;
        }
    }

    /// Ends a piece of `length` bytes: its places go out of reach.
    pub(crate) fn end(&mut self, length: usize) {
        self.base += (length + WINDOW) as u32;
    }

    /// Enters every `STEP`th place from `from` to before `to`; behind the last one there are [`HASHED`] bytes or more.
    #[inline]
    pub(crate) fn enter<const STEP: usize>(&mut self, piece: &[u8], from: usize, to: usize) {
        if from >= to {
            return;
        }
        let places = piece[from..to + HASHED - 1].windows(HASHED).enumerate();
        for (offset, four) in places.step_by(STEP) {
            let four = u32::from_le_bytes(four.try_into().expect("four bytes"));
            self.enter_one(four, from + offset);
        }
    }

    /// Enters the place of these four bytes, and returns the distance to the last place with their hash.
    #[inline]
    fn enter_one(&mut self, four: u32, at: usize) -> u16 {
        let place = self.base + at as u32;
        let head = &mut self.heads[hash(four, self.shift)];
        let link = link(place, *head);
        *head = place;
        self.links[at % WINDOW] = link;
        link
    }

    /// Enters the place `at`, and returns the longest match there among the `depth` last places with the same hash; one
    /// of the length `nice` ends the search.
    #[inline]
    pub(crate) fn enter_and_find(
        &mut self,
        piece: &[u8],
        at: usize,
        depth: u32,
        nice: usize,
    ) -> Match {
        let link = self.enter_one(word(piece, at), at);
        if usize::from(link) < WINDOW {
            self.find(piece, at, usize::from(link), depth, nice)
        } else {
            Match::NONE
        }
    }

    /// The longest match at `at` among `depth` places, of which the first is `distance` bytes before.
    fn find(&self, piece: &[u8], at: usize, mut distance: usize, depth: u32, nice: usize) -> Match {
        let limit = LONGEST.min(piece.len() - at);
        let piece = &piece[..at + limit];
        let nice = nice.min(limit);
        let mut best = Match {
            length: HASHED - 1,
            distance: 0,
        };
        let first = word(piece, at);
        let mut last = first;
        let mut tried = 0;
        while tried < depth {
            let before = at - distance;
            // Whatever is longer agrees in the byte behind the best so far; that is where most fail. Both comparisons are
            // one branch, because neither can be foreseen.
            let behind = word(piece, before + best.length + 1 - HASHED);
            if (behind ^ last) | (word(piece, before) ^ first) == 0 {
                let length = common(piece, before, at, limit);
                if length > best.length {
                    best = Match { length, distance };
                    if length >= nice {
                        break;
                    }
                    last = word(piece, at + length + 1 - HASHED);
                }
            }
            // Places that share a hash and nothing else are chance, or malice.
            tried += 1;
            if tried == CHANCES && best.distance == 0 {
                break;
            }
            // Far jumps are cut off at a number beyond the window, so that the sum is beyond it too.
            distance += usize::from(self.links[before % WINDOW]);
            if distance >= WINDOW {
                break;
            }
        }
        if best.distance == 0 {
            Match::NONE
        } else {
            best
        }
    }
}

/// The place of four bytes in the table of heads.
#[inline]
fn hash(four: u32, shift: u32) -> usize {
    // Multiplicative hashing with the golden ratio (Knuth, "The Art of Computer Programming", volume 3, section 6.4).
    (four.wrapping_mul(0x9e37_79b1) >> shift) as usize % (1 << MOST_BITS)
}

/// The distance between two places; where it is 2^16 or more, some number that is not below the window.
#[inline]
fn link(place: u32, before: u32) -> u16 {
    // Without a branch, which could not be foreseen. The distance is below 2^31, so that its upper half, taken from zero,
    // is at least 2^15 in its lower bits.
    let distance = place - before;
    (distance | 0u32.wrapping_sub(distance >> 16)) as u16
}

/// Four bytes as a number.
#[inline]
fn word(piece: &[u8], at: usize) -> u32 {
    u32::from_le_bytes(piece[at..at + 4].try_into().expect("four bytes"))
}

/// Eight bytes as a number.
#[inline]
fn long(piece: &[u8], at: usize) -> u64 {
    u64::from_le_bytes(piece[at..at + 8].try_into().expect("eight bytes"))
}

/// How many bytes from `before` on are those from `at` on, at most `limit`; the first four are known to be.
#[inline]
fn common(piece: &[u8], before: usize, at: usize, limit: usize) -> usize {
    let mut length = 4;
    while length + 8 <= limit {
        let differing = long(piece, before + length) ^ long(piece, at + length);
        if differing != 0 {
            return length + (differing.trailing_zeros() / 8) as usize;
        }
        length += 8;
    }
    while length < limit && piece[before + length] == piece[at + length] {
        length += 1;
    }
    length
}

impl std::fmt::Debug for Matches {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Matches")
            .field("base", &self.base)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HAYSTACK: &[u8] = b"name: Ada; name: Bob; name: Ada; nam";

    fn found(matches: &mut Matches, piece: &[u8], at: usize, depth: u32) -> Match {
        matches.begin(piece.len());
        matches.enter::<1>(piece, 0, at);
        let found = matches.enter_and_find(piece, at, depth, LONGEST);
        matches.end(piece.len());
        found
    }

    #[test]
    fn the_longest_match_within_the_depth_is_found() {
        let mut matches = Matches::new();
        let near = Match {
            length: 6,
            distance: 11,
        };
        let far = Match {
            length: 14,
            distance: 22,
        };
        assert_eq!(found(&mut matches, HAYSTACK, 22, 1), near);
        assert_eq!(found(&mut matches, HAYSTACK, 22, 2), far);
        assert_eq!(found(&mut matches, HAYSTACK, 4, 9), Match::NONE);
    }

    #[test]
    fn nothing_of_an_earlier_body_is_found() {
        let mut matches = Matches::new();
        for _ in 0..5 {
            assert_eq!(found(&mut matches, HAYSTACK, 0, 9), Match::NONE);
            // Nor is it when the last one was as short as can be, or ended at the edge of the window.
            for length in [4, 5, WINDOW - 1, WINDOW, WINDOW + 1] {
                let piece = HAYSTACK.repeat(length / HAYSTACK.len() + 1);
                assert_eq!(found(&mut matches, &piece[..length], 0, 9), Match::NONE);
            }
        }
    }

    #[test]
    fn a_distance_beyond_the_window_is_none() {
        let mut matches = Matches::new();
        for gap in [0, 1, 1 << 15, 1 << 16, (1 << 16) + 40, 3 << 16, 1 << 20] {
            // The four bytes at the front and at the end are equal, and occur nowhere else.
            for distance in [WINDOW - 1, WINDOW, WINDOW + 1].map(|window| window + gap) {
                let mut piece = vec![b'.'; distance];
                piece[..4].copy_from_slice(b"rare");
                piece.extend_from_slice(b"rare!");
                let expected = if distance < WINDOW {
                    Match {
                        length: 4,
                        distance,
                    }
                } else {
                    Match::NONE
                };
                assert_eq!(
                    found(&mut matches, &piece, distance, 9),
                    expected,
                    "{distance}"
                );
            }
        }
    }

    /// The count of places starts again, and with it an empty table.
    #[test]
    fn the_count_starts_again() {
        let mut matches = Matches::new();
        matches.base = MOST_COUNTED - 10;
        let far = Match {
            length: 14,
            distance: 22,
        };
        assert_eq!(found(&mut matches, HAYSTACK, 22, 2), far);
        assert!(matches.base >= MOST_COUNTED);
        assert_eq!(found(&mut matches, HAYSTACK, 0, 9), Match::NONE);
        assert!(matches.base < MOST_COUNTED);
        assert_eq!(found(&mut matches, HAYSTACK, 22, 2), far);
        // What was entered at the end of the last count must not be taken for something near at this one.
        matches.base = MOST_COUNTED;
        matches.begin(HAYSTACK.len());
        assert!(matches.heads.iter().all(|&head| head == 0));
    }

    #[test]
    fn a_match_ends_where_the_piece_or_the_format_ends() {
        let mut matches = Matches::new();
        let piece = vec![b'a'; 1_000];
        assert_eq!(found(&mut matches, &piece, 1, 1).length, LONGEST);
        assert_eq!(found(&mut matches, &piece[..200], 1, 1).length, 199);
        assert_eq!(found(&mut matches, &piece[..5], 1, 1).length, 4);
    }

    /// A search among places that share nothing but a hash is given up, so that nobody can make it long.
    #[test]
    fn collisions_end_a_search() {
        let mut matches = Matches::new();
        let piece_of = |collisions: usize| {
            let target = hash(u32::from_le_bytes(*b"true"), 32 - MOST_BITS);
            let words = (0..u32::MAX)
                .filter(|&four| hash(four, 32 - MOST_BITS) == target)
                .take(collisions);
            let mut piece = b"true match".to_vec();
            piece.extend(words.flat_map(u32::to_le_bytes));
            piece.resize(30_000, b'.'); // so that the whole hash is used
            piece.extend_from_slice(b"true match");
            piece
        };
        for (collisions, found_it) in [(100, true), (CHANCES as usize, false)] {
            let piece = piece_of(collisions);
            let found = found(&mut matches, &piece, 30_000, 10 * CHANCES);
            assert_eq!(found != Match::NONE, found_it, "{collisions}");
        }
    }
}
