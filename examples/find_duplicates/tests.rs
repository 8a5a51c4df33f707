//! The whole program, as a user runs it: what it reads, what it finds, where it writes, and how it ends.

use std::fs;
use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

use serde_json::Value;

use crate::testing::{Folder, Output};

/// Two persons of three records and of two, and one alone; the last row is none.
const PEOPLE: &str = "\
name,born,town,who
Ada Lovelace,1815,London,1
Ada Lovelase,1815,London,1
Adda Lovelace,,London,1
Alan Turing,1912,Wilmslow,2
Alan Turing,1912,,2
Grace Hopper,1906,Arlington,
bad row
";

const SEARCH: [&str; 6] = [
    "--compare",
    "name:2,born:1,town:1",
    "--block",
    "name:2+town",
    "--block",
    "name:soundex",
];

fn run(arguments: &[&str]) -> Output {
    Output::of(crate::run, &[&["find_duplicates"], arguments].concat())
}

impl Folder {
    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn text(&self, name: &str) -> String {
        self.path(name).to_str().unwrap().to_owned()
    }

    fn file(&self, name: &str, content: impl AsRef<[u8]>) -> String {
        fs::write(self.path(name), content).unwrap();
        self.text(name)
    }

    /// A run that ends well, its figures, and the pairs that it wrote.
    fn figures(&self, arguments: &[&str]) -> (Output, Value, String) {
        let [json, pairs] = ["figures.json", "pairs.csv"].map(|name| self.text(name));
        let output = run(&[arguments, &["--json", &json, "--pairs", &pairs]].concat());
        assert!(output.ended_with(ExitCode::SUCCESS), "{}", output.err);
        let figures = serde_json::from_str(&fs::read_to_string(json).unwrap()).unwrap();
        (output, figures, fs::read_to_string(pairs).unwrap())
    }
}

/// What a threshold comes to.
fn at(figures: &Value, threshold: f64) -> &Value {
    let results = figures["results"].as_array().unwrap();
    results
        .iter()
        .find(|line| line["threshold"] == threshold)
        .unwrap()
}

fn packed(content: &str) -> Vec<u8> {
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    packed.write_all(content.as_bytes()).unwrap();
    packed.finish().unwrap()
}

#[test]
fn a_small_file_is_searched_as_by_hand() {
    let folder = Folder::new();
    let plain = folder.file("people.csv", PEOPLE);
    let gzip = folder.file("people.csv.gz", packed(PEOPLE));
    for file in [&plain, &gzip] {
        let line = [&[&**file], &SEARCH[..], &["--cluster", "who"]].concat();
        let (output, figures, pairs) = folder.figures(&line);
        let told = "passed over: record 6 (byte 174) has 1 fields and not 4: repair or skip it, or read the file as flexible\n";
        assert_eq!(output.err, told);
        assert_eq!(figures["records"], 6);
        assert_eq!(figures["bad_rows"], 1);
        assert_eq!(figures["known"]["clusters"], 2);
        assert_eq!(figures["known"]["pairs"], 4);
        // Within the first two letters and the town, the three of Ada; with the sound of the name, also those of Alan.
        assert_eq!(figures["blocking"]["compared"], 4);
        assert_eq!(figures["blocking"]["recall"], 1.0);
        assert_eq!(figures["blocking"]["largest"], 3);
        let line = at(&figures, 0.7);
        assert_eq!(line["pairs"], 4);
        assert_eq!(line["quality"]["f1"], 1.0);
        assert_eq!(
            (&line["clusters"], &line["largest"]),
            (&2.into(), &3.into())
        );
        let pairs: Vec<_> = pairs.lines().collect();
        assert_eq!((pairs[0], pairs.len()), ("a,b,similarity,known", 5));
        assert_eq!(pairs[4], "4,5,1.0000,yes");
        assert!(output.out.contains("people.csv"), "{}", output.out);
        assert!(
            output
                .out
                .contains(": 6 records, 2 known clusters with 4 pairs\n"),
            "{}",
            output.out
        );
        assert!(
            output
                .out
                .contains("4 pairs compared, 100.0 % of the known ones among them\n"),
            "{}",
            output.out
        );
        assert!(output.out.contains("> 0.70"), "{}", output.out);
    }
}

