//! A body in memory: every block by itself, then a copy of each into its place.

use flate2::Crc;
use rayon::prelude::*;

use super::block::{self, BLOCK, HISTORY};
use crate::Level;
use crate::frame;

/// Appends one gzip member that holds `body`.
pub(crate) fn encode_into(level: Level, body: &[u8], output: &mut Vec<u8>) {
    let head = frame::head(level.deflate());
    if body.len() <= BLOCK {
        output.extend_from_slice(&head);
        let crc = block::encode(level, &[], body, true, output);
        return frame::trailer(&crc, output);
    }
    let blocks: Vec<(Vec<u8>, Crc)> = (0..body.len().div_ceil(BLOCK))
        .into_par_iter()
        // A block is work for milliseconds: each may go to another thread.
        .with_max_len(1)
        .map(|number| {
            let start = number * BLOCK;
            let end = body.len().min(start + BLOCK);
            let history = &body[start.saturating_sub(HISTORY)..start];
            let last = end == body.len();
            let mut data = Vec::new();
            let crc = block::encode(level, history, &body[start..end], last, &mut data);
            data.shrink_to_fit();
            (data, crc)
        })
        .collect();

    let mut crc = Crc::new();
    let mut length = head.len();
    for (data, of_block) in &blocks {
        length += data.len();
        crc.combine(of_block);
    }
    let start = output.len();
    if output.capacity() == 0 {
        // Zeroed memory comes from the system as it is; the threads touch it first where they copy to.
        *output = vec![0; length + frame::TRAILER];
        output.truncate(length);
    } else {
        output.reserve_exact(length + frame::TRAILER);
        output.resize(start + length, 0);
    }
    let (place, mut rest) = output[start..].split_at_mut(head.len());
    place.copy_from_slice(&head);
    let mut copies = Vec::with_capacity(blocks.len());
    for (data, _) in blocks {
        let (place, behind) = rest.split_at_mut(data.len());
        rest = behind;
        copies.push((place, data));
    }
    copies
        .into_par_iter()
        .for_each(|(place, data)| place.copy_from_slice(&data));
    frame::trailer(&crc, output);
}
