//! The reader of a CSV file, with its header.

use std::fmt;
use std::fs::File;
use std::io::{Read, Seek};
use std::path::Path;
use std::sync::Arc;

use super::dialect::Dialect;
use super::row::{CsvBlock, Shape};
use crate::input::{Blocks, RECORD_LIMIT, open};
use crate::{Chunk, Fill, Fingerprint, InputError, Place, Position, Room, Source};

/// What stands at the beginning of some files to say that they are UTF-8.
const MARK: &[u8] = b"\xef\xbb\xbf";

/// The rows of a CSV file, as a source.
///
/// ```
/// use crm_batch::{Batch, Csv, CsvError, Verdict};
/// use std::io::Write;
///
/// # let directory = tempfile::tempdir()?;
/// # let path = directory.path().join("customers.csv");
/// # std::fs::write(&path, "id,name,value\n1,\"Lovelace, Ada\",7.5\n2,Hopper,2.25\n3,Turing,x\n")?;
/// let customers = Csv::open(&path)?;
/// let mut scores = Vec::new();
/// let report = Batch::builder()
///     .skip_limit(100)
///     .build()?
///     .job(customers)
///     .process(|row| {
///         let name = row.str("name")?.to_uppercase(); // by name or by number
///         let value: f64 = row.parse(2)?;
///         Ok::<_, CsvError>(Verdict::Output((name, value)))
///     })
///     .into(|(name, value)| writeln!(scores, "{value};{name}"))
///     .run()?;
/// assert_eq!(scores, b"7.5;LOVELACE, ADA\n2.25;HOPPER\n");
///
/// let [skip] = report.skips() else { unreachable!() };
/// assert_eq!(
///     skip.failure().to_string(),
///     "record 2 (byte 50), field 2: \"x\" is no value (invalid float literal): repair or skip the row"
/// );
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// The source finds record ends alone, from quote to quote, and counts them; each worker parses its own block into
/// [`CsvRow`](crate::CsvRow)s, which borrow from it. It reads what the `csv` crate reads in its default settings, and the same with
/// other delimiters and quotes:
///
/// - The first record is the header, unless [`CsvOptions::header`] says otherwise. A byte order mark before it is skipped.
/// - A quote opens a field only as its first byte. In it, two quotes are one; delimiters and line ends are text.
/// - A record ends with a line feed, a carriage return, both, or the file. Empty lines are no records. There are no comments.
///
/// Where it differs: a file that ends within quotes is an error, [`InputError::OpenQuote`], after the records before.
///
/// # Memory
///
/// A chunk holds at most [`chunk_bytes`](crate::Builder::chunk_bytes), or the
/// [limit of a record](CsvOptions::record_limit) if that is less, or one record that is longer, and a few bytes for each field of
/// one row. The source holds back at most as much as that or 8 KiB.
///
/// # Restart
///
/// [`place`](Self::place) says where the first record begins that has not been given, and [`seek`](Self::seek) goes
/// there.
pub struct Csv<R> {
    blocks: Blocks<R, Dialect>,
    shape: Arc<Shape>,
    header: bool,
}

/// How a CSV file is written; from [`Csv::options`].
///
/// ```
/// use crm_batch::{Batch, Csv, CsvError, Verdict};
///
/// let file = "Ada;'1;5'\n\nGrace;2;3\n";
/// let rows = Csv::options().delimiter(b';').quote(b'\'').header(false).flexible(true);
/// let mut fields = 0;
/// Batch::new()
///     .job(rows.read(file.as_bytes())?)
///     .process(|row| Ok::<_, CsvError>(Verdict::Output(row.len())))
///     .into(|len| {
///         fields += len;
///         Ok::<(), std::io::Error>(())
///     })
///     .run()?;
/// assert_eq!(fields, 5);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug)]
#[must_use = "options do nothing until a file is read with them"]
pub struct CsvOptions {
    dialect: Dialect,
    header: bool,
    flexible: bool,
    limit: usize,
}

impl Csv<File> {
    /// The rows of this file, with commas, double quotes and a header.
    ///
    /// # Errors
    ///
    /// The file cannot be opened, or its header not be read.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, InputError> {
        Self::options().open(path)
    }

    /// The same with choices.
    pub fn options() -> CsvOptions {
        CsvOptions {
            dialect: Dialect {
                delimiter: b',',
                quote: Some(b'"'),
            },
            header: true,
            flexible: false,
            limit: RECORD_LIMIT,
        }
    }
}

impl CsvOptions {
    /// What stands between fields; a comma unless it is set.
    pub fn delimiter(mut self, delimiter: u8) -> Self {
        self.dialect.delimiter = delimiter;
        self
    }

    /// What stands around fields that hold delimiters or line ends; a double quote unless it is set. With `None`, there is
    /// no such thing.
    pub fn quote(mut self, quote: impl Into<Option<u8>>) -> Self {
        self.dialect.quote = quote.into();
        self
    }

    /// Whether the first record is a header; `true` unless it is set.
    pub fn header(mut self, header: bool) -> Self {
        self.header = header;
        self
    }

    /// Whether rows may have another number of fields than the header or, without one, the first row; `false` unless it is set.
    pub fn flexible(mut self, flexible: bool) -> Self {
        self.flexible = flexible;
        self
    }

