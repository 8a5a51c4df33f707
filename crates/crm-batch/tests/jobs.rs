//! Every policy, order, chunk size, pool and pattern of failures gives what a plain loop gives.

mod support;

use std::collections::HashMap;
use std::io;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use crm_batch::{
    Batch, BatchError, Chunk, Entry, Fill, Order, Position, Retry, Room, Sink, SkipLimit, Source,
    Verdict,
};
use crm_clock::Clock;
use proptest::prelude::*;
use support::fate::quiet_panics;
use support::pool;
use support::watchdog::within;

/// What happens to a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Lot {
    Fine,
    Filtered,
    /// It fails so many times before it succeeds.
    Flaky(u32),
    Fails,
    Panics,
    Fatal,
}

#[derive(Clone, Copy, Debug)]
struct Policy {
    limit: SkipLimit,
    /// The same, for the oracle.
    most: u64,
    share: Option<(f64, u64)>,
    attempts: Option<u32>,
}

/// What a run has come to.
#[derive(Debug, PartialEq)]
struct Ledger {
    written: Vec<u64>,
    filtered: u64,
    /// Position and attempts.
    rejected: Vec<(u64, u32)>,
    end: End,
}

#[derive(Debug, PartialEq)]
enum End {
    Complete,
    Record(u64, u32),
    Share,
}

/// The obvious version.
fn plain_loop(lots: &[Lot], policy: &Policy) -> Ledger {
    let mut ledger = Ledger {
        written: Vec::new(),
        filtered: 0,
        rejected: Vec::new(),
        end: End::Complete,
    };
    for (position, lot) in (0_u64..).zip(lots) {
        let tries = policy.attempts.unwrap_or(1);
        let attempts = match lot {
            Lot::Fine => {
                ledger.written.push(position);
                continue;
            }
            Lot::Filtered => {
                ledger.filtered += 1;
                continue;
            }
            Lot::Flaky(failures) if *failures < tries => {
                ledger.written.push(position);
                continue;
            }
            Lot::Flaky(_) | Lot::Fails => tries,
            Lot::Panics | Lot::Fatal => 1,
        };
        let skipped = ledger.rejected.len() as u64;
        let settled = position + 1;
        let within_share = policy.share.is_none_or(|(share, after)| {
            settled < after || (skipped + 1) as f64 <= share * settled as f64
        });
        if *lot == Lot::Fatal || skipped >= policy.most || !within_share {
            ledger.end = End::Record(position, attempts);
            return ledger;
        }
        ledger.rejected.push((position, attempts));
    }
    if let Some((share, _)) = policy.share {
        if ledger.rejected.len() as f64 > share * lots.len() as f64 {
            ledger.end = End::Share;
        }
    }
    ledger
}

/// The same by a batch.
fn batch_run(batch: &Batch, lots: &[Lot], policy: &Policy) -> Ledger {
    quiet_panics();
    let tries: Mutex<HashMap<u64, u32>> = Mutex::default();
    let states = AtomicUsize::new(0);
    let mut written = Vec::new();
    let mut rejected = Vec::new();
    let job = batch.job(0..lots.len() as u64).process_with(
        || states.fetch_add(1, Ordering::SeqCst),
        |_, record| match lots[record as usize] {
            Lot::Fine => Ok(Verdict::Output(record)),
            Lot::Filtered => Ok(Verdict::Filtered),
            Lot::Flaky(failures) => {
                let mut tries = tries.lock().unwrap();
                let tried = tries.entry(record).or_default();
                *tried += 1;
                if *tried > failures {
                    Ok(Verdict::Output(record))
                } else {
                    Err("busy")
                }
            }
            Lot::Fails => Err("busy"),
            Lot::Panics => panic!("record {record} is cursed"),
            Lot::Fatal => Err("fatal"),
        },
    );
    let letters = |skip: crm_batch::Skip<&'static str>, record: Option<u64>| {
        assert!(record.is_none_or(|record| record == skip.position()));
        rejected.push((skip.position(), skip.attempts()));
        Ok::<_, io::Error>(())
    };
    let sink = |record| {
        written.push(record);
        Ok::<_, io::Error>(())
    };
    let fatal = |failure: &crm_batch::Failure<&'static str>| failure.error() == Some(&"fatal");
    let busy = |failure: &crm_batch::Failure<&'static str>| failure.error() == Some(&"busy");
    let result = if policy.attempts.is_some() {
        let job = job.retry_when(busy).fatal_when(fatal);
        job.dead_letters(letters).into(sink).run()
    } else {
        let job = job.keep_records().fatal_when(fatal);
        job.dead_letters(letters).into(sink).run()
    };
    let (report, end) = match result {
        Ok(report) => (report, End::Complete),
        Err(BatchError::Process {
            position,
            attempts,
            report,
            ..
        }) => (*report, End::Record(position, attempts)),
        Err(BatchError::SkipShare { report, .. }) => (*report, End::Share),
        Err(error) => panic!("{error:?}"),
    };
    assert_eq!(report.written(), written.len() as u64);
    assert_eq!(report.skipped(), rejected.len() as u64);
    assert!(report.skips().is_empty(), "the dead letters took them");
    assert_eq!(
        report.read(),
        report.written() + report.filtered() + report.skipped() + report.not_processed()
    );
    if !matches!(end, End::Record(..)) {
        assert_eq!(report.not_processed(), 0);
        assert_eq!(report.read(), lots.len() as u64);
    }
    Ledger {
        written,
        filtered: report.filtered(),
        rejected,
        end,
    }
}

