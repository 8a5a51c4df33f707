//! The whole program, as a user runs it: what it writes, where, how it ends, and how it goes on.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use serde_json::Value;

use crate::testing::{Folder, Output};

/// The command line of a child of these tests, one argument a line.
const CHILD: &str = "BATCH_CUSTOMERS_TEST_LINE";

const SMALL: &str = "\
id,name,email,country,street,city,last_order,orders,spent
1,Ada Lovelace,ada@example.org,GB,\"12 High Street, Flat 3\",London,2025-12-15,21,6000.00
2,\"Turing, Alan\",alan@example.org,GB,,,2025-06-01,1,12.5

3,Nobody,nobody@example.org,FR,,,,0,0
4,Bad,bad.example.org,FR,,,2025-12-15,1,1
5,\"Say \"\"hi\"\"\",hi@example.org,XX,,,2025-12-15,1,1
6,Few,few@example.org
7,J\u{fc}rgen,j@example.org,DE,,,2020-01-01,5,100
";

const SCORED: &str = "\
id,name,email,country,recency,frequency,monetary,score,segment
1,ADA LOVELACE,ada@example.org,GB,5,5,5,555,champion
2,\"TURING, ALAN\",alan@example.org,GB,2,1,1,211,occasional
7,J\u{dc}RGEN,j@example.org,DE,1,3,2,132,at risk
";

const REJECTED: &str = "\
record,byte,reason,row
3,242,\"email is no address\",\"4,Bad,bad.example.org,FR,,,2025-12-15,1,1\"
4,284,\"country is no ISO 3166 code\",\"5,\"\"Say \"\"\"\"hi\"\"\"\"\"\",hi@example.org,XX,,,2025-12-15,1,1\"
5,334,\"wrong number of fields\",\"6,Few,few@example.org\"
";

/// The files of one test.
struct Place {
    folder: Folder,
}

impl Place {
    fn new() -> Self {
        Self {
            folder: Folder::new(),
        }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.0.path().join(name)
    }

    fn text(&self, name: &str) -> String {
        self.path(name).to_str().unwrap().to_owned()
    }

    fn file(&self, name: &str, content: impl AsRef<[u8]>) -> String {
        fs::write(self.path(name), content).unwrap();
        self.text(name)
    }

    /// The command line of a run into `out.csv`.
    fn line(&self, arguments: &[&str]) -> Vec<String> {
        let whole = ["batch_customers", "--output"]
            .map(str::to_owned)
            .into_iter();
        let rest = arguments.iter().map(|argument| (*argument).to_owned());
        whole.chain([self.text("out.csv")]).chain(rest).collect()
    }

    fn run(&self, arguments: &[&str]) -> Output {
        let line = self.line(arguments);
        let line: Vec<_> = line.iter().map(String::as_str).collect();
        Output::of(crate::run, &line)
    }

    /// A run that ends well, and its figures.
    fn figures(&self, arguments: &[&str]) -> Value {
        let json = self.text("figures.json");
        let output = self.run(&[arguments, &["--json", &json]].concat());
        assert!(output.ended_with(ExitCode::SUCCESS), "{}", output.err);
        assert_eq!(output.err, "");
        serde_json::from_str(&fs::read_to_string(json).unwrap()).unwrap()
    }

    /// Scores and rejects.
    fn results(&self) -> [String; 2] {
        let names = ["out.csv", "out.rejects.csv"];
        names.map(|name| fs::read_to_string(self.path(name)).unwrap())
    }

    fn names(&self) -> Vec<String> {
        let entries = fs::read_dir(self.folder.0.path()).unwrap();
        let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
        let mut names: Vec<_> = names.collect();
        names.sort_unstable();
        names
    }

    /// Runs the program in a process of its own, in which only the test `test` runs, and says whether it ended by itself.
    fn child(&self, test: &str, arguments: &[&str]) -> bool {
        let output = Command::new(env::current_exe().unwrap())
            .args(["--exact", test, "--nocapture"])
            .env(CHILD, self.line(arguments).join("\n"))
            .output()
            .unwrap();
        output.status.success()
    }
}

/// Whether this process is a child, which then has run its line.
fn was_child() -> bool {
    let Ok(line) = env::var(CHILD) else {
        return false;
    };
    let line: Vec<_> = line.lines().collect();
    let output = Output::of(crate::run, &line);
    assert!(output.ended_with(ExitCode::SUCCESS), "{}", output.err);
    true
}

/// What an undisturbed run over these generated customers leaves.
fn undisturbed(generated: &[&str]) -> [String; 2] {
    let place = Place::new();
    place.figures(generated);
    place.results()
}

