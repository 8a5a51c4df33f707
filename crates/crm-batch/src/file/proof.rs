//! Whatever goes wrong at whatever operation: a job that is run again leaves the files of a run that nothing disturbed.

use std::path::{Path, PathBuf};
use std::time::Duration;

use proptest::prelude::*;

use super::FileError;
use super::power::{How, Machine, Trouble};
use super::slots::SLOT;
use super::store::Store;
use crate::{Checkpoint, End, Entry, Fingerprint, JobId, Position};

const OLD: &[u8] = b"what an earlier job has left\n";

/// A job in small: what the engine does with a store, by a loop.
#[derive(Clone, Debug)]
struct Job {
    records: u64,
    chunk: u64,
    /// Bytes of the longest row.
    longest: u64,
    /// Where rejects go, if they do.
    rejects: Option<&'static str>,
    /// Whether it has a checkpoint.
    named: bool,
}

const SMALL: Job = Job {
    records: 10,
    chunk: 3,
    longest: 90,
    rejects: Some("/out/rejected.csv"),
    named: true,
};

enum Fate {
    Written(Vec<u8>),
    Rejected(Vec<u8>),
    Filtered,
}

impl Job {
    fn path(&self) -> &'static Path {
        Path::new("/out/scores.csv")
    }

    fn id(&self) -> JobId {
        JobId::new("scores", Fingerprint(1), Fingerprint(2)).unwrap()
    }

    fn fate(&self, record: u64) -> Fate {
        let len = usize::try_from(record * 37 % self.longest).unwrap();
        let row = format!("{record}:{}\n", "x".repeat(len));
        match record % 5 {
            3 if self.rejects.is_some() => Fate::Rejected(row.into_bytes()),
            3 | 4 => Fate::Filtered,
            _ => Fate::Written(row.into_bytes()),
        }
    }

    /// The two files, by a loop.
    fn whole(&self) -> (Vec<u8>, Option<Vec<u8>>) {
        let (mut rows, mut rejects) = (HEADER.to_vec(), REJECTS_HEADER.to_vec());
        for record in 0..self.records {
            match self.fate(record) {
                Fate::Written(row) => rows.extend(row),
                Fate::Rejected(row) => rejects.extend(row),
                Fate::Filtered => (),
            }
        }
        (rows, self.rejects.map(|_| rejects))
    }

    fn store(&self, machine: &Machine) -> Store<Machine> {
        let mut store = Store::new(machine.clone(), self.path().to_owned());
        store.commit_every(Duration::ZERO);
        store.set_header(HEADER.to_vec());
        store.set_rejects_header(REJECTS_HEADER.to_vec());
        if let Some(path) = self.rejects {
            store.with_rejects(path.into());
        }
        store
    }

    /// The names that a run leaves that has succeeded.
    fn names(&self) -> Vec<PathBuf> {
        let mut names = vec![self.path().to_owned()];
        names.extend(self.rejects.map(PathBuf::from));
        names.sort();
        names
    }
}

/// What stands at the head of the two files.
const HEADER: &[u8] = b"row\n";
const REJECTS_HEADER: &[u8] = b"reject\n";

/// How a job is run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Start {
    /// From its checkpoint.
    Again,
    /// From its beginning, whatever there is.
    Over,
    /// Without a checkpoint.
    Unnamed,
}

/// A job on a machine, over several processes.
struct Trial<'j> {
    job: &'j Job,
    machine: Machine,
    /// The furthest that a run has said to be durable.
    claimed: Entry,
}

impl<'j> Trial<'j> {
    fn new(job: &'j Job, sector: usize, seed: u64) -> Self {
        let machine = Machine::new(sector, seed);
        if seed % 2 == 0 {
            machine.put(job.path(), OLD);
        }
        Self {
            job,
            machine,
            claimed: Entry::default(),
        }
    }