fn check(batch: &Batch, order: Order, lots: &[Lot], policy: &Policy) {
    let wanted = plain_loop(lots, policy);
    let mut found = batch_run(batch, lots, policy);
    if order == Order::Input {
        assert_eq!(found, wanted);
        return;
    }
    found.written.sort_unstable();
    found.rejected.sort_unstable();
    match wanted.end {
        // Whatever the order, a run that succeeds has done the same, and so has one that only fails at its very end.
        End::Complete | End::Share if policy.share.is_none() => assert_eq!(found, wanted),
        _ => {
            // It ends somewhere, with nothing written that a loop over all records would not have written.
            let free = Policy {
                limit: SkipLimit::ALL,
                most: u64::MAX,
                share: None,
                ..*policy
            };
            let harmless: Vec<Lot> = lots
                .iter()
                .map(|lot| {
                    if *lot == Lot::Fatal {
                        Lot::Filtered
                    } else {
                        *lot
                    }
                })
                .collect();
            let all = plain_loop(&harmless, &free);
            assert!(found.written.iter().all(|n| all.written.contains(n)));
            assert!(found.rejected.iter().all(|n| all.rejected.contains(n)));
            found.written.dedup();
            found.rejected.dedup();
            if lots.contains(&Lot::Fatal) {
                assert_ne!(found.end, End::Complete);
            }
        }
    }
}

fn build(
    threads: usize,
    chunk: Option<usize>,
    window: Option<usize>,
    inline: bool,
    order: Order,
    policy: &Policy,
) -> Batch {
    let retry = Retry::exponential(policy.attempts.unwrap_or(1))
        .first_delay(Duration::from_micros(20))
        .longest_delay(Duration::from_micros(100));
    let mut builder = Batch::builder()
        .pool(pool(threads))
        .inline_start(inline)
        .order(order)
        .retry(retry)
        .skip(policy.limit);
    if let Some(rows) = chunk {
        builder = builder.chunk_rows(rows);
    }
    if let Some(chunks) = window {
        builder = builder.window(chunks);
    }
    builder.build().unwrap()
}

fn lot() -> impl Strategy<Value = Lot> {
    prop_oneof![
        200 => Just(Lot::Fine),
        40 => Just(Lot::Filtered),
        8 => (1_u32..5).prop_map(Lot::Flaky),
        4 => Just(Lot::Fails),
        2 => Just(Lot::Panics),
        1 => Just(Lot::Fatal),
    ]
}

