//! Ghosts: what is remembered of entries that were evicted, so that their return can be learned from.

use super::class::Class;

/// Ghosts in one bucket, which is one cache line.
const WAYS: usize = 8;

/// The bytes of ghosts for each entry of the capacity.
pub(super) const BYTES: usize = 2 * size_of::<u64>();

/// What a ghost remembers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Ghost {
    pub(crate) class: Class,
    /// The clock when the entry was last used.
    pub(crate) last: u32,
}

/// A bounded first-in first-out memory of ghosts, found by a part of the key's hash.
///
/// It is a table of buckets, each in order of arrival: a newcomer pushes out the oldest of its bucket. Two keys share a
/// ghost with a chance of about one in eight thousand; a wrong ghost is a wrong hint, never a wrong answer.
#[derive(Debug)]
pub(crate) struct Ghosts {
    buckets: Box<[Bucket]>,
}

#[derive(Clone, Debug, Default)]
#[repr(align(64))]
struct Bucket([u64; WAYS]);

/// A ghost in one word: 16 bits of the hash, a mark that it is one, the class, the clock. Zero is nobody.
fn pack(fingerprint: u16, ghost: Ghost) -> u64 {
    (u64::from(fingerprint) << 48)
        | (1 << 40)
        | (u64::from(ghost.class.to_byte()) << 32)
        | u64::from(ghost.last)
}

fn unpack(word: u64) -> Option<Ghost> {
    (word != 0).then(|| Ghost {
        class: Class::from_byte((word >> 32) as u8),
        last: word as u32,
    })
}

impl Ghosts {
    pub(crate) fn new(capacity: usize) -> Self {
        Self {
            buckets: vec![Bucket::default(); capacity.div_ceil(WAYS).max(1)].into(),
        }
    }

    /// The bucket by the upper bits of the 32, the fingerprint by the lower ones.
    fn place(&self, hash: u32) -> (usize, u16) {
        (
            ((u64::from(hash) * self.buckets.len() as u64) >> 32) as usize,
            hash as u16,
        )
    }

    /// Remembers an evicted entry and returns the ghost that had to be forgotten for it.
    pub(crate) fn remember(&mut self, hash: u32, ghost: Ghost) -> Option<Ghost> {
        let (bucket, fingerprint) = self.place(hash);
        let ways = &mut self.buckets[bucket].0;
        let forgotten = unpack(ways[WAYS - 1]);
        ways.copy_within(..WAYS - 1, 1);
        ways[0] = pack(fingerprint, ghost);
        forgotten
    }

    /// The ghost of a key that comes back; it is no ghost any more.
    pub(crate) fn recall(&mut self, hash: u32) -> Option<Ghost> {
        let (bucket, fingerprint) = self.place(hash);
        let ways = &mut self.buckets[bucket].0;
        let way = ways
            .iter()
            .position(|&word| word != 0 && word >> 48 == u64::from(fingerprint))?;
        let ghost = unpack(ways[way]);
        ways.copy_within(way + 1.., way);
        ways[WAYS - 1] = 0;
        ghost
    }

    pub(crate) fn clear(&mut self) {
        self.buckets.fill(Bucket::default());
    }

    /// The number of places; see [`at`](Self::at).
    pub(crate) fn places(&self) -> usize {
        self.buckets.len() * WAYS
    }

    /// The ghost at a place, if one is there, for the census.
    pub(crate) fn at(&self, place: usize) -> Option<Ghost> {
        unpack(self.buckets[place / WAYS].0[place % WAYS])
    }
}

#[cfg(test)]
mod tests {
    use super::super::class::Class;
    use super::{Ghost, Ghosts, WAYS};

    fn ghost(last: u32) -> Ghost {
        Ghost {
            class: Class::from_byte(last as u8 % 81),
            last,
        }
    }

    fn count(ghosts: &Ghosts) -> usize {
        (0..ghosts.places())
            .filter_map(|place| ghosts.at(place))
            .count()
    }

    #[test]
    fn the_oldest_is_forgotten_first_and_the_recalled_is_gone() {
        let mut ghosts = Ghosts::new(WAYS);
        for turn in 0..WAYS as u32 {
            assert_eq!(ghosts.remember(turn, ghost(turn)), None);
        }
        assert_eq!(ghosts.recall(3), Some(ghost(3)));
        assert_eq!(ghosts.recall(3), None);
        assert_eq!(count(&ghosts), WAYS - 1);
        assert_eq!(ghosts.remember(100, ghost(100)), None);
        assert_eq!(ghosts.remember(101, ghost(101)), Some(ghost(0)));
        assert_eq!(ghosts.remember(102, ghost(102)), Some(ghost(1)));
        assert_eq!(count(&ghosts), WAYS);
        ghosts.clear();
        assert_eq!((count(&ghosts), ghosts.recall(100)), (0, None));
    }

    #[test]
    fn a_ghost_of_a_new_entry_at_clock_zero_is_not_nobody() {
        let mut ghosts = Ghosts::new(1);
        ghosts.remember(
            0,
            Ghost {
                class: Class::NEW,
                last: 0,
            },
        );
        assert_eq!(
            ghosts.recall(0),
            Some(Ghost {
                class: Class::NEW,
                last: 0
            })
        );
    }
}