#[test]
fn without_known_clusters_nothing_is_judged() {
    let folder = Folder::new();
    let file = folder.file("people.csv", PEOPLE);
    let (output, figures, pairs) = folder.figures(&[&[&*file], &SEARCH[..]].concat());
    assert_eq!(figures["known"], Value::Null);
    assert_eq!(at(&figures, 0.7)["quality"], Value::Null);
    assert_eq!(at(&figures, 0.7)["pairs"], 4);
    assert!(pairs.ends_with("\n4,5,1.0000,\n"), "{pairs}");
    assert!(
        output.out.contains("6 records, no clusters known\n"),
        "{}",
        output.out
    );
}

#[test]
fn names_of_records_stand_in_the_file_of_pairs() {
    let folder = Folder::new();
    let file = folder.file("x.csv", "id,name\n\"a,1\",ada\nb,ada\nc,bob\n");
    let search = ["--id", "id", "--compare", "name:1", "--block", "name"];
    let (_, _, pairs) = folder.figures(&[&[&*file], &search[..]].concat());
    assert_eq!(pairs, "a,b,similarity,known\n\"a,1\",b,1.0000,\n");
}

#[test]
fn a_higher_threshold_finds_less_and_the_file_of_pairs_has_what_reaches_it() {
    let folder = Folder::new();
    let line = ["--rows", "2000", "--threshold", "0.77"];
    let (_, figures, pairs) = folder.figures(&line);
    let results = figures["results"].as_array().unwrap();
    assert!(results.is_sorted_by(|a, b| a["threshold"].as_f64() < b["threshold"].as_f64()));
    assert!(results.is_sorted_by(|a, b| a["pairs"].as_u64() >= b["pairs"].as_u64()));
    let found = at(&figures, 0.77)["pairs"].as_u64().unwrap();
    assert_eq!(pairs.lines().count() as u64, found + 1);
    assert!(results[0]["pairs"].as_u64().unwrap() > found);
}

#[test]
fn a_generated_file_is_searched_well_whatever_the_threads() {
    let folder = Folder::new();
    let line = ["--rows", "5000", "--seed", "3", "--threads"];
    let (_, one, pairs) = folder.figures(&[&line[..], &["1"]].concat());
    let (_, few, same) = folder.figures(&[&line[..], &["3"]].concat());
    assert_eq!(pairs, same);
    assert_eq!(one["results"], few["results"]);
    assert_eq!(one["blocking"], few["blocking"]);
    let asked = at(&one, one["threshold"].as_f64().unwrap());
    let quality = |of: &str| asked["quality"][of].as_f64().unwrap();
    assert!(quality("f1") > 0.95, "{asked}");
    assert!(quality("recall") <= one["blocking"]["recall"].as_f64().unwrap());
    assert!(asked["joined"]["f1"].as_f64().unwrap() > 0.95, "{asked}");
}

#[test]
fn the_layout_of_febrl_has_blanks_behind_its_commas() {
    let folder = Folder::new();
    let text = "\
rec_id, given_name, surname, street_number, address_1, address_2, suburb, postcode, state, date_of_birth, soc_sec_id
rec-0-org, ada, lovelace, 7, high street, , leeds, 2119, sa, 18151210, 1804974
rec-1-org, alan, turing, 1, mill lane, , london, 3000, wa, 19120623, 1234567
rec-0-dup-0, adda, lovelase, 7, high street, , leeds, 2119, sa, 18151210, 1804974
";
    let file = folder.file("febrl.csv", text);
    let (output, figures, pairs) = folder.figures(&[&file]);
    assert_eq!(output.err, "");
    assert_eq!(figures["known"]["pairs"], 1);
    let pair = pairs.lines().nth(1).unwrap();
    assert!(
        pair.starts_with("rec-0-org,rec-0-dup-0,0.9") && pair.ends_with(",yes"),
        "{pair}"
    );
    assert_eq!(pairs.lines().count(), 2);
}

