//! A disk in memory that fails when it is told to, and that can lose its power.
//!
//! What a process sees is always what was done. What is left after the power has gone is, for each file, some mixture of
//! sectors as they were when the file was last synced and as they became after that, with some length that it had meanwhile;
//! and for each folder the names as they were when it was last synced, with some of the changes since.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard};

use super::disk::Disk;

/// What goes wrong, and at which operation: the first is 0.
#[derive(Clone, Copy, Debug)]
pub(super) struct Trouble {
    pub(super) at: u64,
    pub(super) how: How,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum How {
    /// The operation does nothing and is refused; those after it are well. A sync may have done some of its work, and never
    /// does the rest.
    Refused,
    /// A write does half of its work and is then refused; so does a truncation or a rename that has been done after all.
    Half,
    /// The process is gone before the operation.
    Killed,
    /// The same, after the operation; of a write half is done.
    KilledAfter,
}

/// The machine: its files, and what goes wrong with them.
#[derive(Clone)]
pub(super) struct Machine(Arc<Mutex<State>>);

struct State {
    files: Vec<Content>,
    names: BTreeMap<PathBuf, usize>,
    durable_names: BTreeMap<PathBuf, usize>,
    changes: Vec<Change>,
    claimed: BTreeSet<usize>,
    sector: usize,
    trouble: Option<Trouble>,
    done: u64,
    dead: bool,
    seed: u64,
    meanwhile: Option<Box<dyn FnOnce() + Send>>,
}

struct Content {
    /// What a process reads.
    seen: Vec<u8>,
    /// What may be on the disk: what is, and what was to be written since, step by step.
    steps: Vec<Vec<u8>>,
}

/// A change of names that no sync has made durable.
#[derive(Clone, Debug)]
enum Change {
    Made(PathBuf, usize),
    Renamed(PathBuf, PathBuf, usize),
    Removed(PathBuf),
}

/// An open file; its claim ends with it.
pub(super) struct Handle {
    machine: Machine,
    file: usize,
    claims: bool,
}

impl Drop for Handle {
    fn drop(&mut self) {
        if self.claims {
            self.machine.state().claimed.remove(&self.file);
        }
    }
}

impl Machine {
    /// A machine whose disk writes this many bytes at once, with luck as the seed says.
    pub(super) fn new(sector: usize, seed: u64) -> Self {
        Self(Arc::new(Mutex::new(State {
            files: Vec::new(),
            names: BTreeMap::new(),
            durable_names: BTreeMap::new(),
            changes: Vec::new(),
            claimed: BTreeSet::new(),
            sector,
            trouble: None,
            done: 0,
            dead: false,
            seed: seed ^ 0x9e37_79b9_7f4a_7c15,
            meanwhile: None,
        })))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap()
    }

    /// A file that has been there for long.
    pub(super) fn put(&self, path: &Path, bytes: &[u8]) {
        let mut state = self.state();
        let file = state.make(bytes.to_vec());
        state.names.insert(path.to_owned(), file);
        state.durable_names.insert(path.to_owned(), file);
    }

    /// What a process reads in a file.
    pub(super) fn get(&self, path: &Path) -> Option<Vec<u8>> {
        let state = self.state();
        let file = *state.names.get(path)?;
        Some(state.files[file].seen.clone())
    }

    pub(super) fn names(&self) -> Vec<PathBuf> {
        self.state().names.keys().cloned().collect()
    }

    /// A process begins, in which something is to go wrong.
    pub(super) fn begin(&self, trouble: Option<Trouble>) {
        let mut state = self.state();
        state.trouble = trouble;
        state.done = 0;
        state.dead = false;
        assert!(state.claimed.is_empty(), "a claim outlives its process");
    }

    /// Something goes wrong with the next operation.
    pub(super) fn begin_trouble(&self, how: How) {
        let mut state = self.state();
        let at = state.done;
        state.trouble = Some(Trouble { at, how });
    }

    /// Operations of this process so far.
    pub(super) fn operations(&self) -> u64 {
        self.state().done
    }

    pub(super) fn is_dead(&self) -> bool {
        self.state().dead
    }

    /// What another process does just before the next file is claimed.
    pub(super) fn before_the_next_claim(&self, meanwhile: impl FnOnce() + Send + 'static) {
        self.state().meanwhile = Some(Box::new(meanwhile));
    }

    /// The power goes and comes back.
    pub(super) fn lose_power(&self) {
        let mut state = self.state();
        state.lose_names();
        for file in 0..state.files.len() {
            let kept = state.mixture(file);
            state.files[file] = Content {
                seen: kept.clone(),
                steps: vec![kept],
            };
        }
    }
}

impl State {
    fn make(&mut self, bytes: Vec<u8>) -> usize {
        self.files.push(Content {
            seen: bytes.clone(),
            steps: vec![bytes],
        });
        self.files.len() - 1
    }

