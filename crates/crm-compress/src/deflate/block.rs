//! One block: what was found in a stretch of the body, and how it is written in the fewest bits.

use super::bits::BitWriter;
use super::header::Header;
use super::huffman::{Code, LONGEST_CODE};
use super::matches::Match;
use super::sink::{Sink, TooLarge};
use super::symbols::{
    DISTANCE_BASE, DISTANCE_EXTRA, DISTANCES, END_OF_BLOCK, LENGTH_BASE, LENGTH_EXTRA,
    LITERALS_AND_LENGTHS, distance_slot, length_slot,
};

/// Some bytes as they are, and a match behind them; in the last sequence of a block the match has no length.
#[derive(Clone, Copy, Debug, Default)]
struct Sequence {
    literals: u32,
    length: u16,
    distance: u16,
}

/// What was found since the last block ended.
#[derive(Debug)]
pub(crate) struct Block {
    sequences: Vec<Sequence>,
    /// Literals since the last match.
    run: u32,
    frequencies: [u32; LITERALS_AND_LENGTHS],
    distances: [u32; DISTANCES],
    literal_code: Code<LITERALS_AND_LENGTHS>,
    distance_code: Code<DISTANCES>,
}

impl Block {
    /// The most literals in a row.
    const RUN: u32 = 64 * 1024;
    /// So many sequences make a block full.
    const SEQUENCES: usize = 16 * 1024;
    /// Room for a full block, the match that was held when it became full, and the literals behind.
    const ROOM: usize = Self::SEQUENCES + 2;
    /// The bytes that a block takes.
    pub(crate) const BYTES: usize = Self::ROOM * size_of::<Sequence>() + size_of::<Self>();

    pub(crate) fn new() -> Self {
        Self {
            sequences: Vec::with_capacity(Self::ROOM),
            run: 0,
            frequencies: [0; LITERALS_AND_LENGTHS],
            distances: [0; DISTANCES],
            literal_code: Code::new(),
            distance_code: Code::new(),
        }
    }

    /// How many sequences there is room for.
    #[cfg(test)]
    pub(crate) fn room(&self) -> usize {
        self.sequences.capacity()
    }

    /// Forgets everything.
    pub(crate) fn clear(&mut self) {
        self.sequences.clear();
        self.run = 0;
        self.frequencies = [0; LITERALS_AND_LENGTHS];
        self.distances = [0; DISTANCES];
    }

    /// Takes a byte as it is.
    #[inline]
    pub(crate) fn literal(&mut self, byte: u8) {
        self.frequencies[usize::from(byte)] += 1;
        self.run += 1;
    }

    /// Takes back the last literal, which is `byte`.
    #[inline]
    pub(crate) fn take_back(&mut self, byte: u8) {
        self.frequencies[usize::from(byte)] -= 1;
        self.run -= 1;
    }

    /// How many literals there are since the last match.
    #[inline]
    pub(crate) fn run(&self) -> usize {
        self.run as usize
    }

    /// Takes a match.
    #[inline]
    pub(crate) fn repeat(&mut self, Match { length, distance }: Match) {
        self.frequencies[END_OF_BLOCK + 1 + length_slot(length)] += 1;
        self.distances[distance_slot(distance) % DISTANCES] += 1;
        self.sequences.push(Sequence {
            literals: self.run,
            length: length as u16,
            distance: distance as u16,
        });
        self.run = 0;
    }

    /// Whether the block should end: there is no room for another match, or there has been none for so long that other
    /// codes may fit better.
    #[inline]
    pub(crate) fn is_full(&self) -> bool {
        self.sequences.len() >= Self::SEQUENCES || self.run >= Self::RUN
    }