fn policy() -> impl Strategy<Value = Policy> {
    let share = prop::option::of((prop::sample::select(vec![0.0, 0.02, 0.1, 1.0]), 1_u64..60));
    let most = prop_oneof![Just(0), 1_u64..12, Just(u64::MAX)];
    (most, share, prop::option::of(1_u32..4)).prop_map(|(most, share, attempts)| {
        let mut limit = SkipLimit::records(most);
        if let Some((share, after)) = share {
            limit = limit.share(share).after(after);
        }
        Policy {
            limit,
            most,
            share,
            attempts,
        }
    })
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_job_ends_as_a_loop_would(
        lots in prop::collection::vec(lot(), 0..300),
        policy in policy(),
        threads in prop::sample::select(vec![1_usize, 2, 4]),
        chunk in prop::option::of(1_usize..40),
        window in prop::option::of(1_usize..10),
        inline in any::<bool>(),
        finished in any::<bool>(),
    ) {
        let order = if finished { Order::AsFinished } else { Order::Input };
        check(&build(threads, chunk, window, inline, order, &policy), order, &lots, &policy);
    }
}

#[test]
fn every_policy_in_every_shape() {
    within(|| {
        let patterns: [fn(usize) -> Lot; 5] = [
            |_| Lot::Fine,
            |n| if n % 7 == 3 { Lot::Fails } else { Lot::Fine },
            |n| {
                if n % 5 == 0 {
                    Lot::Flaky(1 + n as u32 % 3)
                } else {
                    Lot::Filtered
                }
            },
            |n| if n % 31 == 30 { Lot::Panics } else { Lot::Fine },
            |n| if n == 77 { Lot::Fatal } else { Lot::Fine },
        ];
        for pattern in patterns {
            let lots: Vec<Lot> = (0..120).map(pattern).collect();
            for most in [0, 3, u64::MAX] {
                for share in [None, Some((0.05, 40)), Some((0.5, 1))] {
                    for attempts in [None, Some(1), Some(3)] {
                        let mut limit = SkipLimit::records(most);
                        if let Some((share, after)) = share {
                            limit = limit.share(share).after(after);
                        }
                        let policy = Policy {
                            limit,
                            most,
                            share,
                            attempts,
                        };
                        for order in [Order::Input, Order::AsFinished] {
                            for threads in [1, 2] {
                                for chunk in [Some(1), Some(16), None] {
                                    let inline = threads == 1;
                                    let batch =
                                        build(threads, chunk, Some(4), inline, order, &policy);
                                    check(&batch, order, &lots, &policy);
                                }
                            }
                        }
                    }
                }
            }
        }
    });
}

#[test]
fn a_worker_has_its_state_for_the_whole_run() {
    within(|| {
        for threads in [1, 2, 4] {
            let made = AtomicUsize::new(0);
            let batch = Batch::builder()
                .pool(pool(threads))
                .inline_start(false)
                .chunk_rows(3);
            let report = batch
                .build()
                .unwrap()
                .job(0..5_000_u64)
                .process_with(
                    || made.fetch_add(1, Ordering::SeqCst),
                    |_, n| Ok::<_, ()>(Verdict::Output(n)),
                )
                .into(|_| Ok::<_, ()>(()))
                .run()
                .unwrap();
            assert_eq!(report.written(), 5_000);
            assert!((1..=threads).contains(&made.into_inner()));
        }
    });
}

#[test]
fn a_state_that_saw_a_panic_is_made_again() {
    quiet_panics();
    for inline in [false, true] {
        let made = AtomicUsize::new(0);
        let batch = Batch::builder()
            .pool(pool(1))
            .inline_start(inline)
            .skip_limit(9);
        let batch = batch.clock(Clock::manual().0).build().unwrap();
        let mut seen = Vec::new();
        batch
            .job(0..10_u64)
            .process_with(
                || made.fetch_add(1, Ordering::SeqCst),
                |state, n| {
                    assert!(n % 4 != 3, "{n} is cursed");
                    Ok::<_, ()>(Verdict::Output(*state))
                },
            )
            .into(|state| {
                seen.push(state);
                Ok::<_, ()>(())
            })
            .run()
            .unwrap();
        assert_eq!(seen, [0, 0, 0, 1, 1, 1, 2, 2]);
    }
}

