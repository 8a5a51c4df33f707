//! Negotiation the obvious way: over strings, for codings of any name, by sorting.

use std::collections::HashMap;
use std::sync::LazyLock;

use crm_compress::{AcceptEncoding, Coding, Negotiated, negotiate};

/// The elements of a field that are well formed: lower-case name and weight in thousandths.
pub(crate) fn elements<L: AsRef<str>>(lines: &[L]) -> Vec<(String, u16)> {
    let mut elements = Vec::new();
    for element in lines.iter().flat_map(|line| line.as_ref().split(',')) {
        let parts: Vec<String> = element
            .split(';')
            .map(|part| part.trim_matches([' ', '\t']).to_ascii_lowercase())
            .collect();
        let weight = match &parts[..] {
            [_] => Some(1000),
            [_, weight] => SPELLINGS.get(weight).copied(),
            _ => None,
        };
        if let (Some(weight), false) = (weight, parts[0].is_empty()) {
            let name = match &*parts[0] {
                "x-gzip" => "gzip",
                name => name,
            };
            elements.push((String::from(name), weight));
        }
    }
    elements
}

/// Every way to write a weight.
static SPELLINGS: LazyLock<HashMap<String, u16>> = LazyLock::new(spellings);

fn spellings() -> HashMap<String, u16> {
    let mut all = HashMap::new();
    for weight in 0..=1000_u16 {
        let mut spelling = format!("q={}.{:03}", weight / 1000, weight % 1000);
        all.insert(spelling.clone(), weight);
        while spelling.ends_with('0') && spelling.contains('.') {
            spelling.pop();
            all.insert(spelling.clone(), weight);
        }
        if spelling.ends_with('.') {
            spelling.pop();
            all.insert(spelling, weight);
        }
    }
    all
}

/// The weight of a name, given by itself or by the wildcard.
pub(crate) fn weight(elements: &[(String, u16)], name: &str) -> Option<u16> {
    let first = |name: &str| elements.iter().find(|element| element.0 == name);
    let wild = || first("*").filter(|_| name != "dcz"); // which nobody can read without the dictionary
    first(name).or_else(wild).map(|element| element.1)
}

/// The acceptable ones of the offers and identity, the best first; `lines` is `None` for an absent field.
pub(crate) fn rank<L: AsRef<str>>(lines: Option<&[L]>, offers: &[&str]) -> Vec<String> {
    let Some(lines) = lines else {
        return vec![String::from("identity")];
    };
    let elements = elements(lines);
    let mut all = offers.to_vec();
    if !all.contains(&"identity") {
        all.push("identity");
    }
    let mut acceptable: Vec<(u16, &str)> = all
        .into_iter()
        .filter_map(|name| match weight(&elements, name) {
            Some(weight) => Some((weight * 2, name)),
            // Below the smallest weight that can be written.
            None if name == "identity" => Some((1, name)),
            None => None,
        })
        .filter(|&(weight, _)| weight > 0)
        .collect();
    // A stable sort: the order of the offers breaks ties.
    acceptable.sort_by_key(|&(weight, _)| std::cmp::Reverse(weight));
    acceptable
        .into_iter()
        .map(|(_, name)| String::from(name))
        .collect()
}

/// The codings of this build, without identity.
pub(crate) fn codings() -> Vec<Coding> {
    ["gzip", "deflate", "br", "zstd", "dcz"]
        .iter()
        .filter_map(|name| name.parse().ok())
        .collect()
}

/// What the obvious implementation expects of the crate.
fn expected<L: AsRef<str>>(lines: Option<&[L]>, offers: &[Coding]) -> Negotiated {
    let names: Vec<&str> = offers.iter().map(|offer| offer.name()).collect();
    let ranked = rank(lines, &names);
    let identity = ranked.iter().any(|name| name == "identity");
    match ranked.first().map(|name| name.parse::<Coding>().unwrap()) {
        None => Negotiated::NotAcceptable,
        Some(coding) if identity => Negotiated::Coding(coding),
        Some(coding) => Negotiated::Only(coding),
    }
}

/// Compares the crate with the obvious implementation on one header, for many offers.
pub(crate) fn compare<L: AsRef<[u8]>>(lines: Option<&[L]>) {
    let accept = AcceptEncoding::parse(lines.unwrap_or_default());
    // A byte that is no text becomes a character that no name has, which is the same to both.
    let text: Option<Vec<String>> = lines.map(|lines| {
        lines
            .iter()
            .map(|line| String::from_utf8_lossy(line.as_ref()).into_owned())
            .collect()
    });
    let codings = codings();
    let mut all: Vec<Vec<Coding>> = vec![Vec::new(), vec![Coding::Identity]];
    all.extend(codings.iter().map(|&coding| vec![coding]));
    for first in 0..codings.len() {
        let mut turned = codings.clone();
        turned.rotate_left(first);
        let mut back = turned.clone();
        back.reverse();
        for mut offers in [turned, back] {
            all.push(offers.clone());
            offers.insert(first, Coding::Identity);
            all.push(offers);
        }
    }
    for offers in all {
        assert_eq!(
            negotiate(&accept, &offers),
            expected(text.as_deref(), &offers),
            "{text:?} with {offers:?}"
        );
    }
    if let Some(lines) = &text {
        let elements = elements(lines);
        for coding in codings.into_iter().chain([Coding::Identity]) {
            assert_eq!(
                accept.weight(coding),
                weight(&elements, coding.name()),
                "{lines:?}: {coding}"
            );
        }
    }
}
