//! A file of customers, the same for the same seed.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::Path;

use rand::rngs::Xoshiro256PlusPlus;
use rand::{RngExt, SeedableRng};

const FIRST: [&str; 8] = [
    "Ada", "Grace", "Edsger", "Barbara", "Alan", "Margaret", "Donald", "Frances",
];
const LAST: [&str; 8] = [
    "Lovelace", "Hopper", "Dijkstra", "Liskov", "Turing", "Hamilton", "Knuth", "Allen",
];
const CITY: [&str; 6] = [
    "London",
    "New York",
    "Rotterdam",
    "Lisboa",
    "Berlin",
    "Los Angeles",
];
const SEGMENT: [&str; 4] = ["bronze", "silver", "gold", "platinum"];

/// Writes a header and so many rows of about a hundred bytes. A tenth of the names is quoted and has doubled quotes; a hundredth
/// has a line feed.
pub(crate) fn customers(path: &Path, rows: u64, seed: u64) -> io::Result<()> {
    let mut chance = Xoshiro256PlusPlus::seed_from_u64(seed);
    let mut out = BufWriter::with_capacity(1 << 20, File::create(path)?);
    writeln!(out, "id,name,email,city,segment,orders,value,since")?;
    for id in 0..rows {
        let first = FIRST[chance.random_range(0..FIRST.len())];
        let last = LAST[chance.random_range(0..LAST.len())];
        write!(out, "{id},")?;
        match chance.random_range(0..100) {
            0 => write!(out, "\"{first}\n{last}\"")?,
            1..10 => write!(out, "\"{first} \"\"the {id}th\"\" {last}, Esq.\"")?,
            _ => write!(out, "{first} {last}")?,
        }
        writeln!(
            out,
            ",{first}.{last}.{id}@customers.example,{},{},{},{}.{:02},20{:02}-{:02}-{:02}",
            CITY[chance.random_range(0..CITY.len())],
            SEGMENT[chance.random_range(0..SEGMENT.len())],
            chance.random_range(0..200),
            chance.random_range(0..20_000),
            chance.random_range(0..100),
            chance.random_range(0..26),
            chance.random_range(1..13),
            chance.random_range(1..29),
        )?;
    }
    out.flush()
}
