//! What describes the two codes of a dynamic block (RFC 1951, section 3.2.7).

use super::bits::BitWriter;
use super::block::weighted;
use super::huffman::Code;
use super::symbols::{DISTANCES, LITERALS_AND_LENGTHS};

/// The symbols of the code lengths, in the order in which their own lengths are sent.
const ORDER: [usize; 19] = [
    16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15,
];

/// The description, ready to be written.
#[derive(Debug)]
pub(crate) struct Header {
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
    pub(crate) fn of(
        literal_code: &Code<LITERALS_AND_LENGTHS>,
        distance_code: &Code<DISTANCES>,
    ) -> Self {
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

    /// How many bits it takes.
    pub(crate) fn bits(&self) -> u64 {
        self.bits
    }

    pub(crate) fn write(&self, writer: &mut BitWriter<'_>) {
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
