//! The reader of a file: it fills a chunk's own memory and gives it whole records.

use std::fmt;
use std::hash::Hasher;
use std::io::{ErrorKind, Read, Seek, SeekFrom};

use super::{Block, InputError, MOST_RECORD_LIMIT, Place, Rest, Rule, Scan};
use crate::checkpoint::digest::Digest;
use crate::{Fill, Fingerprint, Room};

/// Bytes that are read at once, at least and at most.
const LEAST_READ: usize = 1 << 13;
const MOST_READ: usize = 1 << 20;

/// Bytes of a record before any has been seen.
const FIRST_GUESS: u64 = 64;

/// Bytes at either end of a file that its fingerprint looks at.
const ENDS: u64 = 1 << 16;

/// A reader whose bytes are cut into blocks of whole records.
///
/// A block is read straight into the chunk's memory. What has been read beyond its cut is held back for the next: less than
/// a record, or the bytes by which the guess of how much to read was too high.
pub(crate) struct Blocks<R, C> {
    reader: R,
    pub(crate) rule: C,
    limit: usize,
    held: Block,
    /// Where the next record to be given begins.
    place: Place,
    /// Where the first record begins.
    origin: u64,
    /// Bytes of all records that were given, and their number.
    given: (u64, u64),
    ended: bool,
}

impl<R: Read, C: Rule> Blocks<R, C> {
    /// A reader that is to stand at its beginning, with a limit that is sound.
    pub(crate) fn new(reader: R, rule: C, limit: usize) -> Self {
        Self {
            reader,
            rule,
            limit,
            held: Block::default(),
            place: Place::default(),
            origin: 0,
            given: (0, 0),
            ended: false,
        }
    }

    pub(crate) fn set_limit(&mut self, limit: usize) -> Result<(), InputError> {
        if !(1..=MOST_RECORD_LIMIT).contains(&limit) {
            return Err(InputError::Limit { limit });
        }
        self.limit = limit;
        Ok(())
    }

    /// The place of the first record that has not been given.
    pub(crate) fn place(&self) -> Place {
        self.place
    }

    /// The whole of one block, for what stands before the records. `None` at the end of the file.
    pub(crate) fn one(&mut self) -> Result<Option<Block>, InputError> {
        let mut block = Block::default();
        self.fill(&mut block, &Room::new(1, self.limit))?;
        Ok((block.rows > 0).then_some(block))
    }

    /// Takes a block back, which was the last to be given.
    pub(crate) fn give_back(&mut self, block: &Block) {
        let mut held = Block::default();
        held.put(block.filled());
        held.put(&self.held.filled()[self.held.at..]);
        self.held = held;
        self.place = Place {
            record: self.place.record - 1,
            offset: block.base,
        };
        self.given = (0, 0);
    }

    /// Skips these bytes if the file begins with them.
    pub(crate) fn skip(&mut self, mark: &[u8]) -> Result<(), InputError> {
        while self.held.end < mark.len() && !self.ended {
            Self::read(
                &mut self.reader,
                &mut self.held,
                mark.len(),
                &mut self.ended,
            )
            .map_err(|error| InputError::Read { offset: 0, error })?;
        }
        if self.held.filled().starts_with(mark) {
            self.held.at = mark.len();
            self.place.offset = mark.len() as u64;
            self.begin_here();
        }
        Ok(())
    }

    /// Says that the records begin with the next one.
    pub(crate) fn begin_here(&mut self) {
        self.place.record = 0;
        self.origin = self.place.offset;
    }

    /// Fills an empty block with records, at most as many as there is room for.
    ///
    /// When it fails, the block holds the records before the failure.
    pub(crate) fn fill(&mut self, block: &mut Block, room: &Room<'_>) -> Result<Fill, InputError> {
        let rows = room.rows();
        // No block is larger than one record may be. So a record that is found whole in it is within the limit, and
        // whether one is too long does not depend on the size of the blocks.
        let mut goal = room.bytes().min(self.limit);
        let mut scan = Scan::default();
        let from = self.place.offset;
        block.reset(self.place);

        let held = &self.held.filled()[self.held.at..];
        let seen = &held[..held.len().min(goal)];
        self.rule.scan(seen, &mut scan, rows);
        if scan.rows == rows || (scan.rows > 0 && seen.len() == goal) {
            let cut = self.rule.cut(seen, &scan);
            block.put(&held[..cut]);
            self.held.at += cut;
            return Ok(self.give(block, cut, scan.rows, from));
        }
        block.put(held);
        self.held.clear();

        let mut failed = None;
        let mut cut = None;
        loop {
            let seen = &block.filled()[..block.end.min(goal)];
            if scan.rows < rows {
                self.rule.scan(seen, &mut scan, rows);
            }
            if scan.rows == rows {
                break;
            }
            if block.end >= goal {
                if scan.rows > 0 {
                    break;
                }
                if scan.start == seen.len() {
                    let blank = scan.start;
                    block.drop_front(blank);
                    self.place.offset += blank as u64;
                    scan = Scan::default();
                    continue;
                }
                // The longest record that is allowed would end within these.
                let most = scan.start + self.limit + 1;
                if goal == most {
                    let place = Place {
                        offset: self.place.offset + scan.start as u64,
                        ..self.place
                    };
                    let limit = self.limit;
                    failed = Some(InputError::TooLong { place, limit });
                    break;
                }
                goal = most;
                continue;
            }
            if self.ended {
                match self.rule.rest(seen, &scan) {
                    Rest::Nothing => cut = Some(block.end),
                    Rest::Record => {
                        scan.rows += 1;
                        cut = Some(block.end);
                    }
                    Rest::Open(at) => {
                        let place = Place {
                            record: self.place.record + scan.rows as u64,
                            offset: self.place.offset + at as u64,
                        };
                        failed = Some(InputError::OpenQuote { place });
                    }
                }
                break;
            }
            if room.is_over() {
                break;
            }
            // Twice as much each time, when there is no end in sight.
            let least = if scan.rows == 0 { block.end } else { 0 };
            let want = self.guess(rows - scan.rows, least);
            let want = want.min((goal - block.end).max(LEAST_READ));
            if let Err(error) = Self::read(&mut self.reader, block, want, &mut self.ended) {
                failed = Some(InputError::Read {
                    offset: self.place.offset + block.end as u64,
                    error,
                });
                break;
            }
        }

        let cut = cut.unwrap_or_else(|| {
            if scan.rows == 0 {
                0
            } else {
                self.rule.cut(&block.filled()[..block.end.min(goal)], &scan)
            }
        });
        self.held.put(&block.filled()[cut..]);
        let fill = self.give(block, cut, scan.rows, from);
        failed.map_or(Ok(fill), Err)
    }

