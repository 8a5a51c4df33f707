//! Blocks: the records that share a key, for each pass.
//!
//! Two records may share a block in several passes. They are compared in the first of them, which can be seen from their
//! keys alone: no set of the pairs that have been compared is needed.

use std::collections::HashMap;
use std::ops::Range;

use crm_perf::batch::Batch;

use crate::layout::{Key, Part, Pass};
use crate::soundex::soundex;
use crate::table::{Column, EMPTY, Table};

/// A record without a block: a part of its key is empty, nobody shares it, or too many do.
const ALONE: u32 = u32::MAX;

/// The blocks of all passes.
#[derive(Debug)]
pub(crate) struct Blocks {
    passes: Vec<Sorted>,
    /// Blocks that were skipped because they are too large.
    pub(crate) skipped: u64,
    /// Records of the largest block that is not.
    pub(crate) largest: usize,
}

/// A block of a pass.
#[derive(Clone, Debug)]
pub(crate) struct Block {
    pass: usize,
    members: Range<usize>,
}

/// The blocks of a pass.
#[derive(Debug)]
struct Sorted {
    /// For each record its block.
    block_of: Vec<u32>,
    /// The records, block by block.
    order: Vec<u32>,
    /// Where in the order each block lies.
    blocks: Vec<Range<usize>>,
    skipped: u64,
}

impl Blocks {
    /// Finds the blocks of at most `largest` records, a pass for each thread.
    pub(crate) fn of(table: &Table, passes: &[Pass], largest: usize) -> Self {
        let passes = Batch::new().map(passes, |pass| Sorted::of(table, pass, largest));
        Self {
            skipped: passes.iter().map(|pass| pass.skipped).sum(),
            largest: passes
                .iter()
                .flat_map(|pass| &pass.blocks)
                .map(Range::len)
                .max()
                .unwrap_or(0),
            passes,
        }
    }

    /// How many there are.
    pub(crate) fn len(&self) -> usize {
        self.passes.iter().map(|pass| pass.blocks.len()).sum()
    }

    /// All of them, pass by pass.
    pub(crate) fn iter(&self) -> impl Iterator<Item = Block> + Send {
        self.passes.iter().enumerate().flat_map(|(pass, sorted)| {
            let members = sorted.blocks.iter().cloned();
            members.map(move |members| Block { pass, members })
        })
    }

    /// The pairs of a block that no earlier pass has, the smaller number first.
    pub(crate) fn pairs(&self, block: &Block) -> impl Iterator<Item = (u32, u32)> {
        let (earlier, rest) = self.passes.split_at(block.pass);
        let members = &rest[0].order[block.members.clone()];
        let all = members.iter().enumerate().flat_map(|(at, a)| {
            let others = members[at + 1..].iter();
            others.map(move |b| (*a, *b))
        });
        all.filter(|(a, b)| {
            let had = |pass: &Sorted| {
                let block = pass.block_of[*a as usize];
                block != ALONE && block == pass.block_of[*b as usize]
            };
            !earlier.iter().any(had)
        })
    }
}

impl Block {
    /// Pairs of records in it, those that an earlier pass has among them.
    pub(crate) fn weight(&self) -> u64 {
        let members = self.members.len() as u64;
        members * (members - 1) / 2
    }
}

impl Sorted {
    fn of(table: &Table, pass: &Pass, largest: usize) -> Self {
        let mut block_of = vec![ALONE; table.records];
        let mut sizes: Vec<usize> = Vec::new();
        let mut numbers: HashMap<String, u32> = HashMap::new();
        let mut key = String::new();
        // All columns are there: the layout has seen to it.
        let column = |key: &Key| table.column(&key.column).map(|at| &table.columns[at]);
        let parts: Vec<(&Column, Part)> = pass
            .0
            .iter()
            .filter_map(|key| Some((column(key)?, key.part)))
            .collect();
        for (record, block) in (0_u32..).zip(&mut block_of) {
            key.clear();
            if !parts
                .iter()
                .all(|(column, part)| add(column, *part, record, &mut key))
            {
                continue;
            }
            *block = match numbers.get(&key) {
                Some(number) => *number,
                None => {
                    let number = sizes.len() as u32;
                    numbers.insert(key.clone(), number);
                    sizes.push(0);
                    number
                }
            };
            sizes[*block as usize] += 1;
        }

        // The places of the blocks that are kept, then the records at their places.
        let (mut blocks, mut end, mut skipped) = (Vec::new(), 0, 0);
        let mut places: Vec<Option<usize>> = Vec::with_capacity(sizes.len());
        for size in sizes {
            let is_kept = (2..=largest).contains(&size);
            skipped += u64::from(size > largest);
            places.push(is_kept.then_some(end));
            if is_kept {
                blocks.push(end..end + size);
                end += size;
            }
        }
        let mut order = vec![0; end];
        for (record, block) in (0_u32..).zip(&mut block_of) {
            let place = places.get_mut(*block as usize).and_then(Option::as_mut);
            match place {
                None => *block = ALONE,
                Some(place) => {
                    order[*place] = record;
                    *place += 1;
                }
            }
        }
        Self {
            block_of,
            order,
            blocks,
            skipped,
        }
    }
}

