//! One line of an invoice: from the eight fields of the file to values, or a reason why not.

use std::fmt;
use std::str::{self, FromStr};

use jiff::civil::DateTime;
use serde::{Serialize, Serializer};

/// The columns of the UCI Online Retail file, in order.
pub(crate) const COLUMNS: [&str; 8] = [
    "InvoiceNo",
    "StockCode",
    "Description",
    "Quantity",
    "InvoiceDate",
    "UnitPrice",
    "CustomerID",
    "Country",
];

/// The number of a customer.
pub(crate) type CustomerId = u64;

/// One article on one invoice.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Line {
    pub(crate) invoice: String,
    pub(crate) stock_code: String,
    pub(crate) description: String,
    /// Negative when the article came back.
    pub(crate) quantity: i64,
    /// Seconds since 1970-01-01 00:00, in the shop's own time.
    pub(crate) ordered_at: i64,
    /// Thousandths of the currency's unit. A whole number, so that a sum is the same in every order.
    pub(crate) price_mills: i64,
    /// Absent when the shop did not know who bought.
    pub(crate) customer: Option<CustomerId>,
    pub(crate) country: String,
}

/// A line that could not be used.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct BadLine {
    /// Its number in the file as an editor counts: the header is line 1.
    pub(crate) line: u64,
    pub(crate) reason: Reason,
}

impl fmt::Display for BadLine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}: {}", self.line, self.reason)
    }
}

/// Why a line could not be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Reason {
    Blank,
    /// This many fields instead of eight.
    FieldCount(usize),
    /// A quote opens a field and nothing closes it.
    OpenQuote,
    /// Longer than the reader's limit.
    TooLong,
    /// A NUL byte, which no text of a shop contains.
    Nul,
    Missing(&'static str),
    Quantity(String),
    Date(String),
    Price(String),
    Customer(String),
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Blank => write!(f, "the line is blank"),
            Self::FieldCount(found) => write!(f, "{found} fields instead of {}", COLUMNS.len()),
            Self::OpenQuote => write!(f, "a quote is opened and never closed"),
            Self::TooLong => write!(f, "longer than {} bytes", crate::reader::LONGEST_LINE),
            Self::Nul => write!(f, "contains a NUL byte"),
            Self::Missing(column) => write!(f, "{column} is empty"),
            Self::Quantity(text) => write!(f, "Quantity `{text}` is not a whole number"),
            Self::Date(text) => write!(f, "InvoiceDate `{text}` is not a date and time"),
            Self::Price(text) => write!(f, "UnitPrice `{text}` is not a price"),
            Self::Customer(text) => write!(f, "CustomerID `{text}` is not a customer number"),
        }
    }
}

impl Serialize for Reason {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl Line {
    /// Reads the eight fields; `field(i)` is the content of column `i`, `count` how many there are.
    pub(crate) fn from_fields<'a>(
        count: usize,
        field: impl Fn(usize) -> &'a [u8],
    ) -> Result<Self, Reason> {
        if count != COLUMNS.len() {
            return Err(Reason::FieldCount(count));
        }
        let customer = field(6).trim_ascii();
        Ok(Self {
            invoice: required(field(0), COLUMNS[0])?,
            stock_code: required(field(1), COLUMNS[1])?,
            description: text(field(2)),
            quantity: number(field(3)).ok_or_else(|| Reason::Quantity(shown(field(3))))?,
            ordered_at: date(field(4)).ok_or_else(|| Reason::Date(shown(field(4))))?,
            price_mills: price(field(5)).ok_or_else(|| Reason::Price(shown(field(5))))?,
            customer: if customer.is_empty() {
                None
            } else {
                Some(customer_id(customer).ok_or_else(|| Reason::Customer(shown(customer)))?)
            },
            country: required(field(7), COLUMNS[7])?,
        })
    }
}

fn required(bytes: &[u8], column: &'static str) -> Result<String, Reason> {
    let text = text(bytes);
    if text.is_empty() {
        return Err(Reason::Missing(column));
    }
    Ok(text)
}

/// The text of a field. Copies of the file are about in UTF-8 and in Latin-1; what is not the first is read as the
/// second, in which every byte is a character.
fn text(bytes: &[u8]) -> String {
    let bytes = bytes.trim_ascii();
    match str::from_utf8(bytes) {
        Ok(text) => text.to_owned(),
        Err(_) => bytes.iter().map(|&byte| char::from(byte)).collect(),
    }
}

/// A field as a message can show it: short and printable.
fn shown(bytes: &[u8]) -> String {
    let shown: String = text(bytes).escape_debug().take(40).collect();
    shown
}

fn parsed<T: FromStr>(bytes: &[u8]) -> Option<T> {
    str::from_utf8(bytes.trim_ascii()).ok()?.parse().ok()
}

/// Larger figures are typing errors, and would overflow the sums of a whole file.
const LARGEST_QUANTITY: i64 = 10_000_000;
const LARGEST_PRICE: f64 = 1e6;