    /// Writes what was found, which stands for `body`, in the kind of block that takes the fewest bits, and forgets it.
    ///
    /// # Errors
    ///
    /// [`TooLarge`] when there is no room in `sink`, to which nothing is written then.
    pub(crate) fn write(
        &mut self,
        body: &[u8],
        last: bool,
        sink: &mut Sink<'_>,
    ) -> Result<(), TooLarge> {
        self.sequences.push(Sequence {
            literals: self.run,
            ..Sequence::default()
        });
        self.frequencies[END_OF_BLOCK] += 1;
        self.literal_code.fit(&self.frequencies, LONGEST_CODE);
        self.distance_code.fit(&self.distances, LONGEST_CODE);
        let header = Header::of(&self.literal_code, &self.distance_code);

        let extra = self.extra_bits();
        let stored = sink.bits_to_store(body.len());
        let fixed = 3 + extra + self.bits(&FIXED_LITERALS, &FIXED_DISTANCES);
        let dynamic =
            3 + extra + header.bits() + self.bits(&self.literal_code, &self.distance_code);
        let result = if stored <= fixed.min(dynamic) {
            sink.store(body, last)
        } else if fixed <= dynamic {
            sink.write(fixed, last, |writer| {
                writer.put(u64::from(last) | 1 << 1, 3);
                self.data(body, &FIXED_LITERALS, &FIXED_DISTANCES, writer);
            })
        } else {
            sink.write(dynamic, last, |writer| {
                writer.put(u64::from(last) | 2 << 1, 3);
                header.write(writer);
                self.data(body, &self.literal_code, &self.distance_code, writer);
            })
        };
        self.clear();
        result
    }

    /// The bits of all symbols in these codes.
    fn bits(&self, literals: &Code<LITERALS_AND_LENGTHS>, distances: &Code<DISTANCES>) -> u64 {
        weighted(&self.frequencies, &literals.lengths)
            + weighted(&self.distances, &distances.lengths)
    }

    /// The bits that follow symbols, which are the same in every code.
    fn extra_bits(&self) -> u64 {
        weighted(&self.frequencies[END_OF_BLOCK + 1..], &LENGTH_EXTRA)
            + weighted(&self.distances, &DISTANCE_EXTRA)
    }

    /// Writes all sequences and the end of the block.
    fn data(
        &self,
        body: &[u8],
        literals: &Code<LITERALS_AND_LENGTHS>,
        distances: &Code<DISTANCES>,
        writer: &mut BitWriter<'_>,
    ) {
        let mut rest = body;
        for sequence in &self.sequences {
            let (run, behind) = rest.split_at(sequence.literals as usize);
            // Three literals are at most 45 bits, and fit beside what waits.
            let mut threes = run.chunks_exact(3);
            for three in &mut threes {
                for &byte in three {
                    writer.put(
                        literals.words[usize::from(byte)].into(),
                        literals.lengths[usize::from(byte)].into(),
                    );
                }
                writer.flush();
            }
            for &byte in threes.remainder() {
                writer.put(
                    literals.words[usize::from(byte)].into(),
                    literals.lengths[usize::from(byte)].into(),
                );
            }
            writer.flush();
            rest = behind;
            if sequence.length == 0 {
                break;
            }
            // At most 15 + 5 + 15 + 13 bits.
            let length = usize::from(sequence.length);
            let slot = length_slot(length);
            let symbol = END_OF_BLOCK + 1 + slot;
            writer.put(
                literals.words[symbol].into(),
                literals.lengths[symbol].into(),
            );
            writer.put(
                (sequence.length - LENGTH_BASE[slot]).into(),
                LENGTH_EXTRA[slot].into(),
            );
            let slot = distance_slot(sequence.distance.into()) % DISTANCES;
            writer.put(distances.words[slot].into(), distances.lengths[slot].into());
            writer.put(
                (sequence.distance - DISTANCE_BASE[slot]).into(),
                DISTANCE_EXTRA[slot].into(),
            );
            writer.flush();
            rest = &rest[length..];
        }
        writer.put(
            literals.words[END_OF_BLOCK].into(),
            literals.lengths[END_OF_BLOCK].into(),
        );
    }
}

/// The sum of all frequencies, each times its length.
pub(crate) fn weighted(frequencies: &[u32], lengths: &[u8]) -> u64 {
    frequencies
        .iter()
        .zip(lengths)
        .map(|(&frequency, &length)| u64::from(frequency) * u64::from(length))
        .sum()
}

/// The fixed code of literals and lengths (RFC 1951, section 3.2.6).
static FIXED_LITERALS: Code<LITERALS_AND_LENGTHS> = {
    let mut lengths = [8; LITERALS_AND_LENGTHS];
    let mut symbol = 144;
    while symbol < 280 {
        lengths[symbol] = if symbol < 256 { 9 } else { 7 };
        symbol += 1;
    }
    Code::of(lengths)
};

/// The fixed code of distances.
static FIXED_DISTANCES: Code<DISTANCES> = Code::of([5; DISTANCES]);
