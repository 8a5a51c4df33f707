//! The checkpoint file: two slots that are written in turn, so that a torn write leaves the one before it.
//!
//! A slot holds, little-endian: `crmbatch`, the version of this layout, the number of the commit, the job, the entry, the
//! lengths of the two files, whether the job is complete, and a digest over all of it.

use std::hash::Hasher as _;

use crate::checkpoint::digest::Digest;
use crate::{Checkpoint, Entry, Fingerprint, JobId, Position};

/// Bytes from one slot to the next, which is at least what a disk writes at once.
pub(super) const SLOT: usize = 4_096;

const MAGIC: &[u8; 8] = b"crmbatch";
const VERSION: u32 = 1;

/// What a slot says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Slot {
    /// How many slots were written before it.
    pub(super) number: u64,
    pub(super) checkpoint: Checkpoint,
    /// The length of the file.
    pub(super) len: u64,
    /// The length of the file of rejects, if the job has one.
    pub(super) rejects: Option<u64>,
}

/// Why no slot can be had.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Bad {
    /// Neither is whole.
    Damaged,
    /// It is whole, and of another version.
    Version(u32),
}

impl Slot {
    /// Where in the file it belongs.
    pub(super) fn offset(&self) -> u64 {
        self.number % 2 * SLOT as u64
    }

    pub(super) fn encode(&self) -> Vec<u8> {
        let Checkpoint {
            job,
            entry,
            complete,
        } = &self.checkpoint;
        let mut bytes = Vec::with_capacity(SLOT);
        bytes.extend_from_slice(MAGIC);
        bytes.extend_from_slice(&VERSION.to_le_bytes());
        for number in [
            self.number,
            job.parameters.0,
            job.input.0,
            u64::from(entry.position.is_some()),
            entry.position.map_or(0, |position| position.0),
            entry.past,
            entry.written,
            entry.filtered,
            entry.skipped,
            entry.chunks,
            self.len,
            u64::from(self.rejects.is_some()),
            self.rejects.unwrap_or(0),
            u64::from(*complete),
            job.name.len() as u64,
        ] {
            bytes.extend_from_slice(&number.to_le_bytes());
        }
        bytes.extend_from_slice(job.name.as_bytes());
        bytes.extend_from_slice(&digest(&bytes).to_le_bytes());
        bytes
    }

    /// The newest of two slots that is whole, from the bytes of a checkpoint file.
    pub(super) fn newest(bytes: &[u8]) -> Result<Self, Bad> {
        let (first, second) = bytes.split_at(bytes.len().min(SLOT));
        match (Self::decode(first), Self::decode(second)) {
            (Ok(first), Ok(second)) => Ok(if first.number > second.number {
                first
            } else {
                second
            }),
            (Err(Bad::Version(version)), _) | (_, Err(Bad::Version(version))) => {
                Err(Bad::Version(version))
            }
            (Ok(slot), Err(Bad::Damaged)) | (Err(Bad::Damaged), Ok(slot)) => Ok(slot),
            (Err(Bad::Damaged), Err(Bad::Damaged)) => Err(Bad::Damaged),
        }
    }

    fn decode(bytes: &[u8]) -> Result<Self, Bad> {
        let mut reader = Reader { bytes, at: 0 };
        if reader.take(MAGIC.len())? != MAGIC {
            return Err(Bad::Damaged);
        }
        let version = reader.take(4)?;
        let version = u32::from_le_bytes(version.try_into().map_err(|_| Bad::Damaged)?);
        if version != VERSION {
            // Another layout has its digest elsewhere. Four bytes that changed by accident are told as what they look like.
            return Err(Bad::Version(version));
        }
        let number = reader.number()?;
        let parameters = Fingerprint(reader.number()?);
        let input = Fingerprint(reader.number()?);
        let position = reader.optional()?.map(Position);
        let past = reader.number()?;
        let (written, filtered) = (reader.number()?, reader.number()?);
        let (skipped, chunks) = (reader.number()?, reader.number()?);
        let len = reader.number()?;
        let rejects = reader.optional()?;
        let complete = reader.flag()?;
        let name = usize::try_from(reader.number()?).map_err(|_| Bad::Damaged)?;
        let name = reader.take(name)?.to_vec();
        let end = reader.at;
        let sum = reader.number()?;
        if sum != digest(&bytes[..end]) {
            return Err(Bad::Damaged);
        }
        let name = String::from_utf8(name).map_err(|_| Bad::Damaged)?;
        let records = written
            .checked_add(filtered)
            .and_then(|sum| sum.checked_add(skipped))
            .filter(|&records| past <= records)
            .ok_or(Bad::Damaged)?;
        let entry = Entry {
            records,
            position,
            past,
            written,
            filtered,
            skipped,
            chunks,
        };
        let job = JobId::new(name, parameters, input).map_err(|_| Bad::Damaged)?;
        Ok(Self {
            number,
            checkpoint: Checkpoint::new(job, entry, complete),
            len,
            rejects,
        })
    }
}

