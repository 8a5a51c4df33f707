//! The coding "deflate": the zlib format (RFC 1950), which is a header, deflate data, and a checksum.

use super::adler::Adler;
use super::inflate::Inflate;
use super::{Field, Step};
use crate::{Coding, DecodeError};

/// The flag that says that a dictionary's checksum follows the header.
const DICTIONARY: u8 = 1 << 5;

#[derive(Debug)]
pub(in crate::decode) struct Deflate {
    inflate: Inflate,
    adler: Adler,
    place: Place,
}

/// What comes next.
#[derive(Debug)]
enum Place {
    Header(Field<2>),
    Data,
    Checksum(Field<4>),
    End,
}

const CODING: Coding = Coding::Deflate;

impl Deflate {
    pub(super) fn new() -> Self {
        Self {
            inflate: Inflate::new(),
            adler: Adler::new(),
            place: Place::Header(Field::new()),
        }
    }

    /// Whether the input may end here.
    pub(super) fn is_whole(&self) -> bool {
        matches!(self.place, Place::End)
    }

    pub(super) fn step(&mut self, input: &[u8], output: &mut [u8]) -> Step {
        let mut step = Step::default();
        loop {
            match &mut self.place {
                Place::Header(field) => {
                    let Some(header) = field.take(input, &mut step) else {
                        return step;
                    };
                    if let Err(failure) = check(header) {
                        return step.failed(failure);
                    }
                    self.place = Place::Data;
                }
                Place::Data => {
                    if step.produced == output.len() {
                        return step;
                    }
                    let made = step.produced;
                    let ended = self.inflate.run(CODING, input, output, &mut step);
                    self.adler.update(&output[made..step.produced]);
                    if !ended {
                        return step;
                    }
                    self.place = Place::Checksum(Field::new());
                }
                Place::Checksum(field) => {
                    let Some(checksum) = field.take(input, &mut step) else {
                        return step;
                    };
                    if u32::from_be_bytes(checksum) != self.adler.sum() {
                        return step.failed(DecodeError::ChecksumMismatch { coding: CODING });
                    }
                    self.place = Place::End;
                }
                Place::End => {
                    return if step.consumed == input.len() {
                        step
                    } else {
                        step.failed(DecodeError::TrailingData { coding: CODING })
                    };
                }
            }
        }
    }
}

/// RFC 1950, section 2.2. What old clients call deflate, the bare data without this header, fails here: it has no
/// checksum, and two readers of the same body must not read two things.
fn check([method, flags]: [u8; 2]) -> Result<(), DecodeError> {
    let reason = if u16::from_be_bytes([method, flags]) % 31 != 0 {
        "not the zlib format that HTTP calls deflate; do not send bare deflate data"
    } else if method & 0x0f != 8 {
        "compression method unknown"
    } else if method >> 4 > 7 {
        "window larger than 32 KiB"
    } else if flags & DICTIONARY != 0 {
        return Err(DecodeError::DictionaryNeeded { coding: CODING });
    } else {
        return Ok(());
    };
    Err(DecodeError::InvalidHeader {
        coding: CODING,
        reason,
    })
}
