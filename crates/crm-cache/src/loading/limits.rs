//! How long a call waits for loads. Limits are for the call: they go on while a load is tried again.

use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::task::{Context, Poll};
use std::time::Duration;

use crm_clock::{Clock, Tick};

use super::Sleep;
use super::rules::Rules;
use crate::load::Signal;

/// The limits of a call by a thread.
pub(super) struct Limits<'a> {
    rules: &'a Rules,
    clock: Clock,
    begun: Tick,
}

impl<'a> Limits<'a> {
    /// The limits of a call that begins now, by this clock; none if it has no limits.
    pub(super) fn begin(rules: &'a Rules, clock: Clock) -> Option<Self> {
        rules.has_limits().then(|| Self {
            rules,
            begun: clock.now(),
            clock,
        })
    }

    /// How long the call still waits for a load; none if for as long as it takes.
    fn left(&self, has_stale: bool) -> Option<Duration> {
        let limit = self.rules.first_limit(has_stale)?;
        let passed = Duration::from_nanos((self.clock.now() - self.begun).as_nanos() as u64);
        Some(limit.saturating_sub(passed))
    }

    /// Waits for a signal; none if it does not come in time.
    pub(super) fn wait<'s, T>(&self, signal: &'s Signal<T>, has_stale: bool) -> Option<&'s T> {
        match self.left(has_stale) {
            Some(left) => signal.wait_for(left),
            None => Some(signal.wait()),
        }
    }
}

/// The limits of a call by a task.
pub(super) struct Timers {
    /// For keys with something to fall back to, and for those without.
    with_stale: Option<Timer>,
    without: Option<Timer>,
}

struct Timer {
    sleep: Pin<Box<dyn Future<Output = ()> + Send>>,
    is_over: bool,
}

impl Timer {
    fn poll(&mut self, context: &mut Context<'_>) -> Poll<()> {
        if !self.is_over {
            self.is_over = self.sleep.as_mut().poll(context).is_ready();
        }
        if self.is_over {
            Poll::Ready(())
        } else {
            Poll::Pending
        }
    }
}

impl Timers {
    /// The limits of a call that begins now for keys of these two kinds.
    pub(super) fn begin(rules: &Rules, sleep: &Sleep, any_stale: bool, any_other: bool) -> Self {
        let timer = |has_stale| {
            rules.first_limit(has_stale).map(|limit| Timer {
                sleep: sleep(limit),
                is_over: false,
            })
        };
        Self {
            with_stale: any_stale.then(|| timer(true)).flatten(),
            without: any_other.then(|| timer(false)).flatten(),
        }
    }

    /// Waits for a signal; none if it does not come in time.
    pub(super) async fn wait<'s, T>(
        &mut self,
        signal: &'s Signal<T>,
        has_stale: bool,
    ) -> Option<&'s T> {
        let timer = if has_stale {
            &mut self.with_stale
        } else {
            &mut self.without
        };
        let mut ready = pin!(signal.ready());
        poll_fn(
            |context| match (ready.as_mut().poll(context), timer.as_mut()) {
                (Poll::Ready(value), _) => Poll::Ready(Some(value)),
                (Poll::Pending, Some(timer)) => timer.poll(context).map(|()| None),
                (Poll::Pending, None) => Poll::Pending,
            },
        )
        .await
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use std::time::Duration;

    use crm_clock::Clock;

    use super::{Limits, Rules};

    #[test]
    fn a_limit_runs_from_the_beginning_of_the_call_and_is_not_begun_anew() {
        let second = Duration::from_secs;
        let (clock, hand) = Clock::manual();
        let rules = Rules {
            soft_limit: Some(second(3)),
            hard_limit: Some(second(9)),
            ..Rules::default()
        };
        let limits = Limits::begin(&rules, clock.clone()).unwrap();
        assert_eq!(
            (limits.left(true), limits.left(false)),
            (Some(second(3)), Some(second(9)))
        );
        hand.advance(second(2));
        assert_eq!(
            (limits.left(true), limits.left(false)),
            (Some(second(1)), Some(second(7)))
        );
        hand.advance(second(10));
        assert_eq!(limits.left(false), Some(Duration::ZERO));
        assert!(Limits::begin(&Rules::default(), clock).is_none());
    }
}
