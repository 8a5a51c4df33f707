//! Reads invoice lines from a CSV file, plain or `.gz`.
//!
//! Two steps, because they go to different threads: [`Records`] cuts the bytes into records and does nothing else, and
//! [`Fields`] takes a record apart. Every leg that reads the file uses both, so that before and after differ in nothing
//! but who does the work.

use std::cell::RefCell;
use std::fs::File;
use std::io::{self, BufReader, Read};
use std::path::Path;

use csv_core::ReadRecordResult;
use flate2::read::MultiGzDecoder;
use memchr::{memchr, memchr2};

use crate::failure::Failure;
use crate::invoice::{BadLine, COLUMNS, Line, Reason};

/// The most bytes that a record may have. Without a bound, one stray quote would swallow the rest of the file.
pub(crate) const LONGEST_LINE: usize = 64 * 1024;

const BLOCK: usize = 256 * 1024;

/// One record of the file: a line, or several when a quoted field spans them.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Record {
    /// The number of its first line; the header is line 1.
    pub(crate) line: u64,
    /// Its bytes without the end of line, or why there is no record.
    pub(crate) content: Result<Vec<u8>, Reason>,
}

/// The records of a file, beneath the header.
///
/// It ends early when the file cannot be read further; [`Records::finish`] tells.
pub(crate) struct Records {
    source: Box<dyn Read + Send>,
    buffer: Vec<u8>,
    /// What has been handed out of the buffer.
    start: usize,
    /// What has been read into it.
    end: usize,
    at_end: bool,
    line: u64,
    left: u64,
    failure: Option<io::Error>,
}

impl std::fmt::Debug for Records {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Records")
            .field("line", &self.line)
            .finish_non_exhaustive()
    }
}

impl Records {
    /// Opens `file`, checks its header, and yields at most `limit` records.
    pub(crate) fn open(file: &Path, limit: u64) -> Result<Self, Failure> {
        let cannot = |error| Failure::Read {
            file: file.to_owned(),
            error,
        };
        let mut records = Self::over(unpacked(file).map_err(cannot)?, limit.saturating_add(1));
        let Some(header) = records.next() else {
            records.finish().map_err(cannot)?;
            return Err(Failure::Empty {
                file: file.to_owned(),
            });
        };
        let header = header.content.unwrap_or_default();
        if !is_header(&header) {
            let found: String = String::from_utf8_lossy(&header)
                .escape_debug()
                .take(120)
                .collect();
            return Err(Failure::Header {
                file: file.to_owned(),
                found,
            });
        }
        Ok(records)
    }

    fn over(source: impl Read + Send + 'static, limit: u64) -> Self {
        Self {
            source: Box::new(source),
            buffer: vec![0; BLOCK],
            start: 0,
            end: 0,
            at_end: false,
            line: 1,
            left: limit,
            failure: None,
        }
    }

    /// Whether everything was read; call it after the last record.
    pub(crate) fn finish(&mut self) -> io::Result<()> {
        self.failure.take().map_or(Ok(()), Err)
    }

    /// Moves what is left to the front and reads more behind it.
    fn fill(&mut self) {
        if self.start > 0 {
            self.buffer.copy_within(self.start..self.end, 0);
            self.end -= self.start;
            self.start = 0;
        }
        while !self.at_end && self.end < self.buffer.len() {
            match self.source.read(&mut self.buffer[self.end..]) {
                Ok(0) => self.at_end = true,
                Ok(read) => {
                    self.end += read;
                    return;
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => {
                    self.failure = Some(error);
                    self.at_end = true;
                }
            }
        }
    }

    /// Hands out `length` bytes as a record that ends with `ending` bytes of line end.
    fn take(&mut self, length: usize, ending: usize) -> Record {
        let bytes = &self.buffer[self.start..self.start + length];
        let line = self.line;
        self.line += 1 + memchr::memchr_iter(b'\n', bytes).count() as u64;
        let bytes = bytes.strip_suffix(b"\r").unwrap_or(bytes);
        let content = Ok(bytes.to_vec());
        self.start += length + ending;
        Record { line, content }
    }

    /// The first line of an unclosed quote, or a line that never ends, is bad; reading goes on with the next line.
    fn give_up(&mut self) -> Record {
        let line = self.line;
        self.line += 1;
        let mut reason = Reason::OpenQuote;
        loop {
            if let Some(found) = memchr(b'\n', &self.buffer[self.start..self.end]) {
                if found > LONGEST_LINE {
                    reason = Reason::TooLong;
                }
                self.start += found + 1;
                break;
            }
            if self.end - self.start >= LONGEST_LINE {
                reason = Reason::TooLong;
            }
            self.start = self.end;
            if self.at_end {
                break;
            }
            self.fill();
        }
        Record {
            line,
            content: Err(reason),
        }
    }
}

impl Iterator for Records {
    type Item = Record;

