//! The bytes of a snapshot. Numbers have a fixed size and are little-endian.
//!
//! | part | bytes |
//! |---|---|
//! | head | `crmcache`, version (2), nanoseconds since 1970 (8), entries to a shard (8), length of the types' names (2), length of the user's version (2), the names, the version, CRC-32 of all that (4) |
//! | block | length (8), entries (4), CRC-32 of the entries' bytes (4), CRC-32 of these three (4), the entries |
//! | end | a block of no entries that holds their number (8) |
//!
//! An entry is the length of what follows and a tuple, both as `postcard` writes them: class, age, milliseconds left to
//! live and to idle if they end, key, value. The head of a block has a checksum of its own: a wrong length must not
//! have the rest of a file read as one block.

use std::io::{self, Read, Write};
use std::time::Duration;

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::entry::Past;
use super::error::{RestoreError, SnapshotError};
use crate::time::Millis;

const MAGIC: [u8; 8] = *b"crmcache";
const VERSION: u16 = 2;

/// A block is written when it has this many bytes. One entry may have more.
const BLOCK: usize = 64 << 10;

/// The bytes of the head before the names.
const HEAD: usize = 30;

/// Names of types, and of the user's version, are compared up to here.
const LONGEST_NAME: usize = 4096;

/// The bytes of a block's head.
const BLOCK_HEAD: usize = 20;

/// What a snapshot says of itself.
#[derive(Clone, Copy, Debug)]
pub(super) struct Head {
    /// When it was taken, as time since 1970.
    pub(super) taken_at: Duration,
    /// The entries to a shard, by which ages are to be understood.
    pub(super) share: u64,
}

/// What is written of an entry beside key and value.
#[derive(Clone, Copy, Debug)]
pub(super) struct Record {
    pub(super) past: Past,
    /// The milliseconds that were left when the snapshot was begun, of its life and until it is idle for too long.
    pub(super) life: Option<Millis>,
    pub(super) idle: Option<Millis>,
}

type Tuple<K, V> = (u8, u32, Option<u64>, Option<u64>, K, V);

/// What is in a snapshot, in words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Title {
    /// The names of the types of keys and values.
    types: String,
    /// The user's own version of them.
    version: String,
}

impl Title {
    pub(super) fn new<K, V>(version: &str) -> Self {
        use std::any::type_name;
        Self {
            types: shortened(&format!("{} -> {}", type_name::<K>(), type_name::<V>())),
            version: shortened(version),
        }
    }
}

fn shortened(name: &str) -> String {
    let longest = name.len().min(LONGEST_NAME);
    let end = (0..=longest).rfind(|&at| name.is_char_boundary(at));
    name[..end.unwrap_or(0)].to_owned()
}

/// Writes a snapshot.
pub(super) struct Sink<W> {
    to: W,
    block: Vec<u8>,
    entry: Vec<u8>,
    in_block: u32,
    entries: u64,
}

impl<W: Write> Sink<W> {
    pub(super) fn begin(mut to: W, head: Head, title: &Title) -> Result<Self, SnapshotError> {
        let Title { types, version } = title;
        let nanos = u64::try_from(head.taken_at.as_nanos()).unwrap_or(u64::MAX);
        let mut bytes = Vec::with_capacity(HEAD + types.len() + version.len() + 4);
        bytes.extend(MAGIC);
        bytes.extend(VERSION.to_le_bytes());
        bytes.extend(nanos.to_le_bytes());
        bytes.extend(head.share.to_le_bytes());
        bytes.extend((types.len() as u16).to_le_bytes());
        bytes.extend((version.len() as u16).to_le_bytes());
        bytes.extend(types.as_bytes());
        bytes.extend(version.as_bytes());
        bytes.extend(crc32fast::hash(&bytes).to_le_bytes());
        to.write_all(&bytes).map_err(SnapshotError::Write)?;
        Ok(Self {
            to,
            block: Vec::new(),
            entry: Vec::new(),
            in_block: 0,
            entries: 0,
        })
    }

