//! How a key finds its handle.

use std::collections::HashMap;

use metrics::{Key, Label};
use parking_lot::{Mutex, RwLock};

use super::refusal::{RefusalReason, Refusals};
use crate::{RegisterError, Unit};

/// How many keys are remembered that have no series of their own, so that each is looked at once.
const REFUSED_KEYS: usize = 1000;

/// The longest name and labels together, in bytes, of such a key. A longer one is looked at each time: what cannot be registered
/// may be of any length.
const REFUSED_KEY: usize = 1000;

/// How many descriptions are kept.
const DESCRIPTIONS: usize = 10_000;

/// The value of every label of the series in which those beyond the limit are.
const OTHER: &str = "other";

/// The handles of one kind.
pub(super) struct Keys<H> {
    known: RwLock<HashMap<Key, H>>,
    /// Held while a key is looked at for the first time.
    new: Mutex<New<H>>,
}

/// What matters for keys that are not known.
struct New<H> {
    /// By the figure's name.
    families: HashMap<String, Series<H>>,
    /// How many of the known keys have no series of their own.
    refused: usize,
}

/// The series of a name.
struct Series<H> {
    count: usize,
    /// What records all beyond the limit.
    other: Option<H>,
}

/// Which name has which figure, and what is known of it.
#[derive(Default)]
pub(super) struct Names {
    /// By the figure's name: the name in the macro that came first, and its description.
    owners: HashMap<String, (String, Description)>,
    /// By the name in the macro.
    descriptions: HashMap<String, Description>,
}

#[derive(Clone, Default, PartialEq)]
pub(super) struct Description {
    pub(super) help: String,
    pub(super) unit: Option<metrics::Unit>,
}

/// What is to be registered.
pub(super) struct Asked<'a> {
    /// The figure's name.
    pub(super) name: &'a str,
    pub(super) labels: Vec<(&'a str, &'a str)>,
    pub(super) help: &'a str,
    /// What the description declares, and otherwise what the name tells. It is declared to the monitor, which refuses it if the
    /// name tells another: what is recorded is then sure to be what is exposed.
    pub(super) unit: Unit,
}

/// What a key is held against.
pub(super) struct Rules<'a> {
    pub(super) limit: usize,
    pub(super) names: &'a Mutex<Names>,
    pub(super) refusals: &'a Refusals,
}

/// Why a key has no series, and what records it nevertheless.
struct Instead<H> {
    handle: Option<H>,
    reason: RefusalReason,
}

impl<H> From<RefusalReason> for Instead<H> {
    fn from(reason: RefusalReason) -> Self {
        Self {
            handle: None,
            reason,
        }
    }
}

impl<H: Clone> Keys<H> {
    pub(super) fn new() -> Self {
        Self {
            known: RwLock::new(HashMap::new()),
            new: Mutex::new(New {
                families: HashMap::new(),
                refused: 0,
            }),
        }
    }

    /// The handle of a key that is known.
    pub(super) fn get(&self, key: &Key) -> Option<H> {
        self.known.read().get(key).cloned()
    }

