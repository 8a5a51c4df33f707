//! Decoders that are not ours: flate2's, brotli's, libzstd's, Python's zlib, and the commands gzip and zstd.

use std::io::{Read, Write};
use std::process::{Command, Stdio};
use std::thread;

use crm_compress::Coding;

/// The body of exactly one encoded stream; an error in words if it is broken, cut off, or followed by anything.
pub(crate) fn decode(coding: Coding, encoded: &[u8]) -> Result<Vec<u8>, String> {
    let mut body = Vec::new();
    let (result, rest) = match coding {
        Coding::Identity => return Ok(encoded.to_vec()),
        Coding::Gzip => {
            let mut decoder = flate2::bufread::GzDecoder::new(encoded);
            (decoder.read_to_end(&mut body), decoder.into_inner())
        }
        Coding::Deflate => {
            let mut decoder = flate2::bufread::ZlibDecoder::new(encoded);
            (decoder.read_to_end(&mut body), decoder.into_inner())
        }
        #[cfg(feature = "brotli")]
        Coding::Brotli => return brotli(encoded),
        #[cfg(feature = "zstd")]
        Coding::Zstd => return zstd(encoded),
        other => return Err(format!("no decoder for {other}")),
    };
    match result {
        Ok(_) if rest.is_empty() => Ok(body),
        Ok(_) => Err(format!("{} bytes after the end", rest.len())),
        Err(error) => Err(error.to_string()),
    }
}

/// What can be decoded of a stream that has not ended yet.
pub(crate) fn decode_so_far(coding: Coding, encoded: &[u8]) -> Vec<u8> {
    let mut body = Vec::new();
    let mut chunk = [0; 4096];
    let mut decoder: Box<dyn Read> = match coding {
        Coding::Gzip => Box::new(flate2::bufread::GzDecoder::new(encoded)),
        Coding::Deflate => Box::new(flate2::bufread::ZlibDecoder::new(encoded)),
        #[cfg(feature = "brotli")]
        Coding::Brotli => return brotli_so_far(encoded).0,
        #[cfg(feature = "zstd")]
        Coding::Zstd => return zstd_so_far(encoded).0,
        _ => Box::new(encoded),
    };
    while let Ok(read @ 1..) = decoder.read(&mut chunk) {
        body.extend_from_slice(&chunk[..read]);
    }
    body
}

#[cfg(feature = "brotli")]
fn brotli(encoded: &[u8]) -> Result<Vec<u8>, String> {
    match brotli_so_far(encoded) {
        (body, true, []) => Ok(body),
        (_, true, rest) => Err(format!("{} bytes after the end", rest.len())),
        (_, false, _) => Err(String::from("broken or cut off")),
    }
}

/// What can be decoded, whether the stream has ended, and what follows it.
#[cfg(feature = "brotli")]
fn brotli_so_far(encoded: &[u8]) -> (Vec<u8>, bool, &[u8]) {
    use brotli::enc::StandardAlloc;
    use brotli::{BrotliDecompressStream, BrotliResult, BrotliState};

    let alloc = StandardAlloc::default;
    let mut state = BrotliState::new(alloc(), alloc(), alloc());
    let (mut left, mut read, mut written) = (encoded.len(), 0, 0);
    let mut body = Vec::new();
    loop {
        let mut chunk = [0; 4096];
        let (mut room, mut filled) = (chunk.len(), 0);
        let result = BrotliDecompressStream(
            &mut left,
            &mut read,
            encoded,
            &mut room,
            &mut filled,
            &mut chunk,
            &mut written,
            &mut state,
        );
        body.extend_from_slice(&chunk[..filled]);
        match result {
            BrotliResult::NeedsMoreOutput => {}
            // It may ask for input while it still has output.
            BrotliResult::NeedsMoreInput if filled == chunk.len() => {}
            BrotliResult::ResultSuccess => return (body, true, &encoded[read..]),
            _ => return (body, false, &encoded[read..]),
        }
    }
}

#[cfg(feature = "zstd")]
fn zstd(encoded: &[u8]) -> Result<Vec<u8>, String> {
    zstd_with(&mut zstd_safe::DCtx::create(), encoded)
}

/// Decodes one frame by a context that may hold a dictionary.
#[cfg(feature = "zstd")]
pub(crate) fn zstd_with(
    context: &mut zstd_safe::DCtx<'_>,
    encoded: &[u8],
) -> Result<Vec<u8>, String> {
    match zstd_so_far_with(context, encoded) {
        (body, true, []) => Ok(body),
        (_, true, rest) => Err(format!("{} bytes after the end", rest.len())),
        (_, false, _) => Err(String::from("broken or cut off")),
    }
}

