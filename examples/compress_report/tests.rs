//! The whole program, as a user runs it: what it reads, what it writes, where, and how it ends.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use crm_perf::compress::Coding;
use serde_json::Value;

use crate::setting::{self, Setting};
use crate::testing::{Folder, Output};

/// Runs it with `input` for `-`, and with no more time than a test has.
fn run_with(input: &[u8], arguments: &[&str]) -> Output {
    let line = [&["compress_report", "--seconds", "0.02"], arguments].concat();
    Output::of(
        |line, out, err| crate::run(line, &mut &*input, out, err),
        &line,
    )
}

fn run(arguments: &[&str]) -> Output {
    run_with(b"", arguments)
}

/// A run that ends well, and its figures.
fn figures(folder: &Folder, input: &[u8], arguments: &[&str]) -> (Output, Value) {
    let json = folder.0.path().join(".figures.json");
    let output = run_with(
        input,
        &[arguments, &["--json", json.to_str().unwrap()]].concat(),
    );
    assert!(output.ended_with(ExitCode::SUCCESS), "{}", output.err);
    let figures = serde_json::from_str(&fs::read_to_string(json).unwrap()).unwrap();
    (output, figures)
}

fn failure(arguments: &[&str]) -> String {
    run(arguments).failure()
}

impl Folder {
    fn file(&self, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.0.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, content).unwrap();
        path
    }

    fn path(&self) -> &str {
        self.0.path().to_str().unwrap()
    }
}

/// JSON of so many customers.
fn customers(count: u32) -> String {
    let one = |id| format!("{{\"id\":{id},\"name\":\"Customer {id}\",\"city\":\"London\"}}");
    let all: Vec<String> = (0..count).map(one).collect();
    format!("[{}]", all.join(","))
}

/// Bytes that no coding makes fewer.
fn noise(length: usize) -> Vec<u8> {
    let mut random = fastrand::Rng::with_seed(6);
    (0..length).map(|_| random.u8(..)).collect()
}

/// What a body comes to, from the figures.
fn row<'a>(sheet: &'a Value, setting: &str) -> &'a Value {
    let rows = sheet["rows"].as_array().unwrap();
    rows.iter().find(|row| row["setting"] == setting).unwrap()
}

#[test]
fn figures_are_those_of_the_bodies() {
    let folder = Folder::new();
    let (list, picture) = (customers(200), noise(3_000));
    folder.file("responses/list.json", &list);
    folder.file("responses/deeper/picture.png", &picture);
    folder.file("responses/.hidden", "hidden");
    folder.file("responses/empty.json", "");
    let responses = format!("{}/responses", folder.path());
    let (output, figures) = figures(&folder, b"", &[&responses, "--line", "8Mbit/s"]);

    let bytes = (list.len() + picture.len()) as u64;
    assert_eq!(figures["total"]["bytes"], bytes);
    assert_eq!(figures["bodies_found"], 2);
    let [other, json] = &figures["bodies"].as_array().unwrap()[..] else {
        panic!("{figures}");
    };
    assert_eq!(json["media_type"], "application/json");
    assert_eq!(json["name"], format!("{responses}/list.json"));
    assert!(
        other["left_by_default"]
            .as_str()
            .unwrap()
            .contains("media type")
    );

    let args = clap::Parser::parse_from(["compress_report", "x"]);
    let settings = Setting::asked(&args).unwrap();
    assert_eq!(json["rows"].as_array().unwrap().len(), settings.len());
    for setting in settings {
        let name = setting.to_string();
        let (small, large) = (row(json, &name), row(other, &name));
        // What the library makes of it is what is counted.
        let encoded = setting.encode(list.as_bytes()).unwrap().len();
        assert_eq!(small["bytes"], encoded, "{name}");
        assert_eq!(
            (&small["not_smaller"], &large["not_smaller"]),
            (&0.into(), &1.into())
        );
        assert_eq!(large["bytes"], picture.len());
        assert_eq!(
            row(&figures["total"], &name)["bytes"],
            encoded + picture.len()
        );
        // A byte takes a microsecond on this line.
        let (encode, on_line) = (&small["encode_seconds"], &small["on_line_seconds"]);
        let sent = on_line.as_f64().unwrap() - encode.as_f64().unwrap();
        assert!(
            (sent - encoded as f64 * 1e-6).abs() < 1e-9,
            "{name}: {sent}"
        );
        assert!(encode.as_f64().unwrap() > 0.0);
        assert!(output.out.contains(&name));
    }
    assert_eq!(
        output.err,
        format!("passed over {responses}/empty.json: it is empty\n")
    );
    let words = "deeper/picture.png (3,000): no setting makes it smaller.";
    assert!(output.out.contains(words), "{}", output.out);
    assert!(output.out.contains("made once   "), "{}", output.out);
}

