//! What families and labels may be called, and what their texts may hold.
//!
//! The alphabet is that of Prometheus's text format; reserved names are those of the OpenMetrics specification 1.0.
//! A name is taken as it is or refused: nothing here ever changes one.

use super::error::{HelpError, LabelError, NameError};

/// The longest name of a family, in bytes, its namespace included.
pub(crate) const NAME_LIMIT: usize = 200;

/// The longest name of a label, in bytes.
pub(crate) const LABEL_NAME_LIMIT: usize = 100;

/// The longest value of a label, in bytes.
pub(crate) const LABEL_VALUE_LIMIT: usize = 256;

/// The longest help text, in bytes.
pub(crate) const HELP_LIMIT: usize = 1000;

/// How many labels a series may have.
pub(crate) const LABELS_LIMIT: usize = 16;

/// The endings that the exposition gives to samples of counters, histograms and summaries. A family that ended in one could
/// be taken for a sample of another, so whether it may be registered would depend on what else is.
const SAMPLE_SUFFIXES: [&str; 7] = [
    "_total", "_created", "_bucket", "_sum", "_count", "_gsum", "_gcount",
];

/// The labels that the exposition itself writes, and the one that marks a family's overflow series.
const RESERVED_LABELS: [&str; 3] = ["le", "quantile", OVERFLOW_LABEL];

/// The label that only overflow series have.
pub(crate) const OVERFLOW_LABEL: &str = "overflow";

/// What the exposition adds to the name of a histogram for the counters of its failures.
pub(crate) const FAILURES_SUFFIX: &str = "_failures";

/// How the names of the monitor's own figures begin.
pub(crate) const OWN_PREFIX: &str = "crm_monitor_";

/// Checks the name of a family, which includes its namespace.
pub(crate) fn check_name(name: &str) -> Result<(), NameError> {
    let owned = || name.to_owned();
    if name.is_empty() {
        return Err(NameError::Empty);
    }
    if name.len() > NAME_LIMIT {
        return Err(NameError::TooLong {
            length: name.len(),
            limit: NAME_LIMIT,
        });
    }
    if let Some(character) = foreign_character(name) {
        return Err(NameError::Character {
            name: owned(),
            character,
        });
    }
    if name.starts_with('_') {
        return Err(NameError::LeadingUnderscore { name: owned() });
    }
    if name.starts_with(OWN_PREFIX) {
        return Err(NameError::Reserved {
            name: owned(),
            prefix: OWN_PREFIX,
        });
    }
    if let Some(suffix) = SAMPLE_SUFFIXES
        .iter()
        .find(|suffix| name.ends_with(*suffix))
    {
        return Err(NameError::Suffix {
            name: owned(),
            suffix,
        });
    }
    Ok(())
}

/// Checks a namespace: what is put before the names of families, joined by an underscore.
pub(crate) fn check_namespace(namespace: &str) -> Result<(), NameError> {
    if namespace.len() > NAME_LIMIT / 2 {
        return Err(NameError::TooLong {
            length: namespace.len(),
            limit: NAME_LIMIT / 2,
        });
    }
    // With a word behind it no ending is one of the whole name.
    check_name(&format!("{namespace}_x")).map_err(|error| {
        let name = namespace.to_owned();
        match error {
            NameError::Character { character, .. } => NameError::Character { name, character },
            // The first character is the underscore that joins: there is nothing before it.
            NameError::LeadingUnderscore { .. } if namespace.is_empty() => NameError::Empty,
            NameError::LeadingUnderscore { .. } => NameError::LeadingUnderscore { name },
            other => other,
        }
    })
}

/// Checks the name of a label.
pub(crate) fn check_label_name(name: &str) -> Result<(), LabelError> {
    let owned = || name.to_owned();
    if name.is_empty() {
        return Err(LabelError::Empty);
    }
    if name.len() > LABEL_NAME_LIMIT {
        return Err(LabelError::NameTooLong {
            length: name.len(),
            limit: LABEL_NAME_LIMIT,
        });
    }
    if let Some(character) = foreign_character(name) {
        return Err(LabelError::Character {
            name: owned(),
            character,
        });
    }
    if name.starts_with('_') || RESERVED_LABELS.contains(&name) {
        return Err(LabelError::Reserved { name: owned() });
    }
    Ok(())
}

/// Checks the names of all labels of a series together.
pub(crate) fn check_label_names<'a>(
    names: impl ExactSizeIterator<Item = &'a str> + Clone,
) -> Result<(), LabelError> {
    if names.len() > LABELS_LIMIT {
        return Err(LabelError::TooMany {
            count: names.len(),
            limit: LABELS_LIMIT,
        });
    }
    for (index, name) in names.clone().enumerate() {
        check_label_name(name)?;
        if names.clone().take(index).any(|earlier| earlier == name) {
            return Err(LabelError::Repeated {
                name: name.to_owned(),
            });
        }
    }
    Ok(())
}

/// Checks the value of a label: any text, within the limit.
pub(crate) fn check_label_value(name: &str, value: &str) -> Result<(), LabelError> {
    if value.len() > LABEL_VALUE_LIMIT {
        return Err(LabelError::ValueTooLong {
            name: name.to_owned(),
            length: value.len(),
            limit: LABEL_VALUE_LIMIT,
        });
    }
    Ok(())
}

/// Checks a help text: any text, within the limit.
pub(crate) fn check_help(help: &str) -> Result<(), HelpError> {
    if help.len() > HELP_LIMIT {
        return Err(HelpError::TooLong {
            length: help.len(),
            limit: HELP_LIMIT,
        });
    }
    Ok(())
}

/// The first character that a name may not hold at its place.
fn foreign_character(name: &str) -> Option<char> {
    name.char_indices()
        .find(|&(at, character)| {
            !(character == '_'
                || character.is_ascii_alphabetic()
                || (at > 0 && character.is_ascii_digit()))
        })
        .map(|(_, character)| character)
}
