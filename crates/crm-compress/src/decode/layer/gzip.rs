//! The gzip format (RFC 1952): members one after another, each with a header, deflate data, and a trailer.

use super::inflate::Inflate;
use super::{Field, Step};
use crate::frame::Checksum;
use crate::{Coding, DecodeError, DecodeLimits};

const HEADER_CHECKSUM: u8 = 1 << 1;
const EXTRA: u8 = 1 << 2;
const NAME: u8 = 1 << 3;
const COMMENT: u8 = 1 << 4;
const RESERVED: u8 = 0b1110_0000;

#[derive(Debug)]
pub(in crate::decode) struct Gzip {
    inflate: Inflate,
    /// Of the header, then of the data.
    crc: Checksum,
    place: Place,
    members: u64,
    members_limit: u64,
    header_limit: u64,
}

/// What comes next.
#[derive(Debug)]
enum Place {
    /// The first byte of a member, or the end.
    Start,
    Header(Header),
    Data,
    Checksum(Field<4>),
    Length(Field<4>),
}

#[derive(Debug)]
struct Header {
    part: Part,
    flags: u8,
    length: u64,
}

/// Which part of a header comes next.
#[derive(Debug)]
enum Part {
    /// One of the ten bytes that every header has.
    Fixed(u8),
    ExtraLength(Field<2>),
    Extra(u16),
    Name,
    Comment,
    Checksum(Field<2>),
    End,
}

/// Which part of a header has ended.
#[derive(Clone, Copy, Debug, PartialEq, PartialOrd)]
enum Ended {
    Fixed,
    Extra,
    Name,
    Comment,
}

const fn invalid(reason: &'static str) -> DecodeError {
    DecodeError::InvalidHeader {
        coding: Coding::Gzip,
        reason,
    }
}

const MISMATCH: DecodeError = DecodeError::ChecksumMismatch {
    coding: Coding::Gzip,
};

impl Gzip {
    pub(super) fn new(limits: &DecodeLimits) -> Self {
        Self {
            inflate: Inflate::new(),
            crc: Checksum::new(),
            place: Place::Start,
            members: 0,
            members_limit: limits.members,
            header_limit: limits.header_bytes,
        }
    }

    /// Whether the input may end here: after a member, and not before the first.
    pub(super) fn is_whole(&self) -> bool {
        matches!(self.place, Place::Start) && self.members > 0
    }

    pub(super) fn step(&mut self, input: &[u8], output: &mut [u8]) -> Step {
        let mut step = Step::default();
        loop {
            match &mut self.place {
                Place::Start => {
                    if step.consumed == input.len() {
                        return step;
                    }
                    if self.members == self.members_limit {
                        return step.failed(DecodeError::TooManyMembers {
                            coding: Coding::Gzip,
                            limit: self.members_limit,
                        });
                    }
                    self.members += 1;
                    self.crc.reset();
                    self.place = Place::Header(Header::new());
                }
                Place::Header(header) => {
                    let first = self.members == 1;
                    match header.read(input, &mut step, &mut self.crc, self.header_limit, first) {
                        Ok(true) => {
                            self.crc.reset();
                            if !first {
                                self.inflate.reset();
                            }
                            self.place = Place::Data;
                        }
                        Ok(false) => return step,
                        Err(failure) => return step.failed(failure),
                    }
                }
                Place::Data => {
                    if step.produced == output.len() {
                        return step;
                    }
                    let made = step.produced;
                    let ended = self.inflate.run(Coding::Gzip, input, output, &mut step);
                    self.crc.update(&output[made..step.produced]);
                    if !ended {
                        return step;
                    }
                    self.place = Place::Checksum(Field::new());
                }
                Place::Checksum(field) => {
                    let Some(checksum) = field.take(input, &mut step) else {
                        return step;
                    };
                    if u32::from_le_bytes(checksum) != self.crc.sum() {
                        return step.failed(MISMATCH);
                    }
                    self.place = Place::Length(Field::new());
                }
                Place::Length(field) => {
                    let Some(length) = field.take(input, &mut step) else {
                        return step;
                    };
                    if u32::from_le_bytes(length) != self.crc.length() {
                        return step.failed(MISMATCH);
                    }
                    self.place = Place::Start;
                }
            }
        }
    }
}

