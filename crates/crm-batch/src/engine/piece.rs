//! The pieces that a chunk is handed in as, and how they become its parts again.

use super::part::{Fate, Part, Stop};
use super::slot::Pieces;
use crate::work::Work;

/// A piece of a chunk, when it has been worked on.
pub(super) enum Piece<W: Work, I> {
    /// A part; parts come in the order of `low`. `then` is what the source did after the chunk.
    Part {
        low: u64,
        part: Box<Part<W, I>>,
        then: Option<Stop<I>>,
    },
    /// What became of a record that waited for its retry, in the part that began at `low`.
    Late {
        low: u64,
        offset: usize,
        fate: Fate<W>,
    },
}

/// The parts of a chunk in order, each with what has become of its retries.
pub(super) struct Parts<W: Work, I> {
    pub(super) one: Box<Part<W, I>>,
    pub(super) more: Vec<Box<Part<W, I>>>,
}

/// Puts the pieces of a complete chunk together.
pub(super) fn joined<W: Work, I>(pieces: Pieces<Piece<W, I>>) -> Parts<W, I> {
    if pieces.more.is_empty() {
        if let Some(Piece::Part { mut part, then, .. }) = pieces.one {
            part.stop = part.stop.or(then);
            return Parts {
                one: part,
                more: Vec::new(),
            };
        }
        unreachable!("a complete chunk has a part");
    }
    let mut parts = Vec::new();
    let mut lates = Vec::new();
    let mut last = None;
    for piece in pieces.one.into_iter().chain(pieces.more) {
        match piece {
            Piece::Part { low, part, then } => {
                parts.push((low, part));
                last = last.or(then);
            }
            Piece::Late { low, offset, fate } => lates.push((low, offset, fate)),
        }
    }
    parts.sort_unstable_by_key(|(low, _)| *low);
    for (low, offset, fate) in lates {
        let part = parts.binary_search_by_key(&low, |(low, _)| *low);
        let part = part.ok().map(|index| &mut parts[index].1);
        let gap = part.and_then(|part| {
            let gap = part.gaps.binary_search_by_key(&offset, |gap| gap.offset);
            gap.ok().map(|index| &mut part.gaps[index])
        });
        if let Some(gap) = gap {
            gap.fate = fate;
        }
    }
    // The source stopped after the chunk, so after the last of its parts. A part that ends the run comes before that.
    if let Some((_, part)) = parts.last_mut() {
        part.stop = part.stop.take().or(last);
    }
    let mut parts = parts.into_iter().map(|(_, part)| part);
    let Some(one) = parts.next() else {
        unreachable!("a complete chunk has a part")
    };
    Parts {
        one,
        more: parts.collect(),
    }
}
