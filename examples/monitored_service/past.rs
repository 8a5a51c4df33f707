//! What was counted until when, so that a window is the difference of two readings.

use std::collections::VecDeque;
use std::time::Duration;

use crm_perf::clock::Tick;

/// Readings of the last so many seconds.
#[derive(Debug)]
pub(crate) struct Past<T> {
    readings: VecDeque<(Tick, T)>,
    kept: usize,
}

impl<T> Past<T> {
    pub(crate) fn new(kept: usize) -> Self {
        Self {
            readings: VecDeque::new(),
            kept,
        }
    }

    pub(crate) fn push(&mut self, now: Tick, reading: T) {
        self.readings.push_back((now, reading));
        if self.readings.len() > self.kept {
            self.readings.pop_front();
        }
    }

    /// The newest reading, the one that is `length` older or the oldest, and what lies between.
    pub(crate) fn over(&self, length: Duration) -> Option<(&T, &T, Duration)> {
        let (now, newest) = self.readings.back()?;
        let (then, oldest) = self
            .readings
            .iter()
            .rev()
            .skip(1)
            .take_while(|(then, _)| *now - *then <= length + length / 10)
            .last()?;
        Some((oldest, newest, *now - *then))
    }

    pub(crate) fn len(&self) -> usize {
        self.readings.len()
    }

    pub(crate) fn all(&self) -> impl Iterator<Item = &T> {
        self.readings.iter().map(|(_, reading)| reading)
    }
}

#[cfg(test)]
mod tests {
    use crm_perf::clock::Clock;

    use super::*;

    #[test]
    fn a_window_lies_between_two_readings() {
        let (clock, hand) = Clock::manual();
        let mut past = Past::new(4);
        let second = Duration::from_secs(1);
        assert!(past.over(second).is_none());
        past.push(clock.now(), 0);
        assert!(past.over(second).is_none());
        for reading in 1..=5 {
            hand.advance(second);
            past.push(clock.now(), reading);
        }
        assert_eq!(past.over(second), Some((&4, &5, second)));
        // A little late is not too late.
        assert_eq!(
            past.over(Duration::from_millis(1_900)),
            Some((&3, &5, 2 * second))
        );
        // The oldest that is kept.
        assert_eq!(past.over(60 * second), Some((&2, &5, 3 * second)));
        assert_eq!(past.all().copied().collect::<Vec<_>>(), [2, 3, 4, 5]);
    }
}
