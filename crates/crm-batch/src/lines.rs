//! The lines of a file as records: cut into blocks by the source, into lines by the workers.

use std::error::Error;
use std::fmt;
use std::fs::File;
use std::io::{Read, Seek};
use std::ops::Deref;
use std::path::Path;
use std::str;

use crate::input::{Block, Blocks, RECORD_LIMIT, Rest, Rule, Scan, find, open};
use crate::{Chunk, Fill, Fingerprint, InputError, Place, Position, Room, Source};

/// The lines of a reader, as a source.
///
/// ```
/// use crm_batch::{Batch, Lines, Verdict};
///
/// # let directory = tempfile::tempdir()?;
/// # let path = directory.path().join("amounts.txt");
/// # std::fs::write(&path, "12\n7\r\n\n30")?;
/// let mut sum = 0;
/// let report = Batch::builder()
///     .skip_limit(1)
///     .build()?
///     .job(Lines::open(&path)?)
///     .process(|line| {
///         let amount: u32 = line.to_str()?.parse()?;
///         Ok::<_, Box<dyn std::error::Error + Send + Sync>>(Verdict::Output(amount))
///     })
///     .into(|amount| {
///         sum += amount;
///         Ok::<(), std::io::Error>(())
///     })
///     .run()
///     .map_err(|error| format!("{error:#}"))?;
/// assert_eq!((report.read(), report.written(), sum), (4, 3, 49));
/// assert_eq!((report.skips()[0].position(), report.bytes()), (2, 9));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// A line ends with a line feed, or a carriage return and a line feed, or the file; empty lines are records, and every byte
/// is allowed. The reader is to stand at its beginning. It is read a block at a time, so it needs no buffer of its own.
///
/// The source looks for line ends alone, and counts them, so that it knows its rows; each worker cuts its own block into
/// [`Line`]s, without a copy.
///
/// # Memory
///
/// A chunk holds at most [`chunk_bytes`](crate::Builder::chunk_bytes), or the [limit](Self::record_limit) if that is less,
/// or one line that is longer. The source holds back at most as much as that or 8 KiB.
///
/// # Restart
///
/// [`place`](Self::place) says where the first line begins that has not been given, and [`seek`](Self::seek) goes
/// there.
#[derive(Debug)]
pub struct Lines<R> {
    blocks: Blocks<R, LineEnds>,
}

impl Lines<File> {
    /// The lines of this file.
    ///
    /// # Errors
    ///
    /// The file cannot be opened.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, InputError> {
        open(path.as_ref()).map(Self::new)
    }
}

impl<R: Read> Lines<R> {
    /// The lines of this reader.
    #[must_use]
    pub fn new(reader: R) -> Self {
        Self {
            blocks: Blocks::new(reader, LineEnds, RECORD_LIMIT),
        }
    }

    /// Bytes of a line at most, without its line feed; 1 MiB unless it is set. A longer one ends the run with
    /// [`InputError::TooLong`]. No block is larger than this either, so 64 KiB is a sensible least.
    ///
    /// # Errors
    ///
    /// [`InputError::Limit`] for 0, and for more than 1 GiB.
    pub fn record_limit(mut self, bytes: usize) -> Result<Self, InputError> {
        self.blocks.set_limit(bytes)?;
        Ok(self)
    }

    /// The place of the first line that has not been given.
    #[must_use]
    pub fn place(&self) -> Place {
        self.blocks.place()
    }
}

impl<R: Read + Seek> Lines<R> {
    /// Goes on with the line that begins at byte `offset`, before which there are `records` lines, as
    /// [`place`](Self::place) has stated.
    ///
    /// # Errors
    ///
    /// [`InputError::NoRecordAt`] when no line begins there; [`InputError::Read`].
    pub fn seek(&mut self, records: u64, offset: u64) -> Result<(), InputError> {
        self.blocks.seek(records, offset)
    }

    /// What the file is known by, from its length and its first and last 64 KiB.
    ///
    /// It is the same on every machine and does not look at the file's name or time. So it does not tell a file from one
    /// of the same length that differs only between those ends, nor does it withstand somebody who forges one.
    ///
    /// # Errors
    ///
    /// [`InputError::Read`].
    pub fn fingerprint(&mut self) -> Result<Fingerprint, InputError> {
        self.blocks.fingerprint(b"lines")
    }
}

impl<R: Read + Send> Source for Lines<R> {
    type Chunk = LineBlock;
    type Error = InputError;

    fn fill(&mut self, chunk: &mut LineBlock, room: &Room<'_>) -> Result<Fill, InputError> {
        self.blocks.fill(&mut chunk.0, room)
    }

    fn next_position(&self) -> Option<Position> {
        Some(Position(self.blocks.place().offset))
    }
}

impl<R: Read + Seek + Send> crate::Seek for Lines<R> {
    fn fingerprint(&mut self) -> Result<Fingerprint, InputError> {
        self.fingerprint()
    }