    /// One process from its start to its end.
    fn run(&mut self, trouble: Option<Trouble>) -> Result<(), FileError> {
        let named = self.job.named;
        self.start(if named { Start::Again } else { Start::Unnamed }, trouble)
    }

    fn start(&mut self, start: Start, trouble: Option<Trouble>) -> Result<(), FileError> {
        self.machine.begin(trouble);
        let mut store = self.job.store(&self.machine);
        let ended = self.drive(start, &mut store);
        self.note(&store);
        drop(store);
        if ended.is_ok() {
            self.check_done();
            self.claimed = Entry::default();
        } else if !self.job.named && !self.machine.is_dead() {
            // It cleans up behind itself, but for a file that it could not claim.
            let names = self.job.names();
            for name in self.machine.names() {
                let left = self.machine.get(&name);
                assert!(
                    names.contains(&name) || left == Some(Vec::new()),
                    "{name:?}"
                );
            }
        }
        self.check_names();
        ended
    }

    fn drive(&mut self, start: Start, store: &mut Store<Machine>) -> Result<(), FileError> {
        let id = (start != Start::Unnamed).then(|| self.job.id());
        let found = match start {
            Start::Again => {
                let found = store.recover()?;
                self.check_found(found.as_ref());
                found
            }
            Start::Over => {
                self.claimed = Entry::default();
                None
            }
            Start::Unnamed => None,
        };
        let from = found.as_ref().map(|found| found.entry);
        let mut entry = from.unwrap_or_default();
        let begun = store.begin(id.as_ref(), from.as_ref());
        self.note(store);
        let settled = begun.and_then(|()| {
            if !found.is_some_and(|found| found.complete) {
                self.settle(store, &mut entry)?;
            }
            Ok(())
        });
        match settled {
            Ok(()) => store.finish(&entry, End::Complete),
            Err(error) => {
                drop(store.finish(&entry, End::Early));
                Err(error)
            }
        }
    }

    /// Takes the records behind `entry` through the sink.
    fn settle(&mut self, store: &mut Store<Machine>, entry: &mut Entry) -> Result<(), FileError> {
        for record in entry.records..self.job.records {
            match self.job.fate(record) {
                Fate::Written(row) => {
                    store.write(&row)?;
                    entry.written += 1;
                }
                Fate::Rejected(row) => {
                    store.reject(&row)?;
                    entry.skipped += 1;
                }
                Fate::Filtered => entry.filtered += 1,
            }
            entry.records += 1;
            entry.past += 1;
            if entry.past == self.job.chunk || entry.records == self.job.records {
                entry.past = 0;
                entry.chunks += 1;
                entry.position = Some(Position(entry.records));
                store.commit(entry)?;
                self.note(store);
            }
        }
        Ok(())
    }

    fn note(&mut self, store: &Store<Machine>) {
        if let Some(committed) = store.committed() {
            if committed.records > self.claimed.records {
                self.claimed = committed;
            }
        }
    }

    /// What is found is no less than what was claimed.
    fn check_found(&mut self, found: Option<&Checkpoint>) {
        match found {
            Some(found) => assert!(
                found.entry.records >= self.claimed.records,
                "{found:?} was found, and {:?} was claimed",
                self.claimed
            ),
            None if self.claimed.records > 0 => {
                assert_eq!(self.claimed.records, self.job.records, "all is forgotten");
                self.check_done();
                self.claimed = Entry::default();
            }
            None => (),
        }
    }

    /// Names are given to whole files only.
    fn check_names(&self) {
        let (rows, rejects) = self.job.whole();
        if let Some(found) = self.machine.get(self.job.path()) {
            assert!(found == OLD || found == rows, "a name leads to a half file");
        }
        if let Some(path) = self.job.rejects {
            let found = self.machine.get(Path::new(path));
            assert!(found.is_none() || found == rejects);
        }
    }

    fn check_done(&self) {
        let (rows, rejects) = self.job.whole();
        assert!(self.machine.get(self.job.path()) == Some(rows));
        if let Some(path) = self.job.rejects {
            assert!(self.machine.get(Path::new(path)) == rejects);
        }
    }

