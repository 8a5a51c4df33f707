//! The coding "zstd" (RFC 8878, with the window of RFC 9659): frames one after another, some of them skippable. With a
//! dictionary they are what follows the head of "dcz".
//!
//! The frames are taken apart here, down to their blocks, and the engine sees one block at a time. So frames can be
//! counted and windows checked before the engine sets memory aside, and what a corrupt block leaves of the blocks before
//! it does not depend on the pieces in which they came.

use std::fmt;

use zstd_safe::{DCtx, DParameter, InBuffer, OutBuffer};

use super::{Field, Step};
use crate::{Coding, DecodeError, DecodeLimits, EngineError};

const MAGIC: u32 = 0xfd2f_b528;
/// The first of the sixteen numbers of skippable frames.
const SKIPPABLE: u32 = 0x184d_2a50;
/// The longest header: descriptor, window, dictionary, content size.
const LONGEST: usize = 1 + 1 + 4 + 8;
/// The largest window of the engine as a power of two.
const LARGEST: u32 = if usize::BITS == 64 { 31 } else { 30 };

pub(in crate::decode) struct Zstd {
    /// The coding that errors name.
    coding: Coding,
    engine: DCtx<'static>,
    place: Place,
    /// Whether the frame carries a checksum.
    checksum: bool,
    /// Whether the engine may hold output for which there was no room.
    pending: bool,
    frames: u64,
    frames_limit: u64,
    window_limit: u64,
}

/// What comes next.
#[derive(Debug)]
enum Place {
    /// The first byte of a frame, or the end.
    Start,
    Magic(Field<4>),
    SkippedLength(Field<4>),
    Skipped(u32),
    Header(Header),
    BlockHeader(Field<3>),
    Block {
        left: usize,
        last: bool,
        raw: bool,
    },
    Checksum(Field<4>),
}

#[derive(Debug, Default)]
struct Header {
    bytes: [u8; LONGEST],
    length: usize,
}

const fn invalid(coding: Coding, reason: &'static str) -> DecodeError {
    DecodeError::InvalidHeader { coding, reason }
}

impl Zstd {
    pub(super) fn new(limits: &DecodeLimits) -> Self {
        Self::with(Coding::Zstd, limits, limits.window_bytes)
    }

    /// A decoder that holds a dictionary, of which it makes a copy.
    #[cfg(feature = "dcz")]
    pub(super) fn with_dictionary(dictionary: &crate::Dictionary, limits: &DecodeLimits) -> Self {
        let length = dictionary.as_bytes().len() as u64;
        let mut zstd = Self::with(Coding::Dcz, limits, limits.dcz_window(length));
        zstd.engine
            .load_dictionary(dictionary.as_bytes())
            .expect("zstd only fails without memory");
        zstd
    }

    fn with(coding: Coding, limits: &DecodeLimits, window_bytes: u64) -> Self {
        let window_limit = window_bytes.min(1 << LARGEST);
        // The smallest power of two that holds it; the engine knows none below 1 KiB.
        let log = window_limit.max(1024).next_power_of_two().ilog2();
        let mut engine = DCtx::create();
        engine
            .set_parameter(DParameter::WindowLogMax(log))
            .expect("within the bounds of the parameter");
        Self {
            coding,
            engine,
            place: Place::Start,
            checksum: false,
            pending: false,
            frames: 0,
            frames_limit: limits.members,
            window_limit,
        }
    }

    /// Whether the input may end here: after a frame, and not before the first.
    pub(super) fn is_whole(&self) -> bool {
        matches!(self.place, Place::Start) && self.frames > 0
    }

    pub(super) fn step(&mut self, input: &[u8], output: &mut [u8]) -> Step {
        let mut step = Step::default();
        match self.try_step(input, output, &mut step) {
            Ok(()) => step,
            Err(failure) => step.failed(failure),
        }
    }

