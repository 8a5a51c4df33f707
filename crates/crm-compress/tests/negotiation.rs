//! Negotiation agrees with RFC 9110, with the test suites of others, and with an obvious implementation.

mod support;

use crm_compress::{AcceptEncoding, Coding, Negotiated, negotiate};
use proptest::prelude::*;
use support::negotiation as naive;

const DECIDED: &str = include_str!("cases/negotiation_decided.txt");
const DISPUTED: &str = include_str!("cases/negotiation_disputed.txt");

const OFFERS: [Coding; 2] = [Coding::Gzip, Coding::Deflate];

fn ask(lines: &[&str], offers: &[Coding]) -> Negotiated {
    negotiate(&AcceptEncoding::parse(lines), offers)
}

/// One row of the tables.
struct Case {
    source: &'static str,
    lines: Option<Vec<String>>,
    offers: Vec<&'static str>,
    question: &'static str,
    answer: &'static str,
}

fn cases(table: &'static str) -> Vec<Case> {
    table
        .lines()
        .filter(|row| !row.starts_with('#'))
        .map(|row| {
            let mut fields = row.split(" | ");
            let mut field = || fields.next().unwrap();
            let (source, lines, offers, question) = (field(), field(), field(), field());
            let lines = lines.strip_prefix('"').map(|lines| {
                let lines = lines.strip_suffix('"').unwrap();
                lines
                    .split("\" // \"")
                    .map(|line| line.replace("\\t", "\t"))
                    .collect()
            });
            let (question, answer) = question.split_once(": ").unwrap();
            Case {
                source,
                lines,
                offers: offers.split(", ").filter(|&offer| offer != "-").collect(),
                question,
                answer,
            }
        })
        .collect()
}

fn all_cases() -> Vec<Case> {
    let mut all = cases(DECIDED);
    assert_eq!(all.len(), 191);
    all.extend(cases(DISPUTED));
    assert_eq!(all.len(), 216);
    all
}

#[test]
fn the_obvious_implementation_answers_every_case() {
    for case in all_cases() {
        let lines = case.lines.as_deref();
        let mut ranked = naive::rank(lines, &case.offers);
        let answer = match case.question {
            "best" => {
                ranked.truncate(1);
                ranked.retain(|name| case.offers.contains(&&**name));
                ranked.join("")
            }
            "rank" => {
                ranked.retain(|name| case.offers.contains(&&**name));
                ranked.join(" > ")
            }
            "weights" => {
                let elements = naive::elements(lines.unwrap());
                let words: Vec<String> = elements
                    .iter()
                    .map(|(name, weight)| format!("{name}={weight}"))
                    .collect();
                words.join(", ")
            }
            other => panic!("{other}"),
        };
        let expected = case.answer.replace("none", "").replace("(empty)", "");
        assert_eq!(answer, expected, "{}", case.source);
    }
}

/// The lines with each coding's name replaced by what `name` says of it in lower case.
fn renamed(lines: &[String], name: impl Fn(&str) -> String) -> Vec<String> {
    let element = |element: &str| {
        let old = element.split(';').next().unwrap().trim_matches([' ', '\t']);
        if old.is_empty() {
            String::from(element)
        } else {
            element.replacen(old, &name(old), 1)
        }
    };
    lines
        .iter()
        .map(|line| line.split(',').map(element).collect::<Vec<_>>().join(","))
        .collect()
}

/// The names of codings mean nothing to negotiation, so a case about others is put in terms of those that the crate
/// has: each pair of names in turn plays gzip and deflate.
#[test]
fn the_crate_answers_every_case() {
    for case in all_cases() {
        let Some(lines) = case.lines.as_deref() else {
            naive::compare(None::<&[&str]>);
            continue;
        };
        naive::compare(Some(lines));
        let mut names: Vec<String> = naive::elements(lines)
            .into_iter()
            .map(|(name, _)| name)
            .collect();
        names.extend(case.offers.iter().map(|&offer| String::from(offer)));
        names.retain(|name| name != "identity" && name != "*");
        for gzip in &names {
            for deflate in names.iter().filter(|&name| name != gzip) {
                let role = |old: &str| {
                    let old = old.to_ascii_lowercase();
                    match &*old {
                        "identity" | "*" => old,
                        "x-gzip" if gzip == "gzip" => old,
                        _ if old == *gzip => String::from("gzip"),
                        _ if old == *deflate => String::from("deflate"),
                        _ => format!("other-{old}"),
                    }
                };
                naive::compare(Some(&renamed(lines, role)));
            }
        }
        // Where the question is "which", and the crate has every name in it, the table answers directly.
        if case.question == "best"
            && case
                .offers
                .iter()
                .all(|name| name.parse::<Coding>().is_ok())
        {
            let offers: Vec<Coding> = case
                .offers
                .iter()
                .map(|name| name.parse().unwrap())
                .collect();
            let best = AcceptEncoding::parse(lines).pick(&offers);
            assert_eq!(best, case.answer, "{}", case.source);
        }
    }
}

trait Pick {
    fn pick(self, offers: &[Coding]) -> String;
}

impl Pick for AcceptEncoding {
    /// The winner's name if it was offered, as the tables have it.
    fn pick(self, offers: &[Coding]) -> String {
        negotiate(&self, offers)
            .coding()
            .filter(|coding| offers.contains(coding))
            .map_or(String::from("none"), |coding| coding.to_string())
    }
}

