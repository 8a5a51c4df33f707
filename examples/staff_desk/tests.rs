//! The whole program, as a user runs it: what it reads, what it writes, and how it ends.

use std::fs;
use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

use serde_json::Value;

use crate::generator::Profile;
use crate::testing::{Folder, Output};

impl Folder {
    /// A file, and its name for the command line.
    fn log(&self, name: &str, content: impl AsRef<[u8]>) -> String {
        let path: PathBuf = self.0.path().join(name);
        fs::write(&path, content).unwrap();
        path.to_str().unwrap().to_owned()
    }
}

fn run(arguments: &[&str]) -> Output {
    Output::of(crate::run, &[&["staff_desk"], arguments].concat())
}

/// A run that ends well, and its figures.
fn figures(arguments: &[&str]) -> (Output, Value) {
    let folder = Folder::new();
    let json = folder.0.path().join("desk.json");
    let output = run(&[arguments, &["--json", json.to_str().unwrap()]].concat());
    assert!(output.ended_with(ExitCode::SUCCESS), "{}", output.err);
    let figures = serde_json::from_str(&fs::read_to_string(json).unwrap()).unwrap();
    (output, figures)
}

fn number(value: &Value) -> f64 {
    value
        .as_f64()
        .unwrap_or_else(|| panic!("{value} is no number"))
}

fn near(found: &Value, expected: f64, error: f64) {
    let found = number(found);
    assert!(
        (found - expected).abs() <= error,
        "{found} instead of {expected}"
    );
}

const HEADER: &str = "date,type,q_start_s,q_exit_s,outcome,ser_start_s,ser_exit_s,server_code\n";

/// Ten o'clock on two days. On the first, two agents serve three calls of 900 s on average in 2,700 s, and one caller gives up; on
/// the second, one agent serves two of 900 s. While somebody waits, both of the first day serve for 100 s and the one of the second
/// for 10 s: 210 s / 110 s; 1.5 and 1 are counted there: 160 s / 110 s.
const SMALL: &str = "\
mon,PS,0,0,AGENT,36000,37500,1
mon,PS,0,0,AGENT,36000,36600,2
mon,PS,36500,36600,AGENT,36600,37200,2
mon,NW,36500,36550,HANG,0,0,0
tue,PS,0,0,AGENT,36000,36900,1
tue,PS,36890,36900,AGENT,36900,37800,1
tue,PS,0,0,HANG,0,0,0
tue,PS,36900,36950,PHANTOM,0,0,0
";

#[test]
fn a_small_log_has_the_figures_of_a_hand_with_a_pencil() {
    let folder = Folder::new();
    let log = folder.log("small.csv", format!("{HEADER}{SMALL}"));
    let (output, figures) = figures(&[&log, "--target", "80/60"]);
    assert_eq!(output.err, "");
    assert_eq!(figures["days"], 2);
    assert_eq!(figures["left_out"], 1);
    assert_eq!(figures["before_the_desk"], 1);
    assert_eq!(figures["unattended"], 0);
    // One gave up, and all together waited for 100 + 50 + 10 s.
    near(&figures["patience"], 160.0, 1e-9);
    let half_hours = figures["half_hours"].as_array().unwrap();
    assert_eq!(half_hours.len(), 2);
    for (half_hour, (calls, service, agents, load)) in half_hours
        .iter()
        .zip([(4, 900.0, 1.5, 2.0), (2, 900.0, 1.0, 1.0)])
    {
        assert_eq!(half_hour["calls"], calls);
        near(&half_hour["service"], service, 1e-9);
        near(&half_hour["agents"], agents, 1e-9);
        near(&half_hour["load"], load, 1e-9);
        // As much as the agents can do, or more.
        assert_eq!(half_hour["erlang_c"]["waits"], 1.0);
        assert_eq!(half_hour["erlang_c"]["wait"], Value::Null);
    }
    // Six calls: three waited, 160 s in all; one gave up, one was served after 100 s.
    let all = &figures["all"];
    assert_eq!(all["calls"], 6);
    assert_eq!(all["overloaded"], 2);
    near(&all["happened"]["waits"], 3.0 / 6.0, 1e-12);
    near(&all["happened"]["abandons"], 1.0 / 6.0, 1e-12);
    near(&all["happened"]["wait"], 160.0 / 6.0, 1e-12);
    near(&all["happened"]["in_time"], 4.0 / 6.0, 1e-12);
    near(&all["agents"], 1.25, 1e-12);
    // Erlang C has all wait: on either day, half of them did.
    near(&all["off_erlang_c"]["waits"], 0.5, 1e-12);
    near(&all["off_erlang_c"]["abandons"], 1.0 / 6.0, 1e-12);
    // Weighted by calls.
    let weighted = |what: &str| {
        let of = |at: usize| number(&half_hours[at]["erlang_a"][what]);
        (4.0 * of(0) + 2.0 * of(1)) / 6.0
    };
    for what in ["waits", "abandons", "wait", "in_time"] {
        near(&all["erlang_a"][what], weighted(what), 1e-12);
    }
    let part = &figures["by_time_of_day"].as_array().unwrap()[0];
    assert_eq!(part["start"], 36_000.0);
    assert_eq!(part["erlang_a"], all["erlang_a"]);

    for line in [
        "small.csv: 6 calls at the desk on 2 days\n  1 left out, 1 gave up before the desk\n",
        "mean patience 160 s; more was offered than all agents could serve in 2 of 2 half-hours\n\
         while somebody waited, 1.91 agents were serving of 1.45 that are counted as there\n\n",
        " 10:00     3.0    1.5      1.2     900 s      160 s    50 %   100 %",
        " mean wait       27 s   no bound   no bound ",
        "who waits:    closer over all is Erlang A (",
        "80 % within 60 s would have taken ",
        "; 1.25 were there.\n",
    ] {
        assert!(output.out.contains(line), "{line}{}", output.out);
    }
}