    fn lose_power(&self) {
        self.machine.lose_power();
        self.check_names();
    }

    /// The last run, which nothing disturbs, and after which the power goes once more.
    fn finish(mut self) {
        let ended = self.run(None);
        assert!(ended.is_ok(), "{ended:?}");
        assert_eq!(self.machine.names(), self.job.names());
        self.lose_power();
        self.check_done();
        assert_eq!(self.machine.names(), self.job.names());
    }
}

const HOWS: [How; 4] = [How::Refused, How::Half, How::Killed, How::KilledAfter];

/// Sectors of 64 bytes tear what a real disk would not.
const SECTORS: [usize; 3] = [64, 512, 4_096];

/// Runs the job with trouble at each of its operations, and each time once more.
fn at_every_operation(job: &Job) {
    for seed in 0..6 {
        for sector in SECTORS {
            for how in HOWS {
                for power in [false, true] {
                    for at in 0.. {
                        let mut trial = Trial::new(job, sector, seed);
                        let ended = trial.run(Some(Trouble { at, how }));
                        let over = trial.machine.operations() <= at;
                        assert!(!over || ended.is_ok());
                        if power {
                            trial.lose_power();
                        }
                        trial.finish();
                        if over {
                            assert!(at > 10, "a job of so few operations proves nothing");
                            break;
                        }
                    }
                }
            }
        }
    }
}

#[test]
fn trouble_at_any_operation_leaves_no_trace() {
    at_every_operation(&SMALL);
}

#[test]
fn trouble_at_any_operation_leaves_no_trace_without_rejects() {
    let job = Job {
        rejects: None,
        chunk: 1,
        ..SMALL
    };
    at_every_operation(&job);
}

/// A sync of one folder says nothing of the names in another.
#[test]
fn rejects_may_lie_in_another_folder() {
    let job = Job {
        rejects: Some("/elsewhere/rejected.csv"),
        ..SMALL
    };
    at_every_operation(&job);
}

#[test]
fn a_job_without_a_checkpoint_gives_names_to_whole_files_only() {
    let job = Job {
        named: false,
        ..SMALL
    };
    at_every_operation(&job);
}

/// Rows that fill the buffer are written between two commits.
#[test]
fn rows_that_are_larger_than_the_buffer_are_safe_as_well() {
    let job = Job {
        records: 6,
        chunk: 4,
        longest: 400_000,
        ..SMALL
    };
    for at in 0..60 {
        for (seed, how) in (0..).zip(HOWS) {
            let mut trial = Trial::new(&job, 4_096, seed);
            drop(trial.run(Some(Trouble { at, how })));
            trial.lose_power();
            trial.finish();
        }
    }
}

#[test]
fn trouble_twice_leaves_no_trace() {
    let job = Job {
        records: 5,
        chunk: 2,
        rejects: Some("/elsewhere/rejected.csv"),
        ..SMALL
    };
    for seed in 0..8_u64 {
        for first in 0.. {
            let mut over = false;
            for second in 0.. {
                // Each pair of operations meets another combination each time.
                let mixed = usize::try_from(seed + first * 5 + second * 3).unwrap();
                let (one, other) = (HOWS[mixed % 4], HOWS[mixed / 4 % 4]);
                let sector = SECTORS[mixed % 3];
                let mut trial = Trial::new(&job, sector, seed * 1_000 + second);
                drop(trial.run(Some(Trouble {
                    at: first,
                    how: one,
                })));
                over = trial.machine.operations() <= first;
                if mixed % 5 < 2 {
                    trial.lose_power();
                }
                drop(trial.run(Some(Trouble {
                    at: second,
                    how: other,
                })));
                let last = trial.machine.operations() <= second;
                if mixed % 7 < 5 {
                    trial.lose_power();
                }
                trial.finish();
                if last {
                    break;
                }
            }
            if over {
                break;
            }
        }
    }
}

