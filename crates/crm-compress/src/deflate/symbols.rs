//! The alphabets of deflate: which symbol a length or a distance has, and how many extra bits follow it.
//!
//! RFC 1951, section 3.2.5. The tables are computed from the two rules behind the RFC's lists when the crate is compiled.

/// Symbols of the literal and length alphabet: 256 bytes, the end of a block, 29 lengths, and two that never occur.
pub(crate) const LITERALS_AND_LENGTHS: usize = 288;
/// Symbols of the distance alphabet; the last two never occur.
pub(crate) const DISTANCES: usize = 32;
/// Symbols of the distance alphabet that occur.
const USED_DISTANCES: usize = 30;
/// The symbol that ends a block.
pub(crate) const END_OF_BLOCK: usize = 256;
/// The shortest match that deflate can express.
pub(crate) const SHORTEST: usize = 3;
/// The longest match that deflate can express.
pub(crate) const LONGEST: usize = 258;
/// How far back a match may lie.
pub(crate) const WINDOW: usize = 32 * 1024;

/// How many extra bits follow each length symbol, from symbol 257 on.
pub(crate) const LENGTH_EXTRA: [u8; 29] = {
    let mut extra = [0; 29];
    let mut slot = 8;
    while slot < 28 {
        // Every four symbols the step doubles; the last symbol is length 258 alone.
        extra[slot] = (slot / 4 - 1) as u8;
        slot += 1;
    }
    extra
};

/// The shortest length of each length symbol, from symbol 257 on.
pub(crate) const LENGTH_BASE: [u16; 29] = {
    let mut base = [0; 29];
    let mut next = SHORTEST as u16;
    let mut slot = 0;
    while slot < 28 {
        base[slot] = next;
        next += 1 << LENGTH_EXTRA[slot];
        slot += 1;
    }
    base[28] = LONGEST as u16;
    base
};

/// The place of a length's symbol after 257, by length.
const LENGTH_SLOT: [u8; LONGEST + 1] = {
    let mut slots = [0; LONGEST + 1];
    let mut slot = 0;
    while slot < 29 {
        let mut length = LENGTH_BASE[slot] as usize;
        while length <= LONGEST {
            // Later symbols overwrite what earlier ones wrote beyond their end.
            slots[length] = slot as u8;
            length += 1;
        }
        slot += 1;
    }
    slots
};

/// How many extra bits follow each distance symbol.
pub(crate) const DISTANCE_EXTRA: [u8; DISTANCES] = {
    let mut extra = [0; DISTANCES];
    let mut slot = 4;
    while slot < USED_DISTANCES {
        extra[slot] = (slot / 2 - 1) as u8;
        slot += 1;
    }
    extra
};

/// The shortest distance of each distance symbol.
pub(crate) const DISTANCE_BASE: [u16; DISTANCES] = {
    let mut base = [0; DISTANCES];
    let mut next = 1;
    let mut slot = 0;
    while slot < USED_DISTANCES {
        base[slot] = next;
        next += 1 << DISTANCE_EXTRA[slot];
        slot += 1;
    }
    base
};

/// The symbols of the distances 1 to 256, and after them those of every 128th distance.
const DISTANCE_SLOT: [u8; 512] = {
    let mut slots = [0; 512];
    let mut slot = 0;
    while slot < USED_DISTANCES {
        let mut distance = DISTANCE_BASE[slot] as usize - 1;
        while distance < WINDOW {
            if distance < 256 {
                slots[distance] = slot as u8;
                distance += 1;
            } else {
                slots[256 + (distance >> 7)] = slot as u8;
                distance += 128;
            }
        }
        slot += 1;
    }
    slots
};

/// The place of this length's symbol after 257.
#[inline]
pub(crate) fn length_slot(length: usize) -> usize {
    usize::from(LENGTH_SLOT[length])
}

/// The symbol of this distance.
#[inline]
pub(crate) fn distance_slot(distance: usize) -> usize {
    let before = distance - 1;
    let at = if before < 256 {
        before
    } else {
        256 + (before >> 7)
    };
    usize::from(DISTANCE_SLOT[at & 511])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_length_and_distance_lies_in_its_symbol() {
        for length in SHORTEST..=LONGEST {
            let slot = length_slot(length);
            let above = length - usize::from(LENGTH_BASE[slot]);
            assert!(above < 1 << LENGTH_EXTRA[slot], "length {length}");
            assert!(
                length == LONGEST || slot < 28,
                "258 has a symbol of its own"
            );
        }
        for distance in 1..=WINDOW {
            let slot = distance_slot(distance);
            let above = distance - usize::from(DISTANCE_BASE[slot]);
            assert!(above < 1 << DISTANCE_EXTRA[slot], "distance {distance}");
        }
    }

    #[test]
    fn the_tables_are_those_of_the_rfc() {
        assert_eq!(LENGTH_BASE[..12], [3, 4, 5, 6, 7, 8, 9, 10, 11, 13, 15, 17]);
        assert_eq!(LENGTH_BASE[24..], [131, 163, 195, 227, 258]);
        assert_eq!(LENGTH_EXTRA[20..], [4, 4, 4, 4, 5, 5, 5, 5, 0]);
        assert_eq!(DISTANCE_BASE[..8], [1, 2, 3, 4, 5, 7, 9, 13]);
        assert_eq!(DISTANCE_BASE[28..30], [16_385, 24_577]);
        assert_eq!(DISTANCE_EXTRA[26..30], [12, 12, 13, 13]);
    }
}
