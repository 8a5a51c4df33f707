//! A pool whose threads all wait for what is being written does not keep the writer from going on. A program of its own,
//! because it takes the pool that the whole process shares.
#![cfg(feature = "rayon")]

use std::io::Write;
use std::sync::mpsc;
use std::time::Duration;

use crm_compress::{Coding, DecodeLimits, Level, ParallelEncoder, decode};

#[test]
fn a_stream_gets_on_while_the_pool_waits_for_it() {
    let threads = rayon::current_num_threads();
    let (begun, running) = mpsc::channel();
    let release: Vec<mpsc::Sender<()>> = (0..threads)
        .map(|_| {
            let (release, released) = mpsc::channel();
            let begun = begun.clone();
            rayon::spawn(move || {
                begun.send(()).unwrap();
                let _ = released.recv();
            });
            release
        })
        .collect();
    for _ in 0..threads {
        running.recv().unwrap();
    }

    let (done, written) = mpsc::channel();
    let body: Vec<u8> = (0..1_000_000_u32).flat_map(u32::to_le_bytes).collect();
    let source = body.clone();
    std::thread::spawn(move || {
        let mut encoder = ParallelEncoder::new(Level::Fastest, Vec::new());
        encoder.write_all(&source).unwrap();
        done.send(encoder.finish().unwrap()).unwrap();
    });
    let encoded = written
        .recv_timeout(Duration::from_secs(60))
        .expect("the writer waits for a pool that waits for the writer");
    drop(release);
    let decoded = decode([Coding::Gzip.name()], &encoded, &DecodeLimits::default()).unwrap();
    assert!(decoded == body);
}