#[test]
fn standard_input_is_a_body_too_and_decoding_is_timed_when_asked() {
    let folder = Folder::new();
    let body = customers(100);
    let (output, figures) = figures(
        &folder,
        body.as_bytes(),
        &[
            "-",
            "-",
            "--decompress",
            "--coding",
            "gzip",
            "--level",
            "all",
        ],
    );
    assert_eq!(figures["total"]["name"], "standard input");
    assert_eq!(figures["total"]["rows"].as_array().unwrap().len(), 9);
    for row in figures["total"]["rows"].as_array().unwrap() {
        let seconds = |name: &str| row[name].as_f64().unwrap();
        let (encode, decode) = (seconds("encode_seconds"), seconds("decode_seconds"));
        assert!(decode > 0.0);
        let line = seconds("bytes") * 8.0 / 10e6;
        assert!((seconds("on_line_seconds") - encode - decode - line).abs() < 1e-9);
    }
    assert!(output.out.contains("decode"), "{}", output.out);
    assert_eq!(output.err, "");
    // A body alone needs no second table.
    assert_eq!(output.out.matches("setting ").count(), 1, "{}", output.out);
}

#[test]
fn duplicates_and_bodies_beyond_the_limit_are_told() {
    let folder = Folder::new();
    let first = folder.file("a.json", customers(10));
    folder.file("b.json", customers(10));
    folder.file("c.json", customers(300));
    let line = [folder.path(), "--limit", "4kB", "--coding", "gzip"];
    let (output, figures) = figures(&folder, b"", &line);
    assert_eq!(figures["bodies_found"], 1);
    let told = &figures["passed_over"];
    let why = format!("it is the same as {}", first.display());
    assert_eq!(told[0]["why"], why);
    assert!(
        told[1]["why"].as_str().unwrap().contains("--limit"),
        "{told}"
    );
    assert_eq!(output.err.lines().count(), 2);
}

#[test]
fn of_many_passed_over_some_are_told_and_the_json_has_all() {
    let folder = Folder::new();
    let text = "the same line\n".repeat(9);
    let (output, figures) = figures(&folder, text.as_bytes(), &["-", "--lines"]);
    assert_eq!(figures["passed_over"].as_array().unwrap().len(), 8);
    assert_eq!(output.err.lines().count(), 6);
    assert!(
        output
            .err
            .ends_with("and 3 more are passed over; --json tells them all\n")
    );
}

#[test]
fn what_cannot_be_measured_ends_the_program_with_one_line() {
    let folder = Folder::new();
    let path = |path: &Path| path.to_str().unwrap().to_owned();
    let missing = path(&folder.0.path().join("missing"));
    let empty = path(&folder.file("empty.json", ""));
    let blank = path(&folder.file("blank.txt", "\n \n"));
    let large = path(&folder.file("large.json", customers(100)));
    let nothing = path(folder.file("nothing/.hidden", "x").parent().unwrap());
    for (line, expected) in [
        (&[&*missing][..], "cannot read"),
        (&[&large, &missing], "cannot read"),
        (&[&empty], "empty.json is empty"),
        (&["-"], "standard input is empty"),
        (&[&blank, "--lines"], "blank.txt is empty"),
        (&[&large, "--limit", "1kB"], "raise --limit"),
        (&[&nothing], "there is no body"),
        (
            &[&large, "--coding", "gzip", "--level", "77"],
            "gzip goes to 9",
        ),
        // A place that cannot be written is told before anything is read.
        (
            &[&missing, "--json", "no/such/folder/x.json"],
            "cannot write",
        ),
        (&[&missing, "--svg", "no/such/folder/x.svg"], "cannot write"),
    ] {
        let told = failure(line);
        assert!(
            told.starts_with("compress_report: ") && told.contains(expected),
            "{told}"
        );
    }
}

#[cfg(unix)]
#[test]
fn links_and_what_is_no_file_are_told() {
    let folder = Folder::new();
    let file = folder.file("real.json", customers(20));
    let into = folder.0.path().join("folder");
    fs::create_dir(&into).unwrap();
    for (from, to) in [
        ("file", &*file),
        ("circle", folder.0.path()),
        ("broken", Path::new("no")),
    ] {
        std::os::unix::fs::symlink(to, into.join(from)).unwrap();
    }
    let line = [into.to_str().unwrap(), "--coding", "gzip"];
    let (output, figures) = figures(&folder, b"", &line);
    assert_eq!(figures["bodies_found"], 1);
    assert!(
        output.err.contains("circle: it is a link to a folder"),
        "{}",
        output.err
    );
    assert!(
        output.err.contains("broken: it cannot be read"),
        "{}",
        output.err
    );
    // It has no end; the kind of file is looked at first.
    assert!(failure(&["/dev/zero"]).contains("neither a file nor a folder"));
}

