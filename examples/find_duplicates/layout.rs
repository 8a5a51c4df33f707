//! Which columns say that two records are alike, and which ones bring them together.

use std::fmt;

use crate::args::Args;
use crate::failure::Failure;

/// A column that is compared.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Compare {
    pub(crate) column: String,
    pub(crate) weight: f32,
}

/// A pass of blocking: records that agree in all of these are compared.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Pass(pub(crate) Vec<Key>);

/// A part of the key of a block.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Key {
    pub(crate) column: String,
    pub(crate) part: Part,
}

/// How much of a column counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Part {
    Whole,
    Letters(usize),
    Soundex,
}

/// Which records are the same one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Known {
    Nothing,
    /// Those with the same text in this column.
    Column(String),
    /// Those with the same number in `rec-N-org` and `rec-N-dup-K`.
    Febrl(String),
}

/// How a file is searched.
#[derive(Clone, Debug)]
pub(crate) struct Layout {
    pub(crate) id: Option<String>,
    pub(crate) known: Known,
    pub(crate) compare: Vec<Compare>,
    pub(crate) passes: Vec<Pass>,
    pub(crate) threshold: f32,
}

/// A layout that needs no options. Compared columns and passes are written as on the command line.
struct Preset {
    /// A file with these columns has the layout.
    columns: &'static [&'static str],
    id: &'static str,
    /// The column of the clusters, unless the names of the records tell.
    cluster: Option<&'static str>,
    compare: &'static [&'static str],
    passes: &'static [&'static str],
    threshold: f32,
}

const PRESETS: [Preset; 2] = [
    // Data sets of the Freely Extensible Biomedical Record Linkage toolkit (Christen 2008).
    Preset {
        columns: &[
            "rec_id",
            "given_name",
            "surname",
            "date_of_birth",
            "soc_sec_id",
        ],
        id: "rec_id",
        cluster: None,
        compare: &[
            "given_name:2",
            "surname:2",
            "date_of_birth:2",
            "soc_sec_id:3",
            "address_1:1",
            "suburb:1",
            "postcode:1",
            "street_number:0.5",
            "state:0.5",
        ],
        passes: &[
            "soc_sec_id",
            "surname:soundex+date_of_birth:4",
            "given_name:3+date_of_birth:4",
            "given_name:soundex+surname:3",
            "postcode+surname:2",
            "postcode+given_name:2",
            "address_1:6+suburb:3",
        ],
        threshold: 0.5,
    },
    // Persons of Wikidata with invented errors, from the data sets of Splink.
    Preset {
        columns: &[
            "unique_id",
            "cluster",
            "full_name",
            "dob",
            "birth_place",
            "postcode_fake",
        ],
        id: "unique_id",
        cluster: Some("cluster"),
        compare: &[
            "full_name:3",
            "first_name:1",
            "surname:2",
            "dob:3",
            "birth_place:2",
            "postcode_fake:3",
            "occupation:1",
        ],
        passes: &[
            "postcode_fake",
            "first_name:3+surname:4",
            "birth_place+first_name:3",
            "birth_place+surname:3",
            "dob",
            "surname:soundex+dob:4",
            "first_name:3+dob:4",
            "full_name:7",
            "surname",
        ],
        threshold: 0.6,
    },
];

impl Layout {
    /// The layout of a file with these columns, as far as the command line does not say otherwise.
    pub(crate) fn of(args: &Args, names: &[String]) -> Result<Self, Failure> {
        let has = |column: &str| names.iter().any(|name| name == column);
        let preset = PRESETS
            .iter()
            .find(|preset| preset.columns.iter().all(|column| has(column)));
        let mut layout = match preset {
            Some(preset) => preset.layout(),
            None if args.compare.is_empty() || args.block.is_empty() => {
                return Err(Failure::UnknownLayout {
                    names: names.join(","),
                });
            }
            None => Self {
                id: None,
                known: Known::Nothing,
                compare: Vec::new(),
                passes: Vec::new(),
                threshold: 0.7,
            },
        };
        if !args.compare.is_empty() {
            layout.compare = args.compare.clone();
        }
        if !args.block.is_empty() {
            layout.passes = args.block.clone();
        }
        if let Some(id) = &args.id {
            layout.id = Some(id.clone());
        }
        if let Some(cluster) = &args.cluster {
            layout.known = Known::Column(cluster.clone());
        }
        if let Some(threshold) = args.threshold {
            layout.threshold = threshold;
        }
        match layout.columns().into_iter().find(|column| !has(column)) {
            None => Ok(layout),
            Some(column) => Err(Failure::NoSuchColumn {
                column: column.to_owned(),
                names: names.join(","),
            }),
        }
    }