#[cfg(feature = "zstd")]
fn zstd_so_far(encoded: &[u8]) -> (Vec<u8>, bool, &[u8]) {
    zstd_so_far_with(&mut zstd_safe::DCtx::create(), encoded)
}

/// What can be decoded, whether the frame has ended, and what follows it. Nobody has to accept a window of more than
/// 8 MiB, so this does not.
#[cfg(feature = "zstd")]
pub(crate) fn zstd_so_far_with<'a>(
    context: &mut zstd_safe::DCtx<'_>,
    encoded: &'a [u8],
) -> (Vec<u8>, bool, &'a [u8]) {
    use zstd_safe::{DParameter, InBuffer, OutBuffer};

    context.set_parameter(DParameter::WindowLogMax(23)).unwrap();
    let mut source = InBuffer::around(encoded);
    let mut body = Vec::new();
    loop {
        let mut chunk = Vec::with_capacity(4096);
        let mut sink = OutBuffer::around(&mut chunk);
        let result = context.decompress_stream(&mut sink, &mut source);
        let full = chunk.len() == chunk.capacity();
        body.extend(chunk);
        match result {
            Ok(0) => return (body, true, &encoded[source.pos()..]),
            Ok(_) if full || source.pos() < encoded.len() => {}
            _ => return (body, false, &encoded[source.pos()..]),
        }
    }
}

/// Runs a program with this standard input, and returns its standard output; `None` when it is not installed.
fn pipe(program: &str, arguments: &[&str], input: Vec<u8>) -> Option<Vec<u8>> {
    let mut child = Command::new(program)
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .ok()?;
    let mut stdin = child.stdin.take().unwrap();
    let writer = thread::spawn(move || stdin.write_all(&input));
    let output = child.wait_with_output().unwrap();
    writer.join().unwrap().unwrap();
    assert!(output.status.success(), "{program}: {}", output.status);
    Some(output.stdout)
}

#[expect(clippy::print_stderr, reason = "a skipped check is said aloud")]
pub(crate) fn skipped(program: &str) {
    eprintln!("SKIPPED: {program} is not installed, so its decoder has not seen these streams");
}

/// What the gzip command makes of a gzip stream; `None` when it is not installed.
pub(crate) fn gzip_command(encoded: &[u8]) -> Option<Vec<u8>> {
    let body = pipe("gzip", &["-dc"], encoded.to_vec());
    if body.is_none() {
        skipped("gzip");
    }
    body
}

/// What the zstd command makes of a zstd stream; `None` when it is not installed.
#[cfg(feature = "zstd")]
pub(crate) fn zstd_command(encoded: &[u8]) -> Option<Vec<u8>> {
    // 8 MiB, what every client accepts.
    let body = pipe("zstd", &["-dc", "--memory=8MB"], encoded.to_vec());
    if body.is_none() {
        skipped("zstd");
    }
    body
}

/// What the brotli command makes of a brotli stream; `None` when it is not installed.
#[cfg(feature = "brotli")]
pub(crate) fn brotli_command(encoded: &[u8]) -> Option<Vec<u8>> {
    let body = pipe("brotli", &["-dc"], encoded.to_vec());
    if body.is_none() {
        skipped("brotli");
    }
    body
}

const PYTHON: &str = "
import struct, sys, zlib
source, sink = sys.stdin.buffer, sys.stdout.buffer
while header := source.read(5):
    bits, length = struct.unpack('<BI', header)
    decoder = zlib.decompressobj(bits)
    encoded = source.read(length)
    body = decoder.decompress(encoded) + decoder.flush()
    whole = decoder.eof and not decoder.unused_data
    sink.write(struct.pack('<BI', whole, len(body)) + body)
";

/// What Python's zlib makes of these streams; `None` when there is no Python.
pub(crate) fn python(streams: &[(Coding, Vec<u8>)]) -> Option<Vec<Result<Vec<u8>, String>>> {
    let mut input = Vec::new();
    for (coding, encoded) in streams {
        input.push(if *coding == Coding::Gzip { 31 } else { 15 });
        input.extend_from_slice(&u32::try_from(encoded.len()).unwrap().to_le_bytes());
        input.extend_from_slice(encoded);
    }
    let Some(output) = pipe("python3", &["-c", PYTHON], input) else {
        skipped("python3");
        return None;
    };
    let mut rest = &*output;
    let mut bodies = Vec::new();
    while let [whole, a, b, c, d, tail @ ..] = rest {
        let length = u32::from_le_bytes([*a, *b, *c, *d]) as usize;
        let (body, tail) = tail.split_at(length);
        bodies.push(match whole {
            1 => Ok(body.to_vec()),
            _ => Err(String::from("cut off, or followed by something")),
        });
        rest = tail;
    }
    assert_eq!(bodies.len(), streams.len());
    Some(bodies)
}
