//! Who is reading where: one word for each thread, on a cache line of its own.
//!
//! A reader says which shard it is in before it looks, and a writer that has unlinked an entry looks at all words
//! before it reuses the entry's memory. Neither waits for the other. The idea is that of hazard pointers (Michael 2004),
//! with a shard instead of a single pointer as the unit, so that a reader publishes once for each look-up.

use std::cell::Cell;
use std::marker::PhantomData;
use std::ptr;

use super::sync::{AtomicBool, AtomicPtr, AtomicU64, Ordering, fence, statics, thread_locals};

/// The lower bits of a word name a shard; the upper ones count the visits of its thread.
const SHARD_BITS: u32 = 16;
const SHARD_MASK: u64 = (1 << SHARD_BITS) - 1;

/// In no shard.
const NOWHERE: u64 = 0;

/// In more than one shard: a visit within a visit.
const ANYWHERE: u64 = SHARD_MASK;

/// Names a shard in the words. Two shards of a process may share a name; then each waits for the other's readers too.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ShardName(u64);

impl ShardName {
    /// Spreads counted shards over the names there are.
    pub(crate) fn from_count(count: u64) -> Self {
        Self(1 + count % (ANYWHERE - 1))
    }
}

/// One thread's word.
#[derive(Debug)]
#[repr(align(128))]
pub(crate) struct Word {
    visit: AtomicU64,
    is_owned: AtomicBool,
    index: usize,
    next: Next,
}

/// The end of the list, or the word after it. Once set it stays.
#[derive(Debug)]
struct Next(AtomicPtr<Word>);

impl Next {
    #[cfg(not(loom))]
    const fn none() -> Self {
        Self(AtomicPtr::new(ptr::null_mut()))
    }

    #[cfg(loom)]
    fn none() -> Self {
        Self(AtomicPtr::new(ptr::null_mut()))
    }

    fn get(&self) -> Option<&'static Word> {
        // Acquire pairs with the release in `set`: the word was made before it is seen.
        // SAFETY: what is set is a reference to a word that is never freed.
        unsafe { self.0.load(Ordering::Acquire).as_ref() }
    }

    /// Whether the list ended here until now. The word must never be freed then.
    fn set(&self, word: *mut Word) -> bool {
        self.0
            .compare_exchange(ptr::null_mut(), word, Ordering::Release, Ordering::Relaxed)
            .is_ok()
    }
}

impl Word {
    pub(crate) fn new(index: usize) -> Self {
        Self {
            visit: AtomicU64::new(NOWHERE),
            is_owned: AtomicBool::new(true),
            index,
            next: Next::none(),
        }
    }

    /// Whether its thread, which must be the calling one, is in some shard.
    pub(crate) fn is_visiting(&self) -> bool {
        self.visit.load(Ordering::Relaxed) & SHARD_MASK != NOWHERE
    }

    /// A small number that no other living thread has.
    #[inline]
    pub(crate) fn index(&self) -> usize {
        self.index
    }

    /// Says that the calling thread, whose word this is, reads in `shard` until the visit is dropped.
    #[inline]
    pub(crate) fn visit(&self, shard: ShardName) -> Visit<'_> {
        // Relaxed: only this thread writes its word.
        let before = self.visit.load(Ordering::Relaxed);
        let is_outer = before & SHARD_MASK == NOWHERE;
        let name = if is_outer { shard.0 } else { ANYWHERE };
        // Release: a writer that sees this visit instead of the end of the one before must see that one's reads as over,
        // too. A later store of the same thread does not hand on what an earlier one released.
        self.visit
            .store((before & !SHARD_MASK) | name, Ordering::Release);
        // Store, fence, look; the writer does unlink, fence, look at the words (`Registry::look`). Of two
        // sequentially consistent fences one is first: either this visit is seen by the writer, or what follows here
        // sees that the entry is unlinked.
        fence(Ordering::SeqCst);
        Visit {
            word: self,
            is_outer,
            stays: PhantomData,
        }
    }
}