    fn give(&mut self, block: &mut Block, cut: usize, rows: usize, from: u64) -> Fill {
        block.seal(cut, rows);
        self.place.offset += cut as u64;
        self.place.record += rows as u64;
        self.given.0 += cut as u64;
        self.given.1 += rows as u64;
        let fill = if self.ended && self.held.at == self.held.end {
            Fill::ended()
        } else {
            Fill::more()
        };
        fill.with_bytes(self.place.offset - from)
    }

    /// How many bytes to read for so many records more.
    fn guess(&self, rows: usize, least: usize) -> usize {
        let each = self.given.0.checked_div(self.given.1);
        let bytes = each.unwrap_or(FIRST_GUESS).saturating_mul(rows as u64);
        let bytes = usize::try_from(bytes).unwrap_or(usize::MAX);
        bytes.max(least).clamp(LEAST_READ, MOST_READ)
    }

    fn read(
        reader: &mut R,
        block: &mut Block,
        bytes: usize,
        ended: &mut bool,
    ) -> std::io::Result<()> {
        match reader.read(block.space(bytes)) {
            Ok(0) => *ended = true,
            Ok(read) => block.end += read,
            Err(error) if error.kind() == ErrorKind::Interrupted => (),
            Err(error) => return Err(error),
        }
        Ok(())
    }
}

impl<R: Read + Seek, C: Rule> Blocks<R, C> {
    /// Goes on at this place, which the source has stated before.
    pub(crate) fn seek(&mut self, records: u64, offset: u64) -> Result<(), InputError> {
        let failed = |error| InputError::Read { offset, error };
        let length = self.reader.seek(SeekFrom::End(0)).map_err(failed)?;
        let mut fits = (self.origin..=length).contains(&offset);
        if fits && offset > self.origin && offset < length {
            let mut before = [0];
            self.reader
                .seek(SeekFrom::Start(offset - 1))
                .map_err(failed)?;
            self.reader.read_exact(&mut before).map_err(failed)?;
            fits = self.rule.is_end(before[0]);
        }
        let goes_on = if fits { offset } else { self.read_until() };
        self.reader.seek(SeekFrom::Start(goes_on)).map_err(failed)?;
        if !fits {
            return Err(InputError::NoRecordAt { offset });
        }
        self.held.clear();
        self.place = Place {
            record: records,
            offset,
        };
        self.ended = false;
        Ok(())
    }

    /// What the file is known by: `kind`, the length, and the first and the last 64 KiB.
    pub(crate) fn fingerprint(&mut self, kind: &[u8]) -> Result<Fingerprint, InputError> {
        let goes_on = self.read_until();
        let print = self.print(kind);
        let back = self.reader.seek(SeekFrom::Start(goes_on));
        print
            .and_then(|print| back.map(|_| print))
            .map_err(|error| InputError::Read {
                offset: goes_on,
                error,
            })
    }

    fn print(&mut self, kind: &[u8]) -> std::io::Result<Fingerprint> {
        let length = self.reader.seek(SeekFrom::End(0))?;
        let mut digest = Digest::default();
        digest.write(kind);
        digest.write_u64(length);
        let head = length.min(ENDS);
        let tail = (length - head).min(ENDS);
        let mut bytes = Vec::new();
        for (from, length) in [(0, head), (length - tail, tail)] {
            self.reader.seek(SeekFrom::Start(from))?;
            bytes.clear();
            self.reader.by_ref().take(length).read_to_end(&mut bytes)?;
            digest.write(&bytes);
        }
        Ok(Fingerprint(digest.finish()))
    }

    /// Where the reader stands.
    fn read_until(&self) -> u64 {
        self.place.offset + (self.held.end - self.held.at) as u64
    }
}

impl<R, C> fmt::Debug for Blocks<R, C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Blocks")
            .field("place", &self.place)
            .field("limit", &self.limit)
            .finish_non_exhaustive()
    }
}
