//! A customer, and what a row must have to be one.

use std::fmt;

use crm_perf::batch::{Csv, CsvError, CsvErrorKind, CsvRow};
use jiff::civil::Date;

/// The columns of the input. Others may stand between them.
pub(crate) const COLUMNS: [&str; 9] = [
    "id",
    "name",
    "email",
    "country",
    "street",
    "city",
    "last_order",
    "orders",
    "spent",
];

/// The countries of ISO 3166-1, by their two letters, in order.
const COUNTRIES: &str = "\
AD AE AF AG AI AL AM AO AQ AR AS AT AU AW AX AZ BA BB BD BE BF BG BH BI BJ BL BM BN BO BQ BR BS BT BV BW BY BZ CA CC CD \
CF CG CH CI CK CL CM CN CO CR CU CV CW CX CY CZ DE DJ DK DM DO DZ EC EE EG EH ER ES ET FI FJ FK FM FO FR GA GB GD GE GF \
GG GH GI GL GM GN GP GQ GR GS GT GU GW GY HK HM HN HR HT HU ID IE IL IM IN IO IQ IR IS IT JE JM JO JP KE KG KH KI KM KN \
KP KR KW KY KZ LA LB LC LI LK LR LS LT LU LV LY MA MC MD ME MF MG MH MK ML MM MN MO MP MQ MR MS MT MU MV MW MX MY MZ NA \
NC NE NF NG NI NL NO NP NR NU NZ OM PA PE PF PG PH PK PL PM PN PR PS PT PW PY QA RE RO RS RU RW SA SB SC SD SE SG SH SI \
SJ SK SL SM SN SO SR SS ST SV SX SY SZ TC TD TF TG TH TJ TK TL TM TN TO TR TT TV TW TZ UA UG UM US UY UZ VA VC VE VG VI \
VN VU WF WS YE YT ZA ZM ZW";

/// More has nobody spent, in cents.
const MOST_SPENT: u64 = 100_000_000_000;

/// What is wrong with a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reason {
    Fields,
    Encoding,
    Id,
    Name,
    Email,
    Country,
    Orders,
    Spent,
    Date,
    Future,
    Contradiction,
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Fields => "wrong number of fields",
            Self::Encoding => "a field is not UTF-8",
            Self::Id => "id is no number",
            Self::Name => "name is blank",
            Self::Email => "email is no address",
            Self::Country => "country is no ISO 3166 code",
            Self::Orders => "orders is no number",
            Self::Spent => "spent is no amount",
            Self::Date => "last_order is no date",
            Self::Future => "last_order is in the future",
            Self::Contradiction => "no orders, but an amount or a date",
        })
    }
}

impl std::error::Error for Reason {}

impl From<CsvError> for Reason {
    fn from(error: CsvError) -> Self {
        match error.kind() {
            CsvErrorKind::NotUtf8 { .. } => Self::Encoding,
            _ => Self::Fields,
        }
    }
}

/// What is taken of a row that is a customer.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Customer<'r> {
    pub(crate) id: u64,
    pub(crate) name: &'r str,
    pub(crate) email: &'r str,
    pub(crate) country: &'r str,
    /// Absent when nothing was ever ordered.
    pub(crate) bought: Option<Bought>,
}

/// What somebody has bought.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Bought {
    /// Since the last order.
    pub(crate) days: u32,
    pub(crate) orders: u32,
    /// In cents.
    pub(crate) spent: u64,
}

/// Where the columns stand in a file, looked up once for all rows.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Columns {
    id: usize,
    name: usize,
    email: usize,
    country: usize,
    last_order: usize,
    orders: usize,
    spent: usize,
}

impl Columns {
    /// The first column that is missing is the error.
    pub(crate) fn of<R: std::io::Read>(csv: &Csv<R>) -> Result<Self, &'static str> {
        let column = |name: &'static str| csv.column(name).map_err(|_| name);
        for name in COLUMNS {
            column(name)?;
        }
        Ok(Self {
            id: column("id")?,
            name: column("name")?,
            email: column("email")?,
            country: column("country")?,
            last_order: column("last_order")?,
            orders: column("orders")?,
            spent: column("spent")?,
        })
    }

    /// The customer in a row, or the first thing that is wrong with it.
    pub(crate) fn read<'r>(&self, row: &CsvRow<'r>, today: Date) -> Result<Customer<'r>, Reason> {
        let id = whole(row.bytes(self.id)?).ok_or(Reason::Id)?;
        let name = row.str(self.name)?.trim();
        if name.is_empty() {
            return Err(Reason::Name);
        }
        let email = row.str(self.email)?;
        if !is_address(email) {
            return Err(Reason::Email);
        }
        let country = row.str(self.country)?;
        if !is_country(country) {
            return Err(Reason::Country);
        }
        let orders = whole(row.bytes(self.orders)?).and_then(|orders| u32::try_from(orders).ok());
        let orders = orders.ok_or(Reason::Orders)?;
        let spent = cents(row.bytes(self.spent)?).ok_or(Reason::Spent)?;
        let last_order = row.str(self.last_order)?;
        let bought = if orders == 0 {
            if spent > 0 || !last_order.is_empty() {
                return Err(Reason::Contradiction);
            }
            None
        } else {
            let day = day(last_order).ok_or(Reason::Date)?;
            let days = day.duration_until(today).as_hours() / 24;
            Some(Bought {
                days: u32::try_from(days).map_err(|_| Reason::Future)?,
                orders,
                spent,
            })
        };
        Ok(Customer {
            id,
            name,
            email,
            country,
            bought,
        })
    }
}