    pub(super) fn push<K: Serialize, V: Serialize>(
        &mut self,
        record: Record,
        key: &K,
        value: &V,
    ) -> Result<(), SnapshotError> {
        let Record { past, life, idle } = record;
        let tuple: Tuple<&K, &V> = (past.class, past.age, life, idle, key, value);
        self.entry.clear();
        postcard::to_io(&tuple, &mut self.entry).map_err(encode)?;
        postcard::to_io(&(self.entry.len() as u64), &mut self.block).map_err(encode)?;
        self.block.append(&mut self.entry);
        self.in_block += 1;
        self.entries += 1;
        if self.block.len() >= BLOCK {
            self.flush().map_err(SnapshotError::Write)?;
        }
        Ok(())
    }

    /// Writes the end, and says how many entries there are.
    pub(super) fn end(mut self) -> Result<u64, SnapshotError> {
        if self.in_block > 0 {
            self.flush().map_err(SnapshotError::Write)?;
        }
        self.block.extend(self.entries.to_le_bytes());
        self.flush()
            .and_then(|()| self.to.flush())
            .map_err(SnapshotError::Write)?;
        Ok(self.entries)
    }

    fn flush(&mut self) -> io::Result<()> {
        let mut head = Vec::with_capacity(BLOCK_HEAD);
        head.extend((self.block.len() as u64).to_le_bytes());
        head.extend(self.in_block.to_le_bytes());
        head.extend(crc32fast::hash(&self.block).to_le_bytes());
        head.extend(crc32fast::hash(&head).to_le_bytes());
        self.to.write_all(&head)?;
        self.to.write_all(&self.block)?;
        self.block.clear();
        self.in_block = 0;
        Ok(())
    }
}

fn encode(error: postcard::Error) -> SnapshotError {
    SnapshotError::Encode(error.into())
}

/// Reads a snapshot. It reads no further than its end.
pub(super) struct Source<R> {
    from: R,
    block: Vec<u8>,
    /// Where the next entry of the block begins, and how many there are still.
    at: usize,
    left: u32,
    read: u64,
}

/// What is wrong with a snapshot, before it is known how many entries have come in.
pub(super) enum Fault {
    Read(io::Error),
    Truncated,
    Damaged,
    Decode(postcard::Error),
    /// As it is.
    Other(RestoreError),
}

impl Fault {
    pub(super) fn after(self, restored: u64) -> RestoreError {
        match self {
            Self::Read(error) => RestoreError::Read { error, restored },
            Self::Truncated => RestoreError::Truncated { restored },
            Self::Damaged => RestoreError::Damaged { restored },
            Self::Decode(error) => RestoreError::Decode {
                error: error.into(),
                restored,
            },
            Self::Other(error) => error,
        }
    }
}

impl<R: Read> Source<R> {
    pub(super) fn begin(mut from: R, title: &Title) -> Result<(Self, Head), Fault> {
        let mut bytes = Vec::new();
        match fetch(&mut from, &mut bytes, MAGIC.len() as u64) {
            Err(Fault::Truncated) if !MAGIC.starts_with(&bytes) => {
                return Err(Fault::Other(RestoreError::NotASnapshot));
            }
            fetched => fetched?,
        }
        if bytes != MAGIC {
            return Err(Fault::Other(RestoreError::NotASnapshot));
        }
        // The version alone: the head of another format may be shorter.
        fetch(&mut from, &mut bytes, 2)?;
        let format = u16::from_le_bytes(array(&bytes, 8));
        if format != VERSION {
            return Err(Fault::Other(RestoreError::OtherFormat {
                found: format,
                expected: VERSION,
            }));
        }
        fetch(&mut from, &mut bytes, (HEAD - 10) as u64)?;
        let types = usize::from(u16::from_le_bytes(array(&bytes, 26)));
        let names = types + usize::from(u16::from_le_bytes(array(&bytes, 28)));
        fetch(&mut from, &mut bytes, names as u64 + 4)?;
        let (head, sum) = bytes.split_at(HEAD + names);
        if crc32fast::hash(head).to_le_bytes() != sum {
            return Err(Fault::Damaged);
        }
        let (types, version) = head[HEAD..].split_at(types);
        let found = |name: &[u8]| String::from_utf8_lossy(name).into_owned();
        if types != title.types.as_bytes() {
            return Err(Fault::Other(RestoreError::OtherTypes {
                found: found(types),
                expected: title.types.clone(),
            }));
        }
        if version != title.version.as_bytes() {
            return Err(Fault::Other(RestoreError::OtherVersion {
                found: found(version),
                expected: title.version.clone(),
            }));
        }
        let head = Head {
            taken_at: Duration::from_nanos(u64::from_le_bytes(array(head, 10))),
            share: u64::from_le_bytes(array(head, 18)),
        };
        let source = Self {
            from,
            block: bytes,
            at: 0,
            left: 0,
            read: 0,
        };
        Ok((source, head))
    }

