//! A process that is killed at any moment, and run again until it ends, leaves what an undisturbed one leaves.
//!
//! Twenty kills, or as many as `CRM_BATCH_KILLS` says; `CRM_BATCH_KILL_SEED` repeats the moments of a run that failed, as far
//! as the system lets them be repeated.

mod support;

use std::collections::hash_map::RandomState;
use std::env;
use std::fs;
use std::hash::{BuildHasher as _, Hasher as _};
use std::io::{BufRead as _, BufReader, Write as _, stdout};
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::Duration;

use crm_batch::{Batch, CancelToken, FileSink, Report, SkipLimit};
use support::again::{Numbers, Trouble, encode, plain_loop, rejects_beside, repeatable};
use support::fate::quiet_panics;
use support::pool;

const RECORDS: u64 = 3_000;

/// A kind of job that is killed.
struct Kind {
    /// Runs it in this process, into this folder, from whatever an earlier process has left there.
    run: fn(&Path, u64),
    /// Whether it is done; what is there must then be whole, and nothing else must be there.
    is_done: fn(&Path) -> bool,
    /// Files that it leaves.
    files: usize,
}

/// By number, which is what a child is told.
const KINDS: &[Kind] = &[
    Kind {
        run: run_file_job,
        is_done: is_file_done,
        files: 2,
    },
    #[cfg(feature = "rusqlite")]
    Kind {
        run: table::run,
        is_done: table::is_done,
        files: 1,
    },
];

/// A file and its rejects. The variant decides source, threads, chunks and how often it commits.
fn run_file_job(folder: &Path, variant: u64) {
    let path = folder.join("rows.csv");
    let every = [Duration::ZERO, Duration::from_millis(2), Duration::MAX];
    let sink = FileSink::create(&path)
        .with_rejects(rejects_beside(&path))
        .commit_every(every[usize::try_from(variant % 3).unwrap()]);
    let chunk_rows = [50, 50, 50, 7, 1_000][usize::try_from(variant % 5).unwrap()];
    let batch = Batch::builder()
        .pool(pool(1 + usize::try_from(variant / 2 % 2).unwrap()))
        .inline_start(variant % 2 == 0)
        .chunk_rows(chunk_rows)
        .skip(SkipLimit::ALL)
        .progress(|progress| tell(progress.before(), progress.settled()))
        .build()
        .unwrap();
    macro_rules! run {
        ($source:expr) => {
            batch
                .job($source)
                .encode(encode)
                .into(sink)
                .rejects(|sink: &mut FileSink, skip, _record| {
                    sink.reject(format!("{}\n", skip.position()))
                })
                .checkpoint("killed")
                .unwrap()
                .run()
                .unwrap()
        };
    }
    let quiet = CancelToken::new();
    let report = if variant % 7 < 4 {
        run!(Numbers::<true>::new(RECORDS, Trouble::None, &quiet, 1))
    } else {
        run!(repeatable(RECORDS, Trouble::None, &quiet, 1))
    };
    check_report(&report);
}

fn is_file_done(folder: &Path) -> bool {
    let whole = plain_loop(RECORDS, |_, _| true);
    let path = folder.join("rows.csv");
    let rejects = fs::read_to_string(rejects_beside(&path)).ok();
    // The rejects get their name first.
    assert!(rejects.is_none() || rejects == Some(whole.rejects));
    match fs::read_to_string(path) {
        Ok(rows) => {
            assert!(rows == whole.rows, "the rows are other ones");
            assert!(rejects.is_some(), "the rejects are missing");
            true
        }
        Err(_) => false,
    }
}

/// A table of scores, one of rejects, and the checkpoint, in one database.
#[cfg(feature = "rusqlite")]
mod table {
    use std::path::Path;
    use std::time::Duration;

    use crm_batch::{Batch, Fingerprint, Repeatable, SkipLimit, SqliteSink, Verdict};
    use rusqlite::Connection;

    use super::{RECORDS, pool, tell};