    /// A number below `most`, as luck has it (`SplitMix64`).
    fn luck(&mut self, most: usize) -> usize {
        self.seed = self.seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.seed;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        usize::try_from((z ^ (z >> 31)) % most as u64).unwrap()
    }

    /// Some of the changes of names come to be: those up to some moment, or any of them.
    fn lose_names(&mut self) {
        let changes = std::mem::take(&mut self.changes);
        let until = self.luck(changes.len() + 1);
        let any = self.luck(2) == 0;
        for (index, change) in changes.into_iter().enumerate() {
            let comes = if any {
                self.luck(2) == 0
            } else {
                index < until
            };
            if !comes {
                continue;
            }
            change.apply(&mut self.durable_names);
        }
        self.names = self.durable_names.clone();
    }

    /// What may be on the disk of a file that was not synced: each sector as of any moment.
    fn mixture(&mut self, file: usize) -> Vec<u8> {
        let moments = self.files[file].steps.len();
        let moment = self.luck(moments);
        let len = self.files[file].steps[moment].len();
        // What was never written reads as nothing, or as what lay there before.
        let rest = if self.luck(2) == 0 { 0 } else { 0xa5 };
        let mut mixture = vec![rest; len];
        let sector = self.sector;
        for start in (0..len).step_by(sector) {
            let moment = self.luck(moments);
            let from = &self.files[file].steps[moment];
            let end = (start + sector).min(len).min(from.len());
            if start < end {
                mixture[start..end].copy_from_slice(&from[start..end]);
            }
        }
        mixture
    }

    /// Whether the next operation is done: `Err` when it is not, and what is to be done of it otherwise.
    fn operation(&mut self) -> io::Result<Option<How>> {
        if self.dead {
            return Err(io::Error::other("the process is gone"));
        }
        let at = self.done;
        self.done += 1;
        match self.trouble {
            Some(trouble) if trouble.at == at => match trouble.how {
                How::Refused => Ok(Some(How::Refused)),
                How::Half => Ok(Some(How::Half)),
                How::Killed => {
                    self.dead = true;
                    Err(io::Error::other("the process is gone"))
                }
                How::KilledAfter => {
                    self.dead = true;
                    Ok(Some(How::KilledAfter))
                }
            },
            _ => Ok(None),
        }
    }

    fn change(&mut self, change: Change) {
        change.apply(&mut self.names);
        self.changes.push(change);
    }
}

impl Change {
    fn apply(&self, names: &mut BTreeMap<PathBuf, usize>) {
        match self {
            Self::Made(path, file) => {
                names.insert(path.clone(), *file);
            }
            Self::Renamed(from, to, file) => {
                names.remove(from);
                names.insert(to.clone(), *file);
            }
            Self::Removed(path) => {
                names.remove(path);
            }
        }
    }

    /// Whether a sync of the folder makes it durable. A rename is within one folder.
    fn is_in(&self, folder: Option<&Path>) -> bool {
        let (Self::Made(path, _) | Self::Renamed(path, ..) | Self::Removed(path)) = self;
        path.parent() == folder
    }
}

impl Content {
    /// Changes what is seen, and gives the disk another step to do.
    fn write(&mut self, offset: usize, bytes: &[u8], sector: usize) {
        let end = offset + bytes.len();
        if self.seen.len() < end {
            self.seen.resize(end, 0);
        }
        self.seen[offset..end].copy_from_slice(bytes);
        let mut next = self.steps[self.steps.len() - 1].clone();
        next.resize(self.seen.len(), 0);
        // Whole sectors are written, as they are in memory.
        let start = offset / sector * sector;
        let end = end.div_ceil(sector) * sector;
        let end = end.min(self.seen.len());
        next[start..end].copy_from_slice(&self.seen[start..end]);
        self.steps.push(next);
    }

    fn truncate(&mut self, len: usize) {
        self.seen.resize(len, 0);
        let mut next = self.steps[self.steps.len() - 1].clone();
        next.resize(len, 0);
        self.steps.push(next);
    }
}

fn refused() -> io::Error {
    io::Error::other("the disk is ill")
}

/// What the process is told in the end.
fn told<T>(how: Option<How>, done: T) -> io::Result<T> {
    match how {
        None => Ok(done),
        Some(_) => Err(refused()),
    }
}

impl Disk for Machine {
    type File = Handle;