#[test]
fn one_log_has_the_same_figures_in_every_form() {
    let folder = Folder::new();
    let plain = format!("{HEADER}{SMALL}");
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    packed.write_all(plain.as_bytes()).unwrap();
    let packed = folder.log("packed.csv.gz", packed.finish().unwrap());
    let plain = folder.log("plain.csv", plain);
    // Other names in another order, times as on a clock, other words for the outcomes.
    let clocks: String = SMALL
        .lines()
        .map(|line| {
            let fields: Vec<&str> = line.split(',').collect();
            let clock = |at: usize| match fields[at].parse::<u32>().unwrap() {
                0 => String::new(),
                t => format!("{}:{:02}:{:02}", t / 3_600, t / 60 % 60, t % 60),
            };
            let outcome = match fields[4] {
                "AGENT" => "\"answered, well\"",
                "HANG" => "lost",
                other => other,
            };
            let who = fields[7];
            let (a, b, c, d) = (clock(2), clock(3), clock(5), clock(6));
            format!("{who};{outcome};{a};{b};{c};{d};{}\r\n", fields[0])
        })
        .collect();
    let other = format!("\u{feff}who;how;in;out;from;to;day\r\n{clocks}");
    let other = folder.log("other.csv", other);
    let columns = [
        "--column",
        "agent=who",
        "--column",
        "outcome=how",
        "--column",
        "queue_start=in",
        "--column",
        "queue_end=out",
        "--column",
        "service_start=from",
        "--column",
        "service_end=to",
        "--column",
        "date=day",
        "--delimiter",
        ";",
        "--served",
        "answered, well",
        "--abandoned",
        "lost",
    ];
    let expected = figures(&[&plain]).1["half_hours"].clone();
    assert_eq!(expected.as_array().unwrap().len(), 2);
    assert_eq!(figures(&[&packed]).1["half_hours"], expected);
    let (output, found) = figures(&[&[other.as_str()], &columns[..]].concat());
    assert_eq!(output.err, "");
    assert_eq!(found["half_hours"], expected);
}

#[test]
fn calls_can_be_left_out_and_agents_be_counted_otherwise() {
    let folder = Folder::new();
    let log = folder.log("small.csv", format!("{HEADER}{SMALL}"));
    let (_, found) = figures(&[&log, "--without", "type=NW", "--patience", "99"]);
    assert_eq!(found["all"]["calls"], 5);
    assert_eq!(found["left_out"], 2);
    assert_eq!(found["patience"], 99.0);
    let (_, found) = figures(&[&log, "--agents", "seen"]);
    near(&found["all"]["agents"], 1.5, 1e-12);
    let (_, found) = figures(&[&log, "--agents", "present"]);
    near(&found["all"]["agents"], 1.25, 1e-12);
    let (_, found) = figures(&[&log, "--interval", "60"]);
    near(&found["half_hours"][0]["agents"], 0.75, 1e-12);
}

#[test]
fn shrinkage_and_occupancy_take_more_agents() {
    let needed = |more: &[&str]| {
        let (output, found) = figures(&[&["--days", "2"], more].concat());
        (output, found["all"]["needed"].clone())
    };
    let (output, plain) = needed(&[]);
    assert_eq!(plain["erlang_a"], plain["scheduled"]);
    assert!(!output.out.contains("scheduled"));
    let (output, shrunk) = needed(&["--shrinkage", "30"]);
    assert_eq!(shrunk["erlang_a"], plain["erlang_a"]);
    assert!(number(&shrunk["scheduled"]) >= number(&plain["erlang_a"]) / 0.7);
    assert!(output.out.contains(" scheduled, and "), "{}", output.out);
    let (_, relaxed) = needed(&["--occupancy", "60"]);
    assert!(number(&relaxed["erlang_a"]) > number(&plain["erlang_a"]) + 1.0);
    let (_, strict) = needed(&["--target", "95/10"]);
    assert!(number(&strict["erlang_a"]) > number(&plain["erlang_a"]));
}

