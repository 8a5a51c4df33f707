//! The source that loaders ask, and where loads wait that run elsewhere.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crm_cache::{LoadingCache, Tag};

use super::plan::{Says, TAGS, Write};

pub(crate) type Customers = LoadingCache<u8, u32, u32>;

/// Runs a load; dropping it gives it up.
pub(crate) type Job = Box<dyn FnOnce() + Send>;

/// What loaders are to do. The answers of loads and the values that are written have numbers that no other has.
#[derive(Default)]
pub(crate) struct State {
    pub(crate) last_id: u32,
    pub(crate) says: Says,
    /// What the next loader does before it returns.
    pub(crate) meanwhile: Option<Write>,
    /// For that; taken out in the end, since the cache holds its loader.
    pub(crate) cache: Option<Customers>,
    pub(crate) jobs: VecDeque<Job>,
}

#[derive(Clone, Default)]
pub(crate) struct Source(Arc<Mutex<State>>);

impl Source {
    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn next_id(&self) -> u32 {
        let mut state = self.state();
        state.last_id += 1;
        state.last_id
    }

    pub(crate) fn load(&self) -> Result<Option<u32>, u32> {
        let id = self.next_id();
        let mut state = self.state();
        let (meanwhile, cache) = (state.meanwhile.take(), state.cache.clone());
        let says = state.says;
        drop(state);
        if let (Some(write), Some(cache)) = (meanwhile, cache) {
            self.write(&cache, write);
        }
        says.of(id)
    }

    /// Does it, and says what the cache has answered.
    pub(crate) fn write(&self, cache: &Customers, write: Write) -> Option<u32> {
        match write {
            Write::Insert(key) => cache.insert(key, self.next_id()),
            Write::Remove(key) => cache.remove(&key),
            Write::Forget(key) => cache.forget(&key).then_some(0),
            Write::InvalidateTag(number) => {
                cache.invalidate_tag(tag(number));
                None
            }
            Write::Retain(rest) => {
                cache.retain(|key, _| key % 2 == rest);
                None
            }
            Write::Clear => {
                cache.clear();
                None
            }
        }
    }
}

/// Tags that share no place in the cache's table, or one would be invalidated with another: a thing of chance.
pub(crate) fn tag(number: u8) -> Tag {
    let place = |tag: Tag| {
        // A tag shows its hash, and a small table goes by the last sixteen bits.
        let shown = format!("{tag:?}");
        shown[shown.len() - 5..].to_owned()
    };
    let mut tags: Vec<Tag> = Vec::new();
    for identity in 0.. {
        let tag = Tag::new("rest", identity);
        if tags.iter().all(|other| place(*other) != place(tag)) {
            tags.push(tag);
        }
        if tags.len() == usize::from(TAGS) {
            break;
        }
    }
    tags[usize::from(number)]
}