    fn next(&mut self) -> Option<Record> {
        if self.left == 0 {
            return None;
        }
        self.left -= 1;
        let mut scan = Scan::default();
        loop {
            let unread = &self.buffer[self.start..self.end];
            if let Some(length) = scan
                .advance(unread)
                .filter(|&length| length <= LONGEST_LINE)
            {
                return Some(self.take(length, 1));
            }
            if unread.len() > LONGEST_LINE {
                return Some(self.give_up());
            }
            if self.at_end {
                if self.failure.is_some() {
                    // What is left is part of a line that the file could not give.
                    return None;
                }
                return match unread.len() {
                    0 => None,
                    length if scan.is_open(length) => Some(self.give_up()),
                    length => Some(self.take(length, 0)),
                };
            }
            self.fill();
        }
    }
}

/// Looks for the end of a record. A quote counts only where a field begins, as it does for the CSV parser.
#[derive(Default)]
struct Scan {
    seen: usize,
    quoted: bool,
}

impl Scan {
    /// Whether a record that ends after `length` bytes ends inside a quoted field. A quote not yet passed closes it.
    fn is_open(&self, length: usize) -> bool {
        self.quoted && self.seen == length
    }

    /// The length of the record in `bytes`, when its end is there. Called again with more bytes, it goes on.
    fn advance(&mut self, bytes: &[u8]) -> Option<usize> {
        while self.seen < bytes.len() {
            if self.quoted {
                let quote = self.seen
                    + memchr(b'"', &bytes[self.seen..]).unwrap_or(bytes.len() - self.seen);
                match bytes.get(quote..) {
                    Some([b'"', b'"', ..]) => self.seen = quote + 2,
                    // Whether this quote is the first of two is told by a byte that has not come yet.
                    Some([b'"']) => {
                        self.seen = quote;
                        return None;
                    }
                    Some([b'"', ..]) => {
                        self.quoted = false;
                        self.seen = quote + 1;
                    }
                    _ => self.seen = bytes.len(),
                }
            } else {
                let Some(found) = memchr2(b'"', b'\n', &bytes[self.seen..]) else {
                    self.seen = bytes.len();
                    return None;
                };
                let at = self.seen + found;
                if bytes[at] == b'\n' {
                    return Some(at);
                }
                self.quoted = at == 0 || bytes[at - 1] == b',';
                self.seen = at + 1;
            }
        }
        None
    }
}

/// Takes a record apart by the rules of RFC 4180.
#[derive(Debug)]
pub(crate) struct Fields {
    parser: csv_core::Reader,
    content: Vec<u8>,
    ends: [usize; 32],
}

impl Fields {
    pub(crate) fn new() -> Self {
        Self {
            parser: csv_core::Reader::new(),
            content: Vec::new(),
            ends: [0; 32],
        }
    }

    /// The values of a record, or its number and what is wrong with it.
    pub(crate) fn parse(&mut self, record: Record) -> Result<Line, BadLine> {
        let line = record.line;
        record
            .content
            .and_then(|bytes| self.line(&bytes))
            .map_err(|reason| BadLine { line, reason })
    }

    fn line(&mut self, bytes: &[u8]) -> Result<Line, Reason> {
        if bytes.trim_ascii().is_empty() {
            return Err(Reason::Blank);
        }
        if memchr(0, bytes).is_some() {
            return Err(Reason::Nul);
        }
        let count = self.split(bytes);
        let (content, ends) = (&self.content, &self.ends);
        Line::from_fields(count, |i| {
            let start = if i == 0 { 0 } else { ends[i - 1] };
            &content[start..ends[i]]
        })
    }