    /// Whether a column names records or clusters, so that each letter of it counts.
    pub(crate) fn is_name(&self, column: &str) -> bool {
        let known = match &self.known {
            Known::Nothing => None,
            Known::Column(column) | Known::Febrl(column) => Some(column),
        };
        self.id.iter().chain(known).any(|name| name == column)
    }

    /// Every column that is looked at, each once.
    pub(crate) fn columns(&self) -> Vec<&str> {
        let compared = self.compare.iter().map(|of| &*of.column);
        let keys = self.passes.iter().flat_map(|pass| &pass.0);
        let known = match &self.known {
            Known::Nothing => None,
            Known::Column(column) | Known::Febrl(column) => Some(&**column),
        };
        let mut columns: Vec<&str> = Vec::new();
        let all = compared.chain(keys.map(|key| &*key.column));
        for column in all.chain(self.id.as_deref()).chain(known) {
            if !columns.contains(&column) {
                columns.push(column);
            }
        }
        columns
    }
}

impl Preset {
    fn layout(&self) -> Layout {
        let id = self.id.to_owned();
        Layout {
            known: match self.cluster {
                Some(column) => Known::Column(column.to_owned()),
                None => Known::Febrl(id.clone()),
            },
            id: Some(id),
            // A test parses them all.
            compare: self.compare.iter().flat_map(|text| compare(text)).collect(),
            passes: self.passes.iter().flat_map(|text| pass(text)).collect(),
            threshold: self.threshold,
        }
    }
}

/// A column and its weight, as `name:2`.
pub(crate) fn compare(text: &str) -> Result<Compare, String> {
    let told = || format!("`{text}` is no column with its weight: give both, as name:2");
    let (column, weight) = text.rsplit_once(':').ok_or_else(told)?;
    let weight: f32 = weight.trim().parse().map_err(|_| told())?;
    if column.trim().is_empty() || !weight.is_finite() || weight <= 0.0 {
        return Err(told());
    }
    Ok(Compare {
        column: column.trim().to_owned(),
        weight,
    })
}

/// The parts of a key, as `name:3+born:4`.
pub(crate) fn pass(text: &str) -> Result<Pass, String> {
    let key = |text: &str| {
        let (column, part) = match text.rsplit_once(':') {
            None => (text, Part::Whole),
            Some((column, "soundex")) => (column, Part::Soundex),
            Some((column, letters)) => match letters.parse() {
                Ok(letters @ 1..) => (column, Part::Letters(letters)),
                _ => {
                    return Err(format!(
                        "`{letters}` is neither a number of letters nor `soundex`"
                    ));
                }
            },
        };
        match column.trim() {
            "" => Err("a key has no column: give one, as name:3+born:4".to_owned()),
            column => Ok(Key {
                column: column.to_owned(),
                part,
            }),
        }
    };
    text.split('+').map(key).collect::<Result<_, _>>().map(Pass)
}

impl fmt::Display for Pass {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, key) in self.0.iter().enumerate() {
            let plus = if at > 0 { "+" } else { "" };
            write!(f, "{plus}{}", key.column)?;
            match key.part {
                Part::Whole => Ok(()),
                Part::Letters(letters) => write!(f, ":{letters}"),
                Part::Soundex => f.write_str(":soundex"),
            }?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn presets_are_written_as_on_the_command_line() {
        for preset in &PRESETS {
            let layout = preset.layout();
            assert_eq!(layout.compare.len(), preset.compare.len());
            let passes: Vec<_> = layout.passes.iter().map(ToString::to_string).collect();
            assert_eq!(passes, preset.passes);
        }
    }
}
