//! A source of CSV rows: it cuts blocks at record ends and leaves the parsing to the workers.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use crm_batch::{Chunk, Fill, Room, Source};
use csv_core::ReadRecordResult;
use memchr::memchr2_iter;

/// The rows of a file behind its header.
pub(crate) struct Blocks {
    file: File,
    /// What was read behind the last record end.
    rest: Vec<u8>,
    has_header: bool,
    ended: bool,
}

impl Blocks {
    pub(crate) fn open(path: &Path) -> io::Result<Self> {
        Ok(Self {
            file: File::open(path)?,
            rest: Vec::new(),
            has_header: true,
            ended: false,
        })
    }
}

impl Source for Blocks {
    type Chunk = Block;
    type Error = io::Error;

    fn fill(&mut self, chunk: &mut Block, room: &Room<'_>) -> io::Result<Fill> {
        let bytes = &mut chunk.bytes;
        bytes.append(&mut self.rest);
        let mut wanted = room.bytes().max(bytes.len());
        loop {
            let from = bytes.len();
            let read = (&mut self.file)
                .take((wanted - from) as u64)
                .read_to_end(bytes)?;
            self.ended = read == 0 && wanted > from;
            if self.ended {
                break;
            }
            let end = last_record_end(bytes);
            if end > 0 {
                self.rest.extend_from_slice(&bytes[end..]);
                bytes.truncate(end);
                break;
            }
            wanted += room.bytes();
        }
        if std::mem::take(&mut self.has_header) {
            chunk.next();
        }
        let fill = if self.ended {
            Fill::ended()
        } else {
            Fill::more()
        };
        Ok(fill.with_bytes(chunk.bytes.len() as u64))
    }
}

/// Behind the last line feed outside of quotes; 0 when there is none.
fn last_record_end(bytes: &[u8]) -> usize {
    let (mut end, mut quoted) = (0, false);
    for at in memchr2_iter(b'"', b'\n', bytes) {
        if bytes[at] == b'"' {
            quoted = !quoted;
        } else if !quoted {
            end = at + 1;
        }
    }
    end
}

/// A block of rows with their parser.
pub(crate) struct Block {
    bytes: Vec<u8>,
    read: usize,
    parser: csv_core::Reader,
    fields: Vec<u8>,
    ends: Vec<usize>,
}

impl Default for Block {
    fn default() -> Self {
        Self {
            bytes: Vec::new(),
            read: 0,
            // Its own default is a parser without its tables.
            parser: csv_core::Reader::new(),
            fields: vec![0; 1_024],
            ends: vec![0; 16],
        }
    }
}

/// The fields of a row.
pub(crate) struct Fields<'r> {
    bytes: &'r [u8],
    ends: std::slice::Iter<'r, usize>,
    start: usize,
}

impl<'r> Iterator for Fields<'r> {
    type Item = &'r [u8];

    #[inline]
    fn next(&mut self) -> Option<&'r [u8]> {
        let end = *self.ends.next()?;
        let field = &self.bytes[self.start..end];
        self.start = end;
        Some(field)
    }
}

impl Chunk for Block {
    type Record<'r> = Fields<'r>;

    #[inline]
    fn next(&mut self) -> Option<Fields<'_>> {
        let (mut bytes, mut ends) = (0, 0);
        loop {
            let (result, read, written, ended) = self.parser.read_record(
                &self.bytes[self.read..],
                &mut self.fields[bytes..],
                &mut self.ends[ends..],
            );
            self.read += read;
            bytes += written;
            ends += ended;
            match result {
                ReadRecordResult::Record => break,
                ReadRecordResult::InputEmpty => {}
                ReadRecordResult::OutputFull => {
                    let len = 2 * self.fields.len();
                    self.fields.resize(len, 0);
                }
                ReadRecordResult::OutputEndsFull => {
                    let len = 2 * self.ends.len();
                    self.ends.resize(len, 0);
                }
                ReadRecordResult::End => return None,
            }
        }
        Some(Fields {
            bytes: &self.fields,
            ends: self.ends[..ends].iter(),
            start: 0,
        })
    }

    fn only(fields: Fields<'_>) -> Self {
        let mut block = Self::default();
        for field in fields {
            let separator: &[u8] = if block.bytes.is_empty() {
                b"\""
            } else {
                b",\""
            };
            block.bytes.extend_from_slice(separator);
            for &byte in field {
                block.bytes.push(byte);
                if byte == b'"' {
                    block.bytes.push(byte);
                }
            }
            block.bytes.push(b'"');
        }
        block.bytes.push(b'\n');
        block
    }

    fn clear(&mut self) {
        self.bytes.clear();
        self.read = 0;
        self.parser.reset();
    }
}
