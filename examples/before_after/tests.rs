//! The whole program, as a user runs it: what it writes, where, and how it ends.

use std::ffi::OsString;
use std::fs;
use std::path::Path;
use std::process::ExitCode;

use serde_json::Value;

use crate::invoice::COLUMNS;

/// What a run left behind.
struct Output {
    code: ExitCode,
    out: String,
    err: String,
}

impl Output {
    /// Exit codes have no equality of their own.
    fn ended_with(&self, code: ExitCode) -> bool {
        format!("{:?}", self.code) == format!("{code:?}")
    }
}

fn run(arguments: &[&str]) -> Output {
    let (mut out, mut err) = (Vec::new(), Vec::new());
    let line = ["before_after"].iter().chain(arguments).map(OsString::from);
    let code = crate::run(line, &mut out, &mut err);
    Output {
        code,
        out: String::from_utf8(out).unwrap(),
        err: String::from_utf8(err).unwrap(),
    }
}

/// A run that ends well, and its figures.
fn figures(folder: &Path, arguments: &[&str]) -> (Output, Value) {
    let json = folder.join("figures.json");
    let output = run(&[arguments, &["--json", json.to_str().unwrap()]].concat());
    assert!(output.ended_with(ExitCode::SUCCESS), "{}", output.err);
    let figures = serde_json::from_str(&fs::read_to_string(json).unwrap()).unwrap();
    (output, figures)
}

/// A shop of 40 customers with 50 lines each in 10 invoices, and every fifth line without a customer.
fn shop() -> Vec<String> {
    let mut lines = vec![COLUMNS.join(",")];
    for invoice in 0..400_u32 {
        for line in 0..5_u32 {
            let customer = match line {
                4 => String::new(),
                _ => format!("{}.0", 12_346 + invoice % 40),
            };
            lines.push(format!(
                "{invoice},{line},\"LANTERN, RED\",{},2011-01-{:02} 10:00:00,{line}.50,{customer},France",
                1 + line,
                1 + invoice % 28
            ));
        }
    }
    lines
}

const LEGS: [&str; 5] = ["import", "look_up", "scoring", "responses", "load"];

#[test]
fn a_quick_run_on_a_generated_file_measures_every_leg() {
    let folder = tempfile::tempdir().unwrap();
    let html = folder.path().join("page.html");
    let arguments = [
        "--quick",
        "--workers",
        "2",
        "--rows",
        "3000",
        "--html",
        html.to_str().unwrap(),
    ];
    let (output, figures) = figures(folder.path(), &arguments);

    assert_eq!(output.err, "");
    let table = output.out.as_str();
    for title in [
        "IMPORT",
        "LOOK-UP",
        "SCORING",
        "RESPONSES",
        "UNDER LOAD",
        "IN SHORT",
    ] {
        assert!(table.contains(title), "{table}");
    }
    let import = &figures["import"];
    for leg in LEGS {
        assert_eq!(figures[leg]["input"]["lines"], 3000, "{leg}");
        assert_eq!(
            figures[leg]["input"]["customers"], import["input"]["customers"],
            "{leg}"
        );
    }
    for pass in ["one_by_one", "batch", "parse_one_thread", "parse_batch"] {
        assert!(
            import[pass]["lines_per_second"].as_f64().unwrap() > 0.0,
            "{pass}"
        );
    }
    assert_eq!(figures["scoring"]["replicated"]["equal"], true);

    let page = fs::read_to_string(html).unwrap();
    assert_eq!(page.matches("<svg").count(), 5);
    assert_eq!(
        page.matches("<section").count(),
        page.matches("</section>").count()
    );
    assert!(page.contains("prefers-color-scheme: dark"));
    for elsewhere in ["<script", "http:", "https:", "@import", "url(", "NaN"] {
        assert!(!page.contains(elsewhere), "{elsewhere}");
    }
}

#[test]
fn the_figures_agree_with_a_shop_counted_by_hand() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("shop.csv");
    fs::write(&file, shop().join("\r\n")).unwrap();
    let (_, figures) = figures(
        folder.path(),
        &["--quick", "--data", file.to_str().unwrap()],
    );

    for leg in LEGS {
        let input = &figures[leg]["input"];
        assert_eq!(input["lines"], 2000, "{leg}");
        assert_eq!(input["bad_lines"], 0, "{leg}");
        assert_eq!(input["customers"], 40, "{leg}");
        assert_eq!(input["lines_without_customer"], 400, "{leg}");
    }
    let look_up = &figures["look_up"];
    // One look-up for each invoice; the first of each customer is a miss, every other one a hit.
    assert_eq!(look_up["index"]["asked"], 400);
    assert_eq!(look_up["cache"]["hit_ratio"], 0.9);

    let answers = figures["responses"]["answers"].as_array().unwrap();
    assert_eq!(answers[0]["coding"], "identity");
    assert!(answers[0]["left_alone"].is_string());
    assert_eq!(answers[2]["coding"], "gzip");
    assert!(answers[2]["sent_bytes"].as_u64() < answers[2]["identity_bytes"].as_u64());

    for run in figures["load"]["runs"].as_array().unwrap() {
        let sum = run["queueing_nanos"].as_f64().unwrap() + run["service_nanos"].as_f64().unwrap();
        let mean = run["response"]["mean_nanos"].as_f64().unwrap();
        assert!(
            (sum / mean - 1.0).abs() < 1e-9,
            "response time is T_q + T_s"
        );
        assert_eq!(run["error_rate"], 0.0);
    }
}