/// A thread that was in a shard when somebody looked.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Visitor {
    word: &'static Word,
    visit: u64,
}

impl Visitor {
    /// Whether that visit is over.
    pub(crate) fn has_left(&self) -> bool {
        // Acquire: as in `Registry::look`.
        self.word.visit.load(Ordering::Acquire) >> SHARD_BITS != self.visit
    }
}

/// A stay in a shard. It ends when dropped, on a panic too. Visits of a thread end in the opposite order of their
/// beginning.
#[derive(Debug)]
pub(crate) struct Visit<'a> {
    word: &'a Word,
    is_outer: bool,
    /// It stays on its thread, which alone writes the word.
    stays: PhantomData<*const ()>,
}

impl Visit<'_> {
    #[inline]
    pub(crate) fn word(&self) -> &Word {
        self.word
    }
}

impl Drop for Visit<'_> {
    #[inline]
    fn drop(&mut self) {
        if self.is_outer {
            let number = self.word.visit.load(Ordering::Relaxed) >> SHARD_BITS;
            // Release: all reads of this visit come before the word that ends it.
            self.word
                .visit
                .store(((number + 1) << SHARD_BITS) | NOWHERE, Ordering::Release);
        }
    }
}

/// All words, in a list that only grows. Words of threads that have ended are taken over by new ones.
#[derive(Debug)]
pub(crate) struct Registry {
    first: Next,
}

statics! {
    /// The words of this process.
    static REGISTRY: Registry = Registry::new();
}

impl Registry {
    #[cfg(not(loom))]
    pub(crate) const fn new() -> Self {
        Self {
            first: Next::none(),
        }
    }

    #[cfg(loom)]
    pub(crate) fn new() -> Self {
        Self {
            first: Next::none(),
        }
    }

    pub(crate) fn of_process() -> &'static Self {
        &REGISTRY
    }

    fn words(&self) -> impl Iterator<Item = &'static Word> {
        std::iter::successors(self.first.get(), |word| word.next.get())
    }

    /// A word for a new thread.
    pub(crate) fn register(&self) -> &'static Word {
        for word in self.words() {
            // Acquire pairs with the release in `unregister`: the last visit of the former owner is over.
            let taken =
                word.is_owned
                    .compare_exchange(false, true, Ordering::Acquire, Ordering::Relaxed);
            if taken.is_ok() {
                return word;
            }
        }
        let mut place = &self.first;
        let mut index = 0;
        loop {
            // Leaked for good: the list holds as many words as there ever were threads at one time.
            match place.get() {
                Some(word) => {
                    index = word.index + 1;
                    place = &word.next;
                }
                None => {
                    let pointer = Box::into_raw(Box::new(Word::new(index)));
                    if place.set(pointer) {
                        // SAFETY: just leaked, and from now on shared.
                        return unsafe { &*pointer };
                    }
                    // Another thread was quicker here.
                    // SAFETY: made from a box above, and seen by nobody else.
                    drop(unsafe { Box::from_raw(pointer) });
                }
            }
        }
    }

    fn unregister(word: &'static Word) {
        word.is_owned.store(false, Ordering::Release);
    }

    /// Shows the visits to `shard` that were under way at some moment after the caller unlinked something.
    ///
    /// Returns a sum over the words of all other threads: while it stays the same, nobody else is reading anywhere.
    #[inline]
    pub(crate) fn look(&self, shard: ShardName, mut see: impl FnMut(Visitor)) -> u64 {
        fence(Ordering::SeqCst); // see `Word::visit`
        let mine = MINE.with(Cell::get);
        let mut sum = 0_u64;
        for word in self.words() {
            // Acquire pairs with the release at the end of a visit: if the thread has left, its reads are over.
            let visit = word.visit.load(Ordering::Acquire);
            let name = visit & SHARD_MASK;
            if name == shard.0 || name == ANYWHERE {
                see(Visitor {
                    word,
                    visit: visit >> SHARD_BITS,
                });
            }
            if !mine.is_some_and(|mine| ptr::eq(mine, word)) {
                sum = sum.wrapping_add(visit);
            }
        }
        sum
    }
}

