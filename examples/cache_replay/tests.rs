//! The whole program, as a user runs it: what it reads, what it writes, where, and how it ends.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use serde_json::Value;

use crate::log_lines::LONGEST_LINE;
use crate::testing::{Folder, Output};

fn run(file: &Path, arguments: &[&str]) -> Output {
    let line = [&["cache_replay", file.to_str().unwrap()], arguments].concat();
    Output::of(crate::run, &line)
}

/// A run that ends well, and its figures.
fn figures(file: &Path, arguments: &[&str]) -> (Output, Value) {
    let json = file.with_extension("json");
    let output = run(
        file,
        &[arguments, &["--json", json.to_str().unwrap()]].concat(),
    );
    assert!(output.ended_with(ExitCode::SUCCESS), "{}", output.err);
    let figures = serde_json::from_str(&fs::read_to_string(json).unwrap()).unwrap();
    (output, figures)
}

/// The one line with which a run ends that fails.
fn failure(file: &Path, arguments: &[&str]) -> String {
    run(file, arguments).failure()
}

impl Folder {
    fn file(&self, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.0.path().join(name);
        fs::write(&path, content).unwrap();
        path
    }
}

fn packed(content: &[u8]) -> Vec<u8> {
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    packed.write_all(content).unwrap();
    packed.finish().unwrap()
}

/// Ten rounds over 50 keys.
fn rounds() -> impl Iterator<Item = u32> {
    (0..500).map(|i| 1_000_000 + i % 50)
}

fn hits(figures: &Value, contender: &str) -> Vec<u64> {
    let curves = figures["curves"].as_array().unwrap();
    let curve = curves
        .iter()
        .find(|curve| curve["contender"] == contender)
        .unwrap();
    let points = curve["points"].as_array().unwrap();
    points
        .iter()
        .map(|point| point["hits"].as_u64().unwrap())
        .collect()
}

#[test]
fn one_log_has_the_same_figures_in_every_form() {
    let folder = Folder::new();
    let binary: Vec<u8> = rounds().flat_map(u32::to_le_bytes).collect();
    let text: String = rounds().map(|key| format!("{key}\n")).collect();
    let csv: String = rounds()
        .map(|key| format!("GET,\"item, {key}\",{key} \r\n"))
        .collect();
    let csv = format!("\u{feff}method,customer id,path\r\n{csv}");
    let tabbed = csv
        .replace("\u{feff}", "")
        .replace(", ", " ")
        .replace(',', "\t");
    let cases: [(PathBuf, &[&str]); 8] = [
        (folder.file("a.u32.gz", packed(&binary)), &[]),
        (folder.file("b.u32", &binary), &[]),
        (folder.file("c.log", &text), &[]),
        (folder.file("d.log", text.trim_end()), &[]),
        (folder.file("e.log.gz", packed(text.as_bytes())), &[]),
        (folder.file("f.csv", &csv), &["--column", "customer id"]),
        (
            folder.file("g.csv.gz", packed(csv.as_bytes())),
            &["--column", "3", "--header"],
        ),
        (
            folder.file("h.tsv", &tabbed),
            &["--column", "customer id", "--delimiter", "tab"],
        ),
    ];
    for (file, arguments) in cases {
        let arguments = [arguments, &["--capacity", "20,50"]].concat();
        let (output, figures) = figures(&file, &arguments);
        assert_eq!(output.err, "");
        assert_eq!(figures["requests"], 500, "{}", file.display());
        assert_eq!(figures["distinct_keys"], 50);
        assert_eq!(figures["best_hit_ratio"], 0.9);
        // A loop that is larger than the cache: LRU has always just evicted what is wanted next.
        assert_eq!(hits(&figures, "exact_lru"), [0, 450]);
        assert_eq!(hits(&figures, "optimum"), [9 * 20, 450]);
        assert_eq!(hits(&figures, "adaptive")[1], 450);
        assert!(
            output.out.contains("500 requests, 50 distinct keys\n"),
            "{}",
            output.out
        );
    }
}

#[test]
fn what_surrounds_a_key_is_no_part_of_it() {
    let folder = Folder::new();
    let windows = folder.file(
        "windows.csv",
        "\u{feff} key ,n\r\na,1\r\n\"a\",2\r\n a ,3\r\n",
    );
    let text = folder.file("text.log", "\u{feff}a b\na b\r\n\ta b \n");
    let number: &[&str] = &["--column", "1", "--header"];
    for (file, arguments) in [
        (&windows, ["--column", "key"].as_slice()),
        (&windows, number),
        (&text, &[]),
    ] {
        let (output, figures) = figures(file, arguments);
        assert_eq!(output.err, "");
        assert_eq!(figures["requests"], 3);
        assert_eq!(
            figures["distinct_keys"],
            1,
            "{} {arguments:?}",
            file.display()
        );
    }
}

#[test]
fn a_run_that_fails_leaves_older_figures_alone() {
    let folder = Folder::new();
    let (log, json) = (folder.file("log", ""), folder.file("x.json", "older"));
    failure(&log, &["--json", json.to_str().unwrap()]);
    assert_eq!(fs::read_to_string(json).unwrap(), "older");
}

