//! Delimiter and quote, and what follows from them: where records end, and fields.
//!
//! Both searches go by the same rules. A quote opens a field only directly behind a delimiter or a line end; elsewhere it is
//! a byte like others. Within a quoted field two quotes are one, and one closes it; what follows it up to the
//! delimiter belongs to the field. A record ends at a carriage return or a line feed outside of quotes. Empty lines are no
//! records. These are the rules of the `csv` crate, whose records the tests compare.

use crate::input::{Mode, Rest, Rule, Scan, find};

/// How a file is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Dialect {
    pub(crate) delimiter: u8,
    pub(crate) quote: Option<u8>,
}

/// Where the bytes of a field stand: in the record, or in what has been put together from it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Span {
    start: u32,
    end: u32,
}

/// The bit of a span that says it does not stand in the record.
const APART: u32 = 1 << 31;

/// Bytes whose line ends are counted at once.
const PIECE: usize = 1_024;

/// Bytes of a word.
const WORD: usize = size_of::<u64>();

#[inline]
fn is_line_end(byte: u8) -> bool {
    (byte == b'\n') | (byte == b'\r')
}

impl Rule for Dialect {
    fn scan(&self, bytes: &[u8], scan: &mut Scan, rows: usize) {
        if scan.rows == 0 && scan.at == scan.start && scan.mode == Mode::Outside {
            let blank = bytes[scan.at..]
                .iter()
                .take_while(|byte| is_line_end(**byte));
            scan.start += blank.count();
            scan.at = scan.start;
        }
        loop {
            match scan.mode {
                Mode::Outside => {
                    let rest = &bytes[scan.at..];
                    let quote = self.quote.and_then(|quote| find(quote, rest));
                    let until = quote.map_or(bytes.len(), |quote| scan.at + quote);
                    if outside(bytes, scan, until, rows) || quote.is_none() {
                        return;
                    }
                    scan.at = until + 1;
                    if self.opens(bytes, until) {
                        scan.mode = Mode::Quoted(until);
                    }
                }
                Mode::Quoted(open) => {
                    let rest = &bytes[scan.at..];
                    let Some(quote) = self.quote.and_then(|quote| find(quote, rest)) else {
                        scan.at = bytes.len();
                        return;
                    };
                    scan.at += quote + 1;
                    scan.mode = Mode::Closing(open);
                }
                Mode::Closing(open) => {
                    let Some(byte) = bytes.get(scan.at) else {
                        return;
                    };
                    if Some(*byte) == self.quote {
                        scan.at += 1;
                        scan.mode = Mode::Quoted(open);
                    } else {
                        scan.mode = Mode::Outside;
                    }
                }
            }
        }
    }

    fn cut(&self, bytes: &[u8], scan: &Scan) -> usize {
        let (from, until) = scan.last;
        let end = bytes[from..until]
            .iter()
            .rposition(|byte| is_line_end(*byte));
        end.map_or(0, |end| from + end + 1)
    }

    fn rest(&self, bytes: &[u8], scan: &Scan) -> Rest {
        if let Mode::Quoted(open) = scan.mode {
            return Rest::Open(open);
        }
        let cut = self.cut(bytes, scan);
        if bytes[cut..].iter().all(|byte| is_line_end(*byte)) {
            Rest::Nothing
        } else {
            Rest::Record
        }
    }

    fn is_end(&self, byte: u8) -> bool {
        is_line_end(byte)
    }
}

/// Counts the records that end between `scan.at` and `until`, outside of quotes, and says whether they are all that are
/// wanted. One ends at each line end that does not follow another.
fn outside(bytes: &[u8], scan: &mut Scan, until: usize, rows: usize) -> bool {
    while scan.at < until {
        let from = scan.at;
        let end = until.min(from + PIECE);
        let follows = from == 0 || is_line_end(bytes[from - 1]);
        let ends = count(follows, &bytes[from..end]);
        if ends > 0 && scan.rows + ends >= rows {
            let mut before = follows;
            for (at, byte) in bytes.iter().enumerate().take(end).skip(from) {
                let is_end = is_line_end(*byte);
                scan.rows += usize::from(is_end && !before);
                if scan.rows == rows {
                    let feed = *byte == b'\r' && bytes.get(at + 1) == Some(&b'\n');
                    scan.at = at + 1 + usize::from(feed);
                    scan.last = (at, scan.at);
                    return true;
                }
                before = is_end;
            }
        }
        if ends > 0 {
            scan.rows += ends;
            scan.last = (from, end);
        }
        scan.at = end;
    }
    false
}

/// The line ends in a piece that do not follow another. Sums of single bytes let the compiler add many at once.
fn count(follows: bool, piece: &[u8]) -> usize {
    let Some(first) = piece.first() else { return 0 };
    let mut ends = usize::from(is_line_end(*first) && !follows);
    let befores = piece.chunks(usize::from(u8::MAX));
    let nexts = piece[1..].chunks(usize::from(u8::MAX));
    for (befores, nexts) in befores.zip(nexts) {
        let pairs = befores.iter().zip(nexts);
        let few = pairs.map(|(before, next)| u8::from(is_line_end(*next) & !is_line_end(*before)));
        ends += usize::from(few.sum::<u8>());
    }
    ends
}

impl Dialect {
    /// Whether the quote at this place opens a field.
    fn opens(&self, bytes: &[u8], quote: usize) -> bool {
        let before = quote.checked_sub(1).map(|before| bytes[before]);
        before.is_none_or(|before| before == self.delimiter || is_line_end(before))
    }

