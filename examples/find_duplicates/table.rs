//! The records: each distinct text of a column once, and for each record its number.

use std::collections::HashMap;
use std::io::Read;

use crm_perf::batch::{Batch, BatchError, Csv, CsvError, SkipLimit, Verdict};

use crate::args::Args;
use crate::failure::Failure;
use crate::layout::{Known, Layout};

/// The number of the text of a field that is empty.
pub(crate) const EMPTY: u32 = 0;

/// The number of a cluster that nobody knows.
pub(crate) const UNKNOWN: u32 = u32::MAX;

/// A column: its distinct texts, and for each record the number of its text.
#[derive(Debug)]
pub(crate) struct Column {
    name: String,
    pub(crate) texts: Vec<String>,
    pub(crate) cells: Vec<u32>,
}

/// What is held of a file.
#[derive(Debug)]
pub(crate) struct Table {
    pub(crate) columns: Vec<Column>,
    pub(crate) records: usize,
    /// What each record is called; none when records have only their numbers, from 1.
    id: Option<usize>,
    /// For each record the number of its known cluster, or [`UNKNOWN`]; empty when nothing is known of any.
    pub(crate) known: Vec<u32>,
    /// Why rows were passed over.
    pub(crate) bad: Vec<CsvError>,
}

impl Table {
    /// Reads all records; the workers parse them.
    pub(crate) fn read(
        source: impl Read + Send,
        name: &str,
        args: &Args,
    ) -> Result<(Self, Layout), Failure> {
        let cannot = |error| Failure::Read {
            file: name.to_owned(),
            error,
        };
        let csv = Csv::new(source).map_err(cannot)?;
        let names: Vec<_> = csv
            .names()
            .map(|name| String::from_utf8_lossy(name).trim().to_owned())
            .collect();
        let layout = Layout::of(args, &names)?;
        // All of them are there: the layout has seen to it.
        let place = |column| names.iter().position(|name| name == column);
        let places: Vec<(&str, usize, bool)> = layout
            .columns()
            .into_iter()
            .filter_map(|column| Some((column, place(column)?, layout.is_name(column))))
            .collect();
        let mut builders: Vec<_> = places
            .iter()
            .map(|(column, ..)| Texts::new(column))
            .collect();
        let batch = Batch::builder().skip(SkipLimit::ALL).build()?;
        let read = batch
            .job(csv)
            .process(|row| {
                let fields = places.iter().map(|(_, place, is_name)| {
                    let text = row.str(*place)?.trim();
                    // Names of records and clusters stay as they are.
                    Ok(if *is_name {
                        text.to_owned()
                    } else {
                        text.to_lowercase()
                    })
                });
                let fields: Result<Vec<String>, CsvError> = fields.collect();
                fields.map(Verdict::Output)
            })
            .into(|fields: Vec<String>| {
                for (column, field) in builders.iter_mut().zip(fields) {
                    column.push(field);
                }
                Ok::<(), std::convert::Infallible>(())
            })
            .run();
        let report = match read {
            Ok(report) => report,
            Err(BatchError::Source { error, .. }) => return Err(cannot(error)),
            Err(other) => return Err(Failure::Job(format!("{other:#}"))),
        };
        let skips = report.into_skips().into_iter();
        let bad = skips.filter_map(|skip| match skip.into_failure() {
            crm_perf::batch::Failure::Error(error) => Some(error),
            _ => None,
        });
        let bad: Vec<_> = bad.collect();
        let columns: Vec<_> = builders.into_iter().map(|texts| texts.column).collect();
        let records = columns.first().map_or(0, |column| column.cells.len());
        if records == 0 {
            return Err(Failure::Empty {
                file: name.to_owned(),
                bad: bad.len(),
            });
        }
        let mut table = Self {
            columns,
            records,
            id: None,
            known: Vec::new(),
            bad,
        };
        table.id = layout.id.as_deref().and_then(|column| table.column(column));
        table.known = table.clusters(&layout.known);
        Ok((table, layout))
    }

    /// Where a column stands among those that are held.
    pub(crate) fn column(&self, name: &str) -> Option<usize> {
        self.columns.iter().position(|column| column.name == name)
    }

