//! Writes a file of the same layout as the real one, for a machine that does not have it.
//!
//! It is skewed as a real shop is: a few customers place most orders, a few articles are on most of them, one country
//! dominates, a quarter of the lines name no customer. The proportions are those of the UCI Online Retail file.

use std::io::{self, Write};

use fastrand::Rng;
use jiff::SignedDuration;
use jiff::civil::DateTime;

use crate::invoice::COLUMNS;

/// Lines for each customer in the real file: 541,909 / 4,372.
const LINES_PER_CUSTOMER: u64 = 124;
/// Lines for each article in the real file: 541,909 / 4,070.
const LINES_PER_ARTICLE: u64 = 133;
/// Lines on an invoice, on the average.
const LINES_PER_INVOICE: f64 = 21.0;
/// The share of invoices without a customer, and how much longer they are: 135,080 lines on 3,710 of 25,900 invoices.
const ANONYMOUS: f64 = 0.143;
const ANONYMOUS_LENGTH: f64 = 1.74;
/// The share of invoices that take articles back.
const CANCELLED: f64 = 0.15;
const DAYS: i64 = 374;

const COUNTRIES: [&str; 8] = [
    "United Kingdom",
    "Germany",
    "France",
    "EIRE",
    "Spain",
    "Netherlands",
    "Belgium",
    "Switzerland",
];
const COLOURS: [&str; 8] = [
    "WHITE",
    "RED",
    "PINK",
    "BLUE",
    "IVORY",
    "VINTAGE",
    "RETROSPOT",
    "SILVER",
];
const THINGS: [&str; 12] = [
    "METAL LANTERN",
    "HANGING HEART T-LIGHT HOLDER",
    "LUNCH BAG",
    "CAKE STAND",
    "ALARM CLOCK",
    "PHOTO FRAME 7\"",
    "TRAY, BREAKFAST IN BED",
    "BIRTHDAY CARD",
    "JAM MAKING SET",
    "DOORMAT",
    "PAPER CHAIN KIT",
    "HOT WATER BOTTLE",
];

/// Writes a header and `rows` lines. The same seed and number of rows write the same bytes.
pub(crate) fn write(out: &mut impl Write, rows: u64, seed: u64) -> io::Result<()> {
    let mut rng = Rng::with_seed(seed);
    let customers = Skewed::new(rows / LINES_PER_CUSTOMER, 0.75);
    let articles = Skewed::new(rows / LINES_PER_ARTICLE, 0.7);
    let invoices = (rows as f64 / LINES_PER_INVOICE).max(1.0);
    let opening = DateTime::constant(2010, 12, 1, 8, 26, 0, 0);
    let step = DAYS as f64 * 86_400.0 / invoices;

    writeln!(out, "{}", COLUMNS.join(","))?;
    let (mut written, mut seconds, mut number) = (0, 0.0, 536_365_u64);
    while written < rows {
        let customer = (rng.f64() >= ANONYMOUS).then(|| customers.pick(&mut rng));
        let length = match customer {
            Some(_) => LINES_PER_INVOICE * 0.88,
            None => LINES_PER_INVOICE * ANONYMOUS_LENGTH,
        };
        let lines = 1 + exponential(&mut rng, length - 1.0) as u64;
        let back = customer.is_some() && rng.f64() < CANCELLED;
        let lines = if back { 1 + lines / 10 } else { lines };
        let date = opening + SignedDuration::from_secs((seconds / 60.0) as i64 * 60);
        let date = date.strftime("%Y-%m-%d %H:%M:%S").to_string();
        let id = customer.map_or(String::new(), |customer| format!("{}.0", 12_346 + customer));
        // Who a customer is decides where the customer lives.
        let country = match customer {
            Some(customer) if customer % 10 == 9 => {
                COUNTRIES[1 + (customer / 10) as usize % (COUNTRIES.len() - 1)]
            }
            _ => COUNTRIES[0],
        };
        for _ in 0..lines.min(rows - written) {
            let article = articles.pick(&mut rng);
            let quantity = 1 + exponential(&mut rng, 9.0) as i64;
            let quantity = if back { -quantity } else { quantity };
            let price = 42 + (article * 37) % 1_250;
            writeln!(
                out,
                "{}{number},{},{},{quantity},{date},{}.{:02},{id},{country}",
                if back { "C" } else { "" },
                10_000 + article,
                quoted(&describe(article)),
                price / 100,
                price % 100,
            )?;
            written += 1;
        }
        number += 1;
        seconds += exponential(&mut rng, step);
    }
    out.flush()
}