/// Digits, and nothing else.
fn whole(text: &[u8]) -> Option<u64> {
    if text.is_empty() {
        return None;
    }
    text.iter().try_fold(0_u64, |number, digit| {
        let digit = digit.wrapping_sub(b'0');
        let more = number.checked_mul(10)?.checked_add(u64::from(digit))?;
        (digit < 10).then_some(more)
    })
}

/// `12`, `12.5` or `12.50`.
fn cents(text: &[u8]) -> Option<u64> {
    let point = text.iter().position(|byte| *byte == b'.');
    let (units, parts) = match point {
        None => (whole(text)?, 0),
        Some(point) => {
            let parts = &text[point + 1..];
            let scale = match parts.len() {
                1 => 10,
                2 => 1,
                _ => return None,
            };
            (whole(&text[..point])?, whole(parts)? * scale)
        }
    };
    let cents = units.checked_mul(100)?.checked_add(parts)?;
    (cents <= MOST_SPENT).then_some(cents)
}

/// `YYYY-MM-DD`.
fn day(text: &str) -> Option<Date> {
    let [y1, y2, y3, y4, b'-', m1, m2, b'-', d1, d2] = text.as_bytes() else {
        return None;
    };
    let year = whole(&[*y1, *y2, *y3, *y4])?;
    let (month, day) = (whole(&[*m1, *m2])?, whole(&[*d1, *d2])?);
    Date::new(year as i16, month as i8, day as i8).ok()
}