#[test]
fn rows_are_scored_filtered_or_rejected_and_all_are_counted() {
    let place = Place::new();
    let input = place.file("in.csv", SMALL);
    for threads in ["1", "2"] {
        let figures = place.figures(&["--input", &input, "--threads", threads]);
        assert_eq!(place.results(), [SCORED, REJECTED]);
        let counts = &figures["counts"];
        assert_eq!(counts["records"], 7);
        assert_eq!(counts["written"], 3);
        assert_eq!(counts["filtered"], 1);
        assert_eq!(counts["rejected"], 3);
        assert_eq!(figures["reasons"]["email is no address"], 1);
        assert_eq!(figures["before"]["records"], 0);
        assert_eq!(figures["input_bytes"], SMALL.len() as u64);
    }
    // Neither a part nor a checkpoint is left.
    assert_eq!(
        place.names(),
        ["figures.json", "in.csv", "out.csv", "out.rejects.csv"]
    );
}

#[test]
fn the_day_decides_recency() {
    let place = Place::new();
    let input = place.file("in.csv", SMALL);
    place.figures(&["--input", &input, "--today", "2025-06-15"]);
    let [scores, rejects] = place.results();
    assert!(
        scores.contains("alan@example.org,GB,5,1,1,511,new\n"),
        "{scores}"
    );
    assert!(
        rejects.contains("\"last_order is in the future\",\"1,Ada"),
        "{rejects}"
    );
}

#[test]
fn columns_may_stand_in_any_order_among_others() {
    let place = Place::new();
    let input = place.file(
        "in.csv",
        "spent,orders,more,last_order,city,street,country,email,name,id\n6000,21,,2025-12-15,,,GB,ada@example.org,Ada Lovelace,1\n",
    );
    place.figures(&["--input", &input]);
    let scored: String = SCORED
        .lines()
        .take(2)
        .map(|line| format!("{line}\n"))
        .collect();
    assert_eq!(
        place.results(),
        [scored.as_str(), "record,byte,reason,row\n"]
    );
}

#[test]
fn a_file_without_rows_has_a_header() {
    let place = Place::new();
    let header = SMALL.lines().next().unwrap();
    let input = place.file("in.csv", header);
    place.figures(&["--input", &input]);
    let headers = [SCORED, REJECTED].map(|text| format!("{}\n", text.lines().next().unwrap()));
    assert_eq!(place.results(), headers);
}

#[test]
fn generated_customers_are_those_of_the_file_that_they_can_be_kept_in() {
    let place = Place::new();
    let kept = place.text("kept.csv");
    let first = place.figures(&["--rows", "3000", "--seed", "5", "--generate", &kept]);
    let results = place.results();
    assert_eq!(first["counts"]["records"], 3_000);
    let rejected = first["counts"]["rejected"].as_u64().unwrap();
    assert!((15..80).contains(&rejected), "{rejected}");
    let filtered = first["counts"]["filtered"].as_u64().unwrap();
    assert!((40..120).contains(&filtered), "{filtered}");
    // Each kind of fault is among them, and nothing that the generator does not mean.
    let reasons = first["reasons"].as_object().unwrap();
    assert!(
        !reasons.contains_key("name is blank") && reasons.len() >= 6,
        "{reasons:?}"
    );
    place.figures(&["--input", &kept]);
    assert_eq!(place.results(), results);
    assert_eq!(undisturbed(&["--rows", "3000", "--seed", "5"]), results);
    assert_ne!(undisturbed(&["--rows", "3000", "--seed", "6"]), results);
}

#[test]
fn a_killed_run_goes_on_and_leaves_what_an_undisturbed_one_leaves() {
    if was_child() {
        return;
    }
    const TEST: &str = "tests::a_killed_run_goes_on_and_leaves_what_an_undisturbed_one_leaves";
    let generated = ["--rows", "6000", "--commit-every", "0"];
    let expected = undisturbed(&generated[..2]);
    for threads in ["1", "2"] {
        for kill_after in ["1", "2000", "5990"] {
            let place = Place::new();
            let kill = ["--threads", threads, "--kill-after", kill_after];
            let arguments = [&generated[..], &kill].concat();
            assert!(!place.child(TEST, &arguments), "it was to be killed");
            assert!(!place.path("out.csv").exists());
            let refusal = place.run(&generated).failure();
            assert!(refusal.contains("go on with --resume"), "{refusal}");
            // What has gone on can be killed, too, unless so little was left that it has finished.
            let again = [&arguments[..], &["--resume"]].concat();
            let finished = place.child(TEST, &again);
            assert_eq!(finished, kill_after == "5990");
            if !finished {
                let figures = place.figures(&[&generated[..], &["--resume"]].concat());
                let before = figures["before"]["records"].as_u64().unwrap();
                let now = figures["counts"]["records"].as_u64().unwrap();
                assert_eq!(before + now, 6_000, "{arguments:?}");
                assert!(before >= 2 * kill_after.parse::<u64>().unwrap(), "{before}");
            }
            assert_eq!(place.results(), expected, "{arguments:?}");
            let left = place.names();
            assert!(
                !left
                    .iter()
                    .any(|name| name.contains(".part") || name.contains(".checkpoint")),
                "{left:?}"
            );
        }
    }
}