    fn fate(id: u64) -> Result<Verdict<(u64, u64)>, &'static str> {
        match id % 10 {
            3 => Ok(Verdict::Filtered),
            7 => Err("rejected"),
            _ => Ok(Verdict::Output((id, id * 3))),
        }
    }

    fn int(number: u64) -> i64 {
        number.try_into().unwrap()
    }

    pub(super) fn run(folder: &Path, variant: u64) {
        let scores = Connection::open(folder.join("scores.db")).unwrap();
        let journal = ["WAL", "DELETE"][usize::try_from(variant / 3 % 2).unwrap()];
        let tables = format!(
            "PRAGMA journal_mode = {journal};
             CREATE TABLE IF NOT EXISTS scores (id INTEGER, score INTEGER);
             CREATE TABLE IF NOT EXISTS rejects (id INTEGER);"
        );
        scores.execute_batch(&tables).unwrap();
        let every = [Duration::ZERO, Duration::from_millis(2), Duration::MAX];
        let sink = SqliteSink::new(scores, |scores, (id, score): (u64, u64)| {
            scores
                .prepare_cached("INSERT INTO scores VALUES (?1, ?2)")?
                .execute([int(id), int(score)])?;
            Ok(())
        });
        let report = Batch::builder()
            .pool(pool(1 + usize::try_from(variant / 2 % 2).unwrap()))
            .inline_start(variant % 2 == 0)
            .chunk_rows([50, 7, 1_000][usize::try_from(variant % 3).unwrap()])
            .skip(SkipLimit::ALL)
            .progress(|progress| tell(progress.before(), progress.settled()))
            .build()
            .unwrap()
            .job(Repeatable::new(0..RECORDS, Fingerprint::of(&RECORDS)))
            .process(fate)
            .into(
                sink.commit_every(every[usize::try_from(variant % 3).unwrap()])
                    // Killed between its last commit and its end, it must not begin anew.
                    .keep_completed(),
            )
            .rejects(|sink, skip, _record| {
                sink.connection()?
                    .prepare_cached("INSERT INTO rejects VALUES (?1)")?
                    .execute([int(skip.position())])?;
                Ok(())
            })
            .checkpoint("killed")
            .unwrap()
            .run()
            .unwrap();
        assert_eq!(report.before().records + report.read(), RECORDS);
        assert_eq!(report.not_processed(), 0);
    }

    pub(super) fn is_done(folder: &Path) -> bool {
        let path = folder.join("scores.db");
        if !path.exists() {
            return false;
        }
        let scores = Connection::open(path).unwrap();
        let ask = |sql: &str| -> Option<Vec<i64>> {
            // The tables may not be there yet.
            let mut statement = scores.prepare(sql).ok()?;
            let rows = statement.query_map([], |row| row.get(0)).ok()?;
            rows.collect::<Result<_, _>>().ok()
        };
        if ask("SELECT complete FROM crm_batch_ledger") != Some(vec![1]) {
            return false;
        }
        let of = |wanted: fn(u64) -> bool| -> Option<Vec<i64>> {
            Some((0..RECORDS).filter(|id| wanted(id % 10)).map(int).collect())
        };
        assert!(ask("SELECT id FROM scores ORDER BY rowid") == of(|last| ![3, 7].contains(&last)));
        assert_eq!(
            ask("SELECT count(*) FROM scores WHERE score <> id * 3"),
            Some(vec![0])
        );
        assert!(ask("SELECT id FROM rejects ORDER BY rowid") == of(|last| last == 7));
        true
    }
}

fn check_report<E>(report: &Report<E>) {
    let whole = plain_loop(RECORDS, |_, _| true);
    let before = report.before();
    assert_eq!(before.records + report.read(), RECORDS);
    assert_eq!(before.written + report.written(), whole.written);
    assert_eq!(before.filtered + report.filtered(), whole.filtered);
    let skipped = whole.skipped.len() as u64;
    assert_eq!(before.skipped + report.skipped(), skipped);
    assert_eq!(report.not_processed(), 0);
}

/// What a child tells its parent: what earlier processes have done, and what it has done.
fn tell(before: u64, settled: u64) {
    if env::var_os(FOLDER).is_none() {
        return;
    }
    let mut out = stdout().lock();
    writeln!(out, "@{before} {settled}").unwrap();
    out.flush().unwrap();
}

const KIND: &str = "CRM_BATCH_KILL_KIND";
const VARIANT: &str = "CRM_BATCH_KILL_VARIANT";
const FOLDER: &str = "CRM_BATCH_KILL_FOLDER";

/// The undisturbed run; and the child, when it is started as such.
#[test]
fn a_job_that_may_be_killed() {
    quiet_panics();
    if let Some(folder) = env::var_os(FOLDER) {
        tell(0, 0);
        let kind = &KINDS[usize::try_from(number(KIND).unwrap()).unwrap()];
        (kind.run)(Path::new(&folder), number(VARIANT).unwrap());
        return;
    }
    for kind in KINDS {
        for variant in [0, 4, 5] {
            let folder = tempfile::tempdir().unwrap();
            (kind.run)(folder.path(), variant);
            assert!((kind.is_done)(folder.path()));
        }
    }
}

