//! The coding "dcz" (RFC 9842, section 5): a head that names the dictionary, and zstd frames that were encoded with it.

use super::zstd::Zstd;
use super::{Field, Step};
use crate::{Coding, DecodeError, DecodeLimits, Dictionary};

#[derive(Debug)]
pub(in crate::decode) struct Dcz {
    limits: DecodeLimits,
    dictionaries: Vec<Dictionary>,
    place: Place,
}

#[derive(Debug)]
enum Place {
    Head(Field<{ Dictionary::HEAD }>),
    Frames(Zstd),
}

impl Dcz {
    pub(super) fn new(limits: &DecodeLimits, dictionaries: &[Dictionary]) -> Self {
        Self {
            limits: *limits,
            dictionaries: dictionaries.to_vec(),
            place: Place::Head(Field::new()),
        }
    }

    /// Whether the input may end here: after a frame.
    pub(super) fn is_whole(&self) -> bool {
        match &self.place {
            Place::Head(_) => false,
            Place::Frames(zstd) => zstd.is_whole(),
        }
    }

    pub(super) fn step(&mut self, input: &[u8], output: &mut [u8]) -> Step {
        match &mut self.place {
            Place::Frames(zstd) => zstd.step(input, output),
            Place::Head(field) => {
                let mut step = Step::default();
                let Some(head) = field.take(input, &mut step) else {
                    return step;
                };
                let mut zstd = match self.begin(&head) {
                    Ok(zstd) => zstd,
                    Err(failure) => return step.failed(failure),
                };
                let mut rest = zstd.step(&input[step.consumed..], output);
                rest.consumed += step.consumed;
                self.place = Place::Frames(zstd);
                rest
            }
        }
    }

    /// A decoder with the dictionary that the head names.
    fn begin(&mut self, head: &[u8; Dictionary::HEAD]) -> Result<Zstd, DecodeError> {
        let Some(hash) = head.strip_prefix(&Dictionary::MAGIC) else {
            return Err(DecodeError::InvalidHeader {
                coding: Coding::Dcz,
                reason: "not dcz",
            });
        };
        let dictionary = std::mem::take(&mut self.dictionaries)
            .into_iter()
            .find(|dictionary| dictionary.hash() == hash)
            .ok_or(DecodeError::UnknownDictionary {
                coding: Coding::Dcz,
            })?;
        Ok(Zstd::with_dictionary(&dictionary, &self.limits))
    }
}
