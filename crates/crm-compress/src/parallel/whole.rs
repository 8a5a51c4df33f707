//! A body in memory: every block by itself, then a copy of each into its place.

use rayon::prelude::*;

use super::block::{self, BLOCK, HISTORY};
use crate::Level;
use crate::frame::{self, Checksum};

/// Appends one gzip member that holds `body`.
pub(crate) fn encode_into(level: Level, body: &[u8], output: &mut Vec<u8>) {
    let head = frame::head(level.deflate());
    if body.len() <= BLOCK {
        output.extend_from_slice(&head);
        let checksum = block::encode(level, body, 0, true, output);
        return frame::trailer(&checksum, output);
    }
    let blocks: Vec<(Vec<u8>, Checksum)> = (0..body.len().div_ceil(BLOCK))
        .into_par_iter()
        // A block is work for milliseconds: each may go to another thread.
        .with_max_len(1)
        .map(|number| {
            let start = number * BLOCK;
            let end = body.len().min(start + BLOCK);
            let known = start.saturating_sub(HISTORY);
            let last = end == body.len();
            let mut data = Vec::new();
            let checksum = block::encode(level, &body[known..end], start - known, last, &mut data);
            data.shrink_to_fit();
            (data, checksum)
        })
        .collect();

    let mut checksum = Checksum::new();
    let mut length = head.len();
    for (data, of_block) in &blocks {
        length += data.len();
        checksum.combine(of_block);
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
    frame::trailer(&checksum, output);
}
