//! One block: what was found in a stretch of the body, and how it is written in the fewest bits.

use super::bits::{BitWriter, Pending};
use super::huffman::{Code, LONGEST_CODE};
use super::matches::Match;
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

/// How a block is written.
#[derive(Clone, Copy, Debug)]
enum Kind {
    Stored,
    Fixed,
    Dynamic,
}

/// A block came to more than there is room for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct TooLarge;

impl Block {
    /// The most literals in a row.
    const RUN: u32 = 64 * 1024;
    /// The most sequences in a block.
    pub(crate) const SEQUENCES: usize = 16 * 1024;
    /// The bytes that a block takes.
    pub(crate) const BYTES: usize = Self::SEQUENCES * size_of::<Sequence>() + size_of::<Self>();

    pub(crate) fn new() -> Self {
        Self {
            sequences: Vec::with_capacity(Self::SEQUENCES + 1),
            run: 0,
            frequencies: [0; LITERALS_AND_LENGTHS],
            distances: [0; DISTANCES],
            literal_code: Code::new(),
            distance_code: Code::new(),
        }
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

    /// Writes all of a body as it is.
    ///
    /// # Errors
    ///
    /// [`TooLarge`] when `output` would become longer than `limit`.
    pub(crate) fn write_stored(
        body: &[u8],
        output: &mut Vec<u8>,
        limit: usize,
    ) -> Result<(), TooLarge> {
        let pending = Pending::default();
        if output.len() as u64 + stored_bits(body.len(), pending) / 8 > limit as u64 {
            return Err(TooLarge);
        }
        store(body, true, pending, output);
        Ok(())
    }

    /// Writes what was found, which stands for `body`, in the kind of block that takes the fewest bits, and forgets it.
    ///
    /// # Errors
    ///
    /// [`TooLarge`] when `output` would become longer than `limit`; the block is not written then.
    pub(crate) fn write(
        &mut self,
        body: &[u8],
        last: bool,
        pending: Pending,
        output: &mut Vec<u8>,
        limit: usize,
    ) -> Result<Pending, TooLarge> {
        self.sequences.push(Sequence {
            literals: self.run,
            ..Sequence::default()
        });
        self.frequencies[END_OF_BLOCK] += 1;

        self.literal_code.fit(&self.frequencies, LONGEST_CODE);
        self.distance_code.fit(&self.distances, LONGEST_CODE);
        let header = Header::of(&self.literal_code, &self.distance_code);

        let extra = self.extra_bits();
        let stored = stored_bits(body.len(), pending);
        let fixed = 3 + extra + self.bits(&FIXED_LITERALS.lengths, &FIXED_DISTANCES.lengths);
        let dynamic = 3
            + extra
            + header.bits()
            + self.bits(&self.literal_code.lengths, &self.distance_code.lengths);
        let (bits, kind) = [
            (dynamic, Kind::Dynamic),
            (fixed, Kind::Fixed),
            (stored, Kind::Stored),
        ]
        .into_iter()
        .min_by_key(|&(bits, _)| bits)
        .expect("there are three");

        let begun = bits + u64::from(pending.count());
        let start = output.len();
        // What is left over at the very end takes a byte of its own.
        let needed = if last { begun.div_ceil(8) } else { begun / 8 } as usize;
        if start + needed > limit {
            self.clear();
            return Err(TooLarge);
        }
        if matches!(kind, Kind::Stored) {
            self.clear();
            return Ok(store(body, last, pending, output));
        }
        output.resize(start + needed + BitWriter::SLACK, 0);
        let mut writer = BitWriter::new(&mut output[start..], pending);
        if matches!(kind, Kind::Dynamic) {
            writer.put(u64::from(last) | 2 << 1, 3);
            header.write(&mut writer);
            self.data(body, &self.literal_code, &self.distance_code, &mut writer);
        } else {
            writer.put(u64::from(last) | 1 << 1, 3);
            self.data(body, &FIXED_LITERALS, &FIXED_DISTANCES, &mut writer);
        }
        let (written, pending) = writer.finish();
        debug_assert_eq!(written as u64, begun / 8, "the bits were counted wrongly");
        output.truncate(start + written);
        self.clear();
        Ok(pending)
    }

    /// The bits of all symbols in codes of these lengths.
    fn bits(&self, literals: &[u8; LITERALS_AND_LENGTHS], distances: &[u8; DISTANCES]) -> u64 {
        weighted(&self.frequencies, literals) + weighted(&self.distances, distances)
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

fn weighted(frequencies: &[u32], lengths: &[u8]) -> u64 {
    frequencies
        .iter()
        .zip(lengths)
        .map(|(&frequency, &length)| u64::from(frequency) * u64::from(length))
        .sum()
}

/// The most bytes in one stored block.
const STORED: usize = 0xffff;

/// The bits that `length` bytes take when they are stored, with what fills the byte before.
fn stored_bits(length: usize, pending: Pending) -> u64 {
    let blocks = length.div_ceil(STORED).max(1) as u64;
    let begun = u64::from(pending.count()) + 3;
    let filled = begun.next_multiple_of(8) - u64::from(pending.count());
    // Later blocks begin on a byte, so that their three bits take a whole one.
    filled + 32 + (blocks - 1) * 40 + 8 * length as u64
}

/// Writes bytes as they are, in as many stored blocks as it takes.
fn store(body: &[u8], last: bool, mut pending: Pending, output: &mut Vec<u8>) -> Pending {
    let mut rest = body;
    loop {
        let (part, behind) = rest.split_at(rest.len().min(STORED));
        let ends = last && behind.is_empty();
        let mut head = [0; 16];
        let mut writer = BitWriter::new(&mut head, pending);
        writer.put(ends.into(), 3);
        let (written, left) = writer.finish();
        let filled = written + usize::from(left.count() > 0);
        output.extend_from_slice(&head[..filled]);
        let length = part.len() as u16;
        output.extend_from_slice(&length.to_le_bytes());
        output.extend_from_slice(&(!length).to_le_bytes());
        output.extend_from_slice(part);
        pending = Pending::default();
        rest = behind;
        if rest.is_empty() {
            return pending;
        }
    }
}

/// The symbols of the code lengths, in the order in which their own lengths are sent.
const ORDER: [usize; 19] = [
    16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15,
];

/// What describes the two codes of a dynamic block (RFC 1951, section 3.2.7).
#[derive(Debug)]
struct Header {
    literals: usize,
    distances: usize,
    code: Code<19>,
    sent: usize,
    /// Code lengths and repetitions: the symbol in the low five bits, its extra bits above.
    items: [u16; LITERALS_AND_LENGTHS + DISTANCES],
    count: usize,
    bits: u64,
}

impl Header {
    fn of(literal_code: &Code<LITERALS_AND_LENGTHS>, distance_code: &Code<DISTANCES>) -> Self {
        let literals = used(&literal_code.lengths).max(257);
        let distances = used(&distance_code.lengths).max(1);
        let mut lengths = [0; LITERALS_AND_LENGTHS + DISTANCES];
        lengths[..literals].copy_from_slice(&literal_code.lengths[..literals]);
        lengths[literals..literals + distances]
            .copy_from_slice(&distance_code.lengths[..distances]);
        let lengths = &lengths[..literals + distances];

        let mut header = Self {
            literals,
            distances,
            code: Code::new(),
            sent: 0,
            items: [0; LITERALS_AND_LENGTHS + DISTANCES],
            count: 0,
            bits: 0,
        };
        let mut frequencies = [0; 19];
        let mut add = |symbol: u16, extra: usize| {
            frequencies[usize::from(symbol)] += 1;
            header.items[header.count] = symbol | (extra as u16) << 5;
            header.count += 1;
        };
        for same in lengths.chunk_by(|one, other| one == other) {
            let length = u16::from(same[0]);
            let mut left = same.len();
            if length == 0 {
                while left >= 3 {
                    let run = left.min(138);
                    if run <= 10 {
                        add(17, run - 3);
                    } else {
                        add(18, run - 11);
                    }
                    left -= run;
                }
            } else if left >= 4 {
                add(length, 0);
                left -= 1;
                while left >= 3 {
                    let run = left.min(6);
                    add(16, run - 3);
                    left -= run;
                }
            }
            for _ in 0..left {
                add(length, 0);
            }
        }
        header.code.fit(&frequencies, 7);
        header.sent = ORDER
            .iter()
            .rposition(|&symbol| header.code.lengths[symbol] > 0)
            .map_or(4, |at| (at + 1).max(4));
        header.bits = 14
            + 3 * header.sent as u64
            + weighted(&frequencies, &header.code.lengths)
            + u64::from(2 * frequencies[16] + 3 * frequencies[17] + 7 * frequencies[18]);
        header
    }

    fn bits(&self) -> u64 {
        self.bits
    }

    fn write(&self, writer: &mut BitWriter<'_>) {
        writer.put((self.literals - 257) as u64, 5);
        writer.put((self.distances - 1) as u64, 5);
        writer.put((self.sent - 4) as u64, 4);
        writer.flush();
        for &symbol in &ORDER[..self.sent] {
            writer.put(self.code.lengths[symbol].into(), 3);
            writer.flush();
        }
        for &item in &self.items[..self.count] {
            let symbol = usize::from(item & 31);
            let extra = match symbol {
                16 => 2,
                17 => 3,
                18 => 7,
                _ => 0,
            };
            writer.put(
                self.code.words[symbol].into(),
                self.code.lengths[symbol].into(),
            );
            writer.put((item >> 5).into(), extra);
            writer.flush();
        }
    }
}

/// How many symbols there are up to the last one with a code.
fn used(lengths: &[u8]) -> usize {
    lengths
        .iter()
        .rposition(|&length| length > 0)
        .map_or(0, |at| at + 1)
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
