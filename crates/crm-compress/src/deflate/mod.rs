//! Deflate for bodies that are in memory, without a table to clear.
//!
//! - `parse`: how a body is cut into literals and matches.
//! - `matches`: where bytes occurred before.
//! - `effort`: how hard that is looked for, by level.
//! - `block`: what was found, written as one block in the fewest bits; `header` describes the codes of one.
//! - `sink`: where blocks go.
//! - `huffman`, `symbols`, `bits`: the format's codes, alphabets and order of bits (RFC 1951).

mod bits;
mod block;
mod effort;
mod header;
mod huffman;
mod matches;
mod parse;
mod sink;
mod symbols;

use block::Block;
use effort::Effort;
use matches::Matches;
use parse::Parse;
use sink::{Sink, TooLarge};

use crate::pool::{self, State};

/// The state that encodes one body after another. Nothing of a body can show in the next: what the tables still hold of
/// it is out of reach.
#[derive(Debug)]
pub(crate) struct Deflater {
    matches: Matches,
    block: Block,
    /// Whether the last body was brought to an end, be it that there was no room for it.
    clean: bool,
}

pool::kind!(Deflater, bytes: 384 * 1024);

impl State for Deflater {
    fn recycle(&mut self) -> bool {
        // Only a panic leaves a body half-way.
        self.clean
    }
}

/// So much is encoded at a time, because places are counted in 32 bits.
const PIECE: usize = 1 << 30;

impl Deflater {
    pub(crate) fn new() -> Self {
        const { assert!(Matches::BYTES + Block::BYTES <= <Self as pool::Kind>::BYTES) };
        Self {
            matches: Matches::new(),
            block: Block::new(),
            clean: true,
        }
    }

    /// Appends all of `body` as deflate data to `output`, unless `output` would become longer than `limit`; returns
    /// whether it did.
    pub(crate) fn encode(
        &mut self,
        level: u8,
        body: &[u8],
        output: &mut Vec<u8>,
        limit: usize,
    ) -> bool {
        self.clean = false;
        let whole = self.encode_pieces(level, body, PIECE, Sink::new(output, limit));
        self.clean = true;
        whole
    }

    fn encode_pieces(&mut self, level: u8, body: &[u8], size: usize, mut sink: Sink<'_>) -> bool {
        let mut rest = body;
        loop {
            let (piece, behind) = rest.split_at(rest.len().min(size));
            if self
                .encode_piece(level, piece, 0, behind.is_empty(), &mut sink)
                .is_err()
            {
                return false;
            }
            rest = behind;
            if rest.is_empty() {
                break;
            }
        }
        sink.finish();
        true
    }

    /// Appends `piece` from `from` on as deflate data that begins and ends at a byte, and refers to what stands before
    /// `from`. Only the last part ends the data; any other can be followed by the next.
    #[cfg(feature = "rayon")]
    pub(crate) fn encode_part(
        &mut self,
        level: u8,
        piece: &[u8],
        from: usize,
        last: bool,
        output: &mut Vec<u8>,
    ) {
        self.clean = false;
        let mut sink = Sink::new(output, usize::MAX);
        let result = self.encode_piece(level, piece, from, last, &mut sink);
        debug_assert!(result.is_ok(), "there is no limit");
        if last {
            sink.finish();
        } else {
            sink.finish_part();
        }
        self.clean = true;
    }

    /// Encodes a piece from `from` on, in as many blocks as it takes.
    fn encode_piece(
        &mut self,
        level: u8,
        piece: &[u8],
        from: usize,
        last: bool,
        sink: &mut Sink<'_>,
    ) -> Result<(), TooLarge> {
        if level == 0 {
            return sink.store(&piece[from..], last);
        }
        self.matches.begin(piece.len());
        let mut parse = Parse::new(piece, from, &mut self.matches, Effort::of(level));
        let mut begun = from;
        let result = loop {
            let end = parse.fill(&mut self.block);
            let ends = end == piece.len();
            let result = self.block.write(&piece[begun..end], last && ends, sink);
            if ends || result.is_err() {
                break result;
            }
            begun = end;
        };
        self.matches.end(piece.len());
        result
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use super::*;

    fn decode(encoded: &[u8]) -> Vec<u8> {
        let mut body = Vec::new();
        let mut decoder = flate2::bufread::DeflateDecoder::new(encoded);
        decoder.read_to_end(&mut body).unwrap();
        assert!(decoder.into_inner().is_empty(), "bytes behind the end");
        body
    }

    fn noise(length: usize, seed: u64) -> Vec<u8> {
        let mut state = seed;
        let next = || {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1);
            (state >> 56) as u8
        };
        std::iter::repeat_with(next).take(length).collect()
    }

    /// Bodies that lead through every kind of block: repeating, incompressible, of few symbols, mixed, and longer than a
    /// block.
    fn bodies() -> Vec<Vec<u8>> {
        let records: Vec<u8> = (0..8_000_u64)
            .flat_map(|id| {
                format!(
                    "{{\"id\":{id},\"name\":\"n{}\"}},",
                    id.wrapping_mul(0x9e37_79b9) >> 7
                )
                .into_bytes()
            })
            .collect();
        let digits: Vec<u8> = noise(100_000, 7)
            .iter()
            .map(|byte| b'0' + byte % 10)
            .collect();
        let mut mixed = noise(70_000, 8);
        mixed.extend_from_slice(&records[..50_000]);
        mixed.extend(noise(70_000, 8)); // once more, too far back to be found whole
        let mut bodies = vec![
            records,
            digits,
            mixed,
            noise(200_000, 9),
            vec![b'a'; 100_000],
        ];
        for length in (0..40).chain([
            257, 258, 259, 260, 32_767, 32_768, 32_769, 65_535, 65_536, 131_070, 131_071,
        ]) {
            bodies.push(vec![b'x'; length]);
            bodies.push(noise(length, 3));
            bodies.push(bodies[0][..length].to_vec());
        }
        bodies
    }

