//! How long does a job over a file of customers take, and how much memory?
//!
//! Each row is read, parsed, given a name in capitals and a class by its value, and written to another file, in order. The
//! programs share what is done with a row:
//!
//! - `serial`: a loop over the `csv` crate's reader;
//! - `by hand`: programs that do nothing else, with the `csv` crate, or `csv-core` beneath it, and as many threads as ours;
//! - `crm-batch`: a job, of which the source cuts blocks and the workers parse them, by `csv-core` as the programs by hand do, or
//!   by the crate's own source.
//!
//! Each sample is a process of its own; its peak of resident memory is what the system says of it at its end (`VmHWM`). A million
//! rows are 100 MB. Nothing is synced to the disk, and a file that was written is removed before the next is.

use std::error::Error;
use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use clap::Parser;
use cpu_time::ProcessTime;
use crm_clock::Clock;

mod rows {
    //! The programs that are compared, and what they work on.
    pub(crate) mod blocks;
    pub(crate) mod by_hand;
    pub(crate) mod generate;
    pub(crate) mod ours;
    pub(crate) mod row;
    pub(crate) mod serial;
}
mod support {
    //! What this benchmark shares with others.
    pub(crate) mod apart;
    pub(crate) mod arguments;
    pub(crate) mod rounds;
    pub(crate) mod verdicts;
}

use rows::{by_hand, generate, ours, serial};
use support::apart::{Apart, answer, number};
use support::arguments::Common;
use support::rounds::{Contender, Figures, in_turn, of};
use support::verdicts::Verdicts;

#[derive(Debug, Parser)]
struct Arguments {
    /// Rows of the file.
    #[arg(long, default_value_t = 1_000_000)]
    rows: u64,
    /// Of what the file is generated.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Where a folder for the files is made, and removed again; unless told, where the system has its temporary files.
    #[arg(long)]
    folder: Option<PathBuf>,
    #[command(flatten)]
    apart: Apart,
    #[command(flatten)]
    common: Common,
}

/// Rounds, unless another number is asked for.
const ROUNDS: usize = 9;

const SERIAL: &str = "serial, csv";
const READER: &str = "by hand, csv, 256 KiB";
const CORE: &str = "by hand, csv-core, 256 KiB";
const CORE_1M: &str = "by hand, csv-core, 1 MiB";
const OURS_CORE: &str = "crm-batch, csv-core";
const OURS: &str = "crm-batch, its own source";

const ALL: [&str; 6] = [SERIAL, READER, CORE, CORE_1M, OURS_CORE, OURS];
const BY_HAND: [&str; 3] = [READER, CORE, CORE_1M];

type Done = Result<(), Box<dyn Error + Send + Sync>>;

fn run(name: &str, threads: usize, input: &Path, output: &Path) -> Done {
    let by_hand = |block: usize, parser| by_hand::run(input, output, threads, block << 10, parser);
    match name {
        SERIAL => serial::run(input, output),
        READER => by_hand(256, by_hand::Parser::Reader),
        CORE => by_hand(256, by_hand::Parser::Core),
        CORE_1M => by_hand(1_024, by_hand::Parser::Core),
        OURS_CORE => ours::run_core(input, output),
        OURS => ours::run(input, output),
        _ => panic!("there is no program {name:?}"),
    }
}

/// One sample: the seconds, the peak of resident memory in KiB, and the processor time of all threads in seconds.
fn sample(task: &[&str], threads: usize) -> io::Result<()> {
    let [name, folder, input] = task else {
        panic!("a task has three words, not {task:?}");
    };
    let name = ALL[number::<usize>(name)];
    let folder = Path::new(folder);
    let clock = Clock::system();
    let (start, used) = (clock.now(), ProcessTime::now());
    let done = run(name, threads, &folder.join(input), &folder.join("out"));
    let seconds = (clock.now() - start).as_secs_f64();
    let processor = used.elapsed().as_secs_f64();
    if let Err(error) = done {
        panic!("{name}: {error}");
    }
    answer(&[&seconds, &peak().unwrap_or(0), &processor])
}

/// The peak of this process's resident memory in KiB, where the system tells.
fn peak() -> Option<u64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|line| line.starts_with("VmHWM:"))?;
    line.split_whitespace().nth(1)?.parse().ok()
}

/// Whether two files hold the same.
fn same(one: &Path, other: &Path) -> io::Result<bool> {
    let (mut one, mut other) = (File::open(one)?, File::open(other)?);
    let (mut block, mut expected) = (Vec::new(), Vec::new());
    loop {
        block.clear();
        expected.clear();
        (&mut one).take(1 << 20).read_to_end(&mut block)?;
        (&mut other).take(1 << 20).read_to_end(&mut expected)?;
        if block != expected {
            return Ok(false);
        }
        if block.is_empty() {
            return Ok(true);
        }
    }
}

