//! Examples of recorded values: which request it was that took so long.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use crm_clock::{Clock, Tick, wall_time};
use parking_lot::Mutex;

/// Most characters (code points) that the names and values of an exemplar's labels may have together, by OpenMetrics 1.0.
const MOST_CHARACTERS: usize = 128;

/// How long a place keeps its exemplar before the next one takes it.
const REST: Duration = Duration::from_secs(1);

/// Two places for each octave of values: finer than any sensible list of bounds.
const PLACES: usize = 2 * 64;

/// One recorded value as an example, with labels that say where to find it, such as the trace of the request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Exemplar {
    labels: Arc<[(Box<str>, Box<str>)]>,
    value: u64,
    taken: SystemTime,
}

impl Exemplar {
    /// The value as it was recorded: nanoseconds, bytes, or whatever the histogram counts.
    #[must_use]
    pub fn value(&self) -> u64 {
        self.value
    }

    /// The time of day at which it was recorded.
    #[must_use]
    pub fn taken(&self) -> SystemTime {
        self.taken
    }

    /// The labels, in the order in which they were given.
    #[must_use]
    pub fn labels(&self) -> impl ExactSizeIterator<Item = (&str, &str)> {
        self.labels.iter().map(|(name, value)| (&**name, &**value))
    }
}

/// Whether an exemplar may have these labels: names of letters, digits and underscores, each once, and 128 characters at
/// most in all.
fn acceptable(labels: &[(&str, &str)]) -> bool {
    let is_name = |name: &str| {
        name.bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
            && name
                .bytes()
                .next()
                .is_some_and(|first| !first.is_ascii_digit())
    };
    // Code points are counted only where bytes are too many, for most labels are ASCII.
    let bytes: usize = labels
        .iter()
        .map(|(name, value)| name.len() + value.len())
        .sum();
    let fits = bytes <= MOST_CHARACTERS
        || labels
            .iter()
            .flat_map(|(name, value)| name.chars().chain(value.chars()))
            .nth(MOST_CHARACTERS)
            .is_none();
    fits && labels.iter().enumerate().all(|(at, (name, _))| {
        is_name(name) && labels[..at].iter().all(|(before, _)| before != name)
    })
}

/// The exemplars of one histogram: at most one for each half of an octave, each kept for a second before another takes its
/// place.
pub(crate) struct Exemplars {
    places: Mutex<Box<[Option<Kept>]>>,
}

#[derive(Clone)]
struct Kept {
    since: Tick,
    exemplar: Exemplar,
}

impl Exemplars {
    pub(crate) fn new() -> Self {
        Self {
            places: Mutex::new(vec![None; PLACES].into()),
        }
    }

    /// Keeps an example, unless its place is taken by a recent one, its labels are not acceptable, or another thread is at
    /// work here: an example is worth no waiting.
    pub(crate) fn offer(&self, value: u64, labels: &[(&str, &str)], clock: &Clock) -> bool {
        let now = clock.now();
        let Some(mut places) = self.places.try_lock() else {
            return false;
        };
        let place = &mut places[place(value)];
        if place.as_ref().is_some_and(|kept| now - kept.since < REST) || !acceptable(labels) {
            return false;
        }
        let labels = labels
            .iter()
            .map(|(name, value)| ((*name).into(), (*value).into()))
            .collect();
        *place = Some(Kept {
            since: now,
            exemplar: Exemplar {
                labels,
                value,
                taken: wall_time(),
            },
        });
        true
    }

    /// All that are kept, in ascending order of their values.
    pub(crate) fn all(&self) -> Vec<Exemplar> {
        self.places
            .lock()
            .iter()
            .flatten()
            .map(|kept| kept.exemplar.clone())
            .collect()
    }
}

/// The octave of a value, and which half of it.
fn place(value: u64) -> usize {
    let Some(octave) = value.checked_ilog2() else {
        return 0;
    };
    let half = octave
        .checked_sub(1)
        .map_or(0, |below| (value >> below) & 1);
    2 * octave as usize + half as usize
}

impl fmt::Debug for Exemplars {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.all()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::{Exemplars, PLACES, REST, acceptable, place};
    use crm_clock::Clock;

    #[test]
    fn places_ascend_with_values_and_are_never_outside() {
        let mut values: Vec<u64> = (0..64)
            .flat_map(|octave| [1 << octave, 3 << octave >> 1, u64::MAX >> octave])
            .collect();
        values.push(0);
        values.sort_unstable();
        assert!(values.is_sorted_by_key(|value| place(*value)));
        assert!(values.iter().all(|value| place(*value) < PLACES));
        assert_eq!(
            (place(4), place(5), place(6), place(7), place(8)),
            (4, 4, 5, 5, 6)
        );
    }

    #[test]
    fn a_place_rests_for_a_second() {
        let (clock, hand) = Clock::manual();
        let exemplars = Exemplars::new();
        assert!(exemplars.offer(1000, &[("trace_id", "a")], &clock));
        assert!(!exemplars.offer(1000, &[("trace_id", "b")], &clock));
        assert!(exemplars.offer(3000, &[("trace_id", "c")], &clock));
        hand.advance(REST);
        assert!(exemplars.offer(1000, &[("trace_id", "d")], &clock));
        let kept: Vec<_> = exemplars
            .all()
            .iter()
            .map(|exemplar| exemplar.labels[0].1.to_string())
            .collect();
        assert_eq!(kept, ["d", "c"]);
    }

    #[test]
    fn labels_have_names_and_at_most_128_characters() {
        assert!(acceptable(&[]));
        assert!(acceptable(&[("a", &"☃".repeat(127))]));
        assert!(!acceptable(&[("a", &"☃".repeat(128))]));
        assert!(!acceptable(&[
            ("a", &"x".repeat(100)),
            ("b", &"x".repeat(27))
        ]));
        assert!(!acceptable(&[("a", "1"), ("a", "2")]));
        for name in ["", "1a", "a b", "é", "a:b"] {
            assert!(!acceptable(&[(name, "1")]), "{name:?}");
        }
    }

    #[test]
    fn nobody_waits_to_leave_an_example() {
        let exemplars = Exemplars::new();
        let held = exemplars.places.lock();
        assert!(!exemplars.offer(1000, &[], &Clock::system()));
        drop(held);
        assert!(exemplars.offer(1000, &[], &Clock::system()));
    }
}
