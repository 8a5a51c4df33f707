//! The job as a program that does nothing else: as fast as we could make it with the `csv` crate and threads.
//!
//! The threads take turns. Each reads a block from the file, cut at its last record end; parses it and encodes its rows while
//! another reads; and writes them when the block before has been written. There is no queue and no stage, each block stays with
//! one thread, and the memory is that of a block and its output for each.
//!
//! It may count quotes to find the record end, because no field of this file has a stray one.

use std::error::Error;
use std::fs::File;
use std::io::{Read, Write};
use std::path::Path;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;

use csv::{ByteRecord, ReaderBuilder};
use csv_core::ReadRecordResult;
use memchr::{memchr_iter, memrchr, memrchr_iter};

use super::row::{HEADER, encode};

/// How a block is parsed.
#[derive(Clone, Copy)]
pub(crate) enum Parser {
    /// By a reader of the `csv` crate over the block.
    Reader,
    /// By the state machine beneath it, `csv-core`, without a copy of the block.
    Core,
}

type Failure = Box<dyn Error + Send + Sync>;

/// What the threads take turns at.
struct Turns {
    input: Mutex<Input>,
    output: Mutex<Output>,
    written: Condvar,
}

struct Input {
    file: File,
    /// What was read behind the last record end.
    rest: Vec<u8>,
    blocks: u64,
    ended: bool,
}

struct Output {
    file: File,
    blocks: u64,
    failed: bool,
}

pub(crate) fn run(
    input: &Path,
    output: &Path,
    threads: usize,
    block: usize,
    parser: Parser,
) -> Result<(), Failure> {
    let mut out = File::create(output)?;
    out.write_all(HEADER)?;
    let turns = Turns {
        input: Mutex::new(Input {
            file: File::open(input)?,
            rest: Vec::new(),
            blocks: 0,
            ended: false,
        }),
        output: Mutex::new(Output {
            file: out,
            blocks: 0,
            failed: false,
        }),
        written: Condvar::new(),
    };
    thread::scope(|scope| {
        let work = || {
            let done = turns.work(block, parser);
            if done.is_err() {
                lock(&turns.output).failed = true;
                turns.written.notify_all();
            }
            done
        };
        let others: Vec<_> = (1..threads).map(|_| scope.spawn(work)).collect();
        let mut done = work();
        for other in others {
            done = done.and(other.join().expect("a thread that does not panic"));
        }
        done
    })
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Turns {
    fn work(&self, size: usize, parser: Parser) -> Result<(), Failure> {
        let mut block = Vec::with_capacity(size + size / 4);
        let mut rows = Vec::with_capacity(size + size / 4);
        let mut fields = Fields::new();
        loop {
            let mut input = lock(&self.input);
            let number = input.blocks;
            if !input.read(&mut block, size)? {
                return Ok(());
            }
            drop(input);
            // The header is the first row of the first block.
            let has_header = number == 0;
            rows.clear();
            match parser {
                Parser::Reader => by_reader(&block, has_header, &mut rows)?,
                Parser::Core => fields.by_core(&block, has_header, &mut rows)?,
            }
            let output = lock(&self.output);
            let mut output = self
                .written
                .wait_while(output, |output| output.blocks < number && !output.failed)
                .unwrap_or_else(PoisonError::into_inner);
            if output.failed {
                return Ok(());
            }
            output.file.write_all(&rows)?;
            output.blocks += 1;
            drop(output);
            self.written.notify_all();
        }
    }
}

impl Input {
    /// Reads a block that ends with a record; `false` when there is no more.
    fn read(&mut self, block: &mut Vec<u8>, size: usize) -> Result<bool, Failure> {
        block.clear();
        block.append(&mut self.rest);
        let mut wanted = size;
        loop {
            if !self.ended {
                let read = (&mut self.file)
                    .take((wanted - block.len().min(wanted)) as u64)
                    .read_to_end(block)?;
                self.ended = read == 0;
            }
            let end = if self.ended {
                block.len()
            } else {
                last_record_end(block)
            };
            if end > 0 {
                self.rest.extend_from_slice(&block[end..]);
                block.truncate(end);
                self.blocks += 1;
                return Ok(true);
            }
            if self.ended {
                return Ok(false);
            }
            wanted += size;
        }
    }
}

/// Behind the last line feed that has an even number of quotes before it; 0 when there is none.
fn last_record_end(block: &[u8]) -> usize {
    let mut quotes = memchr_iter(b'"', block).count();
    let mut end = block.len();
    for feed in memrchr_iter(b'\n', block) {
        let mut tail = &block[feed..end];
        while let Some(quote) = memrchr(b'"', tail) {
            quotes -= 1;
            tail = &tail[..quote];
        }
        if quotes.is_multiple_of(2) {
            return feed + 1;
        }
        end = feed;
    }
    0
}

fn by_reader(block: &[u8], has_header: bool, rows: &mut Vec<u8>) -> Result<(), Failure> {
    let mut reader = ReaderBuilder::new()
        .has_headers(has_header)
        .buffer_capacity(64 * 1024)
        .from_reader(block);
    let mut record = ByteRecord::new();
    while reader.read_byte_record(&mut record)? {
        encode(record.iter(), rows)?;
    }
    Ok(())
}

/// The fields of one row, and the parser.
struct Fields {
    parser: csv_core::Reader,
    bytes: Vec<u8>,
    ends: Vec<usize>,
}

impl Fields {
    fn new() -> Self {
        Self {
            parser: csv_core::Reader::new(),
            bytes: vec![0; 64 * 1024],
            ends: vec![0; 64],
        }
    }

    fn by_core(
        &mut self,
        mut block: &[u8],
        has_header: bool,
        rows: &mut Vec<u8>,
    ) -> Result<(), Failure> {
        self.parser.reset();
        let mut is_header = has_header;
        loop {
            let (result, read, _, ends) =
                self.parser
                    .read_record(block, &mut self.bytes, &mut self.ends);
            block = &block[read..];
            match result {
                ReadRecordResult::Record if is_header => is_header = false,
                ReadRecordResult::Record => {
                    let mut start = 0;
                    let fields = self.ends[..ends].iter().map(|&end| {
                        let field = &self.bytes[start..end];
                        start = end;
                        field
                    });
                    encode(fields, rows)?;
                }
                ReadRecordResult::InputEmpty => {}
                ReadRecordResult::End => return Ok(()),
                ReadRecordResult::OutputFull | ReadRecordResult::OutputEndsFull => {
                    return Err("a row is longer than any customer's".into());
                }
            }
        }
    }
}
