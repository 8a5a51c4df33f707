//! What a client says it takes: the Accept-Encoding field, read without allocation.

use crate::Coding;
use crate::header::trim;

/// A parsed Accept-Encoding field (RFC 9110, section 12.5.3).
///
/// It is a small `Copy` value that holds, for each [`Coding`], the weight which the client gave it. Weights are
/// integers in thousandths: `q=0.8` is 800, and an element without a weight has 1000.
///
/// # How it is read
///
/// - Several header lines count as one list in their order. Names are compared in any case; spaces and tabs may stand
///   around commas and semicolons; empty elements are skipped. `x-gzip` is gzip.
/// - A **malformed element is dropped**, and the rest stands. An element is malformed when anything other than one
///   weight follows its name, or when the weight is not the `q=` of the RFC's grammar: 0 to 1 with at most three
///   decimals, no space around the equals sign. `gzip;q=2`, `gzip;q=.5`, `gzip;q=0.5000`, `gzip;q = 1`, `gzip;` and
///   `gzip;level=9` are all dropped.
/// - Where a coding occurs **more than once, the first element counts**. The RFC does not say; the first one is what
///   the client wrote with the list still short, and what other servers do.
/// - `*` gives its weight to every coding that is not named, identity among them, but `dcz` is not: only a client that
///   names it can have the dictionary.
///
/// A field that is absent differs from an empty one; see [`is_absent`](Self::is_absent).
///
/// ```
/// use crm_compress::{AcceptEncoding, Coding};
///
/// let accept = AcceptEncoding::parse(["gzip;q=0.8, br", "identity;q=0.1"]);
/// assert_eq!(accept.weight(Coding::Gzip), Some(800));
/// assert_eq!(accept.weight(Coding::Deflate), None); // neither named nor covered by `*`
/// assert!(!accept.accepts(Coding::Deflate));
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct AcceptEncoding {
    present: bool,
    named: [Option<u16>; Coding::COUNT],
    others: Option<u16>,
}

impl AcceptEncoding {
    /// The field that a request without Accept-Encoding has.
    pub const ABSENT: Self = Self {
        present: false,
        named: [None; Coding::COUNT],
        others: None,
    };

    /// Reads the values of all Accept-Encoding lines of a request, in their order; no line at all is
    /// [`ABSENT`](Self::ABSENT).
    ///
    /// The lines may be strings or bytes, whatever the HTTP library hands out. Nothing fails: what cannot be read is
    /// dropped, as described [above](Self). The time is linear in the length of the lines.
    #[must_use]
    pub fn parse<I>(lines: I) -> Self
    where
        I: IntoIterator,
        I::Item: AsRef<[u8]>,
    {
        let mut accept = Self::ABSENT;
        for line in lines {
            accept.present = true;
            accept.read_line(line.as_ref());
        }
        accept
    }

    /// Reads the elements of a line, each byte of which is looked at once, and those of weights twice.
    fn read_line(&mut self, line: &[u8]) {
        let mut rest = line;
        loop {
            let name = until(rest, |byte| byte == b',' || byte == b';');
            let (weight, end) = match rest.get(name) {
                Some(b';') => {
                    let weight = &rest[name + 1..];
                    let length = until(weight, |byte| byte == b',');
                    (Some(trim(&weight[..length])), name + 1 + length)
                }
                _ => (None, name),
            };
            self.read(trim(&rest[..name]), weight);
            match rest.get(end + 1..) {
                Some(others) => rest = others,
                None => return,
            }
        }
    }

    fn read(&mut self, name: &[u8], weight: Option<&[u8]>) {
        let slot = if name == b"*" {
            &mut self.others
        } else if let Some(coding) = Coding::from_name(name) {
            &mut self.named[coding.index()]
        } else {
            return;
        };
        let thousandths = match weight {
            None => Some(1000),
            Some(weight) => thousandths(weight),
        };
        if slot.is_none() {
            *slot = thousandths;
        }
    }

    /// Whether the request had no Accept-Encoding line.
    ///
    /// By the RFC such a client takes any coding. [`negotiate`](crate::negotiate) still answers it with identity:
    /// today a client that can decode says so, and one that says nothing is a script or an old device that most
    /// likely cannot.
    #[inline]
    #[must_use]
    pub const fn is_absent(&self) -> bool {
        !self.present
    }

    /// The weight that the field gives to `coding`, by its name or by `*`: 1 to 1000 thousandths, and 0 for "not
    /// acceptable". `None` when the field does not speak of it.
    #[inline]
    #[must_use]
    pub fn weight(&self, coding: Coding) -> Option<u16> {
        let others = if coding.is_wild() { self.others } else { None };
        self.named[coding.index()].or(others)
    }

    /// Whether a response in this coding is acceptable to the client, by the letter of the RFC.
    ///
    /// A coding of which the field does not speak is acceptable if it is identity, or if the field is absent.
    #[inline]
    #[must_use]
    pub fn accepts(&self, coding: Coding) -> bool {
        match self.weight(coding) {
            Some(weight) => weight > 0,
            None => coding == Coding::Identity || (self.is_absent() && coding.is_wild()),
        }
    }
}

/// The number of bytes before the first that is `wanted`, or of all.
#[inline]
fn until(bytes: &[u8], wanted: impl Fn(u8) -> bool) -> usize {
    bytes
        .iter()
        .position(|&byte| wanted(byte))
        .unwrap_or(bytes.len())
}

/// The weight in thousandths: `"q=" ( "0" [ "." 0*3DIGIT ] ) / ( "1" [ "." 0*3("0") ] )`, RFC 9110, section 12.4.2.
fn thousandths(weight: &[u8]) -> Option<u16> {
    let [b'q' | b'Q', b'=', whole @ (b'0' | b'1'), rest @ ..] = weight else {
        return None;
    };
    let decimals = match rest {
        [] => rest,
        [b'.', decimals @ ..] if decimals.len() <= 3 => decimals,
        _ => return None,
    };
    let mut value = u16::from(whole - b'0');
    for place in 0..3 {
        let digit = match decimals.get(place) {
            None => 0,
            Some(digit @ b'0'..=b'9') => u16::from(digit - b'0'),
            Some(_) => return None,
        };
        value = value * 10 + digit;
    }
    (value <= 1000).then_some(value)
}
