//! A record with its fields, and the block that it is parsed from.

use std::fmt;
use std::slice;
use std::str::{self, FromStr};
use std::sync::Arc;

use super::dialect::{Dialect, Span};
use super::{CsvError, CsvErrorKind};
use crate::input::Block;
use crate::{Chunk, Place};

/// What all rows of a file have in common.
#[derive(Debug)]
pub(crate) struct Shape {
    pub(crate) dialect: Dialect,
    /// Fields of each row, unless any number will do.
    pub(crate) width: Option<usize>,
    /// The names of the columns, if the file has a header.
    pub(crate) names: Vec<Box<[u8]>>,
}

impl Shape {
    pub(crate) fn column(&self, name: &str) -> Option<usize> {
        self.names
            .iter()
            .position(|known| **known == *name.as_bytes())
    }
}

/// A block of rows: what [`Csv`](crate::Csv) fills. It has the parser's memory, which serves one row after the other.
#[derive(Default)]
pub struct CsvBlock {
    pub(crate) block: Block,
    pub(crate) shape: Option<Arc<Shape>>,
    spans: Vec<Span>,
    apart: Vec<u8>,
}

impl CsvBlock {
    pub(crate) fn new(block: Block, shape: Arc<Shape>) -> Self {
        Self {
            block,
            shape: Some(shape),
            spans: Vec::new(),
            apart: Vec::new(),
        }
    }
}

impl Chunk for CsvBlock {
    type Record<'r> = CsvRow<'r>;

    #[inline]
    fn next(&mut self) -> Option<CsvRow<'_>> {
        let shape = self.shape.as_ref()?;
        let block = &mut self.block;
        if block.rows == 0 {
            return None;
        }
        let end = block.end;
        block.at = Dialect::begin(block.filled(), block.at);
        let (start, place) = (block.at, block.place());
        debug_assert!(
            start < end,
            "the source has counted a row that is not there"
        );
        self.spans.clear();
        self.apart.clear();
        let bytes = block.padded();
        let until = shape
            .dialect
            .fields(bytes, start, end, &mut self.spans, &mut self.apart)
            .min(end);
        block.take(until + 1);
        Some(CsvRow {
            raw: &block.filled()[start..until],
            spans: &self.spans,
            apart: &self.apart,
            shape,
            place,
        })
    }

    fn only(row: CsvRow<'_>) -> Self {
        Self::new(Block::only(row.place, row.raw), Arc::clone(row.shape))
    }

    #[inline]
    fn rows(&self) -> Option<usize> {
        Some(self.block.rows)
    }

    fn split(&mut self) -> Option<Self> {
        let shape = self.shape.as_ref()?;
        let second = self.block.split(&shape.dialect)?;
        Some(Self::new(second, Arc::clone(shape)))
    }

    fn clear(&mut self) {
        self.block.clear();
    }
}

impl fmt::Debug for CsvBlock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.block.fmt(f)
    }
}

/// A row of a CSV file.
///
/// Fields are asked for by number, or by the name of their column. A row with another number of fields than the header
/// answers every question with [`CsvErrorKind::Ragged`], unless the file is [`flexible`](crate::CsvOptions::flexible);
/// [`raw`](Self::raw) and [`place`](Self::place) are there for it as well, to be sent to dead letters.
#[derive(Clone, Copy)]
pub struct CsvRow<'r> {
    raw: &'r [u8],
    spans: &'r [Span],
    apart: &'r [u8],
    shape: &'r Arc<Shape>,
    place: Place,
}

/// A column, by its number counted from 0, or by its name in the header.
///
/// A name is looked for among those of the header each time, which takes some nanoseconds;
/// [`Csv::column`](crate::Csv::column) looks once for all rows, and refuses a name that is not there. Of columns with the
/// same name the first is meant.
pub trait Column: sealed::Sealed {}

mod sealed {
    use super::{CsvErrorKind, CsvRow};

    pub trait Sealed {
        fn number(&self, row: &CsvRow<'_>) -> Result<usize, CsvErrorKind>;
    }
}

impl Column for usize {}

impl sealed::Sealed for usize {
    #[inline]
    fn number(&self, _row: &CsvRow<'_>) -> Result<usize, CsvErrorKind> {
        Ok(*self)
    }
}

impl Column for &str {}

impl sealed::Sealed for &str {
    #[inline]
    fn number(&self, row: &CsvRow<'_>) -> Result<usize, CsvErrorKind> {
        row.shape
            .column(self)
            .ok_or_else(|| CsvErrorKind::NoColumn {
                name: (*self).to_owned(),
            })
    }
}

impl<'r> CsvRow<'r> {
    /// The bytes of a field, without its quotes.
    ///
    /// # Errors
    ///
    /// The row is ragged, or there is no such column or field.
    #[inline]
    pub fn bytes(&self, column: impl Column) -> Result<&'r [u8], CsvError> {
        self.field(column).map(|(_, bytes)| bytes)
    }