/// Adds a part of a record's key, unless the field is empty.
fn add(column: &Column, part: Part, record: u32, key: &mut String) -> bool {
    if column.cells[record as usize] == EMPTY {
        return false;
    }
    let text = column.text(record);
    match part {
        Part::Whole => key.push_str(text),
        Part::Letters(letters) => key.extend(text.chars().take(letters)),
        Part::Soundex => match soundex(text) {
            Some(code) => key.extend(code.map(char::from)),
            None => return false,
        },
    }
    // No field has it, so that no two keys are one by chance.
    key.push('\0');
    true
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::table::tests::table;

    /// The pairs that these passes compare, in order, and how many blocks were too large.
    fn pairs(text: &str, passes: &[&str], largest: usize) -> (Vec<(u32, u32)>, u64) {
        let mut arguments = vec!["--compare", "a:1"];
        arguments.extend(passes.iter().flat_map(|pass| ["--block", pass]));
        let (table, layout) = table(text, &arguments);
        let blocks = Blocks::of(&table, &layout.passes, largest);
        let all = blocks.iter();
        assert_eq!(blocks.iter().count(), blocks.len());
        let mut pairs: Vec<_> = all
            .flat_map(|block| blocks.pairs(&block).collect::<Vec<_>>())
            .collect();
        pairs.sort_unstable();
        (pairs, blocks.skipped)
    }

    const TEXT: &str = "a,b\nanna,1\nanton,2\nbert,1\n,1\nanna,1\n";

    #[test]
    fn records_with_a_common_key_are_compared_once() {
        assert_eq!(pairs(TEXT, &["a"], 9).0, [(0, 4)]);
        assert_eq!(pairs(TEXT, &["a:2"], 9).0, [(0, 1), (0, 4), (1, 4)]);
        assert_eq!(pairs(TEXT, &["a:soundex"], 9).0, [(0, 4)]);
        assert_eq!(pairs(TEXT, &["a:1+b"], 9).0, [(0, 4)]);
        let (found, skipped) = pairs(TEXT, &["a:2", "b", "a"], 9);
        assert_eq!(
            found,
            [
                (0, 1),
                (0, 2),
                (0, 3),
                (0, 4),
                (1, 4),
                (2, 3),
                (2, 4),
                (3, 4)
            ]
        );
        assert_eq!(skipped, 0);
    }

    #[test]
    fn what_a_block_too_large_does_not_compare_a_later_one_does() {
        // The first pass has one block of three, the second one of four.
        assert_eq!(pairs(TEXT, &["a:2", "a"], 2), (vec![(0, 4)], 1));
        assert_eq!(
            pairs(TEXT, &["b", "a:2"], 3),
            (vec![(0, 1), (0, 4), (1, 4)], 1)
        );
        assert_eq!(pairs(TEXT, &["b"], 3), (vec![], 1));
    }

    #[test]
    fn each_pair_is_found_exactly_when_a_pass_joins_it() {
        let mut rng = fastrand::Rng::with_seed(3);
        let rows: Vec<[u8; 3]> = (0..200)
            .map(|_| [rng.u8(..12), rng.u8(..9), rng.u8(..30)])
            .collect();
        let line = |row: &[u8; 3]| format!("{},x{},{}\n", row[0], row[1], row[2]);
        let text: String = ["a,b,c\n".to_owned()]
            .into_iter()
            .chain(rows.iter().map(line))
            .collect();
        let (found, _) = pairs(&text, &["a+b", "c", "a+c", "b+c"], 1_000);
        let mut expected = Vec::new();
        for (a, first) in rows.iter().enumerate() {
            for (b, second) in rows.iter().enumerate().skip(a + 1) {
                if first[..2] == second[..2] || first[2] == second[2] {
                    expected.push((a as u32, b as u32));
                }
            }
        }
        assert_eq!(found, expected);
    }
}