    #[test]
    fn whatever_is_encoded_can_be_decoded() {
        let mut deflater = Deflater::new();
        for body in bodies() {
            for level in [0, 1, 3, 5, 6, 9] {
                let mut output = b"before".to_vec();
                assert!(deflater.encode(level, &body, &mut output, usize::MAX));
                assert!(
                    decode(&output[6..]) == body,
                    "level {level}, {} bytes",
                    body.len()
                );
                // Incompressible bytes are stored.
                assert!(output.len() <= crate::whole::bound(body.len()));
            }
        }
    }

    #[test]
    fn a_used_state_encodes_as_a_new_one() {
        let bodies = bodies();
        let mut used = Deflater::new();
        for (at, body) in bodies.iter().enumerate().take(30) {
            for level in [1, 5, 9] {
                let (mut one, mut other) = (Vec::new(), Vec::new());
                Deflater::new().encode(level, body, &mut one, usize::MAX);
                used.encode(level, body, &mut other, usize::MAX);
                assert!(one == other, "body {at}, level {level}");
                // One that is given up half-way leaves no trace either.
                used.encode(level, &bodies[at % 5], &mut Vec::new(), 1_000);
            }
        }
    }

    #[test]
    fn the_limit_is_exact() {
        let mut deflater = Deflater::new();
        for body in bodies().iter().filter(|body| body.len() < 40_000) {
            for level in [0, 1, 5] {
                let mut output = b"before".to_vec();
                deflater.encode(level, body, &mut output, usize::MAX);
                let length = output.len();
                for (limit, fits) in [(length, true), (length - 1, false), (0, false)] {
                    output.truncate(6);
                    assert_eq!(deflater.encode(level, body, &mut output, limit), fits);
                }
            }
        }
    }

    /// A body of more than a gigabyte is too much for a test, so the pieces are made small instead.
    #[test]
    fn the_end_of_a_piece_is_not_the_end_of_the_body() {
        let body = &bodies()[0][..30_000];
        let mut deflater = Deflater::new();
        for size in [1, 2, 3, 7, 999, 29_999, 30_000, 30_001] {
            let mut output = Vec::new();
            assert!(deflater.encode_pieces(5, body, size, Sink::new(&mut output, usize::MAX)));
            assert!(decode(&output) == body, "pieces of {size}");
        }
    }

    /// What does not repeat is passed over quickly, and what repeats behind it is found all the same.
    #[test]
    fn a_long_stretch_of_noise_hides_nothing() {
        let records = &bodies()[0][..50_000];
        let length = |body: &[u8]| {
            let mut output = Vec::new();
            Deflater::new().encode(5, body, &mut output, usize::MAX);
            assert!(decode(&output) == body);
            output.len()
        };
        // Two blocks of literals, so that the records have codes of their own.
        let noise = noise(2 * 65_536, 4);
        let both = length(&[&noise, records].concat());
        let apart = length(&noise) + length(records);
        assert!(both < apart + 1_500, "{both}, {apart}");
    }

    /// Wide steps must not stay wide: they would pass over what repeats at any distance but a multiple of them.
    #[test]
    fn what_repeats_at_odd_distances_behind_noise_is_found() {
        let mut deflater = Deflater::new();
        for period in [515, 1_001, 4_097, 16_001] {
            let record = noise(period, 5);
            let mut body = noise(2 * 65_536, 6);
            body.extend(record.iter().cycle().take(1 << 20));
            for level in [1, 5, 9] {
                let mut output = Vec::new();
                deflater.encode(level, &body, &mut output, usize::MAX);
                // The noise, a block of literals until patience comes back, and some records.
                assert!(
                    output.len() < 4 * 65_536,
                    "{period}, level {level}: {}",
                    output.len()
                );
                assert!(decode(&output) == body);
            }
        }
    }

    /// Matches without a literal between them fill a block by two sequences at once: the one that is held, and the next.
    #[test]
    fn no_body_makes_the_state_grow() {
        let words: Vec<u8> = noise(400_000, 5)
            .iter()
            .flat_map(|byte| [b'a', b'b', b'c', b'd', byte % 16])
            .collect();
        let mut deflater = Deflater::new();
        let room = deflater.block.room();
        for body in bodies().iter().chain([&words]) {
            for level in [1, 5, 9] {
                deflater.encode(level, body, &mut Vec::new(), usize::MAX);
                assert_eq!(deflater.block.room(), room, "level {level}");
            }
        }
    }

    #[test]
    fn more_effort_gives_fewer_bytes() {
        let body = &bodies()[0][..200_000];
        let length = |level| {
            let mut output = Vec::new();
            Deflater::new().encode(level, body, &mut output, usize::MAX);
            output.len()
        };
        assert!(length(9) < length(5) && length(5) < length(1) && length(1) < length(0));
    }
}
