//! Reads an access log: numbers of 32 bits, or text with one key a line, plain or packed by gzip.

use std::ffi::OsStr;
use std::io::{self, BufRead, Read};
use std::path::Path;

use crate::args::{Args, Column};
use crate::bad_lines::BadLines;
use crate::failure::Failure;
use crate::log_lines::{Fields, Lines, shown};
use crate::progress::{Progress, STRIDE};
use crate::trace::{MOST_REQUESTS, Numbering, Reason, Trace};
use crate::unpacked::{BLOCK, unpacked};

/// Reads the log that the command line names.
pub(crate) fn read(args: &Args, progress: &Progress) -> Result<Trace, Failure> {
    let cannot = |error| Failure::Read {
        file: args.file.clone(),
        error,
    };
    let source = unpacked(&args.file).map_err(cannot)?;
    let trace = if holds_numbers(&args.file) {
        if args.column.is_some() || args.header {
            return Err(Failure::NoColumns {
                file: args.file.clone(),
            });
        }
        numbers(source, &args.file, progress)?
    } else {
        lines(source, args, progress)?
    };
    match (trace.requests.is_empty(), trace.bad.first.first()) {
        (false, _) => Ok(trace),
        (true, None) => Err(Failure::Empty {
            file: args.file.clone(),
        }),
        (true, Some(first)) => Err(Failure::AllBad {
            file: args.file.clone(),
            bad: trace.bad.count,
            first: first.to_string(),
        }),
    }
}

/// Whether the name says that the file holds numbers; its content could be anything.
fn holds_numbers(file: &Path) -> bool {
    let name = file.file_name().and_then(OsStr::to_str).unwrap_or_default();
    name.ends_with(".u32") || name.ends_with(".u32.gz")
}

/// One little-endian number of 32 bits for each request.
fn numbers(mut source: impl Read, file: &Path, progress: &Progress) -> Result<Trace, Failure> {
    let (mut requests, mut keys) = (Vec::new(), Numbering::new());
    let mut block = vec![0; BLOCK];
    let mut left = 0;
    loop {
        let read = match source.read(&mut block[left..]) {
            Ok(0) => break,
            Ok(read) => left + read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => {
                return Err(Failure::Read {
                    file: file.to_owned(),
                    error,
                });
            }
        };
        let whole = read - read % 4;
        for number in block[..whole].chunks_exact(4) {
            let key = u32::from_le_bytes([number[0], number[1], number[2], number[3]]);
            push(&mut requests, keys.of(&key), file)?;
        }
        progress.advance(whole / 4);
        block.copy_within(whole..read, 0);
        left = read - whole;
    }
    if left > 0 {
        return Err(Failure::CutNumber {
            file: file.to_owned(),
            bytes: left,
        });
    }
    Ok(Trace {
        requests,
        distinct: keys.len(),
        bad: BadLines::default(),
    })
}

/// One key a line: the whole line, or one column of it, without the blanks around it.
fn lines(source: impl BufRead, args: &Args, progress: &Progress) -> Result<Trace, Failure> {
    let cannot = |error| Failure::Read {
        file: args.file.clone(),
        error,
    };
    let mut lines = Lines::new(source);
    let mut fields = Fields::new(args.delimiter);
    let has_header = args.header || matches!(args.column, Some(Column::Name(_)));
    let header = if has_header {
        match lines.next().map_err(cannot)? {
            Some(Ok(line)) => line.to_vec(),
            Some(Err(_)) => Vec::new(),
            None => return Ok(Trace::default()),
        }
    } else {
        Vec::new()
    };
    let column = match &args.column {
        None => None,
        Some(Column::Number(number)) => Some(*number),
        Some(Column::Name(name)) => match fields.position(&header, name) {
            Some(number) => Some(number),
            None => {
                return Err(Failure::NoSuchColumn {
                    file: args.file.clone(),
                    column: name.clone(),
                    found: shown(&header),
                });
            }
        },
    };

    let (mut requests, mut keys) = (Vec::new(), Numbering::<Vec<u8>>::new());
    let mut bad = BadLines::default();
    loop {
        let number = lines.number();
        let Some(line) = lines.next().map_err(cannot)? else {
            break;
        };
        let key = line
            .map_err(Reason::Line)
            .and_then(|line| key(line, column, &mut fields));
        match key {
            Ok(key) => {
                push(&mut requests, keys.of(key), &args.file)?;
                if requests.len() % STRIDE == 0 {
                    progress.advance(STRIDE);
                }
            }
            Err(reason) => bad.add(number, &reason),
        }
    }
    Ok(Trace {
        requests,
        distinct: keys.len(),
        bad,
    })
}

fn push(requests: &mut Vec<u32>, key: u32, file: &Path) -> Result<(), Failure> {
    if requests.len() == MOST_REQUESTS {
        return Err(Failure::TooLong {
            file: file.to_owned(),
        });
    }
    requests.push(key);
    Ok(())
}

fn key<'a>(
    line: &'a [u8],
    column: Option<usize>,
    fields: &'a mut Fields,
) -> Result<&'a [u8], Reason> {
    if line.trim_ascii().is_empty() {
        return Err(Reason::Blank);
    }
    if memchr::memchr(0, line).is_some() {
        return Err(Reason::Nul);
    }
    let key = match column {
        None => line.trim_ascii(),
        Some(column) => fields.split(line)?.get(column)?.trim_ascii(),
    };
    if key.is_empty() {
        return Err(Reason::NoKey);
    }
    Ok(key)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_the_same_wherever_a_read_ends() {
        /// Gives one to three bytes at a time.
        struct Trickle(io::Cursor<Vec<u8>>, usize);
        impl Read for Trickle {
            fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
                self.1 = self.1 % 3 + 1;
                let most = self.1.min(buffer.len());
                self.0.read(&mut buffer[..most])
            }
        }
        let keys = (0..200_u32).map(|i| (i * i % 37) * 0x0102_0305);
        let bytes: Vec<u8> = keys.flat_map(u32::to_le_bytes).collect();
        let read = |source: &mut dyn Read| {
            numbers(source, Path::new("x.u32"), &Progress::reading()).unwrap()
        };
        let whole = read(&mut bytes.as_slice());
        assert_eq!(whole.requests[..5], [0, 1, 2, 3, 4]);
        let trickled = read(&mut Trickle(io::Cursor::new(bytes), 0));
        assert_eq!(trickled.requests, whole.requests);
        assert_eq!(trickled.distinct, 19);
    }
}
