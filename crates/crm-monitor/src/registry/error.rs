//! What registration refuses, and what to do instead.

use std::error::Error;
use std::fmt;

use crate::unit::Unit;

/// A name that no family may have.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum NameError {
    /// There is no name.
    Empty,
    /// The name, with its namespace, is too long.
    TooLong {
        /// How many bytes it has.
        length: usize,
        /// How many it may have.
        limit: usize,
    },
    /// The name holds a character that is not in the alphabet, or begins with a digit.
    Character {
        /// The name.
        name: String,
        /// The first such character.
        character: char,
    },
    /// The monitor itself exposes figures whose names begin so.
    Reserved {
        /// The name.
        name: String,
        /// What names may not begin with.
        prefix: &'static str,
    },
    /// The name begins with an underscore, which OpenMetrics keeps for itself.
    LeadingUnderscore {
        /// The name.
        name: String,
    },
    /// The name ends as samples of counters and histograms do, so that another family could be taken for it.
    Suffix {
        /// The name.
        name: String,
        /// Its ending.
        suffix: &'static str,
    },
}

impl fmt::Display for NameError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => {
                f.write_str("the name is empty: say what is counted, such as http_requests")
            }
            Self::TooLong { length, limit } => write!(
                f,
                "the name has {length} bytes, {limit} are allowed: shorten it, and move what varies into labels"
            ),
            Self::Character { name, character } => write!(
                f,
                "the name {name:?} has {character:?} where it may not be: begin with an ASCII letter and go on with letters, digits and underscores"
            ),
            Self::LeadingUnderscore { name } => write!(
                f,
                "the name {name:?} begins with an underscore, and such names are reserved: begin with a letter"
            ),
            Self::Reserved { name, prefix } => write!(
                f,
                "the name {name:?} begins with {prefix}, as the monitor's own figures do: begin it otherwise"
            ),
            Self::Suffix {
                name,
                suffix: suffix @ "_total",
            } => write!(
                f,
                "the name {name:?} ends in {suffix}, which the exposition adds to counters and nothing else has: write it without"
            ),
            Self::Suffix { name, suffix } => write!(
                f,
                "the name {name:?} ends in {suffix}, as samples of counters and histograms do: end it otherwise"
            ),
        }
    }
}

impl Error for NameError {}

/// A label that no series may have.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum LabelError {
    /// The label has no name.
    Empty,
    /// The name of the label is too long.
    NameTooLong {
        /// How many bytes it has.
        length: usize,
        /// How many it may have.
        limit: usize,
    },
    /// The name of the label holds a character that is not in the alphabet, or begins with a digit.
    Character {
        /// The label's name.
        name: String,
        /// The first such character.
        character: char,
    },
    /// The name begins with an underscore, or the exposition writes a label of this name itself.
    Reserved {
        /// The label's name.
        name: String,
    },
    /// Two labels of one series have the same name.
    Repeated {
        /// The label's name.
        name: String,
    },
    /// The series has too many labels.
    TooMany {
        /// How many it has.
        count: usize,
        /// How many it may have.
        limit: usize,
    },
    /// The value of the label is too long.
    ValueTooLong {
        /// The label's name.
        name: String,
        /// How many bytes the value has.
        length: usize,
        /// How many it may have.
        limit: usize,
    },
    /// A family by label was registered without a label to tell its series apart.
    Missing,
}

impl fmt::Display for LabelError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => {
                f.write_str("a label has no name: say what tells the series apart, such as route")
            }
            Self::NameTooLong { length, limit } => write!(
                f,
                "the name of a label has {length} bytes, {limit} are allowed: shorten it"
            ),
            Self::Character { name, character } => write!(
                f,
                "the label {name:?} has {character:?} where it may not be: begin with an ASCII letter and go on with letters, digits and underscores"
            ),
            Self::Reserved { name } => write!(
                f,
                "the label {name:?} is reserved, as are le, quantile, overflow and names that begin with an underscore: choose another name"
            ),
            Self::Repeated { name } => write!(
                f,
                "the label {name:?} is there twice: give each label of a series a name of its own"
            ),
            Self::TooMany { count, limit } => write!(
                f,
                "the series has {count} labels, {limit} are allowed: leave out those by which nobody asks"
            ),
            Self::ValueTooLong {
                name,
                length,
                limit,
            } => write!(
                f,
                "the value of the label {name:?} has {length} bytes, {limit} are allowed: use a shorter text for it, such as the route instead of the path"
            ),
            Self::Missing => f.write_str(
                "a family by label has no labels: name at least one, or register a single series",
            ),
        }
    }
}

impl Error for LabelError {}

/// A unit that does not go with the name.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum UnitError {
    /// The declared unit is not the one that the name ends in.
    NotOfName {
        /// The name of the family.
        name: String,
        /// The unit that was declared.
        declared: Unit,
        /// The unit that the name tells.
        told: Unit,
    },
    /// The name ends in a multiple of a base unit, or in an abbreviation.
    Scaled {
        /// The name of the family.
        name: String,
        /// The unit to use instead.
        base: Unit,
    },
    /// An instrument of whole numbers cannot hold a ratio.
    WholeRatio {
        /// The name of the family.
        name: String,
    },
}