#[test]
fn bytes_that_are_no_text_are_a_body() {
    let folder = Folder::new();
    let mut bytes = noise(50);
    bytes.extend([0xFF; 4_000]);
    let (_, figures) = figures(&folder, &bytes, &["-", "--coding", "deflate"]);
    assert_eq!(figures["total"]["bytes"], 4_050);
    assert!(
        row(&figures["total"], "deflate fastest")["bytes"]
            .as_u64()
            .unwrap()
            < 200
    );
}

#[test]
fn a_picture_shows_each_setting() {
    let folder = Folder::new();
    let file = folder.file("<a & b>.json", customers(400));
    let svg = folder.0.path().join("lines.svg");
    let line = [file.to_str().unwrap(), "--svg", svg.to_str().unwrap()];
    let output = run(&line);
    assert!(output.ended_with(ExitCode::SUCCESS), "{}", output.err);
    let svg = fs::read_to_string(svg).unwrap();
    let settings = Setting::asked(&clap::Parser::parse_from(["compress_report", "x"])).unwrap();
    // Deflate would lie beneath gzip. Two choices have a ring each, in the picture and above it.
    let shown = |setting: &&Setting| setting.coding != Coding::Deflate;
    let points = settings.iter().filter(shown).count();
    assert_eq!(svg.matches("<title>").count(), 1 + points);
    assert_eq!(
        svg.matches("<polyline").count(),
        setting::codings().len() - 1
    );
    assert!(svg.contains(">made once: ") && svg.contains(">sent often: "));
    assert!(svg.contains("prefers-color-scheme: dark") && svg.contains("&lt;a &amp; b&gt;"));
    assert!(!svg.contains("NaN") && !svg.contains("inf"), "{svg}");
}

#[test]
fn odd_bodies_are_still_a_picture() {
    let folder = Folder::new();
    let svg = folder.0.path().join("one.svg");
    let line = ["-", "--svg", svg.to_str().unwrap(), "--line", "10000Gbit/s"];
    let output = run_with(b"a", &line);
    assert!(output.ended_with(ExitCode::SUCCESS), "{}", output.err);
    let svg = fs::read_to_string(svg).unwrap();
    assert!(!svg.contains("NaN") && !svg.contains("inf"), "{svg}");
    assert!(
        output.out.contains("made once   As it is"),
        "{}",
        output.out
    );
}

#[test]
fn a_run_that_fails_leaves_older_figures_alone() {
    let folder = Folder::new();
    let json = folder.file("x.json", "older");
    failure(&["missing", "--json", json.to_str().unwrap()]);
    assert_eq!(fs::read_to_string(json).unwrap(), "older");
}

#[test]
fn a_wrong_command_line_is_told_and_help_is_given() {
    let wrong = run(&["x", "--level", "quick"]);
    assert!(wrong.ended_with(ExitCode::from(2)));
    assert!(wrong.err.contains("`quick` is no level"), "{}", wrong.err);
    let help = run(&["--help"]);
    assert!(help.ended_with(ExitCode::SUCCESS));
    for option in [
        "--line",
        "--lines",
        "--limit",
        "--json",
        "--svg",
        "Examples:",
    ] {
        assert!(help.out.contains(option), "{}", help.out);
    }
}

/// The bytes that are counted are bytes that others decode: the programs of the codings themselves.
#[expect(clippy::print_stderr, reason = "a skipped check is said aloud")]
#[test]
fn other_programs_decode_what_is_counted() {
    let folder = Folder::new();
    let body = customers(500);
    let args = clap::Parser::parse_from(["compress_report", "x"]);
    for setting in Setting::asked(&args).unwrap() {
        let (program, ending) = match setting.coding.name() {
            "gzip" => ("gzip", "gz"),
            "zstd" => ("zstd", "zst"),
            "br" => ("brotli", "br"),
            _ => continue,
        };
        let file = folder.file(
            &format!("body.{ending}"),
            setting.encode(body.as_bytes()).unwrap(),
        );
        match Command::new(program).arg("-dc").arg(file).output() {
            Ok(output) => {
                let told = String::from_utf8_lossy(&output.stderr);
                assert!(output.status.success(), "{setting}: {told}");
                assert!(output.stdout == body.as_bytes(), "{setting}");
            }
            Err(error) => eprintln!("{setting} was not decoded: {program}: {error}"),
        }
    }
}