fn job() -> impl Strategy<Value = Job> {
    let rejects = prop_oneof![
        Just(None),
        Just(SMALL.rejects),
        Just(Some("/elsewhere/rejected.csv")),
    ];
    (0..60_u64, 1..20_u64, 1..1_500_u64, rejects).prop_map(|(records, chunk, longest, rejects)| {
        Job {
            records,
            chunk,
            longest,
            rejects,
            named: true,
        }
    })
}

fn trouble() -> impl Strategy<Value = (Start, Trouble, bool)> {
    let start = prop_oneof![
        6 => Just(Start::Again),
        1 => Just(Start::Over),
        1 => Just(Start::Unnamed),
    ];
    let how = prop::sample::select(HOWS.to_vec());
    (start, 0..70_u64, how, any::<bool>())
        .prop_map(|(start, at, how, power)| (start, Trouble { at, how }, power))
}

proptest! {
    #[test]
    fn any_series_of_troubles_leaves_no_trace(
        job in job(),
        troubles in prop::collection::vec(trouble(), 1..12),
        sector in prop::sample::select(SECTORS.to_vec()),
        seed in any::<u64>(),
    ) {
        let mut trial = Trial::new(&job, sector, seed);
        for (start, trouble, power) in troubles {
            match trial.start(start, Some(trouble)) {
                Ok(()) | Err(FileError::Io { .. } | FileError::Broken(_)) => (),
                Err(FileError::Unfinished(_)) if start == Start::Unnamed => (),
                // The disk may refuse, but nothing that is left is refused.
                Err(error) => prop_assert!(false, "{}", error),
            }
            if power {
                trial.lose_power();
            }
        }
        trial.finish();
    }
}

/// A job that has been killed after its third commit.
fn left<'j>(job: &'j Job) -> Trial<'j> {
    let mut trial = Trial::new(job, 512, 0);
    let mut store = job.store(&trial.machine);
    let mut entry = Entry::default();
    assert!(store.recover().unwrap().is_none());
    store.begin(Some(&job.id()), None).unwrap();
    trial.settle(&mut store, &mut entry).unwrap();
    drop(store);
    trial
}

const CHECKPOINT: &str = "/out/scores.csv.checkpoint";
const PART: &str = "/out/scores.csv.part";

/// The job is refused, whatever the damage, and leaves all as it is.
fn refused(trial: &mut Trial<'_>) -> FileError {
    let state = |trial: &Trial<'_>| -> Vec<_> {
        let names = trial.machine.names().into_iter();
        names.map(|name| (trial.machine.get(&name), name)).collect()
    };
    let before = state(trial);
    let error = trial.run(None).unwrap_err();
    assert!(state(trial) == before, "{error} has touched something");
    error
}

#[test]
fn one_flipped_bit_costs_one_commit_and_two_the_job() {
    let job = SMALL;
    let whole = left(&job).machine.get(Path::new(CHECKPOINT)).unwrap();
    let slot = |at: usize, bytes: &mut Vec<u8>| bytes[at * SLOT + 40] ^= 1;
    for at in [0, 1] {
        let mut trial = left(&job);
        let mut bytes = whole.clone();
        slot(at, &mut bytes);
        trial.machine.put(Path::new(CHECKPOINT), &bytes);
        // It is damage, so that less may be found than was claimed.
        trial.claimed = Entry::default();
        trial.finish();
    }
    let mut trial = left(&job);
    let mut bytes = whole;
    slot(0, &mut bytes);
    slot(1, &mut bytes);
    trial.machine.put(Path::new(CHECKPOINT), &bytes);
    assert!(matches!(refused(&mut trial), FileError::Damaged { .. }));
}

