//! What does each engine cost a body at each level, and what does this crate add to the engine that it keeps?
//!
//! A figure is the processor's time for encoding one body into a vector that is kept, on one thread. All rows of one body take
//! turns. `speed` is how many times as fast a row is as a deflate state of zlib-rs at the same level (at level 6 for codings
//! other than gzip) that is reset for each body, in the same round: median and quartiles. Below 1 is what it costs to take the
//! state from the pool and to give it back.

use std::hint::black_box;
use std::io::{self, Write};

use clap::Parser;
use cpu_time::ThreadTime;

mod engines;
mod support {
    //! What this benchmark shares with others.
    pub(crate) mod arguments;
    pub(crate) mod backend;
    pub(crate) mod decoded;
    pub(crate) mod responses;
    pub(crate) mod rounds;
    pub(crate) mod verdicts;
}

use engines::{Engine, Format, OURS, RAW, STREAM, engines};
use support::arguments::Common;
use support::backend::assert_zlib_rs;
use support::responses::{Response, responses};
use support::rounds::{Contender, in_turn, of};
use support::verdicts::Verdicts;

#[derive(Debug, Parser)]
struct Arguments {
    /// Rounds that count; one before them warms up.
    #[arg(long, default_value_t = 15)]
    rounds: usize,
    /// How long one sample is to take, in microseconds.
    #[arg(long, default_value_t = 1_000.0)]
    sample: f64,
    /// The levels of gzip.
    #[arg(long, value_delimiter = ',', default_value = "1,2,4,5,6,9")]
    levels: Vec<u8>,
    /// Only bodies with this in their name.
    #[arg(long, default_value = "")]
    body: String,
    /// Only engines with this in their name, and the state that is reset.
    #[arg(long, default_value = "")]
    engine: String,
    #[command(flatten)]
    common: Common,
}

/// A row's name, which lives as long as the program, as contenders want it.
fn named(name: &str, level: u8) -> &'static str {
    Box::leak(format!("{name} {level}").into_boxed_str())
}

fn measure(
    response: &Response,
    arguments: &Arguments,
    verdicts: &mut Verdicts,
    out: &mut impl Write,
) -> io::Result<()> {
    let Response {
        name,
        media_type,
        bytes,
    } = response;
    let is_test = arguments.common.is_test();
    let mut sizes = Vec::new();
    let mut contenders = Vec::new();
    let mut levels = arguments.levels.clone();
    if !levels.contains(&6) {
        levels.push(6);
    }
    for engine in engines(&levels) {
        let Engine {
            name: row,
            level,
            format,
            mut encode,
        } = engine;
        if row != RAW && !row.contains(&arguments.engine) {
            continue;
        }
        let mut output = Vec::new();
        encode(bytes, &mut output);
        let back = format.decoded(&output, bytes.len());
        assert!(back == *bytes, "{name}: {row} {level} does not come back");
        sizes.push(output.len());

        let asked_for = arguments.sample * 1e3;
        let mut repeats = 1;
        let against = match format {
            Format::Gzip => named(RAW, level),
            _ => named(RAW, 6),
        };
        contenders.push(Contender::new(named(row, level), against, move |round| {
            let start = ThreadTime::now();
            for _ in 0..repeats {
                output.clear();
                encode(black_box(bytes), &mut output);
                black_box(&output);
            }
            let figure = start.elapsed().as_nanos() as f64 / f64::from(repeats);
            if round == 0 && !is_test {
                repeats = (asked_for / figure).clamp(1.0, 1e5) as u32;
            }
            figure
        }));
    }
    let rounds = if is_test { 1 } else { arguments.rounds };
    let figures = in_turn(&mut contenders, rounds);

    writeln!(
        out,
        "\n## {name}, {media_type}, {} bytes\n\n\
         | | us | MB/s | bytes | ratio | speed | quartiles |\n\
         |---|---:|---:|---:|---:|---:|---|",
        bytes.len()
    )?;
    for (one, &size) in figures.iter().zip(&sizes) {
        let nanos = one.median();
        let speed = one.compare(of(&figures, one.against), |own, raw| raw / own);
        writeln!(
            out,
            "| {} | {:.2} | {:.0} | {size} | {:.2} | {speed} |",
            one.name,
            nanos / 1e3,
            bytes.len() as f64 * 1e3 / nanos,
            bytes.len() as f64 / size as f64,
        )?;
    }
    let at = |row| {
        figures
            .iter()
            .position(|figures| figures.name == named(row, 6))
    };
    for row in [OURS, STREAM] {
        // Another engine behind ours would make it a comparison of engines, and its bytes are others.
        if let (Some(ours), Some(raw)) = (at(row), at(RAW))
            && (8_000..20_000).contains(&bytes.len())
            && sizes[ours] == sizes[raw]
        {
            let cost = figures[ours].compare(&figures[raw], |own, raw| own / raw);
            let what = format!("{name}: {row} over a state that is reset, level 6");
            verdicts.judge(what, ..=1.02, cost.median);
        }
    }
    Ok(())
}

fn main() -> io::Result<()> {
    let arguments = Arguments::parse();
    let responses = responses();
    let largest = responses.last().expect("there are some");
    assert_zlib_rs(&largest.bytes);
    let mut out = io::stdout().lock();
    writeln!(
        out,
        "microseconds of the processor for a body, medians of {} rounds",
        arguments.rounds
    )?;
    let mut verdicts = Verdicts::default();
    for response in &responses {
        if response.name.contains(&arguments.body) {
            measure(response, &arguments, &mut verdicts, &mut out)?;
        }
    }
    verdicts.write(&mut out, arguments.common.is_test())
}