#[test]
fn the_layout_of_historical_figures_is_known() {
    let folder = Folder::new();
    let text = "\
unique_id,cluster,full_name,first_and_surname,first_name,surname,dob,birth_place,postcode_fake,gender,occupation
Q1-1,Q1,ada lovelace,ada lovelace,ada,lovelace,1815-12-10,london,w1 1aa,female,mathematician
Q1-2,Q1,ada king,ada king,ada,king,1815-12-10,london,w1 1aa,female,
Q2-1,Q2,alan turing,alan turing,alan,turing,1912-06-23,london,w9 1aa,male,mathematician
";
    let file = folder.file("figures.csv", text);
    let (_, figures, pairs) = folder.figures(&[&*file, "--threshold", "0.6"]);
    assert_eq!(figures["known"]["pairs"], 1);
    assert!(
        pairs.starts_with("a,b,similarity,known\nQ1-1,Q1-2,0."),
        "{pairs}"
    );
}

#[test]
fn large_blocks_are_skipped_and_counted() {
    let folder = Folder::new();
    let rows: String = (0..50).map(|n| format!("same,{n}\n")).collect();
    let file = folder.file("x.csv", format!("a,b\n{rows}"));
    let search = ["--compare", "a:1", "--block", "a", "--largest-block"];
    let (output, figures, _) = folder.figures(&[&[&*file], &search[..], &["49"]].concat());
    assert_eq!(figures["blocking"]["skipped"], 1);
    assert_eq!(figures["blocking"]["compared"], 0);
    assert!(
        output.out.contains("1 skipped as too large\n"),
        "{}",
        output.out
    );
    let (_, figures, _) = folder.figures(&[&[&*file], &search[..], &["50"]].concat());
    assert_eq!(figures["blocking"]["compared"], 1_225);
    assert_eq!(at(&figures, 0.7)["largest"], 50);
}

#[test]
fn what_cannot_be_done_ends_the_program_with_one_line() {
    let folder = Folder::new();
    let people = folder.file("people.csv", PEOPLE);
    let missing = folder.text("missing.csv");
    let directory = folder.0.path().to_str().unwrap().to_owned();
    let empty = folder.file("empty.csv", "");
    let header = folder.file("header.csv", "name,born,town\n");
    let bad = folder.file("bad.csv", "name,born,town\nx\n");
    let open = folder.file("open.csv", "name,born,town\na,b,\"c\n");
    let mut half = packed(&PEOPLE.repeat(100));
    half.truncate(half.len() / 2);
    let half = folder.file("half.csv.gz", half);
    for (file, arguments, expected) in [
        (&missing, &SEARCH[..], "cannot read"),
        (
            &missing,
            &["--pairs", "no/such/folder/x"],
            "cannot write no/such/folder/x",
        ),
        (&directory, &SEARCH, "it is a directory"),
        (&people, &[], "say what to do with --compare and --block"),
        (
            &people,
            &SEARCH[..2],
            "say what to do with --compare and --block",
        ),
        (
            &empty,
            &SEARCH,
            "has no column `name`: its first line is ``",
        ),
        (&header, &SEARCH, "header.csv holds no records"),
        (&bad, &SEARCH, "bad.csv holds no records but 1 bad rows"),
        (&open, &SEARCH, "never closes"),
        (&half, &SEARCH, "cannot read"),
        (
            &people,
            &["--compare", "name:1", "--block", "county"],
            "no column `county`: its first line is `name,born,town,who`",
        ),
        (
            &people,
            &["--compare", "name:1", "--block", "name", "--id", "x"],
            "no column `x`",
        ),
    ] {
        let told = run(&[&[&**file], arguments].concat()).failure();
        assert!(
            told.starts_with("find_duplicates: ") && told.contains(expected),
            "{told}"
        );
    }
}

#[test]
fn a_wrong_command_line_is_told_and_help_is_given() {
    let output = run(&["x", "--block", "name:all"]);
    assert!(output.ended_with(ExitCode::from(2)));
    assert!(
        output
            .err
            .contains("`all` is neither a number of letters nor `soundex`"),
        "{}",
        output.err
    );
    let help = run(&["--help"]);
    assert!(help.ended_with(ExitCode::SUCCESS));
    for option in [
        "--compare",
        "--block",
        "--threshold",
        "--pairs",
        "--json",
        "Examples:",
    ] {
        assert!(help.out.contains(option), "{}", help.out);
    }
}
