//! The obvious history: it keeps every sample, and so can say of any window whether it is true.

use std::time::Duration;

use crm_monitor::Over;

pub(crate) struct Past {
    period: Duration,
    longest: Duration,
    error: f64,
    now: Duration,
    total: u64,
    /// When each sample was taken, and the total then.
    points: Vec<(Duration, u64)>,
}

impl Past {
    pub(crate) fn new(period: Duration, longest: Duration, error: f64) -> Self {
        Self {
            period,
            longest,
            error,
            now: Duration::ZERO,
            total: 0,
            points: vec![(Duration::ZERO, 0)],
        }
    }

    pub(crate) fn add(&mut self, n: u64) {
        self.total += n;
    }

    pub(crate) fn advance(&mut self, by: Duration) {
        self.now += by;
    }

    fn end(&self) -> (Duration, u64) {
        self.points[self.points.len() - 1]
    }

    /// A sample, unless the last is younger than `pause`.
    pub(crate) fn sample(&mut self, pause: Duration) {
        if self.now - self.end().0 >= pause {
            self.points.push((self.now, self.total));
        }
    }

    /// A window ends with the last sample, begins with another, holds what happened between them, and is as long as was asked
    /// but for its error or half of the time between the samples around its beginning.
    pub(crate) fn check(&self, length: Duration, over: Option<Over<u64>>) {
        let (end, last) = self.end();
        let Some(over) = over else {
            assert_eq!(self.points.len(), 1, "there is a window to tell of");
            return;
        };
        assert_eq!(over.age, self.now - end);
        assert!(over.age < self.period);
        let begin = end - over.elapsed;
        let (_, first) = *self
            .points
            .iter()
            .find(|(at, _)| *at == begin)
            .expect("a window begins with a sample");
        assert_eq!(over.value, last - first, "{length:?} {over:?}");

        if length > self.longest {
            let whole = end.min(self.longest);
            assert!(over.elapsed >= whole, "{over:?} of {whole:?}");
            return;
        }
        // The samples around the asked beginning; the last sample of all begins no window.
        let starts = &self.points[..self.points.len() - 1];
        let asked = end.saturating_sub(length);
        let before = starts.iter().rev().find(|(at, _)| *at <= asked);
        let after = starts.iter().find(|(at, _)| *at >= asked);
        let nearest = [before, after]
            .into_iter()
            .flatten()
            .map(|(at, _)| at.abs_diff(asked))
            .min();
        let gap = match (before, after) {
            (Some(before), Some(after)) => after.0 - before.0,
            _ => Duration::ZERO,
        };
        let miss = begin.abs_diff(asked);
        let allowed = (end - asked).mul_f64(self.error).max(gap / 2);
        // Where no sample lies on one side, the nearest one of the other has to do.
        let allowed = allowed.max(nearest.unwrap_or_default());
        assert!(
            miss <= allowed + Duration::from_nanos(2),
            "{length:?} {over:?}: off by {miss:?}, not {allowed:?}"
        );
    }
}
