//! An open-loop load: arrivals that do not wait for answers.
//!
//! The times are fixed before the run. An arrival that finds every worker busy waits in line from its scheduled time
//! on, whether or not anyone had the time to look; a generator that sends when the last answer is there would leave out
//! exactly these waits (coordinated omission).

use std::fs;
use std::sync::Barrier;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use crm_perf::clock::{Clock, Tick};
use fastrand::Rng;

use crate::timing::nanos;

/// The times of `count` arrivals of a Poisson process with `per_second` on the average, in nanoseconds from the start:
/// the gaps are exponential and know nothing of each other.
pub(crate) fn poisson(per_second: f64, count: usize, seed: u64) -> Vec<u64> {
    let mut rng = Rng::with_seed(seed);
    let mut at = 0.0;
    (0..count)
        .map(|_| {
            at -= (1.0 - rng.f64()).ln() / per_second;
            (at * 1e9) as u64
        })
        .collect()
}

/// What became of one arrival.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Served {
    /// Its place in the schedule.
    pub(crate) arrival: usize,
    /// From the scheduled time until a worker took it, in nanoseconds.
    pub(crate) queueing: u64,
    /// From then until it was answered, in nanoseconds.
    pub(crate) service: u64,
    pub(crate) answered: bool,
}

/// What a run brought.
#[derive(Debug)]
pub(crate) struct Work {
    /// By arrival.
    pub(crate) served: Vec<Served>,
    /// How long the workers were ready to run and had no processor, in nanoseconds for all of them together; absent
    /// where the system does not say.
    pub(crate) held_up: Option<u64>,
}

/// Lets each of `workers` serve arrivals, first come, first served, until the schedule is at its end.
///
/// There is no thread that sends. A free worker takes the next arrival of the schedule and, when its time has not come,
/// waits for it: the same line and the same order, with all processors left to the workers. `serve` is given the place
/// of the arrival and says whether it was answered. The schedule counts from `start`, which should leave the threads time
/// to begin.
pub(crate) fn serve<W>(clock: &Clock, start: Tick, schedule: &[u64], workers: Vec<W>) -> Work
where
    W: FnMut(usize) -> bool + Send,
{
    let next = AtomicUsize::new(0);
    let ready = Barrier::new(workers.len());
    let work = |mut serve: W| {
        let mut served = Vec::with_capacity(schedule.len() / 2);
        ready.wait();
        let held_up = held_up();
        loop {
            // Only the number is shared, nothing is published by it.
            let arrival = next.fetch_add(1, Ordering::Relaxed);
            let Some(&at) = schedule.get(arrival) else {
                let held_up = held_up.zip(self::held_up()).map(|(then, now)| now - then);
                return (served, held_up);
            };
            let scheduled = start + Duration::from_nanos(at);
            let taken = wait_until(clock, scheduled);
            let answered = serve(arrival);
            served.push(Served {
                arrival,
                queueing: nanos(taken - scheduled),
                service: nanos(clock.now() - taken),
                answered,
            });
        }
    };
    let done: Vec<(Vec<Served>, Option<u64>)> = thread::scope(|scope| {
        let threads: Vec<_> = workers
            .into_iter()
            .map(|worker| scope.spawn(|| work(worker)))
            .collect();
        threads
            .into_iter()
            .map(|thread| match thread.join() {
                Ok(done) => done,
                Err(panic) => std::panic::resume_unwind(panic),
            })
            .collect()
    });
    let held_up = done.iter().map(|(_, held_up)| *held_up).sum();
    let mut served: Vec<Served> = done.into_iter().flat_map(|(served, _)| served).collect();
    served.sort_unstable_by_key(|served| served.arrival);
    Work { served, held_up }
}

/// How long the calling thread has been ready to run without a processor, in nanoseconds (Linux: the second number of
/// `schedstat`).
fn held_up() -> Option<u64> {
    let schedstat = fs::read_to_string("/proc/thread-self/schedstat").ok()?;
    schedstat.split_whitespace().nth(1)?.parse().ok()
}

/// The time at which `due` has come. Sleeps while that is far away and spins for the rest, because a sleeping thread
/// wakes up late by more than many look-ups take.
fn wait_until(clock: &Clock, due: Tick) -> Tick {
    const TOO_CLOSE_TO_SLEEP: Duration = Duration::from_millis(2);
    loop {
        let now = clock.now();
        if now >= due {
            return now;
        }
        match (due - now).checked_sub(TOO_CLOSE_TO_SLEEP) {
            Some(far) if !far.is_zero() => thread::sleep(far),
            _ => std::hint::spin_loop(),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;

    #[test]
    fn the_schedule_is_that_of_its_seed() {
        assert_eq!(poisson(500.0, 100, 4), poisson(500.0, 100, 4));
        assert_ne!(poisson(500.0, 100, 4), poisson(500.0, 100, 5));
        assert!(poisson(500.0, 1_000, 4).is_sorted());
    }

    #[test]
    fn gaps_are_exponential() {
        let times = poisson(2_000.0, 100_000, 11);
        let gaps: Vec<f64> = times.windows(2).map(|w| (w[1] - w[0]) as f64).collect();
        let mean = gaps.iter().sum::<f64>() / gaps.len() as f64;
        let variance = gaps.iter().map(|gap| (gap - mean).powi(2)).sum::<f64>() / gaps.len() as f64;
        // 500 microseconds; five standard errors of the mean are 1.6 %, of the squared variation about 4.5 %.
        assert!((mean / 500_000.0 - 1.0).abs() < 0.016, "{mean}");
        assert!((variance / mean / mean - 1.0).abs() < 0.045, "{variance}");
        // Memoryless: e^-1 of the gaps are longer than the mean.
        let longer = gaps.iter().filter(|&&gap| gap > mean).count() as f64 / gaps.len() as f64;
        assert!((longer - (-1.0_f64).exp()).abs() < 0.008, "{longer}");
    }

    #[test]
    fn time_is_counted_from_the_schedule_not_from_the_send() {
        // One worker, three arrivals at once, each served in 10 ms of a clock that only serving moves. The clock stands
        // 5 ms after the first arrival already.
        let (clock, hand) = Clock::manual();
        let start = clock.now();
        hand.advance(Duration::from_millis(5));
        let serve_one = |_| {
            hand.advance(Duration::from_millis(10));
            true
        };
        let served = serve(&clock, start, &[0, 0, 0], vec![serve_one]).served;
        let service: Vec<u64> = served.iter().map(|s| s.service).collect();
        assert_eq!(service, [10_000_000; 3]);
        let queueing: Vec<u64> = served.iter().map(|s| s.queueing).collect();
        assert_eq!(queueing, [5_000_000, 15_000_000, 25_000_000]);
    }

    #[test]
    fn every_arrival_is_served_once_by_some_worker() {
        let seen = Mutex::new(vec![0; 500]);
        let worker = || {
            |arrival: usize| {
                seen.lock().unwrap()[arrival] += 1;
                !arrival.is_multiple_of(7)
            }
        };
        let schedule = poisson(1e6, 500, 2);
        let clock = Clock::system();
        let served = serve(
            &clock,
            clock.now(),
            &schedule,
            vec![worker(), worker(), worker()],
        )
        .served;
        assert!(served.iter().enumerate().all(|(i, s)| s.arrival == i));
        assert!(
            served
                .iter()
                .all(|s| s.answered != s.arrival.is_multiple_of(7))
        );
        assert_eq!(*seen.lock().unwrap(), vec![1; 500]);
    }
}
