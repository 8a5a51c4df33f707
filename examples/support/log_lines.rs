//! The lines of a text file, and their fields.

use std::fmt;
use std::io::{self, BufRead, Read};

use csv_core::ReadRecordResult;

/// The most bytes that a line may have. Without a bound, a file without line ends would be read into memory whole.
pub(crate) const LONGEST_LINE: usize = 64 * 1024;

/// Why a line, or a field of it, cannot be taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum LineFault {
    /// The line has fewer fields than the one that was asked for; it has so many.
    FewFields(usize),
    OpenQuote,
    TooLong,
}

impl fmt::Display for LineFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::FewFields(1) => write!(f, "it has only one field"),
            Self::FewFields(fields) => write!(f, "it has only {fields} fields"),
            Self::OpenQuote => write!(f, "it has a quote that nothing closes"),
            Self::TooLong => write!(f, "it is longer than {} KiB", LONGEST_LINE / 1024),
        }
    }
}

/// What separates fields, as the command line says it.
pub(crate) fn delimiter(text: &str) -> Result<u8, String> {
    match text.as_bytes() {
        b"tab" | b"\\t" => Ok(b'\t'),
        [b'\n' | b'\r' | b'"'] => Err("lines and quotes have a meaning of their own".to_owned()),
        [one] if one.is_ascii() => Ok(*one),
        _ => Err("give one ASCII character, or `tab`".to_owned()),
    }
}

/// The lines of a file. Of an end in the way of Windows, the `\r` stays: it is a blank at the end of a key.
#[derive(Debug)]
pub(crate) struct Lines<R> {
    source: R,
    buffer: Vec<u8>,
    number: u64,
}

impl<R: BufRead> Lines<R> {
    pub(crate) fn new(source: R) -> Self {
        Self {
            source,
            buffer: Vec::new(),
            number: 1,
        }
    }

    /// The number of the line that comes next, from 1.
    pub(crate) fn number(&self) -> u64 {
        self.number
    }

    /// The next line, or why it cannot be taken; `None` at the end.
    pub(crate) fn next(&mut self) -> io::Result<Option<Result<&[u8], LineFault>>> {
        self.buffer.clear();
        let bound = LONGEST_LINE as u64 + 1;
        (&mut self.source)
            .take(bound)
            .read_until(b'\n', &mut self.buffer)?;
        if self.buffer.is_empty() {
            return Ok(None);
        }
        let first = self.number == 1;
        self.number += 1;
        if self.buffer.last() != Some(&b'\n') && self.buffer.len() as u64 == bound {
            self.source.skip_until(b'\n')?;
            return Ok(Some(Err(LineFault::TooLong)));
        }
        let line = self.buffer.strip_suffix(b"\n").unwrap_or(&self.buffer);
        let mark: &[u8] = if first { b"\xEF\xBB\xBF" } else { b"" };
        Ok(Some(Ok(line.strip_prefix(mark).unwrap_or(line))))
    }
}

/// Takes a line apart by the rules of RFC 4180, except that a quoted field ends on the line on which it began.
pub(crate) struct Fields {
    parser: csv_core::Reader,
    content: Vec<u8>,
    ends: Vec<usize>,
}

impl Fields {
    pub(crate) fn new(delimiter: u8) -> Self {
        Self {
            parser: csv_core::ReaderBuilder::new().delimiter(delimiter).build(),
            content: Vec::new(),
            ends: Vec::new(),
        }
    }

    pub(crate) fn split(&mut self, line: &[u8]) -> Result<Split<'_>, LineFault> {
        self.parser.reset();
        // A field has at least a delimiter, so there is room for all of them.
        self.content.resize(self.content.len().max(line.len()), 0);
        self.ends.resize(self.ends.len().max(line.len() + 1), 0);
        let (mut input, mut written, mut count) = (line, 0, 0);
        // The line end is given apart: a parser that wants more after it is within a quote.
        let mut line_end: Option<&[u8]> = Some(b"\n");
        loop {
            let (result, _, wrote, ended) = self.parser.read_record(
                input,
                &mut self.content[written..],
                &mut self.ends[count..],
            );
            written += wrote;
            count += ended;
            match (result, line_end.take()) {
                (ReadRecordResult::InputEmpty, Some(end)) => input = end,
                (ReadRecordResult::Record | ReadRecordResult::End, _) => break,
                _ => return Err(LineFault::OpenQuote),
            }
        }
        Ok(Split {
            content: &self.content[..written],
            ends: &self.ends[..count],
        })
    }

    /// Where the field `name` stands.
    pub(crate) fn position(&mut self, header: &[u8], name: &str) -> Option<usize> {
        let split = self.split(header).ok()?;
        (0..split.ends.len()).find(|&column| {
            split
                .get(column)
                .is_ok_and(|field| field.trim_ascii() == name.trim().as_bytes())
        })
    }
}

/// The fields of a line: their content, one after the other, and where each ends.
#[derive(Debug)]
pub(crate) struct Split<'a> {
    content: &'a [u8],
    ends: &'a [usize],
}

impl<'a> Split<'a> {
    pub(crate) fn get(&self, column: usize) -> Result<&'a [u8], LineFault> {
        let end = *self
            .ends
            .get(column)
            .ok_or(LineFault::FewFields(self.ends.len()))?;
        let start = if column == 0 {
            0
        } else {
            self.ends[column - 1]
        };
        Ok(&self.content[start..end])
    }
}

/// A line for a message, shortened, on one line whatever it holds.
pub(crate) fn shown(line: &[u8]) -> String {
    String::from_utf8_lossy(line.trim_ascii())
        .escape_debug()
        .take(120)
        .collect()
}
