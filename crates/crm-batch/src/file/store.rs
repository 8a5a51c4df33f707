//! A file that is written beside its name until it is whole, and the checkpoint that says how much of it counts.
//!
//! Three files can lie beside `NAME` while a job runs: `NAME.part` has the rows, `NAME.checkpoint` the two slots, and
//! the rejects have a `.part` of their own. The order of events is what makes it safe:
//!
//! 1. a commit syncs the rows, then writes and syncs a slot that names their length: a slot never names rows that may be
//!    lost;
//! 2. a restart makes the newest whole slot durable, which the run before may not have come to, and cuts the rows to its
//!    length: what came after it is written again;
//! 3. the end is a commit that says `complete`, then the parts get their names, then the checkpoint goes: a kill in
//!    between is gone on from by doing the rest, which can be done twice;
//! 4. a checkpoint that is to be forgotten has gone for good before a part is made or cut.

use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crm_clock::{Clock, Tick};

use super::FileError;
use super::disk::Disk;
use super::slots::{Bad, SLOT, Slot};
use crate::{Checkpoint, End, Entry, JobId};

/// Bytes that are gathered before the system is asked to write.
const BUFFER: usize = 256 * 1024;

/// A file under its `.part` name, with what has not been handed to the system yet.
struct Part<F> {
    path: PathBuf,
    file: F,
    written: u64,
    buffer: Vec<u8>,
    synced: bool,
}

/// How far a store has come.
enum State {
    /// Not begun.
    Idle,
    /// Rows are taken.
    Open,
    /// The job was complete when it was killed; only the names are to be given.
    Complete,
    /// What is on the disk is in doubt.
    Broken,
}

/// What [`FileSink`](super::FileSink) does, on any disk.
pub(super) struct Store<D: Disk> {
    disk: D,
    clock: Clock,
    every: Duration,
    path: PathBuf,
    rejects_path: Option<PathBuf>,
    /// What stands at the head of the file, and of that of the rejects.
    headers: [Vec<u8>; 2],
    state: State,
    rows: Option<Part<D::File>>,
    rejects: Option<Part<D::File>>,
    ledger: Option<Ledger<D::File>>,
    /// What is durable.
    committed: Option<Entry>,
    since: Tick,
}

/// The checkpoint file of this run.
struct Ledger<F> {
    path: PathBuf,
    file: F,
    job: JobId,
    /// The number of the next slot.
    number: u64,
}

impl<D: Disk> Store<D> {
    pub(super) fn new(disk: D, path: PathBuf) -> Self {
        Self {
            disk,
            clock: Clock::system(),
            every: Duration::from_secs(1),
            path,
            rejects_path: None,
            headers: [Vec::new(), Vec::new()],
            state: State::Idle,
            rows: None,
            rejects: None,
            ledger: None,
            committed: None,
            since: Tick::ZERO,
        }
    }

    pub(super) fn set_clock(&mut self, clock: Clock) {
        self.clock = clock;
    }

    pub(super) fn commit_every(&mut self, every: Duration) {
        self.every = every;
    }

    pub(super) fn with_rejects(&mut self, path: PathBuf) {
        self.rejects_path = Some(path);
    }

    pub(super) fn set_header(&mut self, header: Vec<u8>) {
        self.headers[0] = header;
    }