#[test]
fn a_checkpoint_is_gone_on_from_given_up_or_refused() {
    if was_child() {
        return;
    }
    const TEST: &str = "tests::a_checkpoint_is_gone_on_from_given_up_or_refused";
    let place = Place::new();
    let generated = ["--rows", "20000", "--commit-every", "0"];
    let killed = [&generated[..], &["--kill-after", "5000"]].concat();
    assert!(!place.child(TEST, &killed));
    for (arguments, expected) in [
        (&["--rows", "20000"][..], "has a checkpoint at record"),
        (
            &["--rows", "20001", "--resume"],
            "the input is not what it was",
        ),
        (
            &["--rows", "20000", "--today", "2026-01-02", "--resume"],
            "parameters are not those",
        ),
    ] {
        let refusal = place.run(arguments).failure();
        assert!(refusal.contains(expected), "{refusal}");
    }
    // What was refused has changed nothing.
    let other = ["--rows", "20000", "--today", "2026-01-02"];
    let figures = place.figures(&[&other[..], &["--start-over"]].concat());
    assert_eq!(figures["before"]["records"], 0);
    assert_eq!(place.results(), undisturbed(&other));

    // With nothing to go on from, a run begins at the start.
    let figures = place.figures(&[&generated[..], &["--resume"]].concat());
    assert_eq!(figures["counts"]["records"], 20_000);
    assert_eq!(place.results(), undisturbed(&generated));

    assert!(!place.child(TEST, &killed));
    let checkpoint = place.path("out.csv.checkpoint");
    let len = fs::metadata(&checkpoint).unwrap().len();
    fs::write(&checkpoint, vec![7; len as usize]).unwrap();
    let refusal = place
        .run(&[&generated[..], &["--resume"]].concat())
        .failure();
    assert!(
        refusal.contains("out.csv.checkpoint has no whole checkpoint"),
        "{refusal}"
    );
    place.figures(&[&generated[..], &["--start-over"]].concat());
    assert_eq!(place.results(), undisturbed(&generated));
}

#[test]
fn what_cannot_be_done_ends_the_program_with_one_line() {
    let place = Place::new();
    let small = place.file("in.csv", SMALL);
    let missing = place.text("missing.csv");
    let folder = place.folder.0.path().to_str().unwrap().to_owned();
    let empty = place.file("empty.csv", "");
    let other = place.file("other.csv", "id,name\n1,Ada\n");
    let open = place.file("open.csv", format!("{SMALL}8,\"never closed\n"));
    let output = place.file("out.csv", SMALL);
    for (arguments, expected) in [
        (&["--input", &missing][..], "missing.csv: "),
        (
            &["--input", &missing, "--json", "no/such/folder/x"],
            "cannot write no/such",
        ),
        (&["--input", &folder], "it is a directory"),
        (&["--input", &empty], "no column `id`: its first line is ``"),
        (
            &["--input", &other],
            "no column `email`: its first line is `id,name`",
        ),
        (&["--input", &output], "give another --output"),
        (
            &["--rows", "9", "--generate", &small],
            "read it with --input",
        ),
        (
            &["--rows", "9", "--generate", "no/such/folder/x"],
            "cannot write no/such",
        ),
        (
            &["--input", &open, "--output", "no/such/folder/x"],
            "cannot write no/such/folder/x: ",
        ),
    ] {
        let told = match arguments.contains(&"--output") {
            true => Output::of(crate::run, &[&["batch_customers"], arguments].concat()),
            false => place.run(arguments),
        };
        let told = told.failure();
        assert!(
            told.starts_with("batch_customers: ") && told.contains(expected),
            "{told}"
        );
    }
    // The output that was there before is untouched, and what the run had done stays to be gone on from.
    let told = place.run(&["--input", &open]).failure();
    assert!(told.contains("never closes"), "{told}");
    assert_eq!(fs::read_to_string(Path::new(&output)).unwrap(), SMALL);
    assert!(
        place
            .run(&["--input", &small])
            .failure()
            .contains("--start-over")
    );
}

#[test]
fn the_report_tells_what_was_done() {
    let place = Place::new();
    let input = place.file("in.csv", SMALL);
    let output = place.run(&["--input", &input]);
    for expected in [
        "read                 7\n",
        "written              3\n",
        "filtered             1  never ordered\n",
        "rejected             3\n",
        "   1  email is no address\n",
        " s: source ",
        " records/s, ",
        "threads were busy for ",
        " rows at a time in memory\n",
    ] {
        assert!(
            output.out.contains(expected),
            "{expected:?} in\n{}",
            output.out
        );
    }
    assert!(!output.out.contains("gone on"), "{}", output.out);
}

#[test]
fn a_wrong_command_line_is_told_and_help_is_given() {
    let output = Place::new().run(&["--resume", "--start-over"]);
    assert!(output.ended_with(ExitCode::from(2)));
    let help = Place::new().run(&["--help"]);
    assert!(help.ended_with(ExitCode::SUCCESS));
    for option in [
        "--input",
        "--resume",
        "--kill-after",
        "--threads",
        "--json",
        "Examples:",
    ] {
        assert!(help.out.contains(option), "{}", help.out);
    }
}
