//! CSV files, and the `csv` crate as the oracle of what their records are. The fuzzer drives it as well.

use crm_batch::{Csv, CsvOptions, CsvRow, InputError};
use csv::{ReaderBuilder, Terminator};

use super::files::{Asked, all, bytes};

pub type Record = Vec<Vec<u8>>;

/// How a file is written and read.
#[derive(Clone, Copy, Debug)]
pub struct Way {
    pub delimiter: u8,
    pub quote: Option<u8>,
    pub header: bool,
}

impl Way {
    pub fn ours(self) -> CsvOptions {
        Csv::options()
            .delimiter(self.delimiter)
            .quote(self.quote)
            .header(self.header)
            .flexible(true)
    }

    /// The records as the `csv` crate reads them, one after the other.
    pub fn theirs(self, file: &[u8]) -> Vec<Record> {
        let mut reader = ReaderBuilder::new();
        reader
            .delimiter(self.delimiter)
            .quoting(self.quote.is_some())
            .quote(self.quote.unwrap_or(b'"'))
            .has_headers(self.header)
            .flexible(true)
            .terminator(Terminator::CRLF);
        let records = reader.from_reader(file).into_byte_records();
        records
            .map(|record| record.unwrap().iter().map(<[u8]>::to_vec).collect())
            .collect()
    }

    /// Whether the file ends within quotes: what is added then belongs to its last record.
    pub fn is_open(self, file: &[u8]) -> bool {
        let all = Way {
            header: false,
            ..self
        };
        all.theirs(&[file, b"\nx"].concat()).len() == all.theirs(file).len()
    }
}

/// The fields of a row.
pub fn record(row: CsvRow<'_>) -> Record {
    let fields: Record = row.fields().unwrap().map(<[u8]>::to_vec).collect();
    assert_eq!(fields.len(), row.len());
    for (number, field) in fields.iter().enumerate() {
        assert_eq!(row.bytes(number).as_ref(), Ok(&&**field));
    }
    fields
}

/// Reads the file in blocks, and holds each record, its place and the end against the oracle.
pub fn agree(way: Way, file: &[u8], asked: Asked, drop: usize) {
    let mut expected = way.theirs(file);
    let open = way.is_open(file);
    let mut source = match way.ours().read(bytes(file, drop)) {
        Ok(source) => source,
        Err(InputError::OpenQuote { .. }) => {
            // The header, or the first record, does not end.
            assert!(open && expected.len() <= usize::from(!way.header));
            return;
        }
        Err(error) => panic!("{error}"),
    };
    let mut number = 0;
    let (records, end) = all(&mut source, asked, |row| {
        assert_eq!(row.place().record, number);
        number += 1;
        let from = usize::try_from(row.place().offset).unwrap();
        assert!(file[from..].starts_with(row.raw()));
        record(row)
    });
    if open {
        expected.pop();
        let Err(InputError::OpenQuote { place, .. }) = end else {
            panic!("{end:?}")
        };
        assert_eq!(place.record, expected.len() as u64);
        assert_eq!(
            Some(file[usize::try_from(place.offset).unwrap()]),
            way.quote
        );
    } else {
        assert!(end.is_ok(), "{:?}", end);
        assert_eq!(source.place().offset, file.len() as u64);
    }
    assert_eq!(source.place().record, records.len() as u64);
    assert_eq!(records, expected);
}
