//! How much sooner is a large export compressed on all threads of a pool than on one?
//!
//! All make one gzip stream at one level. `one core` is `Gzip::encode`, `one core, stream` is `Gzip::encoder`;
//! `encode_parallel` is the same with a pool, of one thread and of `--threads`; `parallel_encoder` is given 64 KiB at a time, by a
//! thread of the pool. The exports are generated orders as CSV and as JSON lines; `--export FILE` takes a file, over
//! and over up to the size, which must be longer than the 32 KiB that deflate looks back.

use std::fs;
use std::io::{self, Read as _, Write};
use std::path::PathBuf;

use clap::Parser;
use cpu_time::ProcessTime;
use crm_clock::Clock;
use crm_compress::{Gzip, Level};
use flate2::bufread::GzDecoder;
use rayon::{ThreadPool, ThreadPoolBuilder};

mod support {
    //! What this benchmark shares with others.
    pub(crate) mod arguments;
    pub(crate) mod orders;
    pub(crate) mod rounds;
    pub(crate) mod verdicts;
}

use support::arguments::Common;
use support::orders::{Form, orders};
use support::rounds::{Contender, Figures, in_turn, of};
use support::verdicts::Verdicts;

#[derive(Debug, Parser)]
struct Arguments {
    /// Size of an export in MB.
    #[arg(long, default_value_t = 100)]
    megabytes: usize,
    /// A file to take instead of the generated exports.
    #[arg(long)]
    export: Vec<PathBuf>,
    /// The level of gzip; unless told, the crate's own choice.
    #[arg(long)]
    level: Option<u8>,
    /// Threads of the pool.
    #[arg(long, default_value_t = 2)]
    threads: usize,
    /// How often each is measured.
    #[arg(long, default_value_t = 9)]
    rounds: usize,
    #[command(flatten)]
    common: Common,
}

const ONE: &str = "one core";
const STREAM: &str = "one core, stream";
const WHOLE_ONE: &str = "encode_parallel, one thread";
const WHOLE: &str = "encode_parallel";
const WRITER: &str = "parallel_encoder";

/// What is compared, what with, and what is asked of it.
const ALL: [(&str, &str); 5] = [
    (ONE, ONE),
    (STREAM, STREAM),
    (WHOLE_ONE, ONE),
    (WHOLE, ONE),
    (WRITER, STREAM),
];

/// How much a program that makes rows writes at once.
const AT_ONCE: usize = 64 * 1024;

fn pool(threads: usize) -> ThreadPool {
    let pool = ThreadPoolBuilder::new().num_threads(threads).build();
    pool.expect("the system has threads to give")
}

fn in_pieces<W: Write>(body: &[u8], mut encoder: W) -> W {
    for piece in body.chunks(AT_ONCE) {
        encoder
            .write_all(piece)
            .expect("a vector takes whatever is written to it");
    }
    encoder
}

/// Encodes an export in one of the ways.
struct Ways {
    gzip: Gzip,
    one: ThreadPool,
    all: ThreadPool,
}

impl Ways {
    fn encode(&self, name: &str, body: &[u8]) -> Vec<u8> {
        let done = "a vector takes whatever is written to it";
        match name {
            ONE => self.gzip.encode(body),
            STREAM => in_pieces(body, self.gzip.encoder(Vec::new()))
                .finish()
                .expect(done),
            WHOLE_ONE => self.one.install(|| self.gzip.encode_parallel(body)),
            WHOLE => self.all.install(|| self.gzip.encode_parallel(body)),
            // A thread outside of all pools would put its blocks into rayon's global one.
            WRITER => self
                .all
                .install(|| in_pieces(body, self.gzip.parallel_encoder(Vec::new())).finish())
                .expect(done),
            _ => panic!("there is no way {name:?}"),
        }
    }
}

