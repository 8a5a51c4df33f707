//! Iterators as sources: plain, with the size of each record, and with errors.

use std::convert::Infallible;
use std::fmt;
use std::ops::ControlFlow;

use crate::chunk::first_rows;
use crate::{Fill, Owned, Room, Source};

/// Every iterator is a source of the records that it makes.
impl<I> Source for I
where
    I: Iterator<Item: Send> + Send,
{
    type Chunk = Owned<I::Item>;
    type Error = Infallible;

    #[inline]
    fn fill(&mut self, chunk: &mut Owned<I::Item>, room: &Room<'_>) -> Result<Fill, Infallible> {
        let list = chunk.list();
        if list.capacity() == 0 {
            list.reserve(self.size_hint().0.min(first_rows::<I::Item>()));
        }
        let (rows, is_over) = room.parts();
        while list.len() < rows && !is_over() {
            match self.next() {
                Some(record) => list.push(record),
                None => return Ok(Fill::ended()),
            }
        }
        Ok(Fill::more())
    }

    fn remaining(&self) -> Option<usize> {
        match self.size_hint() {
            (least, Some(most)) if least == most => Some(least),
            _ => None,
        }
    }

    #[inline]
    fn each<F>(
        &mut self,
        _chunk: &mut Owned<I::Item>,
        room: &Room<'_>,
        mut each: F,
    ) -> Result<Fill, Infallible>
    where
        F: FnMut(I::Item) -> ControlFlow<()>,
    {
        for _ in 0..room.rows() {
            if room.is_over() {
                break;
            }
            match self.next() {
                Some(record) => {
                    if each(record).is_break() {
                        break;
                    }
                }
                None => return Ok(Fill::ended()),
            }
        }
        Ok(Fill::more())
    }
}

/// An iterator as a source that knows how large each of its records is, so that the bound in bytes holds for it.
///
/// ```
/// use crm_batch::{Batch, Measured, Verdict};
///
/// let notes = (0..100).map(|n| "x".repeat(n));
/// let batch = Batch::builder().chunk_bytes(1_000).inline_start(false).build()?;
/// let report = batch
///     .job(Measured::new(notes, |note: &String| note.len()))
///     .process(|note| Ok::<_, std::io::Error>(Verdict::Output(note.len())))
///     .into(|_| Ok::<_, std::io::Error>(()))
///     .run()?;
/// assert_eq!((report.written(), report.bytes()), (100, 4_950));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Measured<I, F> {
    records: I,
    size: F,
}

impl<I, F> Measured<I, F> {
    /// A source of these records, of which `size` tells the bytes.
    pub fn new(records: impl IntoIterator<IntoIter = I>, size: F) -> Self {
        Self {
            records: records.into_iter(),
            size,
        }
    }
}

impl<I, F> fmt::Debug for Measured<I, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Measured").finish_non_exhaustive()
    }
}

impl<I, F> Source for Measured<I, F>
where
    I: Iterator<Item: Send> + Send,
    F: FnMut(&I::Item) -> usize + Send,
{
    type Chunk = Owned<I::Item>;
    type Error = Infallible;

    fn fill(&mut self, chunk: &mut Owned<I::Item>, room: &Room<'_>) -> Result<Fill, Infallible> {
        let mut bytes = 0_usize;
        while chunk.len() < room.rows() && bytes < room.bytes() && !room.is_over() {
            match self.records.next() {
                Some(record) => {
                    bytes = bytes.saturating_add((self.size)(&record));
                    chunk.push(record);
                }
                None => return Ok(Fill::ended().with_bytes(bytes as u64)),
            }
        }
        Ok(Fill::more().with_bytes(bytes as u64))
    }

    fn remaining(&self) -> Option<usize> {
        Source::remaining(&self.records)
    }
}

/// An iterator of results as a source: the first error ends the run as an error of the source.
///
/// ```
/// use crm_batch::{Batch, BatchError, Tried, Verdict};
/// use std::io::{BufRead, BufReader};
///
/// let file = BufReader::new(&b"12\n7\n\xff\n30\n"[..]);
/// let mut sum = 0;
/// let error = Batch::new()
///     .job(Tried::new(file.lines()))
///     .process(|line| line.parse::<u64>().map(Verdict::Output))
///     .into(|number| {
///         sum += number;
///         Ok::<_, std::io::Error>(())
///     })
///     .run()
///     .unwrap_err();
/// assert!(matches!(error, BatchError::Source { position: 2, .. }));
/// assert_eq!(sum, 19);
/// ```
pub struct Tried<I> {
    records: I,
}

impl<I> Tried<I> {
    /// A source of the records that these results hold.
    pub fn new(records: impl IntoIterator<IntoIter = I>) -> Self {
        Self {
            records: records.into_iter(),
        }
    }
}

impl<I> fmt::Debug for Tried<I> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tried").finish_non_exhaustive()
    }
}

impl<I, T, E> Source for Tried<I>
where
    I: Iterator<Item = Result<T, E>> + Send,
    T: Send,
    E: Send,
{
    type Chunk = Owned<T>;
    type Error = E;

    fn fill(&mut self, chunk: &mut Owned<T>, room: &Room<'_>) -> Result<Fill, E> {
        while chunk.len() < room.rows() && !room.is_over() {
            match self.records.next() {
                Some(record) => chunk.push(record?),
                None => return Ok(Fill::ended()),
            }
        }
        Ok(Fill::more())
    }

    fn remaining(&self) -> Option<usize> {
        match self.records.size_hint() {
            (least, Some(most)) if least == most => Some(least),
            _ => None,
        }
    }
}
