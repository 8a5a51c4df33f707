//! Numbers in as few bytes as they need: groups of seven bits, the lowest first, each but the last with its highest bit set.

use crate::error::SnapshotError;

pub(crate) fn write(bytes: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        bytes.push(number as u8 | 0x80);
        number >>= 7;
    }
    bytes.push(number as u8);
}

/// Reads a number and moves `bytes` past it. It has no bits past the 64th; that it may end in groups of zeros is the
/// caller's to refuse.
pub(crate) fn read(bytes: &mut &[u8]) -> Result<u64, SnapshotError> {
    let mut number = 0;
    for shift in (0..u64::BITS).step_by(7) {
        let (byte, rest) = bytes.split_first().ok_or(SnapshotError::Truncated)?;
        *bytes = rest;
        let group = u64::from(byte & 0x7f);
        if (group << shift) >> shift != group {
            return Err(SnapshotError::Contradiction);
        }
        number |= group << shift;
        if byte & 0x80 == 0 {
            return Ok(number);
        }
    }
    Err(SnapshotError::Contradiction)
}
