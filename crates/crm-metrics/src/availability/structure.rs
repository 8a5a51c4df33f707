//! How a service is put together from units, and what its availability is.

use alloc::borrow::ToOwned;
use alloc::boxed::Box;
use alloc::string::String;
use alloc::vec::Vec;
use core::error::Error;
use core::fmt;

use super::{Availability, ParseError, combine, parse};
use crate::error::ParamError;

/// More shared units than this would need more than a million conditional availabilities.
const MOST_SHARED: usize = 20;

/// How a service is put together: which units it needs, and how many of each.
///
/// It is written as text or built by functions; both ways give equal values, and [`Display`](fmt::Display) gives back the text.
///
/// ```text
/// web                      the unit called web: letters, digits, _ - . and not a number
/// a and b                  both are needed
/// a or b                   one is enough; "and" binds tighter
/// web (2 of 3)             two of three equal, independent copies
/// 2 of (a, b, c and d)     two of three different parts
/// ( ... )                  grouping
/// ```
///
/// The words are written in lower case: `AND` would be a unit of that name.
///
/// A name that occurs more than once means the same unit each time: in `(db and a) or (db and b)` both ways fail
/// together with `db`. Such units are conditioned upon, which doubles the work for each of them.
///
/// # Example
///
/// ```
/// use crm_metrics::availability::{Availability, Structure, all_of, unit};
///
/// let service: Structure = "web (2 of 3) and db and cache".parse()?;
/// assert_eq!(service, all_of([unit("web").k_of_n(2, 3), unit("db"), unit("cache")]));
///
/// let web = Availability::new(0.99)?;
/// let db = Availability::from_mean_times(8760.0, 1.0)?; // hours to a failure, hours to repair
/// let cache = Availability::new(0.999)?;
/// let whole = service.availability(|name| match name {
///     "web" => Some(web),
///     "db" => Some(db),
///     "cache" => Some(cache),
///     _ => None,
/// })?;
/// assert!((whole.up() - 0.998_589).abs() < 1e-6);
/// assert_eq!(format!("{:.0} minutes a month", whole.down_seconds_per_month() / 60.0), "61 minutes a month");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Structure(Node);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Node {
    Unit(String),
    All(Vec<Node>),
    Any(Vec<Node>),
    AtLeast(u32, Vec<Node>),
    Copies(u32, u32, Box<Node>),
}

/// The unit of that name.
#[must_use]
pub fn unit(name: impl Into<String>) -> Structure {
    Structure(Node::Unit(name.into()))
}

/// All parts are needed.
#[must_use]
pub fn all_of(parts: impl IntoIterator<Item = Structure>) -> Structure {
    let mut flat = Vec::new();
    for Structure(part) in parts {
        match part {
            Node::All(inner) => flat.extend(inner),
            other => flat.push(other),
        }
    }
    Structure(alone_or(flat, Node::All))
}

/// One of the parts is enough.
#[must_use]
pub fn any_of(parts: impl IntoIterator<Item = Structure>) -> Structure {
    let mut flat = Vec::new();
    for Structure(part) in parts {
        match part {
            Node::Any(inner) => flat.extend(inner),
            other => flat.push(other),
        }
    }
    Structure(alone_or(flat, Node::Any))
}

/// At least `needed` of the parts are needed.
///
/// # Example
///
/// ```
/// use crm_metrics::availability::{Availability, Structure, all_of, any_of, at_least, unit};
///
/// let web = at_least(2, [unit("a"), unit("b"), unit("c")]);
/// let service = all_of([web, any_of([unit("db"), unit("replica")])]);
/// let same: Structure = "2 of (a, b, c) and (db or replica)".parse()?;
/// assert_eq!(service, same);
/// let known = service.availability(|_| Availability::new(0.99).ok())?;
/// assert!((known.up() - (0.99_f64.powi(3) + 3.0 * 0.99_f64.powi(2) * 0.01) * (1.0 - 1e-4)).abs() < 1e-15);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[must_use]
pub fn at_least(needed: u32, parts: impl IntoIterator<Item = Structure>) -> Structure {
    let parts = parts.into_iter().map(|Structure(part)| part).collect();
    Structure(Node::AtLeast(needed, parts))
}

fn alone_or(mut parts: Vec<Node>, group: fn(Vec<Node>) -> Node) -> Node {
    match parts.pop() {
        Some(only) if parts.is_empty() => only,
        Some(last) => {
            parts.push(last);
            group(parts)
        }
        None => group(parts),
    }
}

