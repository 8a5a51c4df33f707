//! Readers and runs for the tests of sources over files.

use std::io::{self, Cursor, Read, Seek, SeekFrom};

use crm_batch::{Chunk, Fill, Room, Source};

/// A reader that gives few bytes at a time, and is interrupted before each.
pub struct Drops<R> {
    inner: R,
    drop: usize,
    interrupted: bool,
}

impl<R> Drops<R> {
    pub fn new(inner: R, drop: usize) -> Self {
        Self {
            inner,
            drop,
            interrupted: false,
        }
    }
}

impl<R: Read> Read for Drops<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.interrupted = !self.interrupted;
        if self.interrupted {
            return Err(io::ErrorKind::Interrupted.into());
        }
        let most = buffer.len().min(self.drop);
        self.inner.read(&mut buffer[..most])
    }
}

impl<R: Seek> Seek for Drops<R> {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.inner.seek(to)
    }
}

pub type Bytes = Drops<Cursor<Vec<u8>>>;

pub fn bytes(file: &[u8], drop: usize) -> Bytes {
    Drops::new(Cursor::new(file.to_vec()), drop)
}

/// How a source is asked: rows and bytes of each chunk, and after how many records each chunk is split.
#[derive(Clone, Copy, Debug)]
pub struct Asked {
    pub rows: usize,
    pub bytes: usize,
    pub split: Option<usize>,
}

/// Every record of a source, by `see`, as one thread after the other would take them; with what its fills came to.
pub fn all<S, T>(
    source: &mut S,
    asked: Asked,
    mut see: impl for<'r> FnMut(<S::Chunk as Chunk>::Record<'r>) -> T,
) -> (Vec<T>, Result<(), S::Error>)
where
    S: Source,
{
    let mut records = Vec::new();
    let mut chunk = S::Chunk::default();
    loop {
        chunk.clear();
        let from = source.next_position().unwrap().0;
        let fill = source.fill(&mut chunk, &Room::new(asked.rows, asked.bytes));
        let rows = chunk.rows().unwrap();
        assert!(rows <= asked.rows);
        let mut seen = 0;
        let mut second = None;
        loop {
            match chunk.next() {
                Some(record) => records.push(see(record)),
                None => break,
            }
            seen += 1;
            if Some(seen) == asked.split {
                let before = chunk.rows().unwrap();
                second = chunk.split();
                let cut = second.as_ref().map_or(0, |second| second.rows().unwrap());
                assert_eq!(
                    (cut, chunk.rows().unwrap()),
                    (before / 2, before - before / 2)
                );
            }
            assert_eq!(
                chunk.rows().unwrap() + second.as_ref().map_or(0, |second| second.rows().unwrap()),
                rows - seen
            );
        }
        while let Some(record) = second.as_mut().and_then(Chunk::next).map(&mut see) {
            records.push(record);
            seen += 1;
        }
        assert_eq!((seen, chunk.rows()), (rows, Some(0)));
        let bytes = source.next_position().unwrap().0 - from;
        match fill {
            Err(error) => return (records, Err(error)),
            Ok(fill) if fill == Fill::ended().with_bytes(bytes) => return (records, Ok(())),
            Ok(fill) => {
                assert_eq!(fill, Fill::more().with_bytes(bytes));
                assert!(rows > 0, "a source that has not ended gives a record");
            }
        }
    }
}
