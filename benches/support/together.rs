//! Time of several threads that work at once.

use std::sync::Barrier;
use std::thread;
use std::time::Duration;

use crm_clock::Clock;

/// Runs `work(thread)` on `threads` threads at once; the time from the first one's start to the last one's end.
///
/// The threads exist and have met at a barrier before the clock starts, so that neither their creation nor the caller's
/// own waking is measured: each thread reads the clock itself.
pub(crate) fn time<F>(threads: usize, work: F) -> Duration
where
    F: Fn(usize) + Sync,
{
    let clock = Clock::system();
    let barrier = Barrier::new(threads);
    let spans: Vec<_> = thread::scope(|scope| {
        let running: Vec<_> = (0..threads)
            .map(|thread| {
                let (clock, barrier, work) = (&clock, &barrier, &work);
                scope.spawn(move || {
                    barrier.wait();
                    let start = clock.now();
                    work(thread);
                    (start, clock.now())
                })
            })
            .collect();
        running
            .into_iter()
            .map(|thread| thread.join().expect("a benchmark's work does not panic"))
            .collect()
    });
    let start = spans.iter().map(|span| span.0).min();
    let end = spans.iter().map(|span| span.1).max();
    match (start, end) {
        (Some(start), Some(end)) => end - start,
        _ => Duration::ZERO,
    }
}
