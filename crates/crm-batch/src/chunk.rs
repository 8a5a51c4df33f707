//! What a source fills and a worker empties: the records of one chunk.

use std::fmt;
use std::mem;
use std::vec;

/// The records of one chunk, filled by a [`Source`](crate::Source) and taken one after the other by a worker.
///
/// A chunk is filled again and again: [`clear`](Self::clear) keeps its memory. A record may borrow from its chunk, so that
/// a block of bytes can be cut into records by the worker, without one allocation for each.
///
/// `Record` has no bound `Self: 'r`, so that the process function of a chunk with borrowed records can be any closure.
/// A record that borrows is therefore of a type that lives as long as the chunk's own bytes, `&'r str` for instance.
///
/// ```
/// use crm_batch::Chunk;
///
/// /// Lines of a text, cut by the worker.
/// #[derive(Default)]
/// struct Lines {
///     text: String,
///     read: usize,
/// }
///
/// impl Chunk for Lines {
///     type Record<'r> = &'r str;
///
///     fn next(&mut self) -> Option<&str> {
///         let rest = &self.text[self.read..];
///         let line = rest.lines().next()?;
///         self.read += (line.len() + 1).min(rest.len());
///         Some(line)
///     }
///
///     fn only(line: &str) -> Self {
///         Lines { text: line.to_owned() + "\n", read: 0 }
///     }
///
///     fn clear(&mut self) {
///         self.text.clear();
///         self.read = 0;
///     }
/// }
///
/// let mut lines = Lines { text: "a\nb\n".to_owned(), read: 0 };
/// assert_eq!(lines.next(), Some("a"));
/// assert_eq!(Lines::only("c").next(), Some("c"));
/// assert_eq!(lines.next(), Some("b"));
/// assert_eq!(lines.next(), None);
/// ```
pub trait Chunk: Default + Send {
    /// What the process function is given.
    type Record<'r>;

    /// Takes the next record.
    fn next(&mut self) -> Option<Self::Record<'_>>;

    /// A chunk that holds this record alone: how a record waits for its retry, or goes to the dead letters.
    fn only(record: Self::Record<'_>) -> Self;

    /// How many records are left, when the chunk knows it without looking at them.
    ///
    /// It must not change its mind: a chunk that knows it when it has been filled knows it always.
    fn rows(&self) -> Option<usize> {
        None
    }

    /// Cuts off about the second half of the records that are left, for another worker; `None` when it cannot.
    fn split(&mut self) -> Option<Self> {
        None
    }

    /// Drops the records that are left, and keeps the memory.
    fn clear(&mut self);
}

/// Rows for which a list of `T` has room from the first on, so that the short steps with which a job begins do not make it
/// grow again and again.
pub(crate) fn first_rows<T>() -> usize {
    (FIRST_BYTES / mem::size_of::<T>().max(1)).min(FIRST_BYTES)
}

/// Bytes of that list, about.
const FIRST_BYTES: usize = 256;

/// A chunk of records that own themselves: what an iterator fills.
///
/// It is a list while it is filled and an iterator while it is emptied, in the same memory: taking from the front of a
/// double-ended queue instead cost twenty instructions more for each record.
#[derive(Clone)]
pub struct Owned<T> {
    filled: Vec<T>,
    left: vec::IntoIter<T>,
}

impl<T> Owned<T> {
    /// Adds a record at the end.
    #[inline]
    pub fn push(&mut self, record: T) {
        self.filled.push(record);
    }

    /// How many records it holds.
    #[inline]
    #[must_use]
    pub fn len(&self) -> usize {
        self.left.len() + self.filled.len()
    }

    /// Whether it holds none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The list that is filled, for a source that wants no more than to fill it.
    #[inline]
    pub(crate) fn list(&mut self) -> &mut Vec<T> {
        &mut self.filled
    }

    /// Begins to take what has been filled since.
    #[cold]
    fn turn(&mut self) {
        if !self.filled.is_empty() {
            self.left = mem::take(&mut self.filled).into_iter();
        }
    }
}

impl<T> Default for Owned<T> {
    fn default() -> Self {
        Self {
            filled: Vec::new(),
            left: vec::IntoIter::default(),
        }
    }
}

impl<T> fmt::Debug for Owned<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Owned")
            .field("len", &self.len())
            .finish_non_exhaustive()
    }
}

impl<T: Send> Chunk for Owned<T> {
    type Record<'r> = T;

    #[inline]
    fn next(&mut self) -> Option<T> {
        if self.left.len() == 0 {
            self.turn();
        }
        self.left.next()
    }

    fn only(record: T) -> Self {
        Self {
            filled: vec![record],
            ..Self::default()
        }
    }

    #[inline]
    fn rows(&self) -> Option<usize> {
        Some(self.len())
    }

    fn split(&mut self) -> Option<Self> {
        let half = self.len() / 2;
        if half == 0 {
            return None;
        }
        let mut records: Vec<T> = mem::take(&mut self.left).collect();
        records.append(&mut self.filled);
        let filled = records.split_off(records.len() - half);
        self.left = records.into_iter();
        Some(Self {
            filled,
            ..Self::default()
        })
    }

    fn clear(&mut self) {
        self.filled.clear();
        if self.filled.capacity() == 0 {
            // A collection in place: the list is empty, and has the memory of the iterator.
            self.filled = mem::take(&mut self.left).filter(|_| false).collect();
        } else {
            self.left = vec::IntoIter::default();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_chunk_that_is_filled_again_keeps_its_memory() {
        let mut chunk = Owned::default();
        (0..1_000).for_each(|n| chunk.push(n));
        let memory = chunk.filled.as_ptr();
        assert_eq!(chunk.next(), Some(0));
        chunk.clear();
        assert!(chunk.is_empty() && chunk.next().is_none());
        chunk.push(7);
        assert_eq!(chunk.filled.as_ptr(), memory);
        assert_eq!(chunk.next(), Some(7));
    }

    #[test]
    fn a_split_keeps_all_records_in_order() {
        let mut chunk = Owned::default();
        (0..10).for_each(|n| chunk.push(n));
        assert_eq!(
            (chunk.next(), chunk.next(), chunk.next()),
            (Some(0), Some(1), Some(2))
        );
        let mut half = chunk.split().unwrap();
        assert_eq!((chunk.rows(), half.rows()), (Some(4), Some(3)));
        let first = std::iter::from_fn(|| chunk.next());
        let second = std::iter::from_fn(|| half.next());
        assert!(first.chain(second).eq(3..10));
        assert!(Owned::only(1).split().is_none());
    }
}
