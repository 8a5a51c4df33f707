//! The checksum Adler-32 (RFC 1950, section 8.2).

/// The largest prime below 2^16.
const MODULUS: u32 = 65_521;
/// After how many bytes at the latest the sums must be reduced, so that they stay below 2^32.
const RUN: usize = 5552;
/// How many bytes are summed at once, in a form that compilers turn into vector instructions.
const LANES: usize = 16;

#[derive(Debug)]
pub(super) struct Adler {
    /// One, and the sum of all bytes.
    plain: u32,
    /// The sum of all values that `plain` went through.
    weighted: u32,
}

impl Adler {
    pub(super) const fn new() -> Self {
        Self {
            plain: 1,
            weighted: 0,
        }
    }

    pub(super) fn update(&mut self, bytes: &[u8]) {
        for run in bytes.chunks(RUN) {
            let mut lanes = run.chunks_exact(LANES);
            for lane in &mut lanes {
                let mut plain = 0;
                let mut weighted = 0;
                for (weight, &byte) in (1..=LANES as u32).rev().zip(lane) {
                    plain += u32::from(byte);
                    weighted += weight * u32::from(byte);
                }
                self.weighted += self.plain * LANES as u32 + weighted;
                self.plain += plain;
            }
            for &byte in lanes.remainder() {
                self.plain += u32::from(byte);
                self.weighted += self.plain;
            }
            self.plain %= MODULUS;
            self.weighted %= MODULUS;
        }
    }

    pub(super) const fn sum(&self) -> u32 {
        self.weighted << 16 | self.plain
    }
}

#[cfg(test)]
mod tests {
    use super::{Adler, MODULUS};

    /// As the RFC has it.
    fn obvious(bytes: &[u8]) -> u32 {
        let (mut plain, mut weighted) = (1, 0);
        for &byte in bytes {
            plain = (plain + u32::from(byte)) % MODULUS;
            weighted = (weighted + plain) % MODULUS;
        }
        weighted << 16 | plain
    }

    #[test]
    fn agrees_with_the_obvious_one() {
        let rising: Vec<u8> = (0..40_000_u32).map(|i| (i * 7 % 251) as u8).collect();
        // The largest sums that a run can reach.
        let full = vec![255; 40_000];
        for bytes in [rising, full] {
            for length in (0..70).chain([5551, 5552, 5553, 11_104, 40_000]) {
                let mut adler = Adler::new();
                adler.update(&bytes[..length / 3]);
                adler.update(&bytes[length / 3..length]);
                assert_eq!(adler.sum(), obvious(&bytes[..length]), "{length}");
            }
        }
        assert_eq!(obvious(b"hello world\n"), 0x1e72_0467);
    }
}
