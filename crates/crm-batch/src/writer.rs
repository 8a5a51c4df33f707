//! Any writer as a sink of rows.

use std::fmt;
use std::io::{self, BufWriter, Write};

use crate::{End, Entry, Sink};

/// Any [`Write`] as a sink of rows, buffered, and flushed when the run ends.
///
/// It adds nothing to a row, no line end either. For a file that must be whole, or survive a kill, there is
/// [`FileSink`](crate::FileSink).
///
/// ```
/// use crm_batch::{Batch, Writer};
/// use std::io::Write;
///
/// let mut out = Vec::new();
/// Batch::new()
///     .job(1..=3)
///     .encode(|n, row| writeln!(row, "{n}"))
///     .into(Writer::new(&mut out))
///     .run()?;
/// assert_eq!(out, b"1\n2\n3\n");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Writer<W: Write> {
    writer: BufWriter<W>,
}

impl<W: Write> Writer<W> {
    /// Writes into `writer`, or into a `&mut` to it.
    pub fn new(writer: W) -> Self {
        Self {
            writer: BufWriter::with_capacity(64 * 1024, writer),
        }
    }
}

impl<W: Write + Send, R: AsRef<[u8]>> Sink<R> for Writer<W> {
    type Error = io::Error;

    #[inline]
    fn write(&mut self, row: R) -> io::Result<()> {
        self.writer.write_all(row.as_ref())
    }

    fn finish(&mut self, _entry: &Entry, _end: End) -> io::Result<()> {
        self.writer.flush()
    }
}

impl<W: Write> fmt::Debug for Writer<W> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Writer").finish_non_exhaustive()
    }
}