impl Header {
    fn new() -> Self {
        Self {
            part: Part::Fixed(0),
            flags: 0,
            length: 0,
        }
    }

    /// Reads on, and tells whether the header is at its end. What is not the beginning of a member is trailing data
    /// after the `first` one.
    fn read(
        &mut self,
        input: &[u8],
        step: &mut Step,
        crc: &mut Checksum,
        limit: u64,
        first: bool,
    ) -> Result<bool, DecodeError> {
        while !matches!(self.part, Part::End) {
            let rest = &input[step.consumed..];
            if rest.is_empty() {
                return Ok(false);
            }
            let allowed = usize::try_from(limit - self.length).unwrap_or(usize::MAX);
            if allowed == 0 {
                return Err(DecodeError::HeaderTooLarge {
                    coding: Coding::Gzip,
                    limit,
                });
            }
            let rest = &rest[..rest.len().min(allowed)];
            let taken = self.read_part(rest, crc, first)?;
            step.consumed += taken;
            self.length += taken as u64;
        }
        Ok(true)
    }

    /// Reads on in one part, and returns how many bytes it took, at least one.
    fn read_part(
        &mut self,
        rest: &[u8],
        crc: &mut Checksum,
        first: bool,
    ) -> Result<usize, DecodeError> {
        let (taken, ended) = match &mut self.part {
            Part::Fixed(index) => {
                check(*index, rest[0], first)?;
                if *index == 3 {
                    self.flags = rest[0];
                }
                *index += 1;
                (1, (*index == 10).then_some(Ended::Fixed))
            }
            Part::ExtraLength(field) => {
                let (taken, length) = field.fill(rest);
                if let Some(length) = length {
                    crc.update(&rest[..taken]);
                    self.part = match u16::from_le_bytes(length) {
                        0 => self.after(Ended::Extra),
                        length => Part::Extra(length),
                    };
                    return Ok(taken);
                }
                (taken, None)
            }
            Part::Extra(left) => {
                let taken = rest.len().min(usize::from(*left));
                *left -= taken as u16; // at most `left`
                (taken, (*left == 0).then_some(Ended::Extra))
            }
            Part::Name => text(rest, Ended::Name),
            Part::Comment => text(rest, Ended::Comment),
            Part::Checksum(field) => {
                let (taken, checksum) = field.fill(rest);
                if let Some(checksum) = checksum {
                    // The lower half of the checksum of what stands before.
                    if u32::from(u16::from_le_bytes(checksum)) != crc.sum() & 0xffff {
                        return Err(MISMATCH);
                    }
                    self.part = Part::End;
                }
                return Ok(taken);
            }
            Part::End => (0, None),
        };
        crc.update(&rest[..taken]);
        if let Some(ended) = ended {
            self.part = self.after(ended);
        }
        Ok(taken)
    }

    /// The part that comes next by the flags.
    fn after(&self, ended: Ended) -> Part {
        let has = |flag| self.flags & flag != 0;
        if ended < Ended::Extra && has(EXTRA) {
            Part::ExtraLength(Field::new())
        } else if ended < Ended::Name && has(NAME) {
            Part::Name
        } else if ended < Ended::Comment && has(COMMENT) {
            Part::Comment
        } else if has(HEADER_CHECKSUM) {
            Part::Checksum(Field::new())
        } else {
            Part::End
        }
    }
}

/// Checks one of the first ten bytes.
fn check(index: u8, byte: u8, first: bool) -> Result<(), DecodeError> {
    match (index, byte) {
        (0, 0x1f) | (1, 0x8b) | (2, 8) | (4.., _) => Ok(()),
        (0 | 1, _) if first => Err(invalid("not gzip")),
        (0 | 1, _) => Err(DecodeError::TrailingData {
            coding: Coding::Gzip,
        }),
        (2, _) => Err(invalid("compression method unknown")),
        (3, flags) if flags & RESERVED != 0 => Err(invalid("reserved flag set")),
        (3, _) => Ok(()),
    }
}

/// How much of `rest` belongs to a text that a zero ends, and whether it is at its end.
fn text(rest: &[u8], ended: Ended) -> (usize, Option<Ended>) {
    match rest.iter().position(|&byte| byte == 0) {
        Some(zero) => (zero + 1, Some(ended)),
        None => (rest.len(), None),
    }
}