impl Structure {
    /// Both this and `other` are needed.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        all_of([self, other])
    }

    /// Either this or `other` is enough.
    #[must_use]
    pub fn or(self, other: Self) -> Self {
        any_of([self, other])
    }

    /// `copies` independent copies of this, of which `needed` are needed.
    #[must_use]
    pub fn k_of_n(self, needed: u32, copies: u32) -> Self {
        Self(Node::Copies(needed, copies, Box::new(self.0)))
    }

    /// The names of the units, each once, in the order in which they first occur.
    #[must_use]
    pub fn units(&self) -> Vec<&str> {
        let mut names = Vec::new();
        for (name, _) in self.occurrences() {
            if !names.contains(&name) {
                names.push(name);
            }
        }
        names
    }

    /// The availability of the whole, given that of each unit by its name.
    ///
    /// # Errors
    ///
    /// [`StructureError::UnknownUnit`] when `of` has no answer for a name; [`StructureError::Count`] when a number of needed parts is
    /// zero or more than there are parts; [`StructureError::SharedCopy`] when a unit that is copied occurs more than once, so that it
    /// is unclear which copy is meant; [`StructureError::TooManyShared`] when more than 20 units occur more than once.
    pub fn availability(
        &self,
        of: impl Fn(&str) -> Option<Availability>,
    ) -> Result<Availability, StructureError> {
        let occurrences = self.occurrences();
        let mut given: Vec<(&str, Availability)> = Vec::new();
        let mut shared: Vec<usize> = Vec::new();
        let mut copied: Vec<bool> = Vec::new();
        for (name, is_copied) in occurrences {
            let Some(known) = given.iter().position(|(other, _)| *other == name) else {
                let availability =
                    of(name).ok_or_else(|| StructureError::UnknownUnit(name.to_owned()))?;
                given.push((name, availability));
                copied.push(is_copied);
                continue;
            };
            if is_copied || copied[known] {
                return Err(StructureError::SharedCopy(name.to_owned()));
            }
            if !shared.contains(&known) {
                shared.push(known);
            }
        }
        if shared.len() > MOST_SHARED {
            return Err(StructureError::TooManyShared(shared.len()));
        }
        // The law of total probability over the states of the shared units: positive terms on both sides.
        let truth: Vec<Availability> = shared.iter().map(|&k| given[k].1).collect();
        let (mut up, mut down) = (0.0, 0.0);
        for states in 0_u32..1 << shared.len() {
            let mut weight = 1.0;
            for (bit, (&k, unit)) in shared.iter().zip(&truth).enumerate() {
                let works = states >> bit & 1 == 1;
                weight *= if works { unit.up() } else { unit.down() };
                given[k].1 = if works {
                    Availability::ALWAYS
                } else {
                    Availability::NEVER
                };
            }
            let conditional = self.0.evaluate(&given)?;
            up += weight * conditional.up();
            down += weight * conditional.down();
        }
        Ok(Availability::from_shares(up, down))
    }

    /// The names as they occur, each with whether it is copied.
    fn occurrences(&self) -> Vec<(&str, bool)> {
        let mut found = Vec::new();
        self.0.collect(false, &mut found);
        found
    }
}

impl Node {
    fn collect<'a>(&'a self, copied: bool, found: &mut Vec<(&'a str, bool)>) {
        match self {
            Self::Unit(name) => found.push((name, copied)),
            Self::All(parts) | Self::Any(parts) | Self::AtLeast(_, parts) => {
                for part in parts {
                    part.collect(copied, found);
                }
            }
            Self::Copies(_, _, part) => part.collect(true, found),
        }
    }

    fn evaluate(&self, given: &[(&str, Availability)]) -> Result<Availability, ParamError> {
        let each = |parts: &[Self]| -> Result<Vec<Availability>, ParamError> {
            parts.iter().map(|part| part.evaluate(given)).collect()
        };
        Ok(match self {
            Self::Unit(name) => {
                let found = given.iter().find(|(other, _)| other == name);
                found.expect("all names were looked up before").1
            }
            Self::All(parts) => combine::series(each(parts)?),
            Self::Any(parts) => combine::parallel(each(parts)?),
            Self::AtLeast(needed, parts) => combine::k_of_units(*needed, &each(parts)?)?,
            Self::Copies(needed, copies, part) => {
                combine::k_of_n(*needed, *copies, part.evaluate(given)?)?
            }
        })
    }

    fn is_group(&self) -> bool {
        matches!(self, Self::All(_) | Self::Any(_))
    }

    fn write_list(parts: &[Self], between: &str, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, part) in parts.iter().enumerate() {
            if i > 0 {
                f.write_str(between)?;
            }
            if part.is_group() {
                write!(f, "({part})")?;
            } else {
                write!(f, "{part}")?;
            }
        }
        Ok(())
    }
}

impl fmt::Display for Node {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unit(name) => f.write_str(name),
            Self::All(parts) => Self::write_list(parts, " and ", f),
            Self::Any(parts) => Self::write_list(parts, " or ", f),
            Self::AtLeast(needed, parts) => {
                write!(f, "{needed} of (")?;
                Self::write_list(parts, ", ", f)?;
                f.write_str(")")
            }
            Self::Copies(needed, copies, part) => {
                if matches!(**part, Self::Unit(_)) {
                    write!(f, "{part} ({needed} of {copies})")
                } else {
                    write!(f, "({part}) ({needed} of {copies})")
                }
            }
        }
    }
}

impl fmt::Display for Structure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl core::str::FromStr for Structure {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, ParseError> {
        parse::structure(text)
    }
}

/// Why a structure has no availability.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum StructureError {
    /// No availability is known for the unit of this name.
    UnknownUnit(String),
    /// A number of needed parts is zero, or more than there are parts.
    Count(ParamError),
    /// The unit of this name is copied (`web (2 of 3)`) and occurs elsewhere too.
    SharedCopy(String),
    /// So many units occur more than once.
    TooManyShared(usize),
}

impl fmt::Display for StructureError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::UnknownUnit(name) => {
                write!(f, "the availability of {name:?} is not known: give it")
            }
            Self::Count(error) => error.fmt(f),
            Self::SharedCopy(name) => write!(
                f,
                "{name:?} is copied and occurs more than once: name its copies one by one, as in 2 of (a, b, c)"
            ),
            Self::TooManyShared(count) => write!(
                f,
                "{count} units occur more than once, but at most {MOST_SHARED} may: factor them out"
            ),
        }
    }
}

impl Error for StructureError {}

impl From<ParamError> for StructureError {
    fn from(error: ParamError) -> Self {
        Self::Count(error)
    }
}