/// Whether the text has the shape of an address that a shop would write to: one `@`, no blank, and a domain of at least
/// two labels. Nobody but its server knows whether it exists.
fn is_address(text: &str) -> bool {
    let Some((local, domain)) = text.split_once('@') else {
        return false;
    };
    let is_local =
        |byte: u8| byte.is_ascii_alphanumeric() || b".!#$%&'*+/=?^_`{|}~-".contains(&byte);
    let is_label = |label: &str| {
        (1..=63).contains(&label.len())
            && label
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    (1..=64).contains(&local.len())
        && local.bytes().all(is_local)
        && !local.starts_with('.')
        && !local.ends_with('.')
        && domain.len() <= 253
        && domain.contains('.')
        && domain.split('.').all(is_label)
}

fn is_country(text: &str) -> bool {
    // Of three bytes each, the blank between them included, and in order: no text of two bytes has a place astride.
    let [first, second] = text.as_bytes() else {
        return false;
    };
    let code = [*first, *second];
    let (mut low, mut high) = (0, COUNTRIES.len().div_ceil(3));
    while low < high {
        let middle = low.midpoint(high);
        match COUNTRIES.as_bytes()[3 * middle..3 * middle + 2].cmp(&code) {
            std::cmp::Ordering::Less => low = middle + 1,
            std::cmp::Ordering::Greater => high = middle,
            std::cmp::Ordering::Equal => return true,
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    const TODAY: Date = jiff::civil::date(2026, 1, 1);

    /// What becomes of one row, its columns in the usual order.
    fn read<T>(row: &[u8], see: impl Fn(Result<Customer<'_>, Reason>) -> T + Sync) -> T
    where
        T: Send,
    {
        use crm_perf::batch::{Batch, Verdict};
        let text = [COLUMNS.join(",").as_bytes(), b"\n", row, b"\n"].concat();
        let csv = Csv::new(&text[..]).unwrap();
        let columns = Columns::of(&csv).unwrap();
        let mut seen = Vec::new();
        Batch::new()
            .job(csv)
            .process(|row| {
                let seen = see(columns.read(&row, TODAY));
                Ok::<_, std::fmt::Error>(Verdict::Output(seen))
            })
            .into(&mut seen)
            .run()
            .unwrap();
        seen.pop().unwrap()
    }

    #[test]
    fn a_good_row_is_a_customer() {
        read(
            b"7,\" Lovelace, Ada \",ada@example.org,GB,,,2025-12-02,3,12.5",
            |found| {
                let ada = Customer {
                    id: 7,
                    name: "Lovelace, Ada",
                    email: "ada@example.org",
                    country: "GB",
                    bought: Some(Bought {
                        days: 30,
                        orders: 3,
                        spent: 1_250,
                    }),
                };
                assert_eq!(found, Ok(ada));
            },
        );
        read(b"7,Ada,a@b.org,GB,,,,0,0.00", |found| {
            assert_eq!(found.unwrap().bought, None);
        });
    }

    #[test]
    fn each_thing_that_may_be_wrong_has_its_reason() {
        for (row, expected) in [
            (&b"7,Ada,a@b.org,GB,,,2025-12-01,3"[..], Reason::Fields),
            (b"7,Ada,a@b.org,GB,,,2025-12-01,3,1,1", Reason::Fields),
            (b"7,Ad\xff,a@b.org,GB,,,2025-12-01,3,1", Reason::Encoding),
            (b",Ada,a@b.org,GB,,,2025-12-01,3,1", Reason::Id),
            (b"-7,Ada,a@b.org,GB,,,2025-12-01,3,1", Reason::Id),
            (
                b"99999999999999999999,Ada,a@b.org,GB,,,2025-12-01,3,1",
                Reason::Id,
            ),
            (b"7, ,a@b.org,GB,,,2025-12-01,3,1", Reason::Name),
            (b"7,Ada,ab.org,GB,,,2025-12-01,3,1", Reason::Email),
            (b"7,Ada,a@b.org,UK,,,2025-12-01,3,1", Reason::Country),
            (b"7,Ada,a@b.org,gb,,,2025-12-01,3,1", Reason::Country),
            (b"7,Ada,a@b.org,GB,,,2025-12-01,three,1", Reason::Orders),
            (
                b"7,Ada,a@b.org,GB,,,2025-12-01,4294967296,1",
                Reason::Orders,
            ),
            (b"7,Ada,a@b.org,GB,,,2025-12-01,3,-1", Reason::Spent),
            (b"7,Ada,a@b.org,GB,,,2025-12-01,3,1.234", Reason::Spent),
            (b"7,Ada,a@b.org,GB,,,2025-12-01,3,1.", Reason::Spent),
            (
                b"7,Ada,a@b.org,GB,,,2025-12-01,3,1000000000.01",
                Reason::Spent,
            ),
            (b"7,Ada,a@b.org,GB,,,2025-02-29,3,1", Reason::Date),
            (b"7,Ada,a@b.org,GB,,,20251201,3,1", Reason::Date),
            (b"7,Ada,a@b.org,GB,,,,3,1", Reason::Date),
            (b"7,Ada,a@b.org,GB,,,2026-01-02,3,1", Reason::Future),
            (b"7,Ada,a@b.org,GB,,,2025-12-01,0,0", Reason::Contradiction),
            (b"7,Ada,a@b.org,GB,,,,0,1", Reason::Contradiction),
        ] {
            read(row, |found| {
                assert_eq!(found, Err(expected), "{}", row.escape_ascii());
            });
        }
    }

    #[test]
    fn an_address_has_one_at_and_a_domain() {
        for good in ["a@b.org", "o'hara+x@mail.example.co.uk", "a.b@x-y.museum"] {
            assert!(is_address(good), "{good}");
        }
        for bad in [
            "",
            "@",
            "a@",
            "@b.org",
            "a@b",
            "a@@b.org",
            "a@b@c.org",
            "a b@c.org",
            "a@b..org",
            "a@.org",
            "a@b.org.",
            "a@-b.org",
            "a@b-.org",
            ".a@b.org",
            "a.@b.org",
            "a@b_c.org",
            "\u{e4}@b.org",
        ] {
            assert!(!is_address(bad), "{bad}");
        }
    }

    #[test]
    fn every_country_is_found_and_no_other() {
        let mut found = 0;
        for first in b'A'..=b'Z' {
            for second in b'A'..=b'Z' {
                let code = String::from_utf8(vec![first, second]).unwrap();
                let is_there = COUNTRIES.split(' ').any(|country| country == code);
                assert_eq!(is_country(&code), is_there, "{code}");
                found += usize::from(is_there);
            }
        }
        assert_eq!(found, 249);
        assert!(!is_country("D ") && !is_country(" A") && !is_country(""));
    }
}