#[test]
fn a_picture_is_drawn_and_capacities_are_chosen() {
    let folder = Folder::new();
    let text: String = rounds().map(|key| format!("{key}\n")).collect();
    let (file, svg) = (folder.file("log", text), folder.0.path().join("curve.svg"));
    let output = run(&file, &["--svg", svg.to_str().unwrap()]);
    assert!(output.ended_with(ExitCode::SUCCESS), "{}", output.err);
    let svg = fs::read_to_string(svg).unwrap();
    assert_eq!(svg.matches("<polyline").count(), 4);
    // From one entry to all keys.
    for capacity in ["  1 ", " 50 "] {
        assert!(output.out.contains(capacity), "{}", output.out);
    }
    assert!(
        output.out.contains("lru       50 entries reach 95 %"),
        "{}",
        output.out
    );
}

#[test]
fn bad_lines_are_passed_over_counted_and_told() {
    let folder = Folder::new();
    let long = format!("{},", "x".repeat(LONGEST_LINE));
    let just = "x".repeat(LONGEST_LINE - 2);
    let text = format!(
        "id,key\n1,a\n\n2\n3, \n4,\"a\n5,\0\n{long}\n{long}{long}{long}\n{just},5\n6,a\n7,b,and more\n"
    );
    let file = folder.file("log.csv", text);
    let (output, figures) = figures(&file, &["--column", "key", "--capacity", "2"]);
    let told = "\
bad line 3: it is blank
bad line 4: it has only one field
bad line 5: the column of the key is empty
bad line 6: it has a quote that nothing closes
bad line 7: it holds a NUL byte, so it is no text
and 2 more bad lines
";
    assert_eq!(output.err, told);
    assert_eq!(figures["requests"], 4);
    assert_eq!(figures["distinct_keys"], 3);
    assert_eq!(figures["bad_lines"]["count"], 7);
    assert_eq!(figures["bad_lines"]["first"][5]["line"], 8);
    assert_eq!(
        figures["bad_lines"]["first"][5]["reason"],
        "it is longer than 64 KiB"
    );
    assert_eq!(figures["bad_lines"]["first"][6]["line"], 9);
    assert_eq!(
        figures["bad_lines"]["first"][6]["reason"],
        "it is longer than 64 KiB"
    );
    assert!(
        output.out.contains("7 bad lines passed over"),
        "{}",
        output.out
    );
}

#[test]
fn what_cannot_be_read_ends_the_program_with_one_line() {
    let folder = Folder::new();
    let binary: Vec<u8> = rounds().flat_map(u32::to_le_bytes).collect();
    let missing = folder.0.path().join("missing");
    let mut half = packed(&binary);
    half.truncate(half.len() / 2);
    let column: &[&str] = &["--column", "key"];
    let json: &[&str] = &["--json", "no/such/folder/x.json"];
    for (file, arguments, expected) in [
        // A place that cannot be written is told before anything is read.
        (missing.clone(), json, "cannot write"),
        (missing, &[], "cannot read"),
        (folder.0.path().to_owned(), &[], "it is a directory"),
        (folder.file("empty.log", ""), &[], "holds no request"),
        (folder.file("empty.u32", ""), &[], "holds no request"),
        (
            folder.file("only.csv", "id,key\n"),
            column,
            "holds no request",
        ),
        (folder.file("none.csv", ""), column, "holds no request"),
        (
            folder.file("cut.u32", &binary[..7]),
            &[],
            "ends within a number",
        ),
        (folder.file("half.u32.gz", half), &[], "cannot read"),
        (
            folder.file("columns.u32", &binary),
            column,
            "leave out --column",
        ),
        (
            folder.file("other.csv", "id,name\n1,a\n"),
            column,
            "no column `key`: its first line is `id,name`",
        ),
        (
            folder.file("blank.log", "\n\n"),
            &[],
            "all 2 are bad, the first is line 1: it is blank",
        ),
        (folder.file("binary.log", [0; 9]), &[], "NUL byte"),
        (
            folder.file("good.log", "1\n"),
            json,
            "cannot write no/such/folder/x.json",
        ),
        (
            folder.file("shards.log", "1\n"),
            &["--capacity", "2", "--shards", "3"],
            "shards",
        ),
    ] {
        let told = failure(&file, arguments);
        assert!(
            told.starts_with("cache_replay: ") && told.contains(expected),
            "{told}"
        );
    }
}

#[test]
fn a_wrong_command_line_is_told_and_help_is_given() {
    let output = run(Path::new("x"), &["--capacity", "none"]);
    assert!(output.ended_with(ExitCode::from(2)));
    assert!(
        output.err.contains("`none` is no capacity"),
        "{}",
        output.err
    );
    let help = run(Path::new("x"), &["--help"]);
    assert!(help.ended_with(ExitCode::SUCCESS));
    for option in [
        "--column",
        "--capacity",
        "--policy",
        "--shards",
        "--json",
        "--svg",
        "Examples:",
    ] {
        assert!(help.out.contains(option), "{}", help.out);
    }
}
