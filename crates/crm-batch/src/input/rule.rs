//! Where records end, as far as the cut must know it.

/// How the records of a file are told apart.
pub(crate) trait Rule {
    /// Goes on from `scan.at` to the end of `bytes`, or to the end of the record with which it has found `rows`.
    ///
    /// `bytes` begins where a record may begin, and has only grown since the last call.
    fn scan(&self, bytes: &[u8], scan: &mut Scan, rows: usize);

    /// Where the last whole record ends, its line end included.
    fn cut(&self, bytes: &[u8], scan: &Scan) -> usize;

    /// What follows the last whole record, when nothing follows `bytes`.
    fn rest(&self, bytes: &[u8], scan: &Scan) -> Rest;

    /// Whether a record may begin behind this byte.
    fn is_end(&self, byte: u8) -> bool;
}

/// How far the search for record ends has come.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Scan {
    /// Bytes that have been searched.
    pub(crate) at: usize,
    /// Whole records among them.
    pub(crate) rows: usize,
    /// Bytes before the first record that belong to none.
    pub(crate) start: usize,
    /// A stretch whose last line end is that of the last whole record.
    pub(crate) last: (usize, usize),
    pub(crate) mode: Mode,
}

/// What the next byte is a part of.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Mode {
    #[default]
    Outside,
    /// A quoted field that has opened at this byte.
    Quoted(usize),
    /// As before, behind a quote that closes it unless another follows at once.
    Closing(usize),
}

/// What follows the last whole record at the end of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Rest {
    Nothing,
    Record,
    /// A record with a quoted field that has opened at this byte.
    Open(usize),
}

/// The first place of a byte.
#[cfg(feature = "memchr")]
#[inline]
pub(crate) fn find(byte: u8, bytes: &[u8]) -> Option<usize> {
    memchr::memchr(byte, bytes)
}

/// The first place of a byte. The standard library looks at two words at once here; `Iterator::position` looks at one byte.
#[cfg(not(feature = "memchr"))]
#[inline]
pub(crate) fn find(byte: u8, mut bytes: &[u8]) -> Option<usize> {
    let all = bytes;
    let read = std::io::BufRead::skip_until(&mut bytes, byte).unwrap_or(0);
    let found = read.checked_sub(1)?;
    (all[found] == byte).then_some(found)
}

#[cfg(test)]
mod tests {
    use super::find;

    #[test]
    fn a_byte_is_found_where_it_is_first() {
        assert_eq!(find(b'a', b""), None);
        assert_eq!(find(b'a', b"bbb"), None);
        assert_eq!(find(b'a', b"a"), Some(0));
        assert_eq!(find(b'a', b"bba"), Some(2));
        assert_eq!(find(b'a', b"baba"), Some(1));
    }
}
