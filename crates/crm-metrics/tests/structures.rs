//! Availability: structures against all states of their units, the language, and what is refused.

mod support;

use crm_metrics::availability::{
    Availability, RepairableDuplex, Structure, StructureError, all_of, any_of, at_least, k_of_n,
    k_of_units, parallel, series, unit,
};
use proptest::prelude::{ProptestConfig, Strategy, prop_oneof, proptest};
use support::tolerance::IDENTITY;
use support::{assert_close, assert_within};

const NAMES: [&str; 5] = ["a", "b", "c", "d", "e"];

/// Unavailabilities from one to next to nothing.
fn down() -> impl Strategy<Value = f64> {
    prop_oneof![
        0.01..1.0_f64,
        (-15.0..-2.0_f64).prop_map(|e| 10.0_f64.powf(e))
    ]
}

fn structure() -> impl Strategy<Value = Structure> {
    let leaf = (0..NAMES.len()).prop_map(|i| unit(NAMES[i]));
    leaf.prop_recursive(4, 16, 4, |inner| {
        let parts = || proptest::collection::vec(inner.clone(), 2..4);
        prop_oneof![
            parts().prop_map(all_of),
            parts().prop_map(any_of),
            parts().prop_map(|parts| at_least(2, parts)),
        ]
    })
}

/// Whether the structure works when exactly the units in `up` do, by its availability at certainty.
fn works(structure: &Structure, up: &[bool]) -> bool {
    let certain = structure
        .availability(|name| {
            let index = NAMES.iter().position(|known| *known == name)?;
            Some(if up[index] {
                Availability::ALWAYS
            } else {
                Availability::NEVER
            })
        })
        .unwrap();
    assert!(certain == Availability::ALWAYS || certain == Availability::NEVER);
    certain == Availability::ALWAYS
}

fn config() -> ProptestConfig {
    ProptestConfig {
        failure_persistence: None,
        ..ProptestConfig::default()
    }
}

proptest! {
    #![proptest_config(config())]

    /// Units that occur more than once are one unit: the sum over all states says the same.
    #[test]
    fn as_by_all_states(structure in structure(), downs in proptest::collection::vec(down(), 5)) {
        let units: Vec<Availability> = downs.iter().map(|&down| Availability::from_unavailability(down).unwrap()).collect();
        let of = |name: &str| NAMES.iter().position(|known| *known == name).map(|index| units[index]);
        let whole = structure.availability(of).unwrap();
        let (mut up, mut down) = (0.0, 0.0);
        for states in 0..1_u32 << NAMES.len() {
            let working: Vec<bool> = (0..NAMES.len()).map(|bit| states >> bit & 1 == 1).collect();
            let weight: f64 = working.iter().zip(&units).map(|(works, unit)| if *works { unit.up() } else { unit.down() }).product();
            if works(&structure, &working) {
                up += weight;
            } else {
                down += weight;
            }
        }
        assert_close("up", whole.up(), up, IDENTITY);
        assert_close("down", whole.down(), down, IDENTITY);
    }

    /// What is printed is read back.
    #[test]
    fn text_and_back(structure in structure(), needed in 1..4_u32, more in 0..3_u32) {
        let copied = structure.k_of_n(needed, needed + more);
        assert_eq!(copied.to_string().parse::<Structure>().unwrap(), copied);
    }

    /// No text makes it panic.
    #[test]
    fn any_text(text in "[a-c0-3 (),ofandr]{0,40}") {
        if let Ok(structure) = text.parse::<Structure>() {
            assert_eq!(structure.to_string().parse::<Structure>().unwrap(), structure);
        }
    }

    #[test]
    fn equal_units(k in 1..30_u32, more in 0..30_u32, down in down()) {
        let n = k + more;
        let one = Availability::from_unavailability(down).unwrap();
        let many = vec![one; n as usize];
        let (closed, summed) = (k_of_n(k, n, one).unwrap(), k_of_units(k, &many).unwrap());
        assert_close("up", closed.up(), summed.up(), 1e-11);
        assert_close("down", closed.down(), summed.down(), 1e-11);
        assert_within("one", closed.up() + closed.down(), 1.0, 1e-13);
        assert_close("series", k_of_n(n, n, one).unwrap().down(), series(many.clone()).down(), 1e-11);
        assert_close("parallel", k_of_n(1, n, one).unwrap().down(), parallel(many).down(), 1e-11);
        // More needed is less available; more units are more.
        if more > 0 {
            assert!(k_of_n(k + 1, n, one).unwrap().down() >= closed.down() * (1.0 - 1e-13));
            assert!(k_of_n(k, n - 1, one).unwrap().down() >= closed.down() * (1.0 - 1e-13));
        }
    }

    /// The better the coverage, the longer it lasts; with all of it and no pauses, it is two units with one repairer.
    #[test]
    fn coverage(mttf in 1.0..1e6_f64, mttr in 0.01..100.0_f64, coverage in 0.0..0.99_f64) {
        let pair = |coverage| RepairableDuplex::new(mttf, mttr, coverage).unwrap();
        assert!(pair(coverage).mean_time_to_system_failure() < pair(coverage + 0.01).mean_time_to_system_failure());
        let ratio = mttr / mttf;
        let down = 2.0 * ratio * ratio / (1.0 + 2.0 * ratio + 2.0 * ratio * ratio);
        assert_close("down", pair(1.0).availability().down(), down, IDENTITY);
        assert_close("mttf", pair(1.0).mean_time_to_system_failure(), mttf * (1.5 + 0.5 / ratio), IDENTITY);
    }
}