    fn open(&mut self, path: &Path) -> io::Result<Handle> {
        let mut state = self.state();
        let how = state.operation()?;
        if how == Some(How::Refused) {
            return Err(refused());
        }
        let file = match state.names.get(path) {
            Some(&file) => file,
            None => {
                let file = state.make(Vec::new());
                state.change(Change::Made(path.to_owned(), file));
                file
            }
        };
        told(how, ())?;
        Ok(Handle {
            machine: self.clone(),
            file,
            claims: false,
        })
    }

    fn open_existing(&mut self, path: &Path) -> io::Result<Option<Handle>> {
        let mut state = self.state();
        let how = state.operation()?;
        told(how, ())?;
        Ok(state.names.get(path).map(|&file| Handle {
            machine: self.clone(),
            file,
            claims: false,
        }))
    }

    fn claim(&mut self, handle: &mut Handle) -> io::Result<bool> {
        let meanwhile = self.state().meanwhile.take();
        if let Some(meanwhile) = meanwhile {
            meanwhile();
        }
        let mut state = self.state();
        let how = state.operation()?;
        told(how, ())?;
        let claims = state.claimed.insert(handle.file);
        handle.claims |= claims;
        Ok(claims)
    }

    fn is_at(&mut self, handle: &mut Handle, path: &Path) -> io::Result<bool> {
        let mut state = self.state();
        let how = state.operation()?;
        told(how, state.names.get(path) == Some(&handle.file))
    }

    fn len(&mut self, handle: &mut Handle) -> io::Result<u64> {
        let mut state = self.state();
        let how = state.operation()?;
        told(how, state.files[handle.file].seen.len() as u64)
    }

    fn read(&mut self, handle: &mut Handle, bytes: usize) -> io::Result<Vec<u8>> {
        let mut state = self.state();
        let how = state.operation()?;
        let seen = &state.files[handle.file].seen;
        told(how, seen[..bytes.min(seen.len())].to_vec())
    }

    fn write_at(&mut self, handle: &mut Handle, offset: u64, bytes: &[u8]) -> io::Result<()> {
        let mut state = self.state();
        let how = state.operation()?;
        let done = match how {
            Some(How::Refused) => return Err(refused()),
            Some(_) => &bytes[..bytes.len() / 2],
            None => bytes,
        };
        let sector = state.sector;
        let offset = usize::try_from(offset).unwrap();
        state.files[handle.file].write(offset, done, sector);
        told(how, ())
    }

    fn truncate(&mut self, handle: &mut Handle, len: u64) -> io::Result<()> {
        let mut state = self.state();
        let how = state.operation()?;
        if how == Some(How::Refused) {
            return Err(refused());
        }
        state.files[handle.file].truncate(usize::try_from(len).unwrap());
        told(how, ())
    }

    fn sync(&mut self, handle: &mut Handle) -> io::Result<()> {
        let mut state = self.state();
        let how = state.operation()?;
        let kept = match how {
            // The pages that could not be written are taken for clean: what is seen stays, and no later sync writes it.
            Some(How::Refused | How::Half) => state.mixture(handle.file),
            _ => state.files[handle.file].steps.pop().unwrap(),
        };
        state.files[handle.file].steps = vec![kept];
        told(how, ())
    }

    /// There are only files here, and to look is no step at which power could be lost.
    fn is_folder(&mut self, _path: &Path) -> io::Result<bool> {
        Ok(false)
    }

    fn exists(&mut self, path: &Path) -> io::Result<bool> {
        let mut state = self.state();
        let how = state.operation()?;
        told(how, state.names.contains_key(path))
    }

    fn rename(&mut self, from: &Path, to: &Path) -> io::Result<()> {
        let mut state = self.state();
        let how = state.operation()?;
        if how == Some(How::Refused) {
            return Err(refused());
        }
        let Some(&file) = state.names.get(from) else {
            return Err(io::ErrorKind::NotFound.into());
        };
        state.change(Change::Renamed(from.to_owned(), to.to_owned(), file));
        told(how, ())
    }

    fn remove(&mut self, path: &Path) -> io::Result<()> {
        let mut state = self.state();
        let how = state.operation()?;
        if how == Some(How::Refused) {
            return Err(refused());
        }
        if state.names.contains_key(path) {
            state.change(Change::Removed(path.to_owned()));
        }
        told(how, ())
    }

    fn sync_folder(&mut self, path: &Path) -> io::Result<()> {
        let mut state = self.state();
        let how = state.operation()?;
        if how == Some(How::Refused) {
            return Err(refused());
        }
        let changes = std::mem::take(&mut state.changes);
        for change in changes {
            if change.is_in(path.parent()) {
                change.apply(&mut state.durable_names);
            } else {
                state.changes.push(change);
            }
        }
        told(how, ())
    }
}
