//! A thread that is ending may still encode: in the destructors of its thread-local values the pool has no place of its
//! own for it any more. A panic there would abort the process.

mod support;

use std::cell::RefCell;
use std::io::Write;
use std::sync::mpsc::{self, Sender};
use std::thread;

use crm_compress::{Coding, Encoder, Gzip, Level, encode};
use support::codings::CODINGS;
use support::decoders;

/// Encodes when it is dropped, ends the streams that were begun before, and sends what comes out.
struct Last {
    begun: Vec<Encoder<Vec<u8>>>,
    sender: Sender<(Coding, Vec<u8>)>,
}

impl Drop for Last {
    fn drop(&mut self) {
        for &coding in CODINGS {
            let whole = encode(coding, Level::Balanced, b"the last words");
            self.sender.send((coding, whole)).unwrap();
        }
        for mut encoder in self.begun.drain(1..) {
            encoder.write_all(b" words").unwrap();
            let coding = encoder.coding();
            self.sender
                .send((coding, encoder.finish().unwrap()))
                .unwrap();
        }
        // The first stream is abandoned.
    }
}

thread_local! {
    static LAST: RefCell<Option<Last>> = const { RefCell::new(None) };
}

#[test]
fn a_thread_encodes_to_its_end() {
    // Which of two values is destroyed first is not defined, but depends on which was used first.
    for pool_first in [true, false] {
        let (sender, receiver) = mpsc::channel();
        let worker = thread::spawn(move || {
            if pool_first {
                let _ = Gzip::default().encode(b"the pool");
            }
            LAST.with(|last| {
                let mut last = last.borrow_mut();
                let last = last.insert(Last {
                    begun: Vec::new(),
                    sender,
                });
                for &coding in [Coding::Gzip].iter().chain(CODINGS) {
                    let mut encoder = Encoder::new(coding, Level::Balanced, Vec::new());
                    encoder.write_all(b"the last").unwrap();
                    last.begun.push(encoder);
                }
            });
            let _ = Gzip::default().encode(b"the pool");
        });
        worker.join().unwrap();
        let encoded: Vec<_> = receiver.iter().collect();
        assert_eq!(encoded.len(), 2 * CODINGS.len());
        for (coding, encoded) in encoded {
            assert_eq!(
                decoders::decode(coding, &encoded).unwrap(),
                b"the last words"
            );
        }
    }
}