    /// The next entry; none at the end.
    pub(super) fn next<K, V>(&mut self) -> Result<Option<(Record, K, V)>, Fault>
    where
        K: DeserializeOwned,
        V: DeserializeOwned,
    {
        if self.left == 0 && !self.next_block()? {
            return Ok(None);
        }
        self.left -= 1;
        self.read += 1;
        let (length, rest) =
            postcard::take_from_bytes::<u64>(&self.block[self.at..]).map_err(Fault::Decode)?;
        let (entry, rest) = usize::try_from(length)
            .ok()
            .and_then(|length| rest.split_at_checked(length))
            .ok_or(Fault::Damaged)?;
        self.at = self.block.len() - rest.len();
        if self.left == 0 && !rest.is_empty() {
            return Err(Fault::Damaged);
        }
        let ((class, age, life, idle, key, value), rest): (Tuple<K, V>, _) =
            postcard::take_from_bytes(entry).map_err(Fault::Decode)?;
        let past = Past { class, age };
        if !past.is_sound() {
            return Err(Fault::Damaged);
        }
        if !rest.is_empty() {
            return Err(Fault::Decode(postcard::Error::SerdeDeCustom));
        }
        Ok(Some((Record { past, life, idle }, key, value)))
    }

    /// Reads a block and checks it. Says whether there is one.
    fn next_block(&mut self) -> Result<bool, Fault> {
        self.block.clear();
        self.at = 0;
        fetch(&mut self.from, &mut self.block, BLOCK_HEAD as u64)?;
        let head: [u8; BLOCK_HEAD] = array(&self.block, 0);
        if crc32fast::hash(&head[..16]).to_le_bytes() != head[16..] {
            return Err(Fault::Damaged);
        }
        self.block.clear();
        fetch(
            &mut self.from,
            &mut self.block,
            u64::from_le_bytes(array(&head, 0)),
        )?;
        if crc32fast::hash(&self.block).to_le_bytes() != head[12..16] {
            return Err(Fault::Damaged);
        }
        self.left = u32::from_le_bytes(array(&head, 8));
        if self.left == 0 && self.block != self.read.to_le_bytes() {
            return Err(Fault::Damaged);
        }
        Ok(self.left > 0)
    }
}

/// Reads so many more bytes. The buffer grows with what really comes, whatever was announced.
fn fetch(from: &mut impl Read, to: &mut Vec<u8>, count: u64) -> Result<(), Fault> {
    let read = from.take(count).read_to_end(to).map_err(Fault::Read)?;
    if (read as u64) < count {
        return Err(Fault::Truncated);
    }
    Ok(())
}

/// The `N` bytes from a place on, which must be there.
fn array<const N: usize>(bytes: &[u8], at: usize) -> [u8; N] {
    let mut array = [0; N];
    array.copy_from_slice(&bytes[at..at + N]);
    array
}
