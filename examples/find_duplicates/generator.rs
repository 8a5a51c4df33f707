//! A file with known duplicates for who has none, in the layout of Febrl.
//!
//! Two records of five are originals; each of the others is a copy of an original in which up to four fields are misspelt,
//! lost or exchanged.

use fastrand::Rng;

use crate::people::{CITIES, GIVEN_NAMES, STREETS, SURNAMES};

const HEADER: &str = "rec_id,given_name,surname,street_number,address_1,suburb,postcode,state,date_of_birth,soc_sec_id\n";

const STATES: [&str; 5] = ["nsw", "qld", "sa", "vic", "wa"];

/// Fields of a record, its name left out.
type Fields = [String; 9];

/// So many records, in an order that tells nothing.
pub(crate) fn records(rows: u64, seed: u64) -> String {
    let mut rng = Rng::with_seed(seed);
    let originals: Vec<Fields> = (0..(rows * 2).div_ceil(5))
        .map(|_| original(&mut rng))
        .collect();
    let mut copies = vec![0_u32; originals.len()];
    let mut records: Vec<(String, Fields)> = Vec::new();
    for (number, fields) in originals.iter().enumerate() {
        records.push((format!("rec-{number}-org"), fields.clone()));
    }
    while (records.len() as u64) < rows {
        let number = rng.usize(..originals.len());
        let copy = copies[number];
        copies[number] += 1;
        records.push((
            format!("rec-{number}-dup-{copy}"),
            misspelt(&originals[number], &mut rng),
        ));
    }
    rng.shuffle(&mut records);
    let lines = records
        .iter()
        .map(|(id, fields)| format!("{id},{}\n", fields.join(",")));
    std::iter::once(HEADER.to_owned()).chain(lines).collect()
}

fn original(rng: &mut Rng) -> Fields {
    let mut pick = |list: &[&str]| list[rng.usize(..list.len())].to_lowercase();
    let names = [pick(&GIVEN_NAMES), pick(&SURNAMES)];
    let (street, city, state) = (pick(&STREETS), pick(&CITIES), pick(&STATES));
    let [given, surname] = names;
    [
        given,
        surname,
        rng.u32(1..250).to_string(),
        street,
        city,
        rng.u32(1_000..10_000).to_string(),
        state,
        format!(
            "{}{:02}{:02}",
            rng.u32(1900..2000),
            rng.u32(1..=12),
            rng.u32(1..=28)
        ),
        rng.u32(1_000_000..10_000_000).to_string(),
    ]
}

/// A copy, as a tired clerk makes it.
fn misspelt(original: &Fields, rng: &mut Rng) -> Fields {
    let mut fields = original.clone();
    for _ in 0..rng.u32(1..=4) {
        let at = rng.usize(..fields.len());
        match rng.u32(..10) {
            0 => fields[at].clear(),
            1 => fields.swap(0, 1),
            _ => slip(&mut fields[at], rng),
        }
    }
    fields
}

/// Two letters exchanged, or one lost, added or mistaken.
fn slip(text: &mut String, rng: &mut Rng) {
    let mut letters: Vec<char> = text.chars().collect();
    if letters.len() < 2 {
        return;
    }
    let at = rng.usize(..letters.len() - 1);
    let other = match letters[at].is_ascii_digit() {
        true => char::from(rng.u8(b'0'..=b'9')),
        false => char::from(rng.u8(b'a'..=b'z')),
    };
    match rng.u32(..4) {
        0 => letters.swap(at, at + 1),
        1 => drop(letters.remove(at)),
        2 => letters.insert(at, other),
        _ => letters[at] = other,
    }
    *text = letters.into_iter().collect();
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_seed_decides_every_byte() {
        assert_eq!(records(500, 1), records(500, 1));
        assert_ne!(records(500, 1), records(500, 2));
    }

    #[test]
    fn two_records_of_five_are_originals() {
        for rows in [1, 2, 7, 500] {
            let text = records(rows, 4);
            let ids: Vec<_> = text
                .lines()
                .skip(1)
                .map(|line| line.split(',').next().unwrap())
                .collect();
            assert_eq!(ids.len() as u64, rows);
            let originals = ids.iter().filter(|id| id.ends_with("-org")).count() as u64;
            assert_eq!(originals, (rows * 2).div_ceil(5));
            let mut distinct = ids.clone();
            distinct.sort_unstable();
            distinct.dedup();
            assert_eq!(distinct.len(), ids.len());
        }
    }
}
