//! What was not taken.

use std::error::Error;
use std::fmt;

use parking_lot::Mutex;

use crate::{Counter, RegisterError};

/// How many refusals are kept.
const KEPT: usize = 200;

/// How many bytes of a name are kept: a name that is refused may be of any length.
const NAME: usize = 500;

/// What a [`Recorder`](crate::Recorder) did not take, and why.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Refusal {
    /// The name as the macro gave it; of a longer one the first 500 bytes.
    pub name: String,
    /// Why.
    pub reason: RefusalReason,
}

/// Why a [`Recorder`](crate::Recorder) did not take something.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum RefusalReason {
    /// The monitor cannot register it. Nothing of this key is recorded.
    Register(RegisterError),
    /// Another name stands for the same figure: the two differ in `_total` alone, or were renamed to the same. Nothing of
    /// this name is recorded.
    Clash {
        /// The name that came first.
        first: String,
    },
    /// The name has as many series as it may have. Further ones are recorded together, with `other` for each label.
    Series {
        /// How many there may be.
        limit: usize,
    },
    /// There is no such unit here, so that the figure has none.
    Unit(metrics::Unit),
    /// The description is not used: it came after the first use and differs from what the figure had been told, or there
    /// are 10,000 already.
    Description,
    /// A histogram was given a value that is negative, infinite or no number. It is not recorded.
    Value,
    /// A histogram was given a value that its whole numbers miss by more than one percent, such as 0.2 in one that is neither
    /// in seconds nor kept in [fractions](crate::RecorderBuilder::fractions), or that is beyond 2^64. It is recorded as the nearest, and so counted, but the sum is off.
    Rounded,
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { name, reason } = self;
        match reason {
            RefusalReason::Register(error) => write!(f, "{name:?} is not recorded: {error}"),
            RefusalReason::Clash { first } => write!(
                f,
                "{name:?} is not recorded, since {first:?} stands for the same figure: rename one of them"
            ),
            RefusalReason::Series { limit } => write!(
                f,
                "{name:?} has {limit} series, and others are recorded together: label by fewer values, or raise the limit"
            ),
            RefusalReason::Unit(unit) => write!(
                f,
                "{name:?} has no unit, since {unit:?} is none here: record seconds or bytes, and end the name so"
            ),
            RefusalReason::Description => write!(
                f,
                "the description of {name:?} came after its first use: describe it before"
            ),
            RefusalReason::Value => write!(
                f,
                "{name:?} was given a value that is negative or not finite: record values from 0"
            ),
            RefusalReason::Rounded => write!(
                f,
                "{name:?} was given a value that rounding moved by more than one percent: end the name of seconds in _seconds, if need be by RecorderBuilder::rename, and choose others by RecorderBuilder::fractions"
            ),
        }
    }
}

// Its text has that of the error within, which is therefore no cause beneath it.
impl Error for Refusal {}

/// As much of a name as is kept.
fn shortened(name: &str) -> &str {
    let end = (0..=NAME).rev().find(|end| name.is_char_boundary(*end));
    match end {
        Some(end) if name.len() > NAME => &name[..end],
        _ => name,
    }
}

/// All refusals of a recorder: how many, and the first of them.
#[derive(Debug)]
pub(super) struct Refusals {
    counted: Counter,
    kept: Mutex<Vec<Refusal>>,
}

impl Refusals {
    pub(super) const fn new(counted: Counter) -> Self {
        Self {
            counted,
            kept: Mutex::new(Vec::new()),
        }
    }

    pub(super) fn add(&self, name: &str, reason: RefusalReason) {
        self.count(1);
        self.keep(name, reason);
    }

    pub(super) fn count(&self, refusals: u64) {
        self.counted.add(refusals);
    }

    /// Keeps the refusal to be read, unless the same is kept already.
    pub(super) fn keep(&self, name: &str, reason: RefusalReason) {
        let name = shortened(name);
        let mut kept = self.kept.lock();
        let known = |own: &Refusal| own.name == name && own.reason == reason;
        if kept.len() < KEPT && !kept.iter().any(known) {
            kept.push(Refusal {
                name: name.into(),
                reason,
            });
        }
    }

    pub(super) fn total(&self) -> u64 {
        self.counted.value()
    }

    pub(super) fn kept(&self) -> Vec<Refusal> {
        self.kept.lock().clone()
    }
}
