//! In the steady state nothing is allocated but the output. The figures are those of the whole process, so this file
//! has one test. What libzstd allocates by itself it does not count; there the pool's figures tell.

mod support;

use std::alloc::System;
use std::io::{Read, Write};

use crm_compress::{Coding, Encoder, Level, ReadEncoder, encode, encode_into};
use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};
use support::bodies;
use support::codings::CODINGS;

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

/// How often `work` allocates once it has been done before.
fn allocations(mut work: impl FnMut()) -> usize {
    // The second time finds what the first has built; brotli settles its pieces of memory only then.
    for _ in 0..3 {
        work();
    }
    let region = Region::new(ALLOCATOR);
    work();
    let change = region.change();
    change.allocations + change.reallocations
}

#[test]
fn nothing_but_the_output_is_allocated() {
    let body = bodies::json(60_000, 1);
    let mut output = Vec::with_capacity(200_000);
    let mut bytes = vec![0; 200_000];
    for &coding in CODINGS {
        for level in [Level::Fastest, Level::Balanced] {
            for length in [0, 1, 400, 9_000, body.len()] {
                let body = &body[..length];
                let name = format!("{coding} {level}: {length}");

                let into = allocations(|| {
                    output.clear();
                    encode_into(coding, level, body, &mut output);
                });
                assert_eq!(into, 0, "{name}");

                // The result, and its fitting.
                let whole = allocations(|| drop(encode(coding, level, body)));
                assert!(whole <= 2, "{name}: {whole}");

                let written = allocations(|| {
                    output.clear();
                    let mut encoder = Encoder::new(coding, level, &mut output);
                    for (index, chunk) in body.chunks(3_000).enumerate() {
                        encoder.write_all(chunk).unwrap();
                        if index % 4 == 0 {
                            encoder.flush().unwrap();
                        }
                    }
                    encoder.try_finish().unwrap();
                });
                assert_eq!(written, 0, "{name}");

                let read = allocations(|| {
                    let mut reader = ReadEncoder::new(coding, level, body);
                    while reader.read(&mut bytes).unwrap() > 0 {}
                });
                assert_eq!(read, 0, "{name}");
            }
        }
    }
    #[cfg(feature = "dcz")]
    {
        let dictionary = crm_compress::Dictionary::new(bodies::json(20_000, 2)).unwrap();
        let with = allocations(|| {
            output.clear();
            dictionary.encode_into(Level::Balanced, &body, &mut output);
        });
        assert_eq!(with, 0);
    }
    let copied = allocations(|| {
        output.clear();
        encode_into(Coding::Identity, Level::Balanced, &body, &mut output);
    });
    assert_eq!(copied, 0);
}