    pub(super) fn set_rejects_header(&mut self, header: Vec<u8>) {
        self.headers[1] = header;
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    pub(super) fn committed(&self) -> Option<Entry> {
        self.committed
    }

    /// Reads the checkpoint that is there.
    pub(super) fn recover(&mut self) -> Result<Option<Checkpoint>, FileError> {
        let ledger = beside(&self.path, "checkpoint");
        // The claim comes first: while another run has the file, its checkpoint is not to be read.
        if let Some(rows) = open_existing(&mut self.disk, beside(&self.path, "part"))? {
            self.rows = Some(rows);
        }
        Ok(self.newest(&ledger)?.map(|slot| slot.checkpoint))
    }

    fn newest(&mut self, ledger: &Path) -> Result<Option<Slot>, FileError> {
        let file = self.disk.open_existing(ledger);
        let Some(mut file) = file.map_err(FileError::io("opened", ledger))? else {
            return Ok(None);
        };
        let bytes = self.disk.read(&mut file, 2 * SLOT);
        let bytes = bytes.map_err(FileError::io("read", ledger))?;
        match Slot::newest(&bytes) {
            Ok(slot) => Ok(Some(slot)),
            Err(Bad::Damaged) => Err(FileError::Damaged {
                path: ledger.to_owned(),
                what: "has no whole checkpoint",
            }),
            Err(Bad::Version(version)) => Err(FileError::LaterVersion {
                path: ledger.to_owned(),
                version,
            }),
        }
    }

    pub(super) fn begin(
        &mut self,
        job: Option<&JobId>,
        from: Option<&Entry>,
    ) -> Result<(), FileError> {
        self.since = self.clock.now();
        let ledger = beside(&self.path, "checkpoint");
        match (job, from) {
            (Some(job), Some(entry)) => self.go_on(job, entry, ledger),
            (Some(_), None) => self.start(job, ledger),
            (None, _) => self.start(None, ledger).inspect_err(|_| {
                // The first error counts.
                drop(self.give_up());
            }),
        }
    }

    /// Looks whether a folder has the name of a file, which is else seen when all of the work is done, and without a checkpoint
    /// that work would be lost.
    fn refuse_folders(&mut self) -> Result<(), FileError> {
        for path in self.rejects_path.iter().chain([&self.path]) {
            let folder = self.disk.is_folder(path);
            if folder.map_err(FileError::io("looked for", path))? {
                let error = io::ErrorKind::IsADirectory.into();
                return Err(FileError::io("replaced by a file", path)(error));
            }
        }
        Ok(())
    }

    /// Begins at the start.
    fn start(&mut self, job: Option<&JobId>, ledger: PathBuf) -> Result<(), FileError> {
        let there = self.disk.exists(&ledger);
        let there = there.map_err(FileError::io("looked for", &ledger))?;
        if there && job.is_none() {
            return Err(FileError::Unfinished(ledger));
        }
        if job.is_none() {
            self.refuse_folders()?;
        }
        self.claim_existing()?;
        // A checkpoint goes for good before the rows that it counts are cut, and also before new ones get their name: one that
        // says `complete` would take them for its own.
        if there {
            remove(&mut self.disk, &ledger)?;
        }
        sync_folder(&mut self.disk, &ledger)?;
        self.open()?;
        for part in self.rows.iter_mut().chain(&mut self.rejects) {
            part.cut(&mut self.disk, 0)?;
        }
        let parts = self.rows.iter_mut().chain(&mut self.rejects);
        for (part, header) in parts.zip(&self.headers) {
            part.write(&mut self.disk, header)?;
        }
        if let Some(job) = job {
            // The first slot counts the headers, so they are made durable before it.
            for part in self.rows.iter_mut().chain(&mut self.rejects) {
                part.flush(&mut self.disk)?;
                part.sync(&mut self.disk)?;
            }
            self.sync_folders()?;
            let slot = self.slot(job, 0, Entry::default(), false);
            self.ledger = Some(Ledger::create(&mut self.disk, ledger, &slot)?);
            self.committed = Some(Entry::default());
        }
        self.state = State::Open;
        Ok(())
    }

    /// Goes on behind `entry`, which [`recover`](Self::recover) has told.
    fn go_on(&mut self, job: &JobId, entry: &Entry, path: PathBuf) -> Result<(), FileError> {
        let damaged = |what| FileError::Damaged {
            path: path.clone(),
            what,
        };
        let Some(slot) = self.newest(&path)? else {
            return Err(damaged("has gone since it was read"));
        };
        if slot.checkpoint.entry != *entry || slot.checkpoint.job != *job {
            return Err(damaged("has changed since it was read"));
        }
        if slot.rejects.is_some() != self.rejects_path.is_some() {
            return Err(damaged(if slot.rejects.is_some() {
                "counts a file of rejects, and this run has none"
            } else {
                "counts no file of rejects, and this run has one"
            }));
        }
        let file = self.disk.open_existing(&path);
        let file = file.map_err(FileError::io("opened", &path))?;
        let Some(file) = file else {
            return Err(damaged("has gone since it was read"));
        };
        self.check_parts(&slot)?;
        let mut ledger = Ledger {
            path,
            file,
            job: job.clone(),
            number: slot.number,
        };
        // It was read, which does not mean that it lies on the disk: the run before may have been killed, or have failed, between
        // the write and the end of the sync. Nothing may be built on it before it does.
        ledger.write(&mut self.disk, &slot)?;
        self.ledger = Some(ledger);
        if slot.checkpoint.complete {
            self.committed = Some(*entry);
            self.state = State::Complete;
            return Ok(());
        }
        self.open()?;
        self.sync_folders()?;
        self.committed = Some(*entry);
        let lens = std::iter::once(slot.len).chain(slot.rejects);
        for (part, len) in self.rows.iter_mut().chain(&mut self.rejects).zip(lens) {
            part.cut(&mut self.disk, len)?;
        }
        self.state = State::Open;
        Ok(())
    }

    /// Looks whether the files have at least what a slot counts. Makes none.
    fn check_parts(&mut self, slot: &Slot) -> Result<(), FileError> {
        self.claim_existing()?;
        let rows = (&mut self.rows, &self.path, slot.len);
        let rejects = self.rejects_path.as_ref().zip(slot.rejects);
        let rejects = rejects.map(|(path, len)| (&mut self.rejects, path, len));
        for (part, path, len) in std::iter::once(rows).chain(rejects) {
            if let Some(part) = part {
                let there = self.disk.len(&mut part.file);
                if there.map_err(FileError::io("measured", &part.path))? < len {
                    return Err(FileError::Damaged {
                        path: part.path.clone(),
                        what: "is shorter than its checkpoint says",
                    });
                }
            } else if slot.checkpoint.complete {
                let named = self.disk.exists(path);
                if !named.map_err(FileError::io("looked for", path))? {
                    return Err(FileError::Damaged {
                        path: beside(path, "part"),
                        what: "has gone, and a checkpoint says that it is whole",
                    });
                }
            } else if len > 0 {
                return Err(FileError::Damaged {
                    path: beside(path, "part"),
                    what: "has gone, and a checkpoint counts its rows",
                });
            }
        }
        Ok(())
    }

    /// Makes the names of the parts durable.
    fn sync_folders(&mut self) -> Result<(), FileError> {
        for part in self.rows.iter().chain(&self.rejects) {
            sync_folder(&mut self.disk, &part.path)?;
        }
        Ok(())
    }

    /// Claims the parts that there are.
    fn claim_existing(&mut self) -> Result<(), FileError> {
        if self.rows.is_none() {
            self.rows = open_existing(&mut self.disk, beside(&self.path, "part"))?;
        }
        if let (None, Some(path)) = (&self.rejects, &self.rejects_path) {
            self.rejects = open_existing(&mut self.disk, beside(path, "part"))?;
        }
        Ok(())
    }

    /// Opens and claims the parts, and makes those that there are not.
    fn open(&mut self) -> Result<(), FileError> {
        if self.rows.is_none() {
            self.rows = Some(open(&mut self.disk, beside(&self.path, "part"))?);
        }
        if let (None, Some(path)) = (&self.rejects, &self.rejects_path) {
            self.rejects = Some(open(&mut self.disk, beside(path, "part"))?);
        }
        Ok(())
    }

    #[inline]
    pub(super) fn write(&mut self, row: &[u8]) -> Result<(), FileError> {
        match (&self.state, &mut self.rows) {
            (State::Open, Some(rows)) => rows.write(&mut self.disk, row),
            _ => Err(FileError::Broken(self.path.clone())),
        }
    }

    pub(super) fn reject(&mut self, row: &[u8]) -> Result<(), FileError> {
        match (&self.state, &mut self.rejects) {
            (State::Open, Some(rejects)) => rejects
                .write(&mut self.disk, row)
                // It may have been the second row of one reject, the first of which must not be committed without it.
                .inspect_err(|_| self.state = State::Broken),
            (State::Open, None) => Err(FileError::NoRejects(self.path.clone())),
            _ => Err(FileError::Broken(self.path.clone())),
        }
    }

    pub(super) fn commit(&mut self, entry: &Entry) -> Result<(), FileError> {
        if self.ledger.is_none() {
            return Ok(());
        }
        let now = self.clock.now();
        if now - self.since < self.every {
            return Ok(());
        }
        self.since = now;
        self.make_durable(entry, false)
    }

    pub(super) fn finish(&mut self, entry: &Entry, end: End) -> Result<(), FileError> {
        match (&self.state, end) {
            (State::Complete, End::Complete) => self.give_names(),
            (State::Open, End::Complete) => {
                let named = self.make_durable(entry, true);
                let named = named.and_then(|()| self.give_names());
                if named.is_err() && self.ledger.is_none() {
                    // The first error counts.
                    drop(self.give_up());
                }
                named
            }
            (State::Open, End::Early) if self.ledger.is_some() => self.make_durable(entry, false),
            (State::Open | State::Broken, End::Early) if self.ledger.is_none() => self.give_up(),
            (State::Broken, End::Complete) => Err(FileError::Broken(self.path.clone())),
            _ => Ok(()),
        }
    }

    /// Makes the rows durable, then the slot that counts them.
    fn make_durable(&mut self, entry: &Entry, complete: bool) -> Result<(), FileError> {
        for part in self.rows.iter_mut().chain(&mut self.rejects) {
            part.flush(&mut self.disk)?;
        }
        // After a failed sync the system may have dropped what it could not write, and call the next one a success.
        self.state = State::Broken;
        for part in self.rows.iter_mut().chain(&mut self.rejects) {
            part.sync(&mut self.disk)?;
        }
        if let Some(mut ledger) = self.ledger.take() {
            let slot = self.slot(&ledger.job, ledger.number, *entry, complete);
            let written = ledger.write(&mut self.disk, &slot);
            self.ledger = Some(ledger);
            written?;
            self.committed = Some(*entry);
        }
        self.state = State::Open;
        Ok(())
    }

    fn slot(&self, job: &JobId, number: u64, entry: Entry, complete: bool) -> Slot {
        Slot {
            number,
            checkpoint: Checkpoint::new(job.clone(), entry, complete),
            len: self.rows.as_ref().map_or(0, Part::len),
            rejects: self.rejects.as_ref().map(Part::len),
        }
    }

    /// Gives the parts their names, and lets the checkpoint go. All of it can be done twice.
    fn give_names(&mut self) -> Result<(), FileError> {
        self.state = State::Broken;
        let paths = self.rejects_path.iter().chain([&self.path]);
        for path in paths {
            let part = beside(path, "part");
            let there = self.disk.exists(&part);
            if there.map_err(FileError::io("looked for", &part))? {
                let renamed = self.disk.rename(&part, path);
                renamed.map_err(FileError::io("given its name", &part))?;
            }
            sync_folder(&mut self.disk, path)?;
        }
        if let Some(ledger) = &self.ledger {
            remove(&mut self.disk, &ledger.path)?;
            sync_folder(&mut self.disk, &ledger.path)?;
        }
        self.rows = None;
        self.rejects = None;
        self.ledger = None;
        Ok(())
    }

    /// Removes what a run without a checkpoint has left.
    fn give_up(&mut self) -> Result<(), FileError> {
        self.state = State::Broken;
        for part in self.rows.iter().chain(&self.rejects) {
            remove(&mut self.disk, &part.path)?;
        }
        Ok(())
    }
}

impl<F> Part<F> {
    /// The rows that it has, those in the buffer included.
    fn len(&self) -> u64 {
        self.written + self.buffer.len() as u64
    }