#[test]
fn a_part_that_is_shorter_than_its_checkpoint_says_is_refused() {
    for (job, name) in [(SMALL, PART), (SMALL, "/out/rejected.csv.part")] {
        let mut trial = left(&job);
        let bytes = trial.machine.get(Path::new(name)).unwrap();
        trial
            .machine
            .put(Path::new(name), &bytes[..bytes.len() - 1]);
        assert!(
            matches!(refused(&mut trial), FileError::Damaged { path, .. } if path == Path::new(name))
        );
    }
}

#[test]
fn a_part_that_has_gone_is_refused_and_not_made() {
    for name in [PART, "/out/rejected.csv.part"] {
        let mut trial = left(&SMALL);
        let (mut machine, path) = (trial.machine.clone(), Path::new(name));
        super::disk::Disk::remove(&mut machine, path).unwrap();
        assert!(
            matches!(refused(&mut trial), FileError::Damaged { path: found, .. } if found == path)
        );
    }
}

/// Leaves a job that says that it is complete, and has not given the names.
fn complete(job: &Job) -> Trial<'_> {
    for at in 0..1_000 {
        let mut trial = Trial::new(job, 512, 1);
        let how = How::Killed;
        drop(trial.run(Some(Trouble { at, how })));
        trial.machine.begin(None);
        let found = job.store(&trial.machine).recover().unwrap();
        if found.is_some_and(|found| found.complete) {
            return trial;
        }
    }
    panic!("no run was complete before its end")
}

#[test]
fn a_complete_file_that_has_gone_is_not_called_a_success() {
    let job = SMALL;
    let mut trial = complete(&job);
    let bytes = trial.machine.get(Path::new(PART)).unwrap();
    trial.machine.put(Path::new(PART), &bytes[1..]);
    assert!(matches!(refused(&mut trial), FileError::Damaged { .. }));
    let mut machine = trial.machine.clone();
    super::disk::Disk::remove(&mut machine, Path::new(PART)).unwrap();
    assert!(matches!(refused(&mut trial), FileError::Damaged { .. }));
    trial.machine.put(Path::new(PART), &bytes);
    trial.finish();
}

#[test]
fn rejects_are_not_lost_when_the_next_run_has_no_file_for_them() {
    let with = SMALL;
    let without = Job {
        rejects: None,
        ..SMALL
    };
    for (first, second) in [(&with, &without), (&without, &with)] {
        let mut trial = left(first);
        trial.job = second;
        assert!(matches!(refused(&mut trial), FileError::Damaged { .. }));
    }
}

/// What comes after it may be less than what was there.
#[test]
fn what_no_checkpoint_counts_is_cut_off() {
    for over in [false, true] {
        let job = Job {
            rejects: None,
            ..SMALL
        };
        let trial = Trial::new(&job, 512, 1);
        trial.machine.begin(None);
        let mut store = job.store(&trial.machine);
        store.begin(Some(&job.id()), None).unwrap();
        store.write(b"counts\n").unwrap();
        let mut entry = Entry::default();
        (entry.records, entry.past, entry.written) = (1, 1, 1);
        store.commit(&entry).unwrap();
        // So long that it does not stay in the buffer.
        store.write(&[b'x'; 300_000]).unwrap();
        store.write(b"y").unwrap();
        drop(store);
        assert!(trial.machine.get(Path::new(PART)).unwrap().len() > 100);
        let mut store = job.store(&trial.machine);
        if over {
            store.begin(Some(&job.id()), None).unwrap();
            store.write(b"new\n").unwrap();
        } else {
            let found = store.recover().unwrap().unwrap();
            assert_eq!(found.entry, entry);
            store.begin(Some(&job.id()), Some(&entry)).unwrap();
        }
        store.finish(&entry, End::Complete).unwrap();
        trial.machine.lose_power();
        let left = trial.machine.get(job.path()).unwrap();
        let row: &[u8] = if over { b"new\n" } else { b"counts\n" };
        assert_eq!(left, [HEADER, row].concat());
    }
}