    fn try_step(
        &mut self,
        input: &[u8],
        output: &mut [u8],
        step: &mut Step,
    ) -> Result<(), DecodeError> {
        loop {
            match &mut self.place {
                Place::Start => {
                    if step.consumed == input.len() {
                        return Ok(());
                    }
                    if self.frames == self.frames_limit {
                        return Err(DecodeError::TooManyMembers {
                            coding: self.coding,
                            limit: self.frames_limit,
                        });
                    }
                    self.frames += 1;
                    self.place = Place::Magic(Field::new());
                }
                Place::Magic(field) => {
                    let Some(magic) = field.take(input, step) else {
                        return Ok(());
                    };
                    self.place = match u32::from_le_bytes(magic) {
                        MAGIC => Place::Header(Header::default()),
                        magic if magic & !0xf == SKIPPABLE => Place::SkippedLength(Field::new()),
                        _ if self.frames == 1 => return Err(invalid(self.coding, "not zstd")),
                        _ => {
                            return Err(DecodeError::TrailingData {
                                coding: self.coding,
                            });
                        }
                    };
                }
                Place::SkippedLength(field) => {
                    let Some(length) = field.take(input, step) else {
                        return Ok(());
                    };
                    self.place = Place::Skipped(u32::from_le_bytes(length));
                }
                Place::Skipped(left) => {
                    let rest = u32::try_from(input.len() - step.consumed).unwrap_or(u32::MAX);
                    let skipped = rest.min(*left);
                    *left -= skipped;
                    step.consumed += skipped as usize;
                    if *left > 0 {
                        return Ok(());
                    }
                    self.place = Place::Start;
                }
                Place::Header(header) => {
                    if !header.take(input, step) {
                        return Ok(());
                    }
                    header.check(self.coding, self.window_limit)?;
                    self.checksum = header.has_checksum();
                    let mut bytes = [0; 4 + LONGEST];
                    bytes[..4].copy_from_slice(&MAGIC.to_le_bytes());
                    bytes[4..].copy_from_slice(&header.bytes);
                    let bytes = &bytes[..4 + header.length];
                    self.run(bytes, &mut [], &mut Step::default())?;
                    self.place = Place::BlockHeader(Field::new());
                }
                Place::BlockHeader(field) => {
                    let Some(header) = field.take(input, step) else {
                        return Ok(());
                    };
                    let [a, b, c] = header;
                    let number = u32::from_le_bytes([a, b, c, 0]);
                    let kind = number >> 1 & 3;
                    self.run(&header, &mut [], &mut Step::default())?;
                    self.place = Place::Block {
                        // A repeated byte is stored once.
                        left: if kind == 1 { 1 } else { (number >> 3) as usize },
                        last: number & 1 == 1,
                        raw: kind == 0,
                    };
                }
                Place::Block {
                    left: 0,
                    last,
                    raw: _,
                } if !self.pending => {
                    self.place = match (*last, self.checksum) {
                        (false, _) => Place::BlockHeader(Field::new()),
                        (true, true) => Place::Checksum(Field::new()),
                        (true, false) => Place::Start,
                    };
                }
                Place::Block { left, raw, .. } => {
                    let rest = input.len() - step.consumed;
                    if step.produced == output.len() || (rest == 0 && !self.pending) {
                        return Ok(());
                    }
                    // The engine hands out a raw block as it comes, and finds only at its end that it does not fit the
                    // content's size. So the last byte goes by itself, and what is lost with it is always the same.
                    // What waits for room goes out first, for the same reason.
                    let offered = match *left {
                        _ if self.pending => 0,
                        left @ 2.. if *raw => rest.min(left - 1),
                        left => rest.min(left),
                    };
                    let before = step.consumed;
                    let offered = &input[before..before + offered];
                    self.run(offered, output, step)?;
                    if let Place::Block { left, .. } = &mut self.place {
                        *left -= step.consumed - before;
                    }
                }
                Place::Checksum(field) => {
                    let Some(checksum) = field.take(input, step) else {
                        return Ok(());
                    };
                    if self.run(&checksum, &mut [], &mut Step::default()).is_err() {
                        return Err(DecodeError::ChecksumMismatch {
                            coding: self.coding,
                        });
                    }
                    self.place = Place::Start;
                }
            }
        }
    }

    /// Lets the engine decode `input`, which is a part of one block or field, to where the step stands in `output`.
    fn run(&mut self, input: &[u8], output: &mut [u8], step: &mut Step) -> Result<(), DecodeError> {
        let mut source = InBuffer::around(input);
        let room = &mut output[step.produced..];
        let mut sink = OutBuffer::around(room);
        let result = self.engine.decompress_stream(&mut sink, &mut source);
        let produced = sink.pos();
        self.pending = produced > 0 && produced == sink.capacity();
        step.produced += produced;
        step.consumed += source.pos();
        match result {
            Ok(_) => Ok(()),
            Err(code) => Err(DecodeError::Corrupt {
                coding: self.coding,
                source: EngineError::zstd(zstd_safe::get_error_name(code)),
            }),
        }
    }
}

impl Header {
    /// Takes what is missing, and tells whether the header is whole.
    fn take(&mut self, input: &[u8], step: &mut Step) -> bool {
        while self.length < self.wanted() {
            let Some(&byte) = input.get(step.consumed) else {
                return false;
            };
            self.bytes[self.length] = byte;
            self.length += 1;
            step.consumed += 1;
        }
        true
    }

    /// How long the header is, by the descriptor it begins with (RFC 8878, section 3.1.1.1).
    fn wanted(&self) -> usize {
        if self.length == 0 {
            1
        } else {
            1 + self.window_length() + self.dictionary_length() + self.content_length()
        }
    }

    fn is_single_segment(&self) -> bool {
        self.bytes[0] & 1 << 5 != 0
    }

    fn has_checksum(&self) -> bool {
        self.bytes[0] & 1 << 2 != 0
    }

