//! The job: rows of a CSV file, scored on all threads, into a file that is whole or not there.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{Seek as _, SeekFrom};
use std::path::{Path, PathBuf};
use std::process;
use std::time::Duration;

use crm_perf::batch::{self, Batch, Builder, Csv, FileSink, Recover, SkipLimit};

use crate::args::{Args, rejects_of};
use crate::customer::{Columns, Reason};
use crate::failure::Failure;
use crate::generator;
use crate::program::CannotWrite;
use crate::progress::Progress;
use crate::score;
use crate::sink;

/// The checkpoint belongs to a job of this name.
const NAME: &str = "batch_customers";

/// The rows to be read, and what they are called.
pub(crate) struct Input {
    file: File,
    pub(crate) name: String,
    pub(crate) bytes: u64,
}

/// What a run did.
pub(crate) struct Outcome {
    pub(crate) report: batch::Report<Reason>,
    /// How many rows were rejected for which reason, by this run.
    pub(crate) reasons: BTreeMap<String, u64>,
}

/// Opens the input that the command line names, or generates it.
pub(crate) fn input(args: &Args) -> Result<Input, Failure> {
    let (file, name) = match (&args.input, &args.generate) {
        (Some(path), _) => (open(path)?, path.display().to_string()),
        (None, kept) => {
            let mut file = match kept {
                Some(path) => create_new(path)?,
                None => tempfile::tempfile().map_err(|error| CannotWrite {
                    file: std::env::temp_dir(),
                    error,
                })?,
            };
            let path = kept.clone().unwrap_or_else(std::env::temp_dir);
            let progress = Progress::generating(args.rows);
            let bar = progress.clone();
            let builder = builder(args).progress(move |progress| bar.records(progress));
            let written = generator::write(&mut file, &path, args.rows, args.seed, builder);
            progress.finish();
            written?;
            let rewound = file.seek(SeekFrom::Start(0));
            rewound.map_err(|error| CannotWrite { file: path, error })?;
            let name = match kept {
                Some(path) => path.display().to_string(),
                None => format!("generated customers, seed {}", args.seed),
            };
            (file, name)
        }
    };
    let bytes = file.metadata().map_or(0, |metadata| metadata.len());
    Ok(Input { file, name, bytes })
}

/// Runs the job to its end, from its checkpoint or from the start.
pub(crate) fn run(args: &Args, input: Input) -> Result<Outcome, Failure> {
    let output = args.output();
    let read = Csv::options().read(input.file);
    let csv = read.map_err(|error| Failure::Read {
        file: PathBuf::from(&input.name),
        error,
    })?;
    let columns = Columns::of(&csv).map_err(|column| Failure::NoSuchColumn {
        file: PathBuf::from(&input.name),
        column,
        found: header(&csv),
    })?;
    let every = Duration::from_millis(args.commit_every);
    let before = checkpoint(args, &output, every)?;

    let progress = Progress::scoring(input.bytes, before);
    let (bar, kill_after) = (progress.clone(), args.kill_after);
    let batch = builder(args)
        .skip(SkipLimit::ALL)
        .progress(move |progress| {
            bar.bytes(progress);
            if kill_after.is_some_and(|records| progress.settled() >= records) {
                process::abort();
            }
        })
        .build()?;
    let today = args.today;
    let mut reasons = BTreeMap::new();
    let mut job = batch
        .job(csv)
        .encode(move |row, out| {
            score::write(&columns.read(&row, today)?, out);
            Ok::<_, Reason>(())
        })
        .keep_records()
        .into(sink::create(&output, every))
        .rejects(|files: &mut FileSink, skip, row| {
            *reasons.entry(skip.failure().to_string()).or_insert(0) += 1;
            sink::reject(files, &skip, row)
        })
        .checkpoint(NAME)?
        .parameters(&(score::VERSION, today.to_string()));
    if args.start_over {
        job = job.start_over();
    }
    let ended = job.run();
    progress.finish();
    Ok(Outcome {
        report: ended.map_err(|error| Failure::Job(Box::new(error)))?,
        reasons,
    })
}

/// Refuses what would destroy something, before anything is generated or read.
pub(crate) fn check(args: &Args) -> Result<(), Failure> {
    let output = args.output();
    let folder = match output.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    let cannot = |error| CannotWrite {
        file: output.clone(),
        error,
    };
    if args.output.is_none() {
        fs::create_dir_all(folder).map_err(cannot)?;
    }
    fs::read_dir(folder).map_err(cannot)?;
    for written in [&output, &rejects_of(&output)] {
        let named = args.input.iter().chain(&args.generate);
        for read in named {
            let same = match (fs::canonicalize(read), fs::canonicalize(written)) {
                (Ok(read), Ok(written)) => read == written,
                _ => read == written,
            };
            if same {
                return Err(Failure::Same(read.clone()));
            }
        }
    }
    checkpoint(args, &output, Duration::ZERO)?;
    Ok(())
}

/// Where the run will go on, in bytes of the input; an error if there is a checkpoint and nobody has said what is to become
/// of it.
fn checkpoint(args: &Args, output: &Path, every: Duration) -> Result<u64, Failure> {
    if args.start_over {
        return Ok(0);
    }
    // A sink of its own, which lets the files go again.
    let found = sink::create(output, every)
        .recover(NAME)
        .map_err(Failure::Sink)?;
    match found {
        Some(found) if !args.resume => Err(Failure::Unfinished {
            output: output.to_owned(),
            records: found.entry.records,
        }),
        Some(found) => Ok(found.entry.position.map_or(0, |position| position.0)),
        None => Ok(0),
    }
}

fn builder(args: &Args) -> Builder {
    // The job is long: the caller's thread need not find out first whether others are worth it.
    let builder = Batch::builder().inline_start(false);
    match args.threads {
        Some(threads) => builder.threads(threads),
        None => builder,
    }
}

fn open(path: &Path) -> Result<File, Failure> {
    let opened = File::open(path).and_then(|file| match file.metadata()?.is_dir() {
        true => Err(std::io::Error::new(
            std::io::ErrorKind::IsADirectory,
            "it is a directory",
        )),
        false => Ok(file),
    });
    opened.map_err(|error| Failure::Open {
        file: path.to_owned(),
        error,
    })
}

fn create_new(path: &Path) -> Result<File, Failure> {
    let created = File::options()
        .read(true)
        .write(true)
        .create_new(true)
        .open(path);
    created.map_err(|error| match error.kind() {
        std::io::ErrorKind::AlreadyExists => Failure::Exists(path.to_owned()),
        _ => Failure::Write(CannotWrite {
            file: path.to_owned(),
            error,
        }),
    })
}

/// The first line, shortened, for a message.
fn header(csv: &Csv<File>) -> String {
    let names: Vec<_> = csv.names().map(String::from_utf8_lossy).collect();
    names.join(",").escape_debug().take(120).collect()
}