#[test]
fn bad_lines_are_told_with_number_and_reason_and_counted() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("shop.csv");
    let mut lines = shop();
    let good = lines[1].clone();
    lines.insert(4, "1,2,3".to_owned());
    lines.insert(9, good.replace(",2011-01-01", ",2011-02-30"));
    lines.push(good.replace("France", ""));
    for _ in 0..5 {
        lines.push(good.replace(",1,2011", ",one,2011"));
    }
    fs::write(&file, lines.join("\n")).unwrap();
    let (output, figures) = figures(
        folder.path(),
        &["--quick", "--data", file.to_str().unwrap()],
    );

    let shown: Vec<&str> = output.err.as_str().lines().collect();
    assert_eq!(shown.len(), 6, "{shown:?}");
    assert_eq!(shown[0], "bad line 5: 3 fields instead of 8");
    assert!(
        shown[1].starts_with("bad line 10: InvoiceDate `2011-02-30 10:00:00`"),
        "{}",
        shown[1]
    );
    assert_eq!(shown[2], "bad line 2004: Country is empty");
    assert!(shown[5].starts_with("and 3 more bad lines"), "{}", shown[5]);

    let all = figures["import"]["bad_lines"].as_array().unwrap();
    assert_eq!(all.len(), 8);
    assert_eq!(all[7]["line"], 2009);
    assert_eq!(all[7]["reason"], "Quantity `one` is not a whole number");
    assert_eq!(figures["import"]["input"]["lines"], 2008);
    assert_eq!(figures["import"]["input"]["bad_lines"], 8);
    // The other legs count what they find in the database, where no bad line is.
    for leg in &LEGS[1..] {
        assert_eq!(figures[leg]["input"]["lines"], 2000, "{leg}");
        assert_eq!(figures[leg]["input"]["bad_lines"], 0, "{leg}");
    }
}

/// Expects one line on standard error, nothing on standard output, and a code that is not zero.
fn refused(arguments: &[&str], because: &str) {
    let output = run(arguments);
    assert!(output.ended_with(ExitCode::FAILURE), "{arguments:?}");
    assert_eq!(output.out.as_str(), "");
    let message = output.err.as_str();
    assert_eq!(message.lines().count(), 1, "{message}");
    assert!(message.starts_with("before_after: "), "{message}");
    assert!(message.contains(because), "{message}");
}

#[test]
fn what_cannot_be_measured_is_told_in_one_line() {
    let header = COLUMNS.join(",");
    let folder = tempfile::tempdir().unwrap();
    let case = |name: &str, content: &[u8]| {
        let path = folder.path().join(name);
        fs::write(&path, content).unwrap();
        path.to_str().unwrap().to_owned()
    };
    refused(
        &["--data", "no/such/file.csv"],
        "cannot read no/such/file.csv",
    );
    refused(&["--data", folder.path().to_str().unwrap()], "directory");
    refused(&["--data", &case("empty.csv", b"")], "is empty");
    refused(
        &["--data", &case("other.csv", b"id,name\n1,Ada\n")],
        "wrong header",
    );
    refused(
        &["--data", &case("binary.csv", &[0xff; 200_000])],
        "wrong header",
    );
    refused(
        &["--data", &case("header.csv", header.as_bytes())],
        "no lines beneath it",
    );
    let bad = format!("{header}\n1,2\n3,4\n");
    refused(
        &["--data", &case("bad.csv", bad.as_bytes())],
        "all 2 are bad",
    );
    let anonymous = format!("{header}\n1,2,x,1,2011-01-01 10:00:00,1.5,,France\n");
    refused(
        &["--data", &case("anonymous.csv", anonymous.as_bytes())],
        "no line of",
    );
    refused(
        &["--data", &case("cut.csv.gz", &[0x1f, 0x8b, 8, 0, 0, 0])],
        "cannot read",
    );
    refused(
        &["--quick", "--json", "no/such/folder/x.json"],
        "cannot write no/such/folder/x.json",
    );
}

#[test]
fn a_wrong_argument_is_refused_with_the_code_of_usage() {
    let output = run(&["--utilisation", "1.5"]);
    assert!(output.ended_with(ExitCode::from(2)));
    assert!(output.err.contains("0.05 to 0.95"));
}

#[test]
fn help_goes_to_standard_output() {
    let output = run(&["--help"]);
    assert!(output.ended_with(ExitCode::SUCCESS));
    assert_eq!(output.err, "");
    for flag in ["--data", "--rows", "--seed", "--quick", "--json", "--html"] {
        assert!(output.out.contains(flag), "{flag}");
    }
}