    fn window_length(&self) -> usize {
        usize::from(!self.is_single_segment())
    }

    fn dictionary_length(&self) -> usize {
        [0, 1, 2, 4][usize::from(self.bytes[0] & 3)]
    }

    fn content_length(&self) -> usize {
        match self.bytes[0] >> 6 {
            0 => usize::from(self.is_single_segment()),
            power => 1 << power,
        }
    }

    /// The window in bytes: stated, or else all of the content.
    fn window(&self) -> u64 {
        if self.is_single_segment() {
            let start = 1 + self.dictionary_length();
            let size = little_endian(&self.bytes[start..start + self.content_length()]);
            // Two bytes count from 256 on.
            size + if self.content_length() == 2 { 256 } else { 0 }
        } else {
            let base = 1_u64 << (10 + (self.bytes[1] >> 3));
            base + base / 8 * u64::from(self.bytes[1] & 7)
        }
    }

    fn check(&self, coding: Coding, window_limit: u64) -> Result<(), DecodeError> {
        if self.bytes[0] & 1 << 3 != 0 {
            return Err(invalid(coding, "reserved bit set"));
        }
        let start = 1 + self.window_length();
        if little_endian(&self.bytes[start..start + self.dictionary_length()]) != 0 {
            return Err(DecodeError::DictionaryNeeded { coding });
        }
        if self.window() > window_limit {
            return Err(DecodeError::WindowTooLarge {
                coding,
                limit: window_limit,
            });
        }
        Ok(())
    }
}

fn little_endian(bytes: &[u8]) -> u64 {
    bytes
        .iter()
        .rev()
        .fold(0, |number, &byte| number << 8 | u64::from(byte))
}

impl fmt::Debug for Zstd {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Zstd")
            .field("place", &self.place)
            .field("frames", &self.frames)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Level, encode};

    /// What the engine takes beside the window: input and output of a block of 128 KiB, and its tables.
    const BESIDE: usize = 512 << 10;

    /// A frame that has a window of `1 << exponent` bytes, and repeats a byte in blocks of 128 KiB until that is full.
    fn frame(exponent: u8) -> Vec<u8> {
        let mut frame = MAGIC.to_le_bytes().to_vec();
        frame.extend_from_slice(&[0, (exponent - 10) << 3]);
        for _ in 0..(2_u32 << exponent) >> 17 {
            frame.extend_from_slice(&((128_u32 << 10) << 3 | 1 << 1).to_le_bytes()[..3]);
            frame.push(b'x');
        }
        frame
    }

    fn decode(zstd: &mut Zstd, mut input: &[u8]) -> Result<u64, DecodeError> {
        let mut output = vec![0; 16 << 10];
        let mut produced = 0;
        loop {
            let step = zstd.step(input, &mut output);
            produced += step.produced as u64;
            input = &input[step.consumed..];
            if let Some(failure) = step.failure {
                return Err(failure);
            }
            if input.is_empty() && step.produced < output.len() {
                return Ok(produced);
            }
        }
    }

    #[test]
    fn the_engine_takes_the_window_that_is_allowed_and_a_constant() {
        for (allowed, window) in [(20, 18), (20, 20), (23, 20), (23, 23)] {
            let limits = DecodeLimits::default().window_bytes(1 << allowed);
            let mut zstd = Zstd::new(&limits);
            assert_eq!(decode(&mut zstd, &frame(window)).unwrap(), 2 << window);
            let taken = zstd.engine.sizeof();
            assert!(taken > 1 << window, "the window is held: {taken}");
            assert!(taken <= (1 << window) + BESIDE, "{window}: {taken}");
        }
        // A frame that wants more gets nothing.
        let mut zstd = Zstd::new(&DecodeLimits::default().window_bytes(1 << 20));
        let before = zstd.engine.sizeof();
        let error = decode(&mut zstd, &frame(21)).unwrap_err();
        assert!(matches!(error, DecodeError::WindowTooLarge { .. }));
        assert_eq!(zstd.engine.sizeof(), before);
        // A frame that says its length takes no more than that.
        let mut zstd = Zstd::new(&DecodeLimits::default());
        let body = encode(Coding::Zstd, Level::Balanced, &[b'x'; 5_000]);
        assert_eq!(decode(&mut zstd, &body).unwrap(), 5_000);
        assert!(zstd.engine.sizeof() <= BESIDE);
    }

    #[cfg(feature = "dcz")]
    #[test]
    fn a_dictionary_is_held_once() {
        let dictionary = crate::Dictionary::new(vec![7; 1 << 20]).unwrap();
        let zstd = Zstd::with_dictionary(&dictionary, &DecodeLimits::default());
        let taken = zstd.engine.sizeof();
        assert!(((1 << 20)..=(1 << 20) + BESIDE).contains(&taken), "{taken}");
    }
}