    /// The first byte from `at` on that is no line end.
    #[inline]
    pub(crate) fn begin(bytes: &[u8], mut at: usize) -> usize {
        while bytes.get(at).copied().is_some_and(is_line_end) {
            at += 1;
        }
        at
    }

    /// The fields of the record that begins at `start`, and where it ends.
    ///
    /// At `end` stands a line end, and a word can be loaded from any place up to there.
    pub(crate) fn fields(
        &self,
        bytes: &[u8],
        start: usize,
        end: usize,
        spans: &mut Vec<Span>,
        apart: &mut Vec<u8>,
    ) -> usize {
        let marks = Marks::new(self.delimiter);
        // No byte equals this one when there is no quote.
        let quote = self.quote.map_or(u16::MAX, u16::from);
        let mut field = start;
        loop {
            if u16::from(bytes[field]) == quote {
                let until = self.quoted(bytes, start, field, end, spans, apart);
                if until >= end || bytes[until] != self.delimiter {
                    return until;
                }
                field = until + 1;
                continue;
            }
            let mut at = field;
            let mut found = marks.find(bytes, at);
            field = loop {
                while found == 0 {
                    at += WORD;
                    found = marks.find(bytes, at);
                }
                let until = at + (found.trailing_zeros() / u8::BITS) as usize;
                found &= found - 1;
                if bytes[until] != self.delimiter {
                    if !is_line_end(bytes[until]) {
                        continue;
                    }
                    spans.push(Span::within(start, field, until));
                    return until;
                }
                spans.push(Span::within(start, field, until));
                field = until + 1;
                if u16::from(bytes[field]) == quote {
                    break field;
                }
            };
        }
    }

    /// The field that the quote at `open` opens, and where it ends.
    fn quoted(
        &self,
        bytes: &[u8],
        start: usize,
        open: usize,
        end: usize,
        spans: &mut Vec<Span>,
        apart: &mut Vec<u8>,
    ) -> usize {
        let is_quote = |at: usize| at < end && Some(bytes[at]) == self.quote;
        let ends = |at: usize| at >= end || bytes[at] == self.delimiter || is_line_end(bytes[at]);
        let close = |from: usize| self.next_quote(bytes, from, end);
        let mut from = open + 1;
        let mut until = close(from);
        if !is_quote(until + 1) && ends(until + 1) {
            spans.push(Span::within(start, from, until));
            return (until + 1).min(end);
        }
        let begun = apart.len();
        loop {
            apart.extend_from_slice(&bytes[from..until]);
            if !is_quote(until + 1) {
                break;
            }
            apart.push(bytes[until]);
            from = until + 2;
            until = close(from);
        }
        from = (until + 1).min(end);
        until = from;
        while !ends(until) {
            until += 1;
        }
        apart.extend_from_slice(&bytes[from..until]);
        spans.push(Span::apart(begun, apart.len()));
        until
    }

    /// The next quote, or the end.
    #[inline]
    fn next_quote(&self, bytes: &[u8], from: usize, end: usize) -> usize {
        let quote = pattern(self.quote.unwrap_or_default());
        let mut at = from;
        while at < end {
            let found = equal(word(bytes, at) ^ quote);
            if found != 0 {
                return (at + (found.trailing_zeros() / u8::BITS) as usize).min(end);
            }
            at += WORD;
        }
        end
    }
}

impl Span {
    #[inline]
    fn within(start: usize, from: usize, until: usize) -> Self {
        // A record is shorter than 2^31 bytes: see `MOST_RECORD_LIMIT`.
        Self {
            start: (from - start) as u32,
            end: (until - start) as u32,
        }
    }

    fn apart(from: usize, until: usize) -> Self {
        Self {
            start: from as u32 | APART,
            end: until as u32,
        }
    }

    #[inline]
    pub(crate) fn of<'r>(self, record: &'r [u8], apart: &'r [u8]) -> &'r [u8] {
        if self.start & APART == 0 {
            &record[self.start as usize..self.end as usize]
        } else {
            &apart[(self.start & !APART) as usize..self.end as usize]
        }
    }
}

/// What ends a field that is not quoted.
struct Marks {
    delimiter: u64,
}

impl Marks {
    fn new(delimiter: u8) -> Self {
        Self {
            delimiter: pattern(delimiter),
        }
    }

    /// The high bit of each byte of the word at `at` that may end a field: delimiters, and what is no greater than a
    /// carriage return. Other control characters are rare, and one comparison is cheaper than two.
    #[inline]
    fn find(&self, bytes: &[u8], at: usize) -> u64 {
        // A sum has the high bit when the lower seven are more than so many; a byte with its own high bit is more.
        const MORE: u64 = pattern(0x7f - b'\r');
        let word = word(bytes, at);
        let apart = word ^ self.delimiter;
        let other = ((apart & LOW) + LOW) | apart;
        let greater = ((word & LOW) + MORE) | word;
        !((other & greater) | LOW)
    }
}

/// All bits of each byte but the high one.
const LOW: u64 = pattern(0x7f);

const fn pattern(byte: u8) -> u64 {
    u64::from_le_bytes([byte; WORD])
}

#[inline]
fn word(bytes: &[u8], at: usize) -> u64 {
    let word = bytes[at..]
        .first_chunk()
        .expect("there is room behind the records");
    u64::from_le_bytes(*word)
}

/// The high bit of each byte that is 0, and of no other. (The shorter form, `(x - 1) & !x`, is exact for the first alone.)
#[inline]
fn equal(word: u64) -> u64 {
    !(((word & LOW) + LOW) | word | LOW)
}