fn digest(bytes: &[u8]) -> u64 {
    let mut digest = Digest::default();
    digest.write(bytes);
    digest.finish()
}

struct Reader<'b> {
    bytes: &'b [u8],
    at: usize,
}

impl<'b> Reader<'b> {
    fn take(&mut self, bytes: usize) -> Result<&'b [u8], Bad> {
        let end = self.at.checked_add(bytes).ok_or(Bad::Damaged)?;
        let taken = self.bytes.get(self.at..end).ok_or(Bad::Damaged)?;
        self.at = end;
        Ok(taken)
    }

    fn number(&mut self) -> Result<u64, Bad> {
        let bytes = self.take(8)?.try_into().map_err(|_| Bad::Damaged)?;
        Ok(u64::from_le_bytes(bytes))
    }

    fn flag(&mut self) -> Result<bool, Bad> {
        match self.number()? {
            0 => Ok(false),
            1 => Ok(true),
            _ => Err(Bad::Damaged),
        }
    }

    fn optional(&mut self) -> Result<Option<u64>, Bad> {
        let there = self.flag()?;
        let number = self.number()?;
        Ok(there.then_some(number))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn slot(number: u64) -> Slot {
        let job = JobId::new("nightly.scores", Fingerprint(3), Fingerprint(4)).unwrap();
        let entry = Entry {
            records: 10 * number,
            position: Some(Position(7 * number)),
            past: 2,
            written: 8 * number,
            filtered: number,
            skipped: number,
            chunks: number,
        };
        Slot {
            number,
            checkpoint: Checkpoint::new(job, entry, false),
            len: 100 * number,
            rejects: (number % 2 == 0).then_some(number),
        }
    }

    fn file(slots: &[&Slot]) -> Vec<u8> {
        let mut bytes = vec![0; 2 * SLOT];
        for slot in slots {
            let offset = slot.offset() as usize;
            let encoded = slot.encode();
            bytes[offset..offset + encoded.len()].copy_from_slice(&encoded);
        }
        bytes
    }

    #[test]
    fn the_newest_whole_slot_counts() {
        let (older, newer) = (slot(5), slot(6));
        assert_eq!(Slot::newest(&file(&[&older])), Ok(older.clone()));
        assert_eq!(Slot::newest(&file(&[&older, &newer])), Ok(newer.clone()));
        assert_eq!(Slot::newest(&file(&[&newer, &slot(7)])), Ok(slot(7)));
        assert_eq!(Slot::newest(&[]), Err(Bad::Damaged));
        assert_eq!(Slot::newest(&file(&[])), Err(Bad::Damaged));
    }

    #[test]
    fn any_changed_byte_falls_back_to_the_slot_before() {
        let (older, newer) = (slot(5), slot(6));
        let whole = file(&[&older, &newer]);
        let start = newer.offset() as usize;
        for at in start..start + newer.encode().len() {
            let mut bytes = whole.clone();
            bytes[at] ^= 0x10;
            match Slot::newest(&bytes) {
                Ok(found) => assert_eq!(found, older, "byte {at}"),
                Err(Bad::Version(_)) => assert!((start + 8..start + 12).contains(&at), "byte {at}"),
                Err(Bad::Damaged) => panic!("byte {at}: the older slot is whole"),
            }
        }
    }

    #[test]
    fn a_torn_slot_falls_back_to_the_slot_before() {
        let (older, newer) = (slot(5), slot(6));
        let encoded = newer.encode();
        for written in 0..encoded.len() {
            let mut bytes = file(&[&slot(4), &older]);
            let start = newer.offset() as usize;
            bytes[start..start + written].copy_from_slice(&encoded[..written]);
            assert_eq!(Slot::newest(&bytes).as_ref(), Ok(&older), "{written} bytes");
        }
    }
}