/// A desk whose truth is Erlang A's, the whole day long: what is estimated must be what was put in, and what is predicted what
/// comes out.
#[test]
fn a_desk_that_is_erlang_a_is_recognised() {
    let profile = Profile {
        mean_service: 120.0,
        mean_patience: 200.0,
        half_hours: vec![(90.0, 6); 48],
    };
    let folder = Folder::new();
    let log = folder.log("long.csv", profile.log(60, 11));
    // A whole day at once, because a half-hour is short and its calls are never just as many as on average.
    let (_, found) = figures(&[&log, "--interval", "1440"]);
    let all = &found["all"];
    near(&all["calls"], 60.0 * 48.0 * 90.0, 2_000.0);
    near(&all["service"], 120.0, 1.5);
    near(&all["patience"], 200.0, 4.0);
    near(&all["agents"], 6.0, 0.05);
    for (what, error) in [("waits", 0.01), ("abandons", 0.005), ("in_time", 0.01)] {
        let happened = number(&all["happened"][what]);
        near(&all["erlang_a"][what], happened, error);
        assert!((number(&all["erlang_c"][what]) - happened).abs() > 5.0 * error);
    }
    near(
        &all["erlang_a"]["wait"],
        number(&all["happened"]["wait"]),
        1.0,
    );
}

#[test]
fn without_a_file_a_log_is_generated() {
    let (output, found) = figures(&[]);
    assert_eq!(output.err, "");
    assert_eq!(found["days"], 20);
    let start = "generated log, seed 1: 22,651 calls at the desk on 20 days\n";
    assert!(output.out.starts_with(start), "{}", output.out);
    let again = run(&[]);
    assert_eq!(again.out, output.out);
    assert_ne!(run(&["--seed", "2"]).out, output.out);
    let all = &found["all"];
    for what in ["waits", "abandons"] {
        let off = |model: &str| number(&all[model][what]);
        assert!(off("off_erlang_a") < off("off_erlang_c"), "{what}");
    }
}

#[test]
fn bad_lines_are_passed_over_counted_and_told() {
    let folder = Folder::new();
    let bad = "\
mon,PS,0,0,AGENT,0,0,5
mon,PS
mon,PS,noon,0,HANG,0,0,0
mon,\"PS,0,0,AGENT,1,2,3
";
    let log = folder.log("bad.csv", format!("{HEADER}{bad}{SMALL}"));
    let (output, found) = figures(&[&log]);
    let told = "\
bad line 2: it says neither when it waited nor when it was served
bad line 3: it has only 2 fields
bad line 4: one of its times is neither seconds of a day nor h:mm:ss
bad line 5: it has a quote that nothing closes
";
    assert_eq!(output.err, told);
    assert_eq!(found["bad_lines"]["count"], 4);
    assert_eq!(found["bad_lines"]["first"][0]["line"], 2);
    assert_eq!(found["all"]["calls"], 6);
    assert!(
        output
            .out
            .contains("  4 bad lines passed over, 1 left out, ")
    );
}