#[test]
fn a_million_units() {
    let unit = Availability::from_unavailability(1e-3).unwrap();
    let all_but_a_thousand = k_of_n(999_000, 1_000_000, unit).unwrap();
    assert!(all_but_a_thousand.up() > 0.5 && all_but_a_thousand.up() < 0.52);
    let spare = k_of_n(998_000, 1_000_000, unit).unwrap();
    assert!(spare.down() > 0.0 && spare.down() < 1e-150);
}

#[test]
fn certain_units() {
    for (k, n) in [(1, 1), (1, 3), (3, 3)] {
        assert_eq!(
            k_of_n(k, n, Availability::ALWAYS).unwrap(),
            Availability::ALWAYS
        );
        assert_eq!(
            k_of_n(k, n, Availability::NEVER).unwrap(),
            Availability::NEVER
        );
    }
    assert_eq!(series([]), Availability::ALWAYS);
    assert_eq!(parallel([]), Availability::NEVER);
    assert_eq!(Availability::ALWAYS.nines(), f64::INFINITY);
    assert_eq!(Availability::NEVER.nines(), 0.0);
}

#[test]
fn down_time() {
    let two = Availability::from_nines(2.0).unwrap();
    assert_close("day", two.down_seconds_per_day(), 864.0, 1e-15);
    assert_close("month", two.down_seconds_per_month(), 25_920.0, 1e-15);
    assert_close("year", two.down_seconds_per_year(), 315_360.0, 1e-15);
    assert_close("nines", two.nines(), 2.0, 1e-15);
    let back = Availability::from_down_time(864.0, 86_400.0).unwrap();
    assert_close("down", back.down(), 0.01, 1e-15);
    assert_close(
        "nines",
        Availability::from_unavailability(1e-11).unwrap().nines(),
        11.0,
        1e-15,
    );
    assert_close(
        "nines",
        Availability::from_unavailability(0.9).unwrap().nines(),
        0.045_757_490_560_675_13,
        1e-14,
    );
}

#[test]
fn language() {
    let parse = |text: &str| text.parse::<Structure>().unwrap();
    let (a, b, c) = (|| unit("a"), || unit("b"), || unit("c"));
    assert_eq!(parse("a or b and c"), a().or(b().and(c())));
    assert_eq!(parse("(a or b) and c"), a().or(b()).and(c()));
    assert_eq!(
        parse("2 of (a, b or c, a and b)"),
        at_least(2, [a(), b().or(c()), a().and(b())])
    );
    assert_eq!(
        parse("(a and b) (1 of 2) (2 of 3)"),
        a().and(b()).k_of_n(1, 2).k_of_n(2, 3)
    );
    assert_eq!(parse(" a\n  and\tb "), all_of([a(), b()]));
    assert_eq!(parse("web-1.eu_west").units(), ["web-1.eu_west"]);
    assert_eq!(parse("a and b or a").units(), ["a", "b"]);
    assert_eq!(parse("((a))"), a());
}