    /// What a record is called.
    pub(crate) fn id(&self, record: u32) -> String {
        match self.id {
            Some(column) => self.columns[column].text(record).to_owned(),
            None => (record + 1).to_string(),
        }
    }

    /// Whether both records are known to be the same one.
    pub(crate) fn is_known(&self, a: u32, b: u32) -> bool {
        match (self.known.get(a as usize), self.known.get(b as usize)) {
            (Some(a), Some(b)) => a == b && *a != UNKNOWN,
            _ => false,
        }
    }

    fn clusters(&self, known: &Known) -> Vec<u32> {
        let (column, is_febrl) = match known {
            Known::Nothing => return Vec::new(),
            Known::Column(column) => (column, false),
            Known::Febrl(column) => (column, true),
        };
        let Some(column) = self.column(column) else {
            return Vec::new();
        };
        let column = &self.columns[column];
        let mut numbers = HashMap::new();
        // Of each distinct text once: records of a cluster share it, or a part of it.
        let clusters: Vec<u32> = column
            .texts
            .iter()
            .map(|text| {
                let name = if is_febrl { febrl(text) } else { Some(&**text) };
                match name.filter(|name| !name.is_empty()) {
                    None => UNKNOWN,
                    Some(name) => {
                        let next = numbers.len() as u32;
                        *numbers.entry(name).or_insert(next)
                    }
                }
            })
            .collect();
        column
            .cells
            .iter()
            .map(|cell| clusters[*cell as usize])
            .collect()
    }
}

impl Column {
    pub(crate) fn text(&self, record: u32) -> &str {
        &self.texts[self.cells[record as usize] as usize]
    }
}

/// The number in `rec-N-org` or `rec-N-dup-K`.
fn febrl(id: &str) -> Option<&str> {
    let (number, rest) = id.strip_prefix("rec-")?.split_once('-')?;
    let is_one = rest == "org" || rest.starts_with("dup-");
    (is_one && number.bytes().all(|byte| byte.is_ascii_digit())).then_some(number)
}

/// A column while it is read.
struct Texts {
    column: Column,
    numbers: HashMap<String, u32>,
}

impl Texts {
    fn new(name: &str) -> Self {
        Self {
            column: Column {
                name: name.to_owned(),
                texts: vec![String::new()],
                cells: Vec::new(),
            },
            numbers: HashMap::from([(String::new(), EMPTY)]),
        }
    }

    fn push(&mut self, text: String) {
        let number = match self.numbers.get(&text) {
            Some(number) => *number,
            None => {
                let number = self.column.texts.len() as u32;
                self.column.texts.push(text.clone());
                self.numbers.insert(text, number);
                number
            }
        };
        self.column.cells.push(number);
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use clap::Parser;

    use super::*;

    /// The table of a text, as read with these arguments.
    pub(crate) fn table(text: &str, arguments: &[&str]) -> (Table, Layout) {
        let args = Args::parse_from([&["find_duplicates"], arguments].concat());
        Table::read(text.as_bytes(), "text", &args).unwrap()
    }

    #[test]
    fn fields_are_normal_and_held_once() {
        let text = "n, name ,c\n1, Ada,x\n2,ADA ,X\n3,,x\n4,,\n";
        let (table, _) = table(
            text,
            &["--compare", "name:1", "--block", "name:1", "--cluster", "c"],
        );
        let name = &table.columns[table.column("name").unwrap()];
        assert_eq!(name.texts, ["", "ada"]);
        assert_eq!(name.cells, [1, 1, EMPTY, EMPTY]);
        assert_eq!(table.known, [0, 1, 0, UNKNOWN]);
        assert!(table.is_known(0, 2) && !table.is_known(0, 1) && !table.is_known(3, 3));
        assert_eq!(table.id(2), "3");
    }

    #[test]
    fn a_febrl_record_names_its_cluster() {
        assert_eq!(febrl("rec-12-org"), Some("12"));
        assert_eq!(febrl("rec-12-dup-3"), Some("12"));
        for other in ["rec-12", "rec-x-org", "rec-12-new", "12-org"] {
            assert_eq!(febrl(other), None, "{other}");
        }
    }
}