#[test]
fn a_job_that_is_killed_at_any_moment_loses_and_doubles_nothing() {
    let kills = number("CRM_BATCH_KILLS").unwrap_or(20);
    let mut luck = Luck(number("CRM_BATCH_KILL_SEED").unwrap_or_else(any_number));
    let seed = luck.0;
    let mut killed = 0;
    let mut jobs = 0;
    while killed < kills {
        let kind = luck.below(KINDS.len() as u64);
        let variant = luck.below(1_000);
        jobs += 1;
        let told = format!("seed {seed}, job {jobs}: kind {kind}, variant {variant}");
        killed += kill_until_done(kind, variant, &mut luck, &told);
    }
    assert!(jobs > kills / 20);
    let figures = format!("{killed} kills of {jobs} jobs, seed {seed}\n");
    stdout().write_all(figures.as_bytes()).unwrap();
}

/// Runs one job, killing it now and then; returns how often.
fn kill_until_done(kind: u64, variant: u64, luck: &mut Luck, told: &str) -> u64 {
    let folder = tempfile::tempdir().unwrap();
    let Kind { is_done, files, .. } = KINDS[usize::try_from(kind).unwrap()];
    let mut killed = 0;
    let mut durable = 0;
    loop {
        let mut child = start(kind, variant, folder.path());
        // Held open until the end of the child, which must not fail because nobody listens.
        let mut pipe = BufReader::new(child.stdout.take().unwrap());
        let mercy = killed > 0 && luck.below(4) == 0;
        let seen = if mercy {
            watch(&mut pipe, u64::MAX, durable, told)
        } else {
            // At the start, anywhere, or at the end, where the names are given.
            let moment = match luck.below(4) {
                0 => 0,
                1 => RECORDS,
                _ => luck.below(RECORDS),
            };
            let seen = watch(&mut pipe, moment, durable, told);
            luck.spin();
            child.kill().unwrap();
            seen
        };
        let status = child.wait().unwrap();
        if status.success() {
            assert!(is_done(folder.path()), "{told}: a success without a result");
            let left = fs::read_dir(folder.path()).unwrap().count();
            assert_eq!(left, files, "{told}: something else is left");
            return killed;
        }
        assert!(was_killed(status), "{told}: the child failed: {status}");
        killed += 1;
        if is_done(folder.path()) {
            // It has all its names, and may have forgotten that it had a checkpoint.
            durable = 0;
        } else if variant % 3 == 0 {
            // Each chunk is durable before it is told.
            durable = durable.max(seen);
        }
    }
}

/// Reads what the child tells, until it has got so far or has ended; returns how far.
fn watch(pipe: &mut BufReader<ChildStdout>, moment: u64, durable: u64, told: &str) -> u64 {
    let mut seen = 0;
    for line in pipe.lines() {
        let line = line.unwrap();
        let Some((before, settled)) = line.strip_prefix('@').and_then(|line| line.split_once(' '))
        else {
            continue;
        };
        let before: u64 = before.parse().unwrap();
        let settled: u64 = settled.parse().unwrap();
        if settled > 0 {
            assert!(
                before >= durable,
                "{told}: {durable} were durable, and {before} were found"
            );
            seen = before + settled;
        }
        if seen >= moment {
            break;
        }
    }
    seen
}

fn start(kind: u64, variant: u64, folder: &Path) -> Child {
    Command::new(env::current_exe().unwrap())
        .args(["--exact", "a_job_that_may_be_killed", "--nocapture"])
        .env(KIND, kind.to_string())
        .env(VARIANT, variant.to_string())
        .env(FOLDER, folder)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap()
}

#[cfg(unix)]
fn was_killed(status: std::process::ExitStatus) -> bool {
    use std::os::unix::process::ExitStatusExt as _;
    status.signal() == Some(9)
}

/// Elsewhere a kill and a failure look alike.
#[cfg(not(unix))]
fn was_killed(_status: std::process::ExitStatus) -> bool {
    true
}

fn number(name: &str) -> Option<u64> {
    env::var(name).ok().map(|text| text.parse().unwrap())
}

fn any_number() -> u64 {
    RandomState::new().build_hasher().finish()
}

/// `SplitMix64`.
struct Luck(u64);

impl Luck {
    fn below(&mut self, most: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % most
    }

    /// Lets some time pass, from nothing to some milliseconds.
    fn spin(&mut self) {
        let most = 1 << self.below(23);
        for _ in 0..self.below(most) {
            std::hint::spin_loop();
        }
    }
}
