//! The bytes of a file, plain or packed by gzip.

use std::fs::File;
use std::io::{self, BufRead, BufReader};
use std::path::Path;

use flate2::bufread::MultiGzDecoder;

/// Bytes that are asked for at a time.
pub(crate) const BLOCK: usize = 256 * 1024;

/// The bytes of a file, unpacked when they begin as gzip does, whatever its name.
pub(crate) fn unpacked(file: &Path) -> io::Result<Box<dyn BufRead + Send>> {
    let opened = File::open(file)?;
    if opened.metadata()?.is_dir() {
        return Err(io::Error::new(
            io::ErrorKind::IsADirectory,
            "it is a directory",
        ));
    }
    let mut packed = BufReader::with_capacity(BLOCK, opened);
    Ok(if packed.fill_buf()?.starts_with(&[0x1f, 0x8b]) {
        Box::new(BufReader::with_capacity(BLOCK, MultiGzDecoder::new(packed)))
    } else {
        Box::new(packed)
    })
}
