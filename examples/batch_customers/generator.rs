//! Customers for who has no file of them: about a hundred bytes each, and one in seventy with something wrong.
//!
//! The seed and the number of a row decide its bytes, so that a row needs none of the others and they are made in parallel.

use std::fs::File;
use std::path::Path;

use crm_perf::batch::{BatchError, Builder, Row, Writer};
use fastrand::Rng;
use jiff::ToSpan;
use jiff::civil::Date;

use crate::customer::COLUMNS;
use crate::failure::Failure;
use crate::people::{CITIES, GIVEN_NAMES, STREETS, SURNAMES};
use crate::program::CannotWrite;

/// Customers order between this day and four years later, which is the day before the usual `--today`.
const FIRST_DAY: Date = jiff::civil::date(2022, 1, 1);
const DAYS: i64 = 1_460;

const COUNTRIES: [&str; 12] = [
    "DE", "DK", "ES", "FR", "GB", "GB", "IE", "IT", "NL", "PL", "PT", "SE",
];

/// Writes a header and `rows` customers.
pub(crate) fn write(
    file: &mut File,
    path: &Path,
    rows: u64,
    seed: u64,
    builder: Builder,
) -> Result<(), Failure> {
    let cannot = |error| CannotWrite {
        file: path.to_owned(),
        error,
    };
    std::io::Write::write_all(file, (COLUMNS.join(",") + "\n").as_bytes()).map_err(cannot)?;
    let days: Vec<String> = (0..DAYS)
        .map(|day| FIRST_DAY.saturating_add(day.days()).to_string())
        .collect();
    let written = builder
        .build()?
        .job(0..rows)
        .encode(|number, row| {
            customer(&days, number, seed, row);
            Ok::<_, std::convert::Infallible>(())
        })
        .into(Writer::new(file))
        .run();
    match written {
        Ok(_) => Ok(()),
        Err(BatchError::Sink { error, .. }) => Err(cannot(error).into()),
        Err(other) => Err(Failure::Generate(other.to_string())),
    }
}

fn customer(days: &[String], number: u64, seed: u64, row: &mut Row<'_>) {
    use std::fmt::Write;

    let mut rng =
        Rng::with_seed((seed ^ number.rotate_left(32)).wrapping_mul(0x9e37_79b9_7f4a_7c15));
    let given = pick(&mut rng, &GIVEN_NAMES);
    let surname = pick(&mut rng, &SURNAMES);
    let last_first = rng.u8(..20) == 0;
    let bad = (rng.u16(..70) == 0).then(|| rng.u8(..8));
    // Writing to a row cannot fail, here and below.
    let _ = match last_first {
        true => write!(row, "{number},\"{surname}, {given}\","),
        false => write!(row, "{number},{given} {surname},"),
    };
    let at = if bad == Some(0) { '.' } else { '@' };
    let begun = row.len();
    let _ = write!(row, "{given}.{surname}{number}{at}example.");
    row.as_bytes_mut()[begun..].make_ascii_lowercase();
    row.push_str(["com", "org", "net"][rng.usize(..3)]);
    row.push(b',');
    let country = pick(&mut rng, &COUNTRIES);
    row.push_str(if bad == Some(1) { "UK" } else { country });
    let house = rng.u8(1..);
    let street = pick(&mut rng, &STREETS);
    let _ = match rng.u8(..4) {
        0 => write!(row, ",\"{house} {street}, Flat {}\",", rng.u8(1..40)),
        _ => write!(row, ",{house} {street},"),
    };
    row.push_str(pick(&mut rng, &CITIES));
    if rng.u8(..40) == 0 {
        row.push_str(if bad.is_some() {
            ",,0,1.00\n"
        } else {
            ",,0,0.00\n"
        });
        return;
    }
    // Few customers order most, and who orders often has ordered lately.
    let orders = 1 + (exponential(&mut rng, 5.0) * exponential(&mut rng, 1.0)) as u64;
    let back = exponential(&mut rng, 700.0 / (orders as f64).sqrt()) as usize;
    let day = &days[days.len() - 1 - back.min(days.len() - 1)];
    let spent = orders * (500 + exponential(&mut rng, 6_000.0) as u64);
    let _ = match bad {
        Some(2) => write!(row, ",{}-02-30", &day[..4]),
        Some(3) => write!(row, ",2199{}", &day[4..]),
        _ => write!(row, ",{day}"),
    };
    let _ = match bad {
        Some(4) => write!(row, ",{orders}x"),
        _ => write!(row, ",{orders}"),
    };
    let _ = match bad {
        Some(5) => writeln!(row, ",-{}.{:02}", spent / 100, spent % 100),
        Some(6) => writeln!(row, ",{},{:02}", spent / 100, spent % 100),
        Some(7) => writeln!(row),
        _ => writeln!(row, ",{}.{:02}", spent / 100, spent % 100),
    };
}

fn pick(rng: &mut Rng, list: &[&'static str]) -> &'static str {
    list[rng.usize(..list.len())]
}

/// An exponential variate; at most forty times its mean.
fn exponential(rng: &mut Rng, mean: f64) -> f64 {
    -mean * (1.0 - rng.f64()).ln()
}

#[cfg(test)]
mod tests {
    use std::fs;

    use crm_perf::batch::Batch;

    use super::*;

    fn generated(rows: u64, seed: u64, builder: Builder) -> String {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.csv");
        write(
            &mut File::create(&path).unwrap(),
            &path,
            rows,
            seed,
            builder,
        )
        .unwrap();
        fs::read_to_string(path).unwrap()
    }

    #[test]
    fn the_seed_decides_every_byte_whatever_the_threads() {
        let one = generated(5_000, 7, Batch::builder().threads(1));
        let few = generated(
            5_000,
            7,
            Batch::builder()
                .threads(3)
                .inline_start(false)
                .chunk_rows(17),
        );
        assert_eq!(one, few);
        assert_ne!(one, generated(5_000, 8, Batch::builder()));
        // A longer file begins with the shorter one.
        assert!(generated(5_001, 7, Batch::builder()).starts_with(&one));
    }

    #[test]
    fn rows_have_the_size_that_is_promised_and_differ() {
        let text = generated(10_000, 1, Batch::builder());
        let mean = text.len() / 10_000;
        assert!((85..115).contains(&mean), "{mean}");
        let mut tails: Vec<_> = text
            .lines()
            .map(|line| line.split_once(',').unwrap().1)
            .collect();
        tails.sort_unstable();
        tails.dedup();
        assert_eq!(tails.len(), 10_001);
    }
}