    /// The text of a field.
    ///
    /// # Errors
    ///
    /// As for [`bytes`](Self::bytes), or the field is not UTF-8.
    #[inline]
    pub fn str(&self, column: impl Column) -> Result<&'r str, CsvError> {
        let (field, bytes) = self.field(column)?;
        self.text(field, bytes)
    }

    /// The value of a field.
    ///
    /// # Errors
    ///
    /// As for [`str`](Self::str), or the text is no such value.
    #[inline]
    pub fn parse<T>(&self, column: impl Column) -> Result<T, CsvError>
    where
        T: FromStr<Err: fmt::Display>,
    {
        let (field, bytes) = self.field(column)?;
        let text = self.text(field, bytes)?;
        text.parse().map_err(|reason: T::Err| {
            self.error(CsvErrorKind::NotAValue {
                field,
                text: text.to_owned(),
                reason: reason.to_string(),
            })
        })
    }

    /// All fields, as bytes.
    ///
    /// # Errors
    ///
    /// The row is ragged.
    pub fn fields(&self) -> Result<Fields<'r>, CsvError> {
        self.check()?;
        Ok(Fields {
            spans: self.spans.iter(),
            raw: self.raw,
            apart: self.apart,
        })
    }

    /// Whether the row has as many fields as it should, for a job that asks for none of them.
    ///
    /// # Errors
    ///
    /// It has not.
    #[inline]
    pub fn check(&self) -> Result<(), CsvError> {
        match self.shape.width {
            Some(expected) if expected != self.spans.len() => Err(self.ragged(expected)),
            _ => Ok(()),
        }
    }

    /// How many fields it has, which is at least one.
    #[must_use]
    #[expect(clippy::len_without_is_empty, reason = "no row is empty")]
    pub fn len(&self) -> usize {
        self.spans.len()
    }

    /// The row as it stands in the file, without its line end.
    #[must_use]
    pub fn raw(&self) -> &'r [u8] {
        self.raw
    }

    /// Where it begins.
    #[must_use]
    pub fn place(&self) -> Place {
        self.place
    }

    #[inline]
    fn field(&self, column: impl Column) -> Result<(usize, &'r [u8]), CsvError> {
        self.check()?;
        let field = column.number(self).map_err(|kind| self.error(kind))?;
        match self.spans.get(field) {
            Some(span) => Ok((field, span.of(self.raw, self.apart))),
            None => Err(self.error(CsvErrorKind::NoField {
                field,
                found: self.len(),
            })),
        }
    }

    #[inline]
    fn text(&self, field: usize, bytes: &'r [u8]) -> Result<&'r str, CsvError> {
        str::from_utf8(bytes).map_err(|error| {
            self.error(CsvErrorKind::NotUtf8 {
                field,
                valid_up_to: error.valid_up_to(),
            })
        })
    }

    #[cold]
    fn ragged(&self, expected: usize) -> CsvError {
        let found = self.len();
        self.error(CsvErrorKind::Ragged { expected, found })
    }

    #[cold]
    fn error(&self, kind: CsvErrorKind) -> CsvError {
        CsvError::new(self.place, kind)
    }
}

impl fmt::Debug for CsvRow<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: \"{}\"", self.place, self.raw.escape_ascii())
    }
}

/// The fields of a row, in order; from [`CsvRow::fields`].
#[derive(Clone)]
pub struct Fields<'r> {
    spans: slice::Iter<'r, Span>,
    raw: &'r [u8],
    apart: &'r [u8],
}

impl<'r> Iterator for Fields<'r> {
    type Item = &'r [u8];

    #[inline]
    fn next(&mut self) -> Option<&'r [u8]> {
        let span = self.spans.next()?;
        Some(span.of(self.raw, self.apart))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.spans.size_hint()
    }
}

impl ExactSizeIterator for Fields<'_> {}

impl fmt::Debug for Fields<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list()
            .entries(self.clone().map(<[u8]>::escape_ascii))
            .finish()
    }
}