/// A user may report a reject in several rows.
#[test]
fn half_a_reject_is_not_committed() {
    for named in [true, false] {
        let job = SMALL;
        let trial = Trial::new(&job, 512, 1);
        trial.machine.begin(None);
        let mut store = job.store(&trial.machine);
        let id = named.then(|| job.id());
        store.begin(id.as_ref(), None).unwrap();
        store.reject(b"the first row of two\n").unwrap();
        trial.machine.begin_trouble(How::Refused);
        store.reject(&[b'x'; 300_000]).unwrap_err();
        store.finish(&Entry::default(), End::Early).unwrap();
        drop(store);
        if !named {
            assert!(trial.machine.names().is_empty());
            continue;
        }
        let mut store = job.store(&trial.machine);
        let found = store.recover().unwrap().unwrap();
        store.begin(id.as_ref(), Some(&found.entry)).unwrap();
        let left = trial.machine.get(Path::new("/out/rejected.csv.part"));
        assert_eq!(left.as_deref(), Some(REJECTS_HEADER));
    }
}

#[test]
fn an_unnamed_run_does_not_destroy_what_a_named_one_has_left() {
    let unnamed = Job {
        named: false,
        ..SMALL
    };
    let trial = left(&SMALL);
    let before = trial.machine.names();
    let begun = unnamed.store(&trial.machine).begin(None, None);
    assert!(matches!(begun, Err(FileError::Unfinished(_))));
    assert_eq!(trial.machine.names(), before);
    trial.finish();
}

#[test]
fn a_checkpoint_that_changes_between_the_look_and_the_begin_is_refused() {
    let job = SMALL;
    let trial = left(&job);
    trial.machine.begin(None);
    let mut store = job.store(&trial.machine);
    let found = store.recover().unwrap().unwrap();
    let mut other = found.entry;
    other.records -= 1;
    let id = job.id();
    let begun = store.begin(Some(&id), Some(&other));
    assert!(matches!(begun, Err(FileError::Damaged { .. })));
    assert!(store.begin(Some(&id), Some(&found.entry)).is_ok());
}

#[test]
fn a_file_is_written_by_one_run_at_a_time() {
    let job = SMALL;
    let trial = Trial::new(&job, 512, 1);
    trial.machine.begin(None);
    let mut first = job.store(&trial.machine);
    assert!(first.recover().unwrap().is_none());
    let mut late = job.store(&trial.machine);
    assert!(late.recover().unwrap().is_none());
    first.begin(Some(&job.id()), None).unwrap();
    // One that looked before there was anything, one that looks now, and one that starts over.
    let begun = late.begin(Some(&job.id()), None);
    assert!(matches!(begun, Err(FileError::Busy(_))));
    let recovered = job.store(&trial.machine).recover();
    assert!(matches!(recovered, Err(FileError::Busy(_))));
    let begun = job.store(&trial.machine).begin(Some(&job.id()), None);
    assert!(matches!(begun, Err(FileError::Busy(_))));
    drop((first, late));
    assert!(job.store(&trial.machine).recover().unwrap().is_some());
}

/// Between the open of a file and the claim, the run that had it may give it its name.
#[test]
fn a_run_that_waits_at_the_door_does_not_write_into_what_has_been_finished() {
    let job = Job {
        rejects: None,
        ..SMALL
    };
    let mut trial = Trial::new(&job, 512, 1);
    trial.machine.begin(None);
    let mut first = job.store(&trial.machine);
    let mut entry = Entry::default();
    first.begin(Some(&job.id()), None).unwrap();
    trial.settle(&mut first, &mut entry).unwrap();
    trial.machine.before_the_next_claim(move || {
        first.finish(&entry, End::Complete).unwrap();
    });
    let mut late = job.store(&trial.machine);
    assert!(late.recover().unwrap().is_none());
    trial.check_done();
    late.begin(Some(&job.id()), None).unwrap();
    late.write(b"the first row of another run\n").unwrap();
    late.commit(&Entry::default()).unwrap();
    trial.check_done();
}
