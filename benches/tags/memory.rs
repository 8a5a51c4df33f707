//! What tags keep in memory.

use std::io::{self, Write};

use crm_cache::Cache;

use crate::{Scale, held, tagged};

const ENTRIES: usize = 1_000_000;

/// Bytes of a full cache.
fn bytes_of(entries: u64, make: impl FnOnce(usize) -> Cache<u64, u64>) -> usize {
    let before = held();
    let cache = make(entries as usize);
    for key in 0..entries {
        cache.insert(key, key);
    }
    assert_eq!(cache.len(), entries as usize, "room for all");
    held() - before
}

pub(crate) fn measure(out: &mut impl Write, scale: Scale) -> io::Result<()> {
    let entries = (ENTRIES / scale.smaller) as u64;
    writeln!(out, "memory: {entries} entries, as many as fit\n")?;
    writeln!(
        out,
        "| cache | bytes an entry beyond key and value | beyond a cache without tags | beyond one tag fewer |"
    )?;
    writeln!(out, "|---|---|---|---|")?;
    let each = |bytes: usize| bytes as f64 / entries as f64;
    let pair = size_of::<(u64, u64)>() as f64;
    let plain = each(bytes_of(entries, Cache::new));
    writeln!(out, "| without tags | {:.1} | | |", plain - pair)?;
    let again = each(bytes_of(entries, Cache::new));
    let more = again - plain;
    writeln!(
        out,
        "| without tags, again | {:.1} | {more:.1} | |",
        again - pair
    )?;
    let mut fewer = plain;
    for tags in 0..=5 {
        let bytes = each(bytes_of(entries, |capacity| {
            tagged(capacity, tags, entries)
        }));
        writeln!(
            out,
            "| {tags} tags an entry | {:.1} | {:.1} | {:.1} |",
            bytes - pair,
            bytes - plain,
            bytes - fewer
        )?;
        fewer = bytes;
    }
    Ok(())
}