fn exports(arguments: &Arguments, size: usize) -> Vec<(String, Vec<u8>)> {
    if arguments.export.is_empty() {
        return vec![
            (String::from("CSV"), orders(Form::Csv, size)),
            (String::from("JSON lines"), orders(Form::JsonLines, size)),
        ];
    }
    let of_file = |path: &PathBuf| {
        let bytes = fs::read(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        assert!(bytes.len() > 65_536, "{} is too short", path.display());
        let body = bytes.iter().copied().cycle().take(size).collect();
        (path.display().to_string(), body)
    };
    arguments.export.iter().map(of_file).collect()
}

fn median(figures: &mut [f64]) -> f64 {
    figures.sort_by(f64::total_cmp);
    figures[figures.len() / 2]
}

fn ratio(of: &Figures, to: &Figures) -> f64 {
    of.compare(to, |of, to| of / to).median
}

fn main() -> io::Result<()> {
    let arguments = Arguments::parse();
    let is_test = arguments.common.is_test();
    let rounds = if is_test { 1 } else { arguments.rounds };
    let size = if is_test {
        1_000_000
    } else {
        arguments.megabytes * 1_000_000
    };
    let level = arguments.level.map_or(Level::Balanced, Level::Exact);
    let ways = Ways {
        gzip: Gzip::default().level(level),
        one: pool(1),
        all: pool(arguments.threads),
    };
    let clock = Clock::system();
    let mut out = io::stdout().lock();
    let mut verdicts = Verdicts::default();
    for (export, body) in exports(&arguments, size) {
        let mut lengths = Vec::new();
        for (name, _) in ALL {
            let encoded = ways.encode(name, &body);
            let mut decoded = Vec::with_capacity(body.len());
            GzDecoder::new(&*encoded).read_to_end(&mut decoded)?;
            assert!(decoded == body, "{name} encodes something else");
            lengths.push(encoded.len() as f64);
        }
        let mut processor: [Vec<f64>; ALL.len()] = Default::default();
        let mut contenders: Vec<_> = ALL
            .into_iter()
            .zip(&mut processor)
            .map(|((name, against), processor)| {
                let (ways, body, clock) = (&ways, &body, &clock);
                Contender::new(name, against, move |_| {
                    let (start, used) = (clock.now(), ProcessTime::now());
                    let encoded = ways.encode(name, body);
                    let seconds = (clock.now() - start).as_secs_f64();
                    processor.push(used.elapsed().as_secs_f64());
                    drop(encoded);
                    seconds
                })
            })
            .collect();
        let figures = in_turn(&mut contenders, rounds);
        drop(contenders);
        writeln!(
            out,
            "## {export}: {:.0} MB, level {level}, {} threads; medians of {rounds} rounds\n\n\
             `processor`: seconds of all threads together\n\n\
             | | s | quartiles | processor | MB/s | times the speed of | | bytes | growth, % |\n\
             |---|---:|---|---:|---:|---|---:|---:|---:|",
            body.len() as f64 / 1e6,
            arguments.threads,
        )?;
        for (index, one) in figures.iter().enumerate() {
            let other = of(&figures, one.against);
            let base = ALL.iter().position(|(name, _)| *name == one.against);
            let growth = lengths[index] / lengths[base.unwrap_or(index)] - 1.0;
            writeln!(
                out,
                "| {} | {:.3} | {:.3} | {:.0} | {} | {:.2} | {} | {:.3} |",
                one.name,
                one.compare(one, |own, _| own),
                median(&mut processor[index]),
                body.len() as f64 / 1e6 / one.median(),
                one.against,
                ratio(other, one),
                lengths[index],
                growth * 100.0,
            )?;
            if one.name == WHOLE || one.name == WRITER {
                let what = format!("{export}, {}: times the speed of {}", one.name, one.against);
                verdicts.judge(what, 1.85.., ratio(other, one));
                let what = format!("{export}, {}: growth in %", one.name);
                verdicts.judge(what, ..=0.5, growth * 100.0);
            }
        }
        writeln!(out)?;
    }
    verdicts.write(&mut out, is_test)
}