#[test]
fn the_rfc_examples() {
    use Negotiated::Coding as Takes;
    assert_eq!(ask(&["compress, gzip"], &OFFERS), Takes(Coding::Gzip));
    assert_eq!(ask(&[""], &OFFERS), Takes(Coding::Identity));
    assert_eq!(ask(&["*"], &OFFERS), Takes(Coding::Gzip));
    assert_eq!(
        ask(&["compress;q=0.5, gzip;q=1.0"], &OFFERS),
        Takes(Coding::Gzip)
    );
    let third = "gzip;q=1.0, identity; q=0.5, *;q=0";
    assert_eq!(ask(&[third], &[Coding::Deflate]), Takes(Coding::Identity));
}

#[test]
fn the_server_breaks_ties() {
    for header in [
        "gzip, deflate",
        "deflate, gzip",
        "*",
        "deflate;q=0.5, *;q=0.5",
    ] {
        let lines = [header];
        assert_eq!(
            ask(&lines, &[Coding::Gzip, Coding::Deflate]).coding(),
            Some(Coding::Gzip)
        );
        assert_eq!(
            ask(&lines, &[Coding::Deflate, Coding::Gzip]).coding(),
            Some(Coding::Deflate)
        );
    }
}

#[test]
fn identity_is_last_among_equals_and_first_when_preferred() {
    let best = |header| ask(&[header], &OFFERS).coding();
    assert_eq!(best("gzip;q=0.001"), Some(Coding::Gzip));
    assert_eq!(best("identity, gzip"), Some(Coding::Gzip));
    assert_eq!(best("identity;q=0.5, gzip;q=0.4"), Some(Coding::Identity));
    assert_eq!(best("gzip;q=0.4, *;q=0.5"), Some(Coding::Deflate));
    assert_eq!(
        best("gzip;q=0.4, deflate;q=0.4, *;q=0.5"),
        Some(Coding::Identity)
    );
    // A server may put it elsewhere, for clients that speak of it.
    let offers = [Coding::Identity, Coding::Gzip];
    assert_eq!(
        ask(&["identity, gzip"], &offers).coding(),
        Some(Coding::Identity)
    );
    assert_eq!(ask(&["gzip"], &offers).coding(), Some(Coding::Gzip));
}

#[test]
fn the_caller_learns_that_identity_is_refused() {
    for header in ["gzip, identity;q=0", "gzip, *;q=0", "identity;q=0, *"] {
        assert_eq!(
            ask(&[header], &OFFERS),
            Negotiated::Only(Coding::Gzip),
            "{header}"
        );
    }
    for header in [
        "identity;q=0",
        "*;q=0",
        "br, *;q=0.000",
        "gzip;q=0, identity;q=0, br",
    ] {
        let negotiated = ask(&[header], &OFFERS);
        assert_eq!(negotiated, Negotiated::NotAcceptable, "{header}");
        assert_eq!(negotiated.coding(), None);
        assert_eq!(negotiated.or_identity(), Coding::Identity);
    }
    assert_eq!(
        ask(&["*;q=0, identity"], &OFFERS),
        Negotiated::Coding(Coding::Identity)
    );
}

/// Headers that are mostly right, and wrong in every way that the parser might overlook.
fn headers() -> impl Strategy<Value = Vec<String>> {
    let space = prop::sample::select(vec!["", "", "", " ", "\t", " \t "]);
    let name = prop::sample::select(vec![
        "gzip",
        "GZIP",
        "x-gzip",
        "X-Gzip",
        "deflate",
        "Deflate",
        "identity",
        "IDENTITY",
        "*",
        "*",
        "br",
        "zstd",
        "gzipp",
        "",
        "x-deflate",
        "g zip",
    ]);
    let weight = prop_oneof![
        4 => Just(String::new()),
        4 => (0..=1u8, 0..=999u16).prop_map(|(whole, rest)| format!(";q={whole}.{rest}")),
        4 => (0..=9u16).prop_map(|tenth| format!(";q=0.{tenth}")),
        2 => prop::sample::select(vec![";q=0", ";Q=1", "; q=1.000", ";\tq=0.000"]).prop_map(String::from),
        1 => prop::sample::select(vec![";", ";q", ";q=", ";q=2", ";q=.1", ";q= 1", ";a=b", ";q=1;a", ";q=0.1234"])
            .prop_map(String::from),
        1 => "[;=q. 0-9a]{0,8}",
    ];
    let element = (space.clone(), name, space.clone(), weight, space)
        .prop_map(|(a, name, b, weight, c)| format!("{a}{name}{b}{weight}{c}"));
    let line = prop::collection::vec(element, 0..5).prop_map(|elements| elements.join(","));
    prop::collection::vec(line, 0..4)
}

proptest! {
    #![proptest_config(support::properties(|cases| cases.saturating_mul(8)))]

    #[test]
    fn the_crate_agrees_with_the_obvious_implementation(lines in headers()) {
        naive::compare(if lines.is_empty() { None } else { Some(&lines) });
    }

    #[test]
    fn any_text_is_read_alike(line in "[gzip,;=q.01* \tx-]{0,40}|\\PC{0,40}") {
        naive::compare(Some(&[line]));
    }

    #[test]
    fn any_bytes_are_read_alike(line in prop::collection::vec(any::<u8>(), 0..100)) {
        naive::compare(Some(&[line]));
    }
}
