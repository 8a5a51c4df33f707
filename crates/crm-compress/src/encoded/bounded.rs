//! The default store: shards behind locks, bounded in bytes.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::shard::Shard;
use super::{EncodedForm, EncodedStore, HeldForms};

/// Keeps forms up to a limit in bytes that all shards divide among them.
#[derive(Debug)]
pub(super) struct Bounded {
    shards: Box<[Padded]>,
    /// The heaviest form that is kept.
    largest: u64,
    refusals: AtomicU64,
}

/// A lock to a pair of cache lines, which processors fetch together.
#[derive(Debug)]
#[repr(align(128))]
struct Padded(Mutex<Shard>);

/// How many locks there are, at most.
const SHARDS: u64 = 8;

/// What a shard must at least be able to hold; else there are fewer.
const LEAST_SHARD: u64 = 1 << 20;

/// The part of the limit that one form may take.
const LARGEST: u64 = 16;

impl Bounded {
    pub(super) fn new(limit: u64) -> Self {
        let shards = (limit / LEAST_SHARD).clamp(1, SHARDS);
        let shard = || Padded(Mutex::new(Shard::new(limit / shards)));
        Self {
            shards: (0..shards).map(|_| shard()).collect(),
            largest: limit / LARGEST,
            refusals: AtomicU64::new(0),
        }
    }

    /// Whether a form of so many bytes at least can be kept; if not, that is counted.
    pub(super) fn admits(&self, weight: u64) -> bool {
        let admitted = weight <= self.largest;
        if !admitted {
            self.refusals.fetch_add(1, Ordering::Relaxed);
        }
        admitted
    }

    pub(super) fn held(&self) -> HeldForms {
        let mut held = HeldForms {
            refusals: self.refusals.load(Ordering::Relaxed),
            ..HeldForms::default()
        };
        for shard in &self.shards {
            let shard = lock(shard);
            held.forms += shard.len() as u64;
            held.bytes += shard.bytes();
            held.evictions += shard.evictions();
        }
        held
    }

    /// The shard of a number: its upper bits, scaled to the number of shards, since the maps inside take others.
    fn shard(&self, number: u64) -> MutexGuard<'_, Shard> {
        let at = ((number >> 32) * self.shards.len() as u64) >> 32;
        lock(&self.shards[at as usize])
    }
}

impl EncodedStore for Bounded {
    fn get_or_make(&self, number: u64, make: &mut dyn FnMut() -> EncodedForm) -> EncodedForm {
        let kept = self.shard(number).get(number);
        if let Some(form) = kept {
            return form;
        }
        let form = make();
        if !self.admits(form.weight()) {
            return form;
        }
        let mut leaving = Vec::new();
        let kept = self.shard(number).keep(number, form, &mut leaving);
        // Freeing whole bodies is not done under the lock.
        drop(leaving);
        kept
    }
}

/// No code of others runs under a lock, and a failed allocation ends the process: nothing is half done.
fn lock(shard: &Padded) -> MutexGuard<'_, Shard> {
    shard.0.lock().unwrap_or_else(PoisonError::into_inner)
}
