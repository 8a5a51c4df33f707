//! Plans from seeds: the same one again, if it fails.

use crate::dice::Dice;

/// Says on a failure how to see it again.
pub(crate) struct Seed(pub(crate) u64);

impl Drop for Seed {
    #[expect(
        clippy::print_stderr,
        reason = "the panic is on its way, and knows no seed"
    )]
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("begin with it by CRM_CACHE_DEEP_SEED={}", self.0);
        }
    }
}

pub(crate) fn bytes(dice: &mut Dice, count: usize) -> Vec<u8> {
    (0..count.div_ceil(8))
        .flat_map(|_| dice.next().to_le_bytes())
        .collect()
}