#[test]
fn a_state_that_cannot_be_made_ends_the_run() {
    quiet_panics();
    for inline in [false, true] {
        let batch = Batch::builder()
            .pool(pool(2))
            .inline_start(inline)
            .build()
            .unwrap();
        let error = batch
            .job(0..10_u64)
            .process_with(
                || panic!("the database is broken"),
                |(), n| Ok::<_, ()>(Verdict::Output(n)),
            )
            .into(|_| Ok::<_, ()>(()))
            .run()
            .unwrap_err();
        let BatchError::Panicked {
            stage, position, ..
        } = error
        else {
            panic!("another error")
        };
        assert_eq!((stage, position), (crm_batch::Stage::State, 0));
    }
}

/// Lines of a text, cut by the workers; it does not count them.
#[derive(Default)]
struct Lines {
    text: String,
    read: usize,
}

impl Chunk for Lines {
    type Record<'r> = &'r str;

    fn next(&mut self) -> Option<&str> {
        let rest = &self.text[self.read..];
        let end = rest.find('\n')?;
        self.read += end + 1;
        Some(&rest[..end])
    }

    fn only(line: &str) -> Self {
        Self {
            text: format!("{line}\n"),
            read: 0,
        }
    }

    fn split(&mut self) -> Option<Self> {
        let middle = self.read + (self.text.len() - self.read) / 2;
        let cut = middle + self.text[middle..].find('\n')? + 1;
        let text = self.text.split_off(cut);
        (!text.is_empty()).then_some(Self { text, read: 0 })
    }

    fn clear(&mut self) {
        self.text.clear();
        self.read = 0;
    }
}

/// A text in blocks of whole lines.
struct Text<'t> {
    text: &'t str,
    at: usize,
    breaks_at: usize,
}

impl Source for Text<'_> {
    type Chunk = Lines;
    type Error = &'static str;

    fn fill(&mut self, chunk: &mut Lines, room: &Room<'_>) -> Result<Fill, &'static str> {
        let rest = &self.text[self.at..];
        let end = (self.at + room.bytes()).min(self.text.len());
        let end = self.text[end..]
            .find('\n')
            .map_or(self.text.len(), |n| end + n + 1);
        let bytes = end - self.at;
        chunk.text.push_str(&rest[..bytes]);
        self.at = end;
        if end >= self.breaks_at {
            return Err("the disk is gone");
        }
        let fill = if end == self.text.len() {
            Fill::ended()
        } else {
            Fill::more()
        };
        Ok(fill.with_bytes(bytes as u64))
    }

    fn next_position(&self) -> Option<Position> {
        Some(Position(self.at as u64))
    }
}

#[test]
fn a_source_that_does_not_count_is_worked_on_like_any_other() {
    within(|| {
        let text: String = (0..2_000).map(|n| format!("{n}\n")).collect();
        for threads in [1, 2, 4] {
            for inline in [false, true] {
                for order in [Order::Input, Order::AsFinished] {
                    for bytes in [1, 100, 1 << 20] {
                        let batch = Batch::builder().pool(pool(threads)).inline_start(inline);
                        let batch = batch.chunk_bytes(bytes).order(order).skip(SkipLimit::ALL);
                        let mut seen = Vec::new();
                        let report = batch
                            .build()
                            .unwrap()
                            .job(Text {
                                text: &text,
                                at: 0,
                                breaks_at: usize::MAX,
                            })
                            .process(|line| match line.parse::<u64>() {
                                Ok(n) if n % 10 == 0 => Err(n),
                                Ok(n) if n % 3 == 0 => Ok(Verdict::Filtered),
                                Ok(n) => Ok(Verdict::Output(n)),
                                Err(_) => panic!("{line:?}"),
                            })
                            .into(|n| {
                                seen.push(n);
                                Ok::<_, ()>(())
                            })
                            .run()
                            .unwrap();
                        assert!(
                            seen.into_iter()
                                .eq((0..2_000).filter(|n| n % 10 != 0 && n % 3 != 0))
                        );
                        assert_eq!((report.read(), report.skipped()), (2_000, 200));
                        assert_eq!(report.bytes(), text.len() as u64);
                        for (skip, wanted) in report.skips().iter().zip((0..).step_by(10)) {
                            assert_eq!(skip.position(), wanted);
                            assert_eq!(skip.failure().error(), Some(&wanted));
                        }
                    }
                }
            }
        }
    });
}