fn describe(article: u64) -> String {
    let colour = COLOURS[(article % 8) as usize];
    let thing = THINGS[(article / 8 % 12) as usize];
    match article / 96 {
        0 => format!("{colour} {thing}"),
        more => format!("{colour} {thing} No {more}"),
    }
}

fn quoted(field: &str) -> String {
    if field.contains([',', '"']) {
        format!("\"{}\"", field.replace('"', "\"\""))
    } else {
        field.to_owned()
    }
}

/// An exponential variate; at most forty times its mean, which is beyond what a run will see.
fn exponential(rng: &mut Rng, mean: f64) -> f64 {
    -mean * (1.0 - rng.f64()).ln()
}

/// Draws a rank by a power law: rank `r` has weight `(r + 1)^-exponent`.
struct Skewed {
    cumulative: Vec<f64>,
}

impl Skewed {
    fn new(ranks: u64, exponent: f64) -> Self {
        let cumulative = (1..=ranks.max(2))
            .scan(0.0, |sum, rank| {
                *sum += (rank as f64).powf(-exponent);
                Some(*sum)
            })
            .collect();
        Self { cumulative }
    }

    fn pick(&self, rng: &mut Rng) -> u64 {
        let total = self.cumulative.last().copied().unwrap_or(0.0);
        let drawn = rng.f64() * total;
        let rank = self.cumulative.partition_point(|&sum| sum <= drawn);
        rank.min(self.cumulative.len() - 1) as u64
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::*;
    use crate::reader::{Records, parse};

    fn generated(rows: u64, seed: u64) -> Vec<u8> {
        let mut bytes = Vec::new();
        write(&mut bytes, rows, seed).unwrap();
        bytes
    }

    #[test]
    fn the_seed_decides_every_byte() {
        assert_eq!(generated(3_000, 7), generated(3_000, 7));
        assert_ne!(generated(3_000, 7), generated(3_000, 8));
    }

    #[test]
    fn the_reader_takes_every_line() {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), generated(20_000, 1)).unwrap();
        let mut records = Records::open(file.path(), u64::MAX).unwrap();
        let lines: Vec<_> = records
            .by_ref()
            .map(|record| parse(record).unwrap())
            .collect();
        records.finish().unwrap();
        assert_eq!(lines.len(), 20_000);
        assert!(lines.is_sorted_by_key(|line| line.ordered_at));

        // Skewed as a shop is: the first fifth of the customers has most of the lines, a quarter of the lines nobody.
        let mut by_customer: HashMap<_, u64> = HashMap::new();
        for line in &lines {
            *by_customer.entry(line.customer).or_default() += 1;
        }
        let anonymous = by_customer.remove(&None).unwrap();
        assert!((3_500..6_500).contains(&anonymous), "{anonymous}");
        let mut counts: Vec<u64> = by_customer.into_values().collect();
        counts.sort_unstable_by(|a, b| b.cmp(a));
        let top: u64 = counts[..counts.len() / 5].iter().sum();
        let all: u64 = counts.iter().sum();
        assert!(top * 2 > all, "{top} of {all}");
        assert!(top * 20 < all * 19, "{top} of {all}");
        assert!((140..=162).contains(&counts.len()), "{}", counts.len());
        assert!(lines.iter().any(|line| line.quantity < 0));
        assert!(lines.iter().any(|line| line.description.contains('"')));
    }
}