    /// Takes a row, or none of it.
    #[inline]
    fn write<D: Disk<File = F>>(&mut self, disk: &mut D, row: &[u8]) -> Result<(), FileError> {
        if self.buffer.len() + row.len() > BUFFER {
            self.flush(disk)?;
        }
        self.buffer.extend_from_slice(row);
        Ok(())
    }

    /// Hands everything to the system. When that fails, everything is still here, and can be handed over again.
    #[cold]
    fn flush<D: Disk<File = F>>(&mut self, disk: &mut D) -> Result<(), FileError> {
        if self.buffer.is_empty() {
            return Ok(());
        }
        self.synced = false;
        let written = disk.write_at(&mut self.file, self.written, &self.buffer);
        written.map_err(FileError::io("written", &self.path))?;
        self.written += self.buffer.len() as u64;
        self.buffer.clear();
        Ok(())
    }

    fn sync<D: Disk<File = F>>(&mut self, disk: &mut D) -> Result<(), FileError> {
        if !self.synced {
            disk.sync(&mut self.file)
                .map_err(FileError::io("synced", &self.path))?;
            self.synced = true;
        }
        Ok(())
    }

    fn cut<D: Disk<File = F>>(&mut self, disk: &mut D, len: u64) -> Result<(), FileError> {
        disk.truncate(&mut self.file, len)
            .map_err(FileError::io("cut", &self.path))?;
        self.written = len;
        self.synced = false;
        Ok(())
    }
}

impl<F> Ledger<F> {
    /// Makes a checkpoint file with its first slot. It gets its name when it is whole, so that there is none without one.
    fn create<D: Disk<File = F>>(
        disk: &mut D,
        path: PathBuf,
        slot: &Slot,
    ) -> Result<Self, FileError> {
        let new = beside(&path, "new");
        let file = disk.open(&new);
        let mut file = file.map_err(FileError::io("made", &new))?;
        disk.truncate(&mut file, 0)
            .map_err(FileError::io("cut", &new))?;
        disk.write_at(&mut file, slot.offset(), &slot.encode())
            .map_err(FileError::io("written", &new))?;
        disk.sync(&mut file)
            .map_err(FileError::io("synced", &new))?;
        disk.rename(&new, &path)
            .map_err(FileError::io("given its name", &new))?;
        sync_folder(disk, &path)?;
        Ok(Self {
            path,
            file,
            job: slot.checkpoint.job.clone(),
            number: slot.number + 1,
        })
    }

