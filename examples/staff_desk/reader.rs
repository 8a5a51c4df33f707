//! Reads a call log: CSV with a header, plain or packed by gzip.

use std::io::{self, BufRead};
use std::str;

use crate::args::{Args, Role};
use crate::bad_lines::BadLines;
use crate::call::{Calls, Line, Log, Reason};
use crate::failure::Failure;
use crate::log_lines::{Fields, Lines, Split, shown};

/// Where a line has what matters.
struct Columns<'a> {
    date: usize,
    queue_start: usize,
    queue_end: usize,
    outcome: usize,
    service_start: usize,
    service_end: usize,
    agent: usize,
    /// Columns, and the value of calls that are left out.
    without: Vec<(usize, &'a str)>,
}

/// Reads the log `name` from its bytes.
pub(crate) fn read(
    source: impl BufRead,
    name: &str,
    args: &Args,
) -> Result<(Log, BadLines), Failure> {
    let cannot = |error: io::Error| Failure::Read {
        log: name.to_owned(),
        error,
    };
    let empty = || Failure::Empty {
        log: name.to_owned(),
    };
    let mut lines = Lines::new(source);
    let mut fields = Fields::new(args.delimiter);
    let header = match lines.next().map_err(cannot)?.ok_or_else(empty)? {
        Ok(line) => line.to_vec(),
        Err(_) => Vec::new(),
    };
    let columns = Columns::new(&mut fields, &header, name, args)?;

    let mut calls = Calls::new(&args.served, &args.abandoned);
    let (mut bad, mut read) = (BadLines::default(), 0_u64);
    loop {
        let number = lines.number();
        let Some(line) = lines.next().map_err(cannot)? else {
            break;
        };
        read += 1;
        let taken = line
            .map_err(Reason::from)
            .and_then(|line| columns.take(&fields.split(line)?, &mut calls));
        if let Err(reason) = taken {
            bad.add(number, &reason);
        }
    }
    match bad.first.first() {
        _ if read == 0 => Err(empty()),
        Some(first) if bad.count == read => Err(Failure::AllBad {
            log: name.to_owned(),
            bad: bad.count,
            first: first.to_string(),
        }),
        _ => Ok((calls.log, bad)),
    }
}

impl<'a> Columns<'a> {
    fn new(fields: &mut Fields, header: &[u8], log: &str, args: &'a Args) -> Result<Self, Failure> {
        let mut position = |column: &str| {
            fields
                .position(header, column)
                .ok_or_else(|| Failure::NoSuchColumn {
                    log: log.to_owned(),
                    column: column.to_owned(),
                    found: shown(header),
                })
        };
        let mut of = |role| position(args.column_name(role));
        Ok(Self {
            date: of(Role::Date)?,
            queue_start: of(Role::QueueStart)?,
            queue_end: of(Role::QueueEnd)?,
            outcome: of(Role::Outcome)?,
            service_start: of(Role::ServiceStart)?,
            service_end: of(Role::ServiceEnd)?,
            agent: of(Role::Agent)?,
            without: args
                .without
                .iter()
                .map(|without| Ok((position(&without.column)?, without.value.as_str())))
                .collect::<Result<_, Failure>>()?,
        })
    }

    fn take(&self, line: &Split<'_>, calls: &mut Calls<'_>) -> Result<(), Reason> {
        let field = |column: usize| -> Result<&str, Reason> {
            let text = str::from_utf8(line.get(column)?).map_err(|_| Reason::NoText)?;
            Ok(text.trim())
        };
        for &(column, value) in &self.without {
            if field(column)? == value {
                calls.log.left_out += 1;
                return Ok(());
            }
        }
        calls.take(Line {
            date: field(self.date)?,
            queue_start: field(self.queue_start)?,
            queue_end: field(self.queue_end)?,
            outcome: field(self.outcome)?,
            service_start: field(self.service_start)?,
            service_end: field(self.service_end)?,
            agent: field(self.agent)?,
        })
    }
}