    /// The number of fields; their content lies in `content`, one after the other, up to `ends`.
    fn split(&mut self, bytes: &[u8]) -> usize {
        self.parser.reset();
        if self.content.len() < bytes.len() {
            self.content.resize(bytes.len(), 0);
        }
        let (mut input, mut written, mut count) = (bytes, 0, 0);
        loop {
            let (result, read, wrote, ended) = self.parser.read_record(
                input,
                &mut self.content[written..],
                &mut self.ends[count..],
            );
            input = &input[read..];
            written += wrote;
            count += ended;
            match result {
                // The parser learns that the record ends from an empty input.
                ReadRecordResult::InputEmpty => {}
                // A line of more fields than there is room for is bad whatever their number.
                ReadRecordResult::OutputFull
                | ReadRecordResult::OutputEndsFull
                | ReadRecordResult::Record
                | ReadRecordResult::End => return count,
            }
        }
    }
}

/// [`Fields::parse`] with a parser of the calling thread, for work that any thread may get.
pub(crate) fn parse(record: Record) -> Result<Line, BadLine> {
    thread_local! {
        static FIELDS: RefCell<Fields> = RefCell::new(Fields::new());
    }
    FIELDS.with_borrow_mut(|fields| fields.parse(record))
}

/// The bytes of a file, unpacked when they begin as gzip does, whatever its name.
fn unpacked(file: &Path) -> io::Result<Box<dyn Read + Send>> {
    let mut opened = File::open(file)?;
    if opened.metadata()?.is_dir() {
        return Err(io::Error::new(
            io::ErrorKind::IsADirectory,
            "it is a directory",
        ));
    }
    let mut magic = Vec::with_capacity(2);
    opened.by_ref().take(2).read_to_end(&mut magic)?;
    let is_gzip = magic == [0x1f, 0x8b];
    let whole = io::Cursor::new(magic).chain(opened);
    Ok(if is_gzip {
        Box::new(MultiGzDecoder::new(BufReader::with_capacity(BLOCK, whole)))
    } else {
        Box::new(whole)
    })
}

fn is_header(bytes: &[u8]) -> bool {
    let bytes = bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(bytes);
    let mut fields = Fields::new();
    let count = fields.split(bytes);
    count == COLUMNS.len()
        && COLUMNS.iter().enumerate().all(|(i, column)| {
            let start = if i == 0 { 0 } else { fields.ends[i - 1] };
            fields.content[start..fields.ends[i]]
                .trim_ascii()
                .eq_ignore_ascii_case(column.as_bytes())
        })
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    const HEADER: &str =
        "InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country\n";
    const GOOD: &str = "536365,85123A,LANTERN,6,2010-12-01 08:26:00,2.55,17850.0,United Kingdom";

    fn file(content: &[u8]) -> tempfile::NamedTempFile {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(content).unwrap();
        file
    }

    fn read(content: &[u8]) -> Vec<Result<Line, BadLine>> {
        let file = file(content);
        let mut records = Records::open(file.path(), u64::MAX).unwrap();
        let lines = records.by_ref().map(parse).collect();
        records.finish().unwrap();
        lines
    }

    fn below_header(body: &str) -> Vec<Result<Line, BadLine>> {
        read(format!("{HEADER}{body}").as_bytes())
    }

    fn reasons(lines: &[Result<Line, BadLine>]) -> Vec<(u64, Reason)> {
        let bad = lines.iter().filter_map(|line| line.as_ref().err());
        bad.map(|bad| (bad.line, bad.reason.clone())).collect()
    }

    #[test]
    fn bad_lines_are_numbered_as_an_editor_counts() {
        let lines = below_header(&format!(
            "{GOOD}\n1,2,3\n{GOOD}\n\n{}\n{}\n{}\n{GOOD},ninth\n{GOOD}\n",
            GOOD.replace(",6,", ",six,"),
            GOOD.replace("2010-12-01", "2010-13-01"),
            GOOD.replace("LANTERN", "LAN\0TERN"),
        ));
        assert_eq!(lines.len(), 9);
        assert_eq!(
            reasons(&lines),
            [
                (3, Reason::FieldCount(3)),
                (5, Reason::Blank),
                (6, Reason::Quantity("six".into())),
                (7, Reason::Date("2010-13-01 08:26:00".into())),
                (8, Reason::Nul),
                (9, Reason::FieldCount(9)),
            ]
        );
    }

    #[test]
    fn quoted_commas_quotes_and_line_ends_belong_to_the_field() {
        let lines = below_header(&format!(
            "{}\n{}\n{GOOD}\nbad\n",
            GOOD.replace("LANTERN", r#""RECORD FRAME 7"" SINGLE, RED ""#),
            GOOD.replace("LANTERN", "\"TWO\nLINES\""),
        ));
        assert_eq!(
            lines[0].as_ref().unwrap().description,
            r#"RECORD FRAME 7" SINGLE, RED"#
        );
        assert_eq!(lines[1].as_ref().unwrap().description, "TWO\nLINES");
        assert!(lines[2].is_ok());
        // The header, one line, one record of two lines, one line: the bad one is the sixth.
        assert_eq!(reasons(&lines), [(6, Reason::FieldCount(1))]);
    }

    #[test]
    fn a_quote_inside_a_plain_field_is_a_character() {
        let lines = below_header(&format!(
            "{}\n{GOOD}\n",
            GOOD.replace("LANTERN", "FRAME 7\" RED")
        ));
        assert_eq!(lines.len(), 2);
        assert_eq!(lines[0].as_ref().unwrap().description, "FRAME 7\" RED");
    }

    #[test]
    fn windows_line_ends_and_a_missing_last_one_change_nothing() {
        let expected = below_header(&format!("{GOOD}\n{GOOD}\n"));
        let windows = format!("{HEADER}{GOOD}\n{GOOD}\n").replace('\n', "\r\n");
        assert_eq!(read(windows.as_bytes()), expected);
        assert_eq!(below_header(&format!("{GOOD}\n{GOOD}")), expected);
        assert!(expected.iter().all(Result::is_ok));
        let quoted = GOOD.replace("United Kingdom", "\"United Kingdom\"");
        assert_eq!(below_header(&format!("{GOOD}\n{quoted}")), expected);
    }

    #[test]
    fn a_byte_order_mark_is_no_part_of_the_header() {
        assert_eq!(
            read(format!("\u{feff}{HEADER}{GOOD}\n").as_bytes()).len(),
            1
        );
    }

    #[test]
    fn an_unclosed_quote_costs_one_line_not_the_file() {
        let open = GOOD.replace("LANTERN", "\"LANTERN");
        // At the end of the file, and with more behind it than a record may have.
        for more in [3, 2 * LONGEST_LINE / GOOD.len()] {
            let lines = below_header(&format!("{open}\n{}", format!("{GOOD}\n").repeat(more)));
            assert_eq!(lines.len(), 1 + more);
            assert_eq!(reasons(&lines), [(2, Reason::OpenQuote)]);
        }
    }

    #[test]
    fn a_line_that_never_ends_costs_one_line_not_the_memory() {
        for length in [LONGEST_LINE + 1, 5 * BLOCK] {
            let long = "x".repeat(length);
            let lines = below_header(&format!("{GOOD}\n{long}\n{GOOD}\n"));
            assert_eq!(lines.len(), 3);
            assert_eq!(reasons(&lines), [(3, Reason::TooLong)]);
        }
    }

    #[test]
    fn records_are_the_same_wherever_a_read_ends() {
        /// Gives one to three bytes at a time.
        struct Trickle(io::Cursor<Vec<u8>>, usize);
        impl Read for Trickle {
            fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
                self.1 = self.1 % 3 + 1;
                let most = self.1.min(buffer.len());
                self.0.read(&mut buffer[..most])
            }
        }
        let text = format!("{GOOD}\r\na,\"b\"\"\n,c\",d\n\n\"\"\"\",x\n\"open, {GOOD}\n{GOOD}");
        let whole: Vec<Record> =
            Records::over(io::Cursor::new(text.clone().into_bytes()), u64::MAX).collect();
        let trickled: Vec<Record> =
            Records::over(Trickle(io::Cursor::new(text.into_bytes()), 0), u64::MAX).collect();
        assert_eq!(whole, trickled);
        assert_eq!(whole.len(), 6);
    }

    #[test]
    fn gzip_is_known_by_its_content() {
        let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        packed
            .write_all(format!("{HEADER}{GOOD}\n").as_bytes())
            .unwrap();
        assert_eq!(read(&packed.finish().unwrap()).len(), 1);
    }

    #[test]
    fn a_cut_gzip_file_is_an_error_not_a_shorter_file() {
        let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        let many: String = (0..5_000).map(|i| format!("{i}{GOOD}\n")).collect();
        packed
            .write_all(format!("{HEADER}{many}").as_bytes())
            .unwrap();
        let packed = packed.finish().unwrap();
        let file = file(&packed[..packed.len() / 2]);
        let mut records = Records::open(file.path(), u64::MAX).unwrap();
        let read = records.by_ref().map(parse).filter(Result::is_ok).count();
        assert!(read > 0 && read < 5_000);
        assert!(records.finish().is_err());
    }

    #[test]
    fn what_is_no_such_file_is_told_at_once() {
        let missing = Records::open(Path::new("no/such/file.csv"), 9).unwrap_err();
        assert!(matches!(missing, Failure::Read { .. }), "{missing}");
        let directory = Records::open(&std::env::temp_dir(), 9).unwrap_err();
        assert!(directory.to_string().contains("directory"), "{directory}");
        let empty = Records::open(file(b"").path(), 9).unwrap_err();
        assert!(matches!(empty, Failure::Empty { .. }), "{empty}");
        let wrong = Records::open(file(b"id,name\n1,Ada\n").path(), 9).unwrap_err();
        assert!(wrong.to_string().contains("found `id,name`"), "{wrong}");
    }

    #[test]
    fn the_limit_counts_lines_beneath_the_header() {
        let file = file(format!("{HEADER}{GOOD}\n{GOOD}\n{GOOD}\n").as_bytes());
        assert_eq!(Records::open(file.path(), 2).unwrap().count(), 2);
    }
}