#[test]
fn what_cannot_be_read_or_makes_no_sense_ends_the_program_with_one_line() {
    let folder = Folder::new();
    let good = folder.log("good.csv", format!("{HEADER}{SMALL}"));
    let header = folder.log("header.csv", HEADER);
    let empty = folder.log("empty.csv", "");
    let other = folder.log("other.csv", "a,b\n1,2\n");
    let bad = folder.log("bad.csv", format!("{HEADER}mon\n\n"));
    let gone = folder.log("gone.csv", format!("{HEADER}mon,PS,0,0,HANG,0,0,0\n"));
    let lost = folder.log("lost.csv", format!("{HEADER}mon,PS,5,9,HANG,0,0,0\n"));
    let served = folder.log("served.csv", format!("{HEADER}mon,PS,5,9,AGENT,9,90,1\n"));
    let cut = folder.log("cut.csv.gz", [0x1f, 0x8b, 8, 0]);
    let missing = folder.0.path().join("missing").to_str().unwrap().to_owned();
    let here = folder.0.path().to_str().unwrap().to_owned();
    let none: &[&str] = &[];
    for (log, arguments, expected) in [
        (&missing, none, "cannot read"),
        (&here, none, "it is a directory"),
        (&cut, none, "cannot read"),
        (&empty, none, "holds no call"),
        (&header, none, "holds no call"),
        (
            &other,
            none,
            "has no column `date`: its first line is `a,b`",
        ),
        (
            &bad,
            none,
            "all 2 are bad, the first is line 2: it has only one field",
        ),
        (
            &gone,
            none,
            "none has the outcome `AGENT`, or `HANG` after a wait",
        ),
        (
            &good,
            &["--served", "x", "--abandoned", "y"],
            "none has the outcome `x`",
        ),
        (&good, &["--without", "kind=x"], "has no column `kind`"),
        (&good, &["--column", "agent=x"], "has no column `x`"),
        (&lost, none, "says when its service began and ended"),
        (&served, none, "give --patience"),
        (&good, &["--patience", "0"], "--patience is 0, but must"),
        (&good, &["--patience", "nan"], "--patience is NaN, but must"),
        (
            &good,
            &["--target", "100/20"],
            "the percentage of --target is 100, but must",
        ),
        (
            &good,
            &["--target", "80/-1"],
            "the seconds of --target is -1, but must",
        ),
        (
            &good,
            &["--shrinkage", "100"],
            "--shrinkage is 100, but must",
        ),
        (&good, &["--occupancy", "0"], "--occupancy is 0, but must"),
        (
            &good,
            &["--interval", "7"],
            "--interval is 7, but must divide",
        ),
        (
            &good,
            &["--json", "no/such/x.json"],
            "cannot write no/such/x.json",
        ),
        // A place that cannot be written is told before anything is read.
        (
            &missing,
            &["--svg", "no/such/x.svg"],
            "cannot write no/such/x.svg",
        ),
    ] {
        let told = run(&[&[log.as_str()], arguments].concat()).failure();
        assert!(
            told.starts_with("staff_desk: ") && told.contains(expected),
            "{told}"
        );
    }
}

#[test]
fn a_wrong_command_line_is_told_and_help_is_given() {
    let output = run(&["--target", "soon"]);
    assert!(output.ended_with(ExitCode::from(2)));
    assert!(output.err.contains("`soon` is no service level"));
    let help = run(&["--help"]);
    assert!(help.ended_with(ExitCode::SUCCESS));
    for option in [
        "--column",
        "queue_start=q_start_s",
        "--agents",
        "--shrinkage",
        "Examples:",
    ] {
        assert!(help.out.contains(option), "{}", help.out);
    }
}

#[test]
fn the_picture_has_three_curves_in_two_panels() {
    let folder = Folder::new();
    let svg = folder.0.path().join("day.svg");
    let output = run(&["--days", "3", "--svg", svg.to_str().unwrap()]);
    assert!(output.ended_with(ExitCode::SUCCESS), "{}", output.err);
    let picture = fs::read_to_string(&svg).unwrap();
    assert_eq!(picture.matches("<polyline").count(), 6);
    assert_eq!(picture.matches("<circle").count(), 6 * 24);
    for part in [
        ">waits<",
        ">gives up<",
        ">12:00<",
        "Erlang C",
        "prefers-color-scheme: dark",
    ] {
        assert!(picture.contains(part), "{part} in {picture}");
    }
    assert!(!picture.contains("NaN") && !picture.contains("inf"));
    // Ten o'clock has just enough calls to be drawn, eleven o'clock one too few.
    let calls = |hour: usize, many: usize| -> String {
        let call = |i| {
            format!(
                "mon,PS,{},{},HANG,0,0,0\n",
                hour * 3_600 + i,
                hour * 3_600 + i + 9
            )
        };
        let served = format!(
            "mon,PS,0,0,AGENT,{},{},1\n",
            hour * 3_600,
            hour * 3_600 + 60
        );
        (1..many).map(call).chain([served]).collect()
    };
    let log = folder.log(
        "two.csv",
        format!("{HEADER}{}{}", calls(10, 30), calls(11, 29)),
    );
    let output = run(&[&log, "--svg", svg.to_str().unwrap()]);
    assert!(output.ended_with(ExitCode::SUCCESS), "{}", output.err);
    let picture = fs::read_to_string(&svg).unwrap();
    assert_eq!(picture.matches("<circle").count(), 6);
    // Too few calls to draw any is still a picture.
    let log = folder.log("<small>.csv", format!("{HEADER}{SMALL}"));
    let output = run(&[&log, "--svg", svg.to_str().unwrap()]);
    assert!(output.ended_with(ExitCode::SUCCESS), "{}", output.err);
    let picture = fs::read_to_string(&svg).unwrap();
    assert!(picture.contains("&lt;small&gt;.csv") && !picture.contains("NaN"));
}