fn number(bytes: &[u8]) -> Option<i64> {
    parsed(bytes).filter(|number: &i64| number.unsigned_abs() <= LARGEST_QUANTITY as u64)
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "the bound leaves it far inside an i64"
)]
fn price(bytes: &[u8]) -> Option<i64> {
    let price: f64 = parsed(bytes)?;
    // Not a number fails the comparison, too.
    (price.abs() <= LARGEST_PRICE).then(|| (price * 1000.0).round() as i64)
}

/// Spreadsheets turn `17850` into `17850.0`.
fn customer_id(bytes: &[u8]) -> Option<CustomerId> {
    let digits = bytes.strip_suffix(b".0").unwrap_or(bytes);
    // A sign is no part of a number that only names; SQLite's integers end at i64::MAX.
    if !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    parsed(digits).filter(|id| i64::try_from(*id).is_ok())
}

/// `2010-12-01 08:26:00`, or `12/1/2010 8:26` as another copy of the file has it.
fn date(bytes: &[u8]) -> Option<i64> {
    let text = str::from_utf8(bytes.trim_ascii()).ok()?;
    let date = match text.as_bytes().get(4) {
        Some(b'-') => DateTime::from_str(text).ok(),
        _ => DateTime::strptime("%m/%d/%Y %H:%M", text).ok(),
    }?;
    let since = date.duration_since(DateTime::constant(1970, 1, 1, 0, 0, 0, 0));
    Some(since.as_secs())
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: [&str; 8] = [
        "536365",
        "85123A",
        "WHITE LANTERN",
        "6",
        "2010-12-01 08:26:00",
        "2.55",
        "17850.0",
        "United Kingdom",
    ];

    fn with(column: usize, content: &[u8]) -> Result<Line, Reason> {
        Line::from_fields(8, |i| {
            if i == column {
                content
            } else {
                GOOD[i].as_bytes()
            }
        })
    }

    #[test]
    fn a_good_line_is_read_as_it_stands() {
        let line = with(0, b"536365").unwrap();
        assert_eq!(
            line,
            Line {
                invoice: "536365".into(),
                stock_code: "85123A".into(),
                description: "WHITE LANTERN".into(),
                quantity: 6,
                ordered_at: 1_291_191_960, // date -u -d '2010-12-01 08:26' +%s
                price_mills: 2550,
                customer: Some(17850),
                country: "United Kingdom".into(),
            }
        );
    }

    #[test]
    fn both_ways_to_write_a_date_name_the_same_moment() {
        let iso = with(4, b"2011-02-03 04:05:00").unwrap();
        let american = with(4, b"2/3/2011 4:05").unwrap();
        assert_eq!(iso.ordered_at, american.ordered_at);
    }

    #[test]
    fn a_customer_may_be_absent_and_may_carry_a_decimal() {
        assert_eq!(with(6, b"").unwrap().customer, None);
        assert_eq!(with(6, b"  ").unwrap().customer, None);
        assert_eq!(with(6, b"17850").unwrap().customer, Some(17850));
        assert_eq!(with(6, b"17850.0").unwrap().customer, Some(17850));
        for bad in ["17850.5", "x", "-3", "+3", ".0", "99999999999999999999"] {
            assert_eq!(
                with(6, bad.as_bytes()),
                Err(Reason::Customer(bad.to_owned())),
                "{bad}"
            );
        }
    }

    #[test]
    fn each_bad_value_is_named() {
        assert_eq!(with(3, b"six"), Err(Reason::Quantity("six".into())));
        assert_eq!(with(3, b"1.5"), Err(Reason::Quantity("1.5".into())));
        assert_eq!(
            with(3, b"9999999999"),
            Err(Reason::Quantity("9999999999".into()))
        );
        for bad in ["2011-02-30 00:00:00", "yesterday", "", "13/1/2010 8:26"] {
            assert_eq!(with(4, bad.as_bytes()), Err(Reason::Date(bad.to_owned())));
        }
        for bad in ["", "free", "NaN", "inf", "1e12"] {
            assert_eq!(with(5, bad.as_bytes()), Err(Reason::Price(bad.to_owned())));
        }
        assert_eq!(with(0, b" "), Err(Reason::Missing("InvoiceNo")));
        assert_eq!(with(7, b""), Err(Reason::Missing("Country")));
        assert_eq!(
            Line::from_fields(7, |i| GOOD[i].as_bytes()),
            Err(Reason::FieldCount(7))
        );
    }

    #[test]
    fn bytes_that_are_not_utf8_are_read_as_latin_1() {
        assert_eq!(
            with(2, b"VOUCHER \xA340").unwrap().description,
            "VOUCHER \u{a3}40"
        );
        assert_eq!(
            with(2, "VOUCHER \u{a3}40".as_bytes()).unwrap().description,
            "VOUCHER \u{a3}40"
        );
    }

    #[test]
    fn prices_are_whole_thousandths() {
        assert_eq!(with(5, b"0.001").unwrap().price_mills, 1);
        assert_eq!(with(5, b"-11062.06").unwrap().price_mills, -11_062_060);
    }

    #[test]
    fn a_message_shows_little_of_a_long_field() {
        let long = "x".repeat(500);
        let Err(Reason::Quantity(shown)) = with(3, long.as_bytes()) else {
            panic!("a long text is no quantity");
        };
        assert_eq!(shown.len(), 40);
    }
}
