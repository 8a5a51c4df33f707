//! Encoded bytes of a stream that wait to be written.

use std::ops::{Deref, DerefMut};

use crate::pool::{self, Lease, State};

/// An output buffer of a fixed size, in the pool like the states that write to it.
#[derive(Debug)]
pub(crate) struct Buffer(Vec<u8>);

impl Buffer {
    /// The size in bytes.
    pub(crate) const SIZE: usize = 16 * 1024;

    /// An empty buffer with all its room.
    pub(crate) fn take() -> Lease<Self> {
        pool::take(|| Self(Vec::with_capacity(Self::SIZE)))
    }

    /// The room that is left.
    pub(crate) fn room(&self) -> usize {
        self.0.capacity() - self.0.len()
    }
}

impl State for Buffer {
    fn recycle(&mut self) -> bool {
        self.0.clear();
        self.0.capacity() <= Self::SIZE
    }
}

pool::kind!(Buffer, bytes: Buffer::SIZE);

impl Deref for Buffer {
    type Target = Vec<u8>;

    fn deref(&self) -> &Vec<u8> {
        &self.0
    }
}

impl DerefMut for Buffer {
    fn deref_mut(&mut self) -> &mut Vec<u8> {
        &mut self.0
    }
}
