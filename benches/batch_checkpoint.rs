//! What does it cost a job that it can go on after a kill?
//!
//! The same job is run with and without a checkpoint: customers from a source, a microsecond of work for each, and a row of some
//! forty bytes into a file. The file is synced at its end in both. With a checkpoint it is synced once a second besides, as it is
//! unless chosen otherwise, and a slot that says how many rows count is written and synced too.
//!
//! Each sample is taken in a process of its own and lasts some seconds; the two take turns.

use std::cell::Cell;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use clap::Parser;
use crm_batch::{Batch, FileSink, Fingerprint, Repeatable};
use crm_clock::Clock;

mod support {
    //! What this benchmark shares with others.
    pub(crate) mod apart;
    pub(crate) mod arguments;
    pub(crate) mod customers;
    pub(crate) mod rounds;
    pub(crate) mod verdicts;
}

use support::apart::{Apart, answer, number};
use support::arguments::Common;
use support::customers::{score, source, units_of_a_microsecond};
use support::rounds::{Contender, in_turn, of};
use support::verdicts::Verdicts;

#[derive(Debug, Parser)]
struct Arguments {
    /// About how long a run is to take, in seconds.
    #[arg(long, default_value_t = 5)]
    seconds: u64,
    /// Work on a record, in nanoseconds.
    #[arg(long, default_value_t = 1_000)]
    work: u64,
    /// Where a folder for the file is made, and removed again; unless told, where the system has its temporary files.
    #[arg(long)]
    folder: Option<PathBuf>,
    #[command(flatten)]
    apart: Apart,
    #[command(flatten)]
    common: Common,
}

/// Rounds, unless another number is asked for.
const ROUNDS: usize = 9;

const WITHOUT: &str = "without a checkpoint";
const WITH: &str = "with a checkpoint";

/// One sample: the seconds, and the bytes written.
fn sample(task: &[&str]) -> io::Result<()> {
    let [is_with, folder, records, units] = task else {
        panic!("a task has four words, not {task:?}");
    };
    let (records, units) = (number(records), number(units));
    let path = Path::new(folder).join("scores.csv");
    let customers = Repeatable::new(source(records), Fingerprint::of(&records));
    let clock = Clock::system();
    let start = clock.now();
    let job = Batch::new()
        .job(customers)
        .encode(|customer, row| {
            let score = score(&customer, units);
            writeln!(row, "{},{score},{}", customer.id, score % 1_000)
        })
        .into(FileSink::create(&path));
    let report = if *is_with == "0" {
        job.run()
    } else {
        let job = job.checkpoint("scores").expect("a job with a name");
        job.run()
    };
    let seconds = (clock.now() - start).as_secs_f64();
    assert_eq!(report.expect("a disk that works").written(), records);
    let bytes = path.metadata()?.len();
    std::fs::remove_file(path)?;
    answer(&[&seconds, &bytes])
}

fn main() -> io::Result<()> {
    let arguments = Arguments::parse();
    let apart = &arguments.apart;
    if let Some(task) = apart.task() {
        return sample(&task);
    }
    let is_test = arguments.common.is_test();
    let rounds = apart.rounds(is_test, ROUNDS);
    let units = (arguments.work as f64 / 1e3 * units_of_a_microsecond()).max(1.0) as u64;
    // Source, row and sink add some 200 ns to the work.
    let of_a_second = 1_000_000_000 * apart.threads as u64 / (arguments.work + 200);
    let records = if is_test {
        1_000
    } else {
        of_a_second * arguments.seconds
    };
    let folder = match &arguments.folder {
        Some(folder) => tempfile::tempdir_in(folder)?,
        None => tempfile::tempdir()?,
    };
    let folder = folder.path().to_str();
    let folder = folder.expect("a folder with a name in UTF-8");
    assert!(!folder.contains(' '), "the folder has a space in its name");

    let bytes = Cell::new(0_u64);
    let written = &bytes;
    let mut contenders = [WITHOUT, WITH].map(|name| {
        Contender::new(name, WITHOUT, move |_| {
            let is_with = u8::from(name == WITH);
            let answer = apart.run(&[&is_with, &folder, &records, &units]);
            written.set(number(&answer[1]));
            number(&answer[0])
        })
    });
    let figures = in_turn(&mut contenders, rounds);

    let mut out = io::stdout().lock();
    writeln!(
        out,
        "{records} records of {} ns, {} MB written; {} threads; median and quartiles of {rounds} rounds\n\n\
         | | s | quartiles | times as long as without | quartiles |\n|---|---:|---|---:|---|",
        arguments.work,
        bytes.get() / 1_000_000,
        apart.threads
    )?;
    for one in &figures {
        writeln!(
            out,
            "| {} | {:.3} | {:.3} |",
            one.name,
            one.compare(one, |own, _| own),
            one.compare(of(&figures, one.against), |own, other| own / other)
        )?;
    }
    let (with, without) = (of(&figures, WITH), of(&figures, WITHOUT));
    let mut verdicts = Verdicts::default();
    verdicts.judge(
        "times as long with a checkpoint",
        ..=1.03,
        with.median() / without.median(),
    );
    verdicts.write(&mut out, is_test)
}