#[test]
fn an_error_of_the_source_comes_after_the_records_before_it() {
    let text: String = (0..500).map(|n| format!("{n}\n")).collect();
    for inline in [false, true] {
        let batch = Batch::builder()
            .pool(pool(2))
            .inline_start(inline)
            .chunk_bytes(64);
        let source = Text {
            text: &text,
            at: 0,
            breaks_at: 900,
        };
        let mut written = 0;
        let error = batch
            .build()
            .unwrap()
            .job(source)
            .process(|line| Ok::<_, ()>(Verdict::Output(line.len())))
            .into(|_| {
                written += 1;
                Ok::<_, ()>(())
            })
            .run()
            .unwrap_err();
        assert_eq!(error.report().written(), written);
        let BatchError::Source {
            position,
            error,
            report,
            ..
        } = error
        else {
            panic!("another error")
        };
        assert_eq!((position, error), (written, "the disk is gone"));
        assert_eq!((report.read(), report.not_processed()), (written, 0));
        assert!(written > 240);
    }
}

/// A sink that keeps every entry.
struct Book(Vec<u64>, Vec<Entry>);

impl Sink<u64> for &mut Book {
    type Error = ();

    fn write(&mut self, output: u64) -> Result<(), ()> {
        self.0.push(output);
        Ok(())
    }

    fn commit(&mut self, entry: &Entry) -> Result<(), ()> {
        assert_eq!(entry.written, self.0.len() as u64);
        self.1.push(*entry);
        Ok(())
    }
}

#[test]
fn an_entry_says_where_the_source_would_go_on() {
    let text: String = (0..500).map(|n| format!("{n}\n")).collect();
    for inline in [false, true] {
        let mut book = Book(Vec::new(), Vec::new());
        let batch = Batch::builder()
            .pool(pool(2))
            .inline_start(inline)
            .chunk_bytes(64);
        let report = batch
            .build()
            .unwrap()
            .job(Text {
                text: &text,
                at: 0,
                breaks_at: usize::MAX,
            })
            .process(|line| Ok::<_, ()>(Verdict::Output(line.parse::<u64>().unwrap())))
            .into(&mut book)
            .run()
            .unwrap();
        assert_eq!(book.1.len() as u64, report.chunks());
        for entry in &book.1 {
            let Some(Position(at)) = entry.position else {
                panic!("the source has positions")
            };
            let before = text[..at as usize].lines().count() as u64;
            assert_eq!(entry.records, before);
        }
        assert_eq!(book.1.last().unwrap().records, 500);
    }
}

#[test]
fn the_bound_in_bytes_holds_for_records_that_tell_their_size() {
    let sizes = |n: u64| (n * 37 % 100) as usize;
    let largest = AtomicUsize::new(0);
    let batch = Batch::builder()
        .pool(pool(2))
        .inline_start(false)
        .chunk_bytes(500);
    let report = batch
        .progress({
            let last = Mutex::new(0);
            move |progress| {
                let mut last = last.lock().unwrap();
                let rows = *last..progress.settled();
                *last = progress.settled();
                // The record that reaches the bound is the last.
                let before: usize = rows.clone().take(rows.count() - 1).map(sizes).sum();
                assert!(before < 500, "{before}");
            }
        })
        .build()
        .unwrap()
        .job(crm_batch::Measured::new(0..5_000_u64, |n: &u64| sizes(*n)))
        .process(|n| {
            largest.fetch_max(sizes(n), Ordering::Relaxed);
            Ok::<_, ()>(Verdict::Output(n))
        })
        .into(|_| Ok::<_, ()>(()))
        .run()
        .unwrap();
    assert_eq!(
        report.bytes() as usize,
        (0..5_000).map(sizes).sum::<usize>()
    );
    assert!(report.chunks() >= report.bytes() / 600);
}

/// Every iterator is a source, and `Source` is imported here: none of its methods may be found before the iterator's own.
#[test]
fn importing_source_hides_no_method_of_an_iterator() {
    assert_eq!([3, 5, 8].iter().position(|n| *n == 5), Some(1));
    assert_eq!([3, 5, 8].iter().rposition(|n| *n == 5), Some(1));
}