/// Gives the word back when its thread ends.
struct Ownership(&'static Word);

impl Drop for Ownership {
    fn drop(&mut self) {
        // The model checker may have taken this variable down already.
        let _ = MINE.try_with(|mine| mine.set(None));
        Registry::unregister(self.0);
    }
}

thread_locals! {
    // Two variables: the first has no destructor, so that reading it costs no check.
    static MINE: Cell<Option<&'static Word>> = const { Cell::new(None) };
    static OWNERSHIP: Ownership = register_this_thread();
}

fn register_this_thread() -> Ownership {
    let word = Registry::of_process().register();
    MINE.with(|mine| mine.set(Some(word)));
    Ownership(word)
}

/// The calling thread's word; none while the thread is being taken down.
#[inline]
pub(crate) fn mine() -> Option<&'static Word> {
    match MINE.with(Cell::get) {
        Some(word) => Some(word),
        None => mine_anew(),
    }
}

#[cold]
fn mine_anew() -> Option<&'static Word> {
    OWNERSHIP.try_with(|ownership| ownership.0).ok()
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::{Registry, ShardName, Visitor, mine};

    fn visitors(registry: &Registry, shard: ShardName) -> Vec<Visitor> {
        let mut visitors = Vec::new();
        registry.look(shard, |visitor| visitors.push(visitor));
        visitors
    }

    #[test]
    fn a_visit_is_seen_in_its_shard_until_it_ends() {
        static REGISTRY: Registry = Registry::new();
        let registry = &REGISTRY;
        let word = registry.register();
        let (here, there) = (ShardName::from_count(0), ShardName::from_count(1));
        let visit = word.visit(here);
        let [seen] = visitors(registry, here)[..] else {
            panic!("not seen")
        };
        assert!(!seen.has_left());
        assert!(visitors(registry, there).is_empty());
        drop(visit);
        assert!(seen.has_left());
        assert!(visitors(registry, here).is_empty());
    }

    #[test]
    fn a_visit_within_a_visit_is_seen_everywhere_until_the_outer_one_ends() {
        static REGISTRY: Registry = Registry::new();
        let registry = &REGISTRY;
        let word = registry.register();
        let (here, there) = (ShardName::from_count(7), ShardName::from_count(8));
        let outer = word.visit(here);
        let seen = visitors(registry, here)[0];
        let inner = word.visit(there);
        assert!(!seen.has_left(), "the outer visit goes on");
        drop(inner);
        for shard in [here, there] {
            assert_eq!(
                visitors(registry, shard).len(),
                1,
                "seen until the outer visit ends"
            );
        }
        drop(outer);
        assert!(seen.has_left());
    }

    #[test]
    fn the_sum_of_the_words_tells_that_somebody_else_has_read() {
        static REGISTRY: Registry = Registry::new();
        let registry = &REGISTRY;
        let word = registry.register();
        let shard = ShardName::from_count(1);
        let before = registry.look(shard, |_| ());
        assert_eq!(registry.look(shard, |_| ()), before);
        drop(word.visit(shard));
        assert_ne!(registry.look(shard, |_| ()), before);
    }

    #[test]
    fn words_of_ended_threads_are_used_again() {
        static REGISTRY: Registry = Registry::new();
        let registry = &REGISTRY;
        let (first, second) = (registry.register(), registry.register());
        assert_eq!((first.index(), second.index()), (0, 1));
        Registry::unregister(first);
        assert_eq!(registry.register().index(), 0);
        assert_eq!(registry.register().index(), 2);
    }

    #[test]
    fn a_thread_keeps_its_word() {
        let [one, two] = [mine().unwrap(), mine().unwrap()];
        assert!(std::ptr::eq(one, two));
    }
}