/// What else is measured of a program, round by round.
#[derive(Default)]
struct Others {
    /// Peaks of resident memory in MiB with a tenth of the rows, and with all of them.
    few: Vec<f64>,
    all: Vec<f64>,
    /// Seconds of all threads together.
    processor: Vec<f64>,
}

fn median(figures: &[f64]) -> f64 {
    let mut figures = figures.to_vec();
    figures.sort_by(f64::total_cmp);
    figures[figures.len() / 2]
}

fn most(figures: &[f64]) -> f64 {
    figures.iter().copied().fold(0.0, f64::max)
}

fn ratio(of: &Figures, to: &Figures) -> f64 {
    of.compare(to, |of, to| of / to).median
}

fn main() -> io::Result<()> {
    let arguments = Arguments::parse();
    let apart = &arguments.apart;
    if let Some(task) = apart.task() {
        return sample(&task, apart.threads);
    }
    let is_test = arguments.common.is_test();
    let rounds = apart.rounds(is_test, ROUNDS);
    let rows = if is_test { 5_000 } else { arguments.rows };
    let folder = match &arguments.folder {
        Some(folder) => tempfile::tempdir_in(folder)?,
        None => tempfile::tempdir()?,
    };
    let folder = folder.path();
    let shown = folder.to_str().expect("a folder with a name in UTF-8");
    assert!(!shown.contains(' '), "the folder has a space in its name");
    let output = folder.join("out");
    let few = (rows / 10).max(1);
    generate::customers(&folder.join("all"), rows, arguments.seed)?;
    generate::customers(&folder.join("few"), few, arguments.seed)?;
    let megabytes = fs::metadata(folder.join("all"))?.len() as f64 / 1e6;

    // All write the same.
    for (index, name) in ALL.iter().enumerate() {
        apart.run(&[&index, &shown, &"few"]);
        if *name == SERIAL {
            fs::rename(&output, folder.join("expected"))?;
        } else {
            let expected = folder.join("expected");
            assert!(same(&output, &expected)?, "{name} writes something else");
        }
    }
    let measure = |index: usize, input: &str| -> [f64; 3] {
        // What is removed need not be written to the disk any more.
        fs::remove_file(&output).ok();
        let answer = apart.run(&[&index, &shown, &input]);
        [&answer[0], &answer[1], &answer[2]].map(|word| number(word))
    };
    let mut others: [Others; ALL.len()] = Default::default();
    let mut contenders: Vec<_> = ALL
        .iter()
        .zip(&mut others)
        .enumerate()
        .map(|(index, (&name, other))| {
            Contender::new(name, SERIAL, move |_| {
                let [_, peak, _] = measure(index, "few");
                other.few.push(peak / 1_024.0);
                let [seconds, peak, processor] = measure(index, "all");
                other.all.push(peak / 1_024.0);
                other.processor.push(processor);
                seconds
            })
        })
        .collect();
    let figures = in_turn(&mut contenders, rounds);
    drop(contenders);

    let mut out = io::stdout().lock();
    writeln!(
        out,
        "{rows} rows, {megabytes:.0} MB; {} threads; medians of {rounds} rounds; `processor`: seconds of all threads together; MiB: peak of resident memory\n\n\
         | | s | quartiles | processor | MB/s | times serial's speed | MiB | at most | MiB with {few} rows |\n\
         |---|---:|---|---:|---:|---:|---:|---:|---:|",
        apart.threads
    )?;
    for (one, other) in figures.iter().zip(&others) {
        writeln!(
            out,
            "| {} | {:.3} | {:.3} | {:.0} | {:.2} | {:.1} | {:.1} | {:.1} |",
            one.name,
            one.compare(one, |own, _| own),
            median(&other.processor),
            megabytes / one.median(),
            ratio(of(&figures, one.against), one),
            median(&other.all),
            most(&other.all),
            median(&other.few),
        )?;
    }
    let fastest = BY_HAND
        .into_iter()
        .map(|name| of(&figures, name))
        .min_by(|one, other| one.median().total_cmp(&other.median()))
        .expect("there are programs by hand");
    let own = of(&figures, OURS);
    let other = &others[ALL.len() - 1];
    let mut verdicts = Verdicts::default();
    verdicts.judge(
        format!("times the time of the fastest, {}", fastest.name),
        ..=1.3,
        ratio(own, fastest),
    );
    verdicts.judge(
        "times the speed of the serial job",
        1.7..,
        ratio(of(&figures, SERIAL), own),
    );
    // It is 0 where the system does not tell.
    if median(&other.all) > 0.0 {
        let what = "peak of resident memory, MiB, in any round";
        verdicts.judge(what, ..64.0, most(&other.all));
    }
    // A file that does not fill the window says nothing about it.
    if few >= 1_000_000 {
        let what = "the same beyond that with a tenth of the rows, medians";
        verdicts.judge(what, ..4.0, median(&other.all) - median(&other.few));
    }
    verdicts.write(&mut out, is_test)
}