#[test]
fn where_the_text_is_wrong() {
    for (text, at, message) in [
        (
            "",
            0,
            "column 1: expected a unit or \"(\", found the end of the text",
        ),
        (
            "web and",
            7,
            "column 8: expected a unit or \"(\", found the end of the text",
        ),
        (
            "web db",
            4,
            "column 5: expected \"and\", \"or\", \"(\" or the end of the text, found \"db\"",
        ),
        (
            "web (2 off 3)",
            7,
            "column 8: expected \"of\", found \"off\"",
        ),
        (
            "web (0 of 3)",
            5,
            "column 6: expected a number from 1 to 3, found \"0\"",
        ),
        (
            "web (1 of 0)",
            10,
            "column 11: expected a number above zero, found \"0\"",
        ),
        (
            "web (two of 3)",
            5,
            "column 6: expected a whole number, found \"two\"",
        ),
        (
            "web (2 of 5000000000)",
            10,
            "column 11: expected a whole number, found \"5000000000\"",
        ),
        (
            "(web and db",
            11,
            "column 12: expected \")\", found the end of the text",
        ),
        (
            "3 of (a, b)",
            0,
            "column 1: expected a number from 1 to 2, found \"3\"",
        ),
        (
            "1 of (a; b)",
            7,
            "column 8: expected \",\" or \")\", found \";\"",
        ),
        (
            "é and %",
            7,
            "column 7: expected a unit or \"(\", found \"%\"",
        ),
        (
            "and",
            0,
            "column 1: expected a unit or \"(\", found \"and\"",
        ),
    ] {
        let error = text.parse::<Structure>().unwrap_err();
        assert_eq!(
            (error.at, error.to_string().as_str()),
            (at, message),
            "{text}"
        );
    }
    let deep = "(".repeat(100_000);
    let error = deep.parse::<Structure>().unwrap_err();
    assert_eq!(error.at, 65);
    let copies = format!("a{}", " (1 of 1)".repeat(100_000));
    assert!(copies.parse::<Structure>().is_err());
}

#[test]
fn refusals() {
    let half = |_: &str| Availability::new(0.5).ok();
    let of = |text: &str| text.parse::<Structure>().unwrap().availability(half);
    assert_eq!(
        "a and x"
            .parse::<Structure>()
            .unwrap()
            .availability(|name| (name == "a").then_some(Availability::ALWAYS)),
        Err(StructureError::UnknownUnit("x".to_owned()))
    );
    assert_eq!(
        of("a (1 of 2) and a"),
        Err(StructureError::SharedCopy("a".to_owned()))
    );
    assert_eq!(
        of("a and (a or b) (1 of 2)"),
        Err(StructureError::SharedCopy("a".to_owned()))
    );
    assert!(matches!(
        unit("a").k_of_n(3, 2).availability(half),
        Err(StructureError::Count(_))
    ));
    assert!(matches!(
        at_least(0, [unit("a")]).availability(half),
        Err(StructureError::Count(_))
    ));
    let many = (0..21).map(|i| unit(format!("u{i}")).or(unit(format!("u{i}")).and(unit("x"))));
    assert_eq!(
        all_of(many).availability(half),
        Err(StructureError::TooManyShared(22))
    );
    for bad in [f64::NAN, -0.1, 1.1, f64::INFINITY] {
        assert!(Availability::new(bad).is_err());
        assert!(Availability::from_unavailability(bad).is_err());
        assert!(RepairableDuplex::new(1.0, 1.0, bad).is_err());
        assert!(Availability::from_down_time(bad, 1.0).is_err());
    }
    for bad in [f64::NAN, -1.0, f64::INFINITY, 1e-300] {
        assert!(Availability::from_mean_times(bad, 1.0).is_err());
        assert!(Availability::from_mean_times(1.0, bad).is_err());
        assert!(RepairableDuplex::new(bad, 1.0, 0.5).is_err());
        assert!(RepairableDuplex::new(1.0, bad, 0.5).is_err());
    }
    assert!(Availability::from_nines(-1.0).is_err());
    assert_eq!(
        Availability::from_mean_times(1.0, 0.0).unwrap(),
        Availability::ALWAYS
    );
    assert!(k_of_n(0, 3, Availability::ALWAYS).is_err());
    assert!(k_of_n(4, 3, Availability::ALWAYS).is_err());
    assert!(k_of_units(2, &[Availability::ALWAYS]).is_err());
}