    /// The handle of a key that was not: what `register` makes of it as the figure `name`, or `nothing`.
    pub(super) fn add(
        &self,
        key: &Key,
        name: &str,
        nothing: H,
        rules: &Rules<'_>,
        register: impl Fn(&Asked<'_>) -> Result<H, RegisterError>,
    ) -> H {
        let mut new = self.new.lock();
        // Another thread may have brought it meanwhile.
        if let Some(handle) = self.get(key) {
            return handle;
        }
        let handle = match new.series(key, name, rules, |key| self.get(key), register) {
            Ok(handle) => handle,
            Err(Instead { handle, reason }) => {
                rules.refusals.add(key.name(), reason);
                let handle = handle.unwrap_or(nothing);
                if new.refused == REFUSED_KEYS || length(key) > REFUSED_KEY {
                    return handle;
                }
                new.refused += 1;
                handle
            }
        };
        self.known.write().insert(key.to_retained(), handle.clone());
        handle
    }
}

impl<H: Clone> New<H> {
    fn series(
        &mut self,
        key: &Key,
        name: &str,
        rules: &Rules<'_>,
        known: impl Fn(&Key) -> Option<H>,
        register: impl Fn(&Asked<'_>) -> Result<H, RegisterError>,
    ) -> Result<H, Instead<H>> {
        let description = rules.names.lock().description(name, key.name())?;
        let declared = description.unit.and_then(known_unit);
        let labels = key.labels().map(|label| (label.key(), label.value()));
        let mut asked = Asked {
            name,
            labels: labels.collect(),
            help: &description.help,
            unit: declared.unwrap_or_else(|| Unit::of_name(name).unwrap_or_default()),
        };
        // Their order means nothing to a key.
        asked.labels.sort_unstable();
        let register = |asked: &Asked<'_>| {
            let handle = register(asked).map_err(RefusalReason::Register)?;
            let mut names = rules.names.lock();
            names.own(name, key.name(), &description);
            Ok::<H, RefusalReason>(handle)
        };
        let Some(series) = self.families.get_mut(name) else {
            let handle = register(&asked)?;
            let series = Series {
                count: 1,
                other: None,
            };
            self.families.insert(name.into(), series);
            return Ok(handle);
        };
        if series.count < rules.limit {
            let handle = register(&asked)?;
            series.count += 1;
            return Ok(handle);
        }
        let other = match &series.other {
            Some(other) => other.clone(),
            None => {
                asked.labels.iter_mut().for_each(|label| label.1 = OTHER);
                // One of the series within the limit may be labelled so.
                let labels = asked
                    .labels
                    .iter()
                    .map(|&(name, _)| Label::new(name.to_owned(), OTHER));
                let other = match known(&Key::from_parts(
                    key.name().to_owned(),
                    labels.collect::<Vec<_>>(),
                )) {
                    Some(other) => other,
                    None => register(&asked)?,
                };
                series.other.insert(other).clone()
            }
        };
        Err(Instead {
            handle: Some(other),
            reason: RefusalReason::Series { limit: rules.limit },
        })
    }
}

/// How long name and labels are together.
fn length(key: &Key) -> usize {
    let labels = key.labels();
    let labels = labels.map(|label| label.key().len() + label.value().len());
    key.name().len() + labels.sum::<usize>()
}

impl Names {
    /// What is known of the figure, unless another name has it.
    fn description(&self, figure: &str, name: &str) -> Result<Description, RefusalReason> {
        match self.owners.get(figure) {
            Some((owner, description)) if owner == name => Ok(description.clone()),
            Some((first, _)) => Err(RefusalReason::Clash {
                first: first.clone(),
            }),
            None => Ok(self.descriptions.get(name).cloned().unwrap_or_default()),
        }
    }

    fn own(&mut self, figure: &str, name: &str, description: &Description) {
        if !self.owners.contains_key(figure) {
            let owner = (name.into(), description.clone());
            self.owners.insert(figure.into(), owner);
        }
    }

    /// Keeps a description for when the figure is made; gives back whether it can still serve.
    pub(super) fn describe(&mut self, figure: &str, name: &str, described: Description) -> bool {
        if let Some((owner, told)) = self.owners.get(figure) {
            // A name that does not own the figure never will.
            return owner == name && *told == described;
        }
        if self.descriptions.len() == DESCRIPTIONS && !self.descriptions.contains_key(name) {
            return false;
        }
        self.descriptions.insert(name.into(), described);
        true
    }
}

/// The unit as the monitor has it.
pub(super) fn known_unit(unit: metrics::Unit) -> Option<Unit> {
    match unit {
        metrics::Unit::Count => Some(Unit::None),
        metrics::Unit::Seconds => Some(Unit::Seconds),
        metrics::Unit::Bytes => Some(Unit::Bytes),
        _ => None,
    }
}
