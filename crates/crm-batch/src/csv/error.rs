//! What may be wrong with a row.

use std::error::Error;
use std::fmt;

use crate::Place;

/// What is wrong with a row, and where it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CsvError {
    // Boxed, because the good case is passed on with it, a field at a time.
    inner: Box<(Place, CsvErrorKind)>,
}

/// What is wrong with a row.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum CsvErrorKind {
    /// It has not as many fields as the header or, without one, the first row, and the file is not
    /// [`flexible`](crate::CsvOptions::flexible).
    #[non_exhaustive]
    Ragged {
        /// Fields of the header.
        expected: usize,
        /// Fields of the row.
        found: usize,
    },
    /// It ends before the field that was asked for.
    #[non_exhaustive]
    NoField {
        /// The field, counted from 0.
        field: usize,
        /// Fields of the row.
        found: usize,
    },
    /// The header has no such column, or there is no header.
    #[non_exhaustive]
    NoColumn {
        /// The name that was asked for.
        name: String,
    },
    /// A field is not UTF-8.
    #[non_exhaustive]
    NotUtf8 {
        /// The field, counted from 0.
        field: usize,
        /// Bytes of the field before the first that is not.
        valid_up_to: usize,
    },
    /// A field is not of the type that was asked for.
    #[non_exhaustive]
    NotAValue {
        /// The field, counted from 0.
        field: usize,
        /// Its text.
        text: String,
        /// What the type says about it.
        reason: String,
    },
}

impl CsvError {
    #[cold]
    pub(crate) fn new(place: Place, kind: CsvErrorKind) -> Self {
        Self {
            inner: Box::new((place, kind)),
        }
    }

    /// Where the row begins.
    #[must_use]
    pub fn place(&self) -> Place {
        self.inner.0
    }

    /// What is wrong with it.
    #[must_use]
    pub fn kind(&self) -> &CsvErrorKind {
        &self.inner.1
    }
}

impl fmt::Display for CsvError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (place, kind) = &*self.inner;
        match kind {
            CsvErrorKind::Ragged { expected, found } => write!(
                f,
                "{place} has {found} fields and not {expected}: repair or skip it, or read the file as flexible"
            ),
            CsvErrorKind::NoField { field, found } => {
                write!(
                    f,
                    "{place} has {found} fields, so no field {field}: repair or skip the row"
                )
            }
            CsvErrorKind::NoColumn { name } => write!(
                f,
                "{place} has no column {name:?}: ask for one that the header has"
            ),
            CsvErrorKind::NotUtf8 { field, valid_up_to } => write!(
                f,
                "{place}, field {field} is not UTF-8 from its byte {valid_up_to} on: read it as bytes, or convert the file"
            ),
            CsvErrorKind::NotAValue {
                field,
                text,
                reason,
            } => write!(
                f,
                "{place}, field {field}: {text:?} is no value ({reason}): repair or skip the row"
            ),
        }
    }
}

impl Error for CsvError {}