    fn seek(&mut self, to: Position, records: u64) -> Result<(), InputError> {
        self.blocks.seek(records, to.0)
    }
}

/// A block of lines: what [`Lines`] fills.
#[derive(Debug, Default)]
pub struct LineBlock(Block);

impl Chunk for LineBlock {
    type Record<'r> = Line<'r>;

    #[inline]
    fn next(&mut self) -> Option<Line<'_>> {
        let block = &mut self.0;
        if block.rows == 0 {
            return None;
        }
        let (from, place) = (block.at, block.place());
        let left = &block.filled()[from..];
        let feed = find(b'\n', left);
        let length = feed.unwrap_or(left.len());
        let has_return = feed.is_some() && left[..length].ends_with(b"\r");
        block.take(from + length + 1);
        let bytes = &block.filled()[from..from + length - usize::from(has_return)];
        Some(Line { bytes, place })
    }

    fn only(line: Line<'_>) -> Self {
        // Without a line feed, so that a return at the end of the line stays a part of it.
        Self(Block::only(line.place, line.bytes))
    }

    #[inline]
    fn rows(&self) -> Option<usize> {
        Some(self.0.rows)
    }

    fn split(&mut self) -> Option<Self> {
        self.0.split(&LineEnds).map(Self)
    }

    fn clear(&mut self) {
        self.0.clear();
    }
}

/// A line, without its line end. It is a slice of bytes that knows its place.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Line<'r> {
    bytes: &'r [u8],
    place: Place,
}

impl<'r> Line<'r> {
    /// The bytes, for as long as the block lives; as a slice, the line itself gives them for as long as it is borrowed.
    #[inline]
    #[must_use]
    pub fn bytes(&self) -> &'r [u8] {
        self.bytes
    }

    /// The line as text.
    ///
    /// # Errors
    ///
    /// It is not UTF-8.
    #[inline]
    pub fn to_str(&self) -> Result<&'r str, LineError> {
        str::from_utf8(self.bytes).map_err(|error| LineError {
            place: self.place,
            valid: error.valid_up_to(),
        })
    }

    /// Where it begins.
    #[must_use]
    pub fn place(&self) -> Place {
        self.place
    }
}

impl Deref for Line<'_> {
    type Target = [u8];

    #[inline]
    fn deref(&self) -> &[u8] {
        self.bytes
    }
}

impl AsRef<[u8]> for Line<'_> {
    fn as_ref(&self) -> &[u8] {
        self.bytes
    }
}

impl fmt::Debug for Line<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\"{}\"", self.bytes.escape_ascii())
    }
}

/// A line that is not UTF-8.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LineError {
    place: Place,
    valid: usize,
}

impl LineError {
    /// Where the line begins.
    #[must_use]
    pub fn place(&self) -> Place {
        self.place
    }

    /// Bytes of the line before the first that is not UTF-8.
    #[must_use]
    pub fn valid_up_to(&self) -> usize {
        self.valid
    }
}

impl fmt::Display for LineError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} is not UTF-8 from its byte {} on: read the line as bytes, or convert the file",
            self.place, self.valid
        )
    }
}

impl Error for LineError {}

/// Every line feed ends a record.
#[derive(Clone, Copy, Debug)]
struct LineEnds;

/// Bytes whose line feeds are counted at once.
const PIECE: usize = 2_048;

impl Rule for LineEnds {
    fn scan(&self, bytes: &[u8], scan: &mut Scan, rows: usize) {
        while scan.at < bytes.len() {
            let end = bytes.len().min(scan.at + PIECE);
            let piece = &bytes[scan.at..end];
            let feeds = count(piece);
            if feeds > 0 {
                if scan.rows + feeds >= rows {
                    while scan.rows < rows {
                        let Some(feed) = find(b'\n', &bytes[scan.at..end]) else {
                            break;
                        };
                        scan.at += feed + 1;
                        scan.rows += 1;
                    }
                    scan.last = (0, scan.at);
                    return;
                }
                scan.rows += feeds;
                scan.last = (scan.at, end);
            }
            scan.at = end;
        }
    }

    fn cut(&self, bytes: &[u8], scan: &Scan) -> usize {
        let feed = bytes[..scan.last.1].iter().rposition(|byte| *byte == b'\n');
        feed.map_or(0, |feed| feed + 1)
    }

    fn rest(&self, bytes: &[u8], scan: &Scan) -> Rest {
        if self.cut(bytes, scan) < bytes.len() {
            Rest::Record
        } else {
            Rest::Nothing
        }
    }

    fn is_end(&self, byte: u8) -> bool {
        byte == b'\n'
    }
}

/// The line feeds in a piece. Sums of single bytes let the compiler add many at once.
fn count(piece: &[u8]) -> usize {
    let few = |bytes: &[u8]| {
        bytes
            .iter()
            .map(|byte| u8::from(*byte == b'\n'))
            .sum::<u8>()
    };
    piece
        .chunks(usize::from(u8::MAX))
        .map(|bytes| usize::from(few(bytes)))
        .sum()
}
