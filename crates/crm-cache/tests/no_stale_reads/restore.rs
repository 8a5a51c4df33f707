//! A snapshot of all records as they were at first, restored while others write.

use std::io::{self, Read};
use std::sync::atomic::{AtomicBool, Ordering};

use crate::chance::dawdle;
use crate::subject::{Customers, Key, Value};
use crate::tally::{Kind, Tally};
use crate::truth::Truth;

/// Tells when the restore has begun, and gives little at a time.
struct Slow<'a> {
    rest: &'a [u8],
    has_begun: &'a AtomicBool,
}

impl Read for Slow<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.has_begun.store(true, Ordering::Release);
        dawdle(2);
        let count = buffer.len().min(100);
        self.rest.read(&mut buffer[..count])
    }
}

pub(crate) fn restore(cache: &Customers, truth: &Truth, has_begun: &AtomicBool, tally: &Tally) {
    let earlier = Customers::new(truth.keys() as usize);
    for key in 0..truth.keys() {
        earlier.insert(Key(key), Value::new(key, 1));
    }
    let mut snapshot = Vec::new();
    earlier.snapshot(&mut snapshot).unwrap();
    let slow = Slow {
        rest: &snapshot,
        has_begun,
    };
    match cache.restore(slow) {
        Ok(restored) => tally.add(Kind::Restored, restored),
        Err(_) => tally.count(Kind::RestoresRefused),
    }
    has_begun.store(true, Ordering::Release);
}