    fn write<D: Disk<File = F>>(&mut self, disk: &mut D, slot: &Slot) -> Result<(), FileError> {
        disk.write_at(&mut self.file, slot.offset(), &slot.encode())
            .map_err(FileError::io("written", &self.path))?;
        disk.sync(&mut self.file)
            .map_err(FileError::io("synced", &self.path))?;
        self.number = slot.number + 1;
        Ok(())
    }
}

/// The path of a file that belongs to another: `NAME.extension`.
fn beside(path: &Path, extension: &str) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(".");
    name.push(extension);
    name.into()
}

fn open<D: Disk>(disk: &mut D, path: PathBuf) -> Result<Part<D::File>, FileError> {
    loop {
        let file = disk.open(&path);
        let file = file.map_err(FileError::io("opened", &path))?;
        if let Some(part) = claimed(disk, &path, file)? {
            return Ok(part);
        }
    }
}

fn open_existing<D: Disk>(disk: &mut D, path: PathBuf) -> Result<Option<Part<D::File>>, FileError> {
    loop {
        let file = disk.open_existing(&path);
        let Some(file) = file.map_err(FileError::io("opened", &path))? else {
            return Ok(None);
        };
        if let Some(part) = claimed(disk, &path, file)? {
            return Ok(Some(part));
        }
    }
}

/// Claims a file. `None` when it has meanwhile lost this name, because the run that had it has ended: to write on would be
/// to write into what that run has finished.
fn claimed<D: Disk>(
    disk: &mut D,
    path: &Path,
    mut file: D::File,
) -> Result<Option<Part<D::File>>, FileError> {
    let claimed = disk.claim(&mut file);
    if !claimed.map_err(FileError::io("claimed", path))? {
        return Err(FileError::Busy(path.to_owned()));
    }
    let there = disk.is_at(&mut file, path);
    if !there.map_err(FileError::io("looked for", path))? {
        return Ok(None);
    }
    Ok(Some(Part {
        path: path.to_owned(),
        file,
        written: 0,
        buffer: Vec::with_capacity(BUFFER),
        synced: false,
    }))
}

fn remove<D: Disk>(disk: &mut D, path: &Path) -> Result<(), FileError> {
    disk.remove(path).map_err(FileError::io("removed", path))
}

fn sync_folder<D: Disk>(disk: &mut D, path: &Path) -> Result<(), FileError> {
    disk.sync_folder(path)
        .map_err(FileError::io("made durable by name", path))
}