impl fmt::Display for UnitError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotOfName {
                name,
                declared: Unit::None,
                told,
            } => write!(
                f,
                "the name {name:?} tells the unit {told}, but none was declared: declare {told}, or end the name otherwise"
            ),
            Self::NotOfName {
                name,
                declared: Unit::Millionths,
                told,
            } => write!(
                f,
                "the name {name:?} tells the unit {told}, whose figures are not in millionths: declare {told}, or end the name otherwise"
            ),
            Self::NotOfName {
                name,
                declared,
                told: _,
            } => write!(
                f,
                "the unit {declared} is not the end of the name {name:?}: end the name in _{declared}, or declare another unit"
            ),
            Self::Scaled { name, base } => write!(
                f,
                "the name {name:?} ends in no base unit: count in {base}, and end the name in _{base}"
            ),
            Self::WholeRatio { name } => write!(
                f,
                "{name:?} is a ratio, which whole numbers cannot hold: observe it as a gauge, or count both of its parts"
            ),
        }
    }
}

impl Error for UnitError {}

/// A help text that cannot be exposed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum HelpError {
    /// The text is too long.
    TooLong {
        /// How many bytes it has.
        length: usize,
        /// How many it may have.
        limit: usize,
    },
}

impl fmt::Display for HelpError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooLong { length, limit } => write!(
                f,
                "the help text has {length} bytes, {limit} are allowed: say it in a sentence"
            ),
        }
    }
}

impl Error for HelpError {}

/// In what two registrations under one name differ.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Difference {
    /// One is a counter, the other a gauge or a histogram.
    Kind,
    /// Their help texts.
    Help,
    /// The names of their labels.
    LabelNames,
    /// The buckets of their histograms.
    Layout,
    /// One is declared in millionths, the other is not.
    Unit,
    /// One is a family by label, which makes its series itself, the other a single series.
    Form,
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Kind => "kind",
            Self::Help => "help text",
            Self::LabelNames => "label names",
            Self::Layout => "bucket layout",
            Self::Unit => "unit",
            Self::Form => "form (a family by label, or single series)",
        })
    }
}

/// A registration that was refused. Nothing was registered, and nothing registered before has changed.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum RegisterError {
    /// The name cannot be exposed.
    Name(NameError),
    /// A label cannot be exposed.
    Label(LabelError),
    /// The unit does not go with the name.
    Unit(UnitError),
    /// The help text cannot be exposed.
    Help(HelpError),
    /// This series is registered already.
    Duplicate {
        /// The name of the family.
        name: String,
    },
    /// What an integration registers is registered already, most often by another of its kind.
    Taken {
        /// The name of the family.
        name: String,
        /// What to do instead.
        remedy: &'static str,
    },
    /// Series of this name are registered, but as something else.
    Conflict {
        /// The name of the family.
        name: String,
        /// In what the two differ.
        difference: Difference,
    },
    /// One of two families is a histogram, and the other has the name that the histogram's failures are exposed under.
    Failures {
        /// The name of the other.
        name: String,
        /// The name of the histogram.
        histogram: String,
    },
    /// The monitor holds as many series as it may.
    SeriesLimit {
        /// How many it may hold.
        limit: usize,
    },
}

impl fmt::Display for RegisterError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Name(error) => error.fmt(f),
            Self::Label(error) => error.fmt(f),
            Self::Unit(error) => error.fmt(f),
            Self::Help(error) => error.fmt(f),
            Self::Duplicate { name } => write!(
                f,
                "{name:?} is registered already with these labels: keep a clone of the first handle instead of registering twice"
            ),
            Self::Taken { name, remedy } => {
                write!(f, "{name:?} is registered already: {remedy}")
            }
            Self::Conflict { name, difference } => write!(
                f,
                "{name:?} is registered already with another {difference}: series of one name differ in the values of their labels alone"
            ),
            Self::Failures { name, histogram } => write!(
                f,
                "{name:?} is what the failures of the histogram {histogram:?} are exposed as: name one of the two otherwise, or record failures into the histogram alone"
            ),
            Self::SeriesLimit { limit } => write!(
                f,
                "the monitor holds {limit} series, as many as it may: remove some, or raise the limit by MonitorBuilder::series_limit"
            ),
        }
    }
}

// The text of the error within is the text of this one, so that it is no cause beneath it.
impl Error for RegisterError {}

impl From<NameError> for RegisterError {
    fn from(error: NameError) -> Self {
        Self::Name(error)
    }
}

impl From<LabelError> for RegisterError {
    fn from(error: LabelError) -> Self {
        Self::Label(error)
    }
}

impl From<UnitError> for RegisterError {
    fn from(error: UnitError) -> Self {
        Self::Unit(error)
    }
}

impl From<HelpError> for RegisterError {
    fn from(error: HelpError) -> Self {
        Self::Help(error)
    }
}

/// A monitor that cannot be built.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum BuildError {
    /// The namespace cannot begin a name.
    Namespace(NameError),
    /// A limit of no series at all.
    NoSeries,
}

impl fmt::Display for BuildError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Namespace(error) => write!(f, "the namespace cannot begin a name: {error}"),
            Self::NoSeries => f.write_str("the series limit is 0: allow at least one series"),
        }
    }
}

// Its text has that of the error within, which is therefore no cause beneath it.
impl Error for BuildError {}
