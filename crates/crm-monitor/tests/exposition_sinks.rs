//! Where expositions go: bytes and text alike, in few pieces, with the failures of the writer told.

#[expect(dead_code, reason = "where exemplars lie is asked elsewhere")]
#[path = "support/openmetrics.rs"]
mod openmetrics;
#[path = "support/readings.rs"]
mod readings;

use std::fmt;
use std::io::{self, Write};

use crm_monitor::expose::{Exposition, zabbix_discovery, zabbix_values};

use readings::reading;

/// Counts pieces, and fails when there is no room left.
#[derive(Default)]
struct Pieces {
    bytes: usize,
    number: usize,
    room: Option<usize>,
}

impl Pieces {
    fn take(&mut self, length: usize) -> bool {
        self.number += 1;
        self.bytes += length;
        self.room.is_none_or(|room| self.bytes <= room)
    }
}

struct AsBytes(Pieces);

impl Write for AsBytes {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.0.take(bytes.len()) {
            Ok(bytes.len())
        } else {
            Err(io::ErrorKind::BrokenPipe.into())
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

struct AsText(Pieces);

impl fmt::Write for AsText {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        if self.0.take(text.len()) {
            Ok(())
        } else {
            Err(fmt::Error)
        }
    }
}

#[test]
fn bytes_and_text_are_alike_and_come_in_pages() {
    let reading = reading(100);
    let exposition = Exposition::new();
    let (mut bytes, mut text) = (Vec::new(), String::new());
    exposition.openmetrics(&reading, &mut bytes).unwrap();
    exposition.openmetrics(&reading, &mut text).unwrap();
    assert_eq!(String::from_utf8(bytes).unwrap(), text);
    // Nothing is lost between two pages: 17 buckets, count, sum and time of creation for each series.
    let families = openmetrics::read(text.as_bytes()).unwrap();
    assert_eq!(families[0].samples.len(), 100 * 20);

    let mut pieces = AsBytes(Pieces::default());
    exposition.openmetrics(&reading, &mut pieces).unwrap();
    assert_eq!(pieces.0.bytes, text.len());
    assert!(
        pieces.0.number <= text.len() / 16_000 + 1,
        "{} pieces of {} bytes",
        pieces.0.number,
        text.len()
    );

    // Also as objects, which a caller may have.
    let mut object = Vec::new();
    exposition
        .openmetrics(&reading, &mut object as &mut dyn Write)
        .unwrap();
    assert_eq!(object.len(), text.len());
}

#[test]
fn the_failures_of_the_writer_are_told() {
    let reading = reading(100);
    let exposition = Exposition::new();
    let mut text = String::new();
    exposition.prometheus(&reading, &mut text).unwrap();
    for room in [0, text.len() / 2, text.len() - 1] {
        let full = || Pieces {
            room: Some(room),
            ..Pieces::default()
        };
        let error = exposition
            .prometheus(&reading, &mut AsBytes(full()))
            .unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::BrokenPipe);
        assert_eq!(
            exposition.prometheus(&reading, &mut AsText(full())),
            Err(fmt::Error)
        );
    }
    let none = || {
        AsText(Pieces {
            room: Some(0),
            ..Pieces::default()
        })
    };
    assert_eq!(zabbix_values(&reading, "-", &mut none()), Err(fmt::Error));
    assert_eq!(zabbix_discovery(&reading, &mut none()), Err(fmt::Error));
}