    /// Bytes of a record at most, without its line end; 1 MiB unless it is set. A longer one ends the run with
    /// [`InputError::TooLong`]. No block is larger than this either, so 64 KiB is a sensible least.
    pub fn record_limit(mut self, bytes: usize) -> Self {
        self.limit = bytes;
        self
    }

    /// The rows of this file.
    ///
    /// # Errors
    ///
    /// As for [`read`](Self::read), or the file cannot be opened.
    pub fn open(self, path: impl AsRef<Path>) -> Result<Csv<File>, InputError> {
        self.read(open(path.as_ref())?)
    }

    /// The rows of this reader, which is to stand at its beginning. It is read a block at a time, so it needs no buffer of its
    /// own.
    ///
    /// # Errors
    ///
    /// The first record cannot be read, or the options contradict each other.
    pub fn read<R: Read>(self, reader: R) -> Result<Csv<R>, InputError> {
        let Dialect { delimiter, quote } = self.dialect;
        let clash = |byte: u8| byte == b'\n' || byte == b'\r';
        if clash(delimiter) || quote.is_some_and(|quote| clash(quote) || quote == delimiter) {
            return Err(InputError::Dialect { delimiter, quote });
        }
        let mut blocks = Blocks::new(reader, self.dialect, RECORD_LIMIT);
        blocks.set_limit(self.limit)?;
        blocks.skip(MARK)?;
        let mut shape = Shape {
            dialect: self.dialect,
            width: None,
            names: Vec::new(),
        };
        if let Some(block) = blocks.one()? {
            if !self.header {
                blocks.give_back(&block);
            }
            let bare = Shape {
                names: Vec::new(),
                ..shape
            };
            let mut first = CsvBlock::new(block, Arc::new(bare));
            let fields = first.next().and_then(|row| row.fields().ok());
            let names: Vec<Box<[u8]>> = fields.into_iter().flatten().map(Box::from).collect();
            shape.width = (!self.flexible).then_some(names.len());
            if self.header {
                shape.names = names;
            }
        }
        blocks.begin_here();
        Ok(Csv {
            blocks,
            shape: Arc::new(shape),
            header: self.header,
        })
    }
}

impl<R: Read> Csv<R> {
    /// The rows of this reader, with commas, double quotes and a header.
    ///
    /// # Errors
    ///
    /// Its header cannot be read.
    pub fn new(reader: R) -> Result<Self, InputError> {
        Csv::options().read(reader)
    }

    /// The names of the columns, in order; none without a header.
    pub fn names(&self) -> impl ExactSizeIterator<Item = &[u8]> {
        self.shape.names.iter().map(|name| &**name)
    }

    /// The number of the column with this name, which rows then find faster.
    ///
    /// # Errors
    ///
    /// [`InputError::NoColumn`].
    pub fn column(&self, name: &str) -> Result<usize, InputError> {
        self.shape.column(name).ok_or_else(|| InputError::NoColumn {
            name: name.to_owned(),
        })
    }

    /// The place of the first record that has not been given.
    #[must_use]
    pub fn place(&self) -> Place {
        self.blocks.place()
    }
}

impl<R: Read + Seek> Csv<R> {
    /// Goes on with the record that begins at byte `offset`, before which there are `records` records, as
    /// [`place`](Self::place) has stated.
    ///
    /// # Errors
    ///
    /// [`InputError::NoRecordAt`] when no record can begin there; [`InputError::Read`]. Whether the byte stands within quotes
    /// cannot be seen from there.
    pub fn seek(&mut self, records: u64, offset: u64) -> Result<(), InputError> {
        self.blocks.seek(records, offset)
    }

    /// What the file is known by, from its length and its first and last 64 KiB, and from the way it is
    /// read: delimiter, quote, and whether there is a header.
    ///
    /// It is the same on every machine and does not look at the file's name or time. So it does not tell a file from one
    /// of the same length that differs only between those ends, nor does it withstand somebody who forges one.
    ///
    /// # Errors
    ///
    /// [`InputError::Read`].
    pub fn fingerprint(&mut self) -> Result<Fingerprint, InputError> {
        let Dialect { delimiter, quote } = self.shape.dialect;
        let quote = quote.map_or([0, 0], |quote| [1, quote]);
        let kind = [b"csv", &[delimiter][..], &quote, &[u8::from(self.header)]];
        self.blocks.fingerprint(&kind.concat())
    }
}

impl<R: Read + Send> Source for Csv<R> {
    type Chunk = CsvBlock;
    type Error = InputError;

    fn fill(&mut self, chunk: &mut CsvBlock, room: &Room<'_>) -> Result<Fill, InputError> {
        if chunk.shape.is_none() {
            chunk.shape = Some(Arc::clone(&self.shape));
        }
        self.blocks.fill(&mut chunk.block, room)
    }

    fn next_position(&self) -> Option<Position> {
        Some(Position(self.blocks.place().offset))
    }
}

impl<R: Read + Seek + Send> crate::Seek for Csv<R> {
    fn fingerprint(&mut self) -> Result<Fingerprint, InputError> {
        self.fingerprint()
    }

    fn seek(&mut self, to: Position, records: u64) -> Result<(), InputError> {
        self.blocks.seek(records, to.0)
    }
}

impl<R> fmt::Debug for Csv<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Csv")
            .field("dialect", &self.shape.dialect)
            .field("blocks", &self.blocks)
            .finish_non_exhaustive()
    }
}
