//! What does it cost a service to have its responses encoded by a layer, beside tower-http's?
//!
//! A figure is the processor's time for one response, from the request to the last frame of the body, on one thread; the
//! service's own work is nothing, and the row "no layer" is what asking costs. All rows of one body take turns. `speed` is how
//! many times as fast as tower-http's gzip a row is in the same round: median and quartiles.
//!
//! Both layers encode gzip by zlib-rs through `flate2`, and that is asserted; tower-http at its default level, which is 6, and
//! ours as each row says. `--features libdeflate` is another build of ours, for a table of its own.

use std::hint::black_box;
use std::io::{self, Write};

use clap::Parser;
use cpu_time::ThreadTime;

mod layers;
mod support {
    //! What this benchmark shares with others.
    pub(crate) mod arguments;
    pub(crate) mod backend;
    pub(crate) mod decoded;
    pub(crate) mod now;
    pub(crate) mod responses;
    pub(crate) mod rounds;
    pub(crate) mod verdicts;
}

use layers::{Asked, GZIP, KEPT, PEER, Page, ROWS, Row, ZSTD, coding};
use support::arguments::Common;
use support::backend::{assert_zlib_rs, deflated};
use support::decoded::{gunzipped, unzstded};
use support::responses::{Response, responses};
use support::rounds::{Contender, in_turn, of};
use support::verdicts::Verdicts;

#[derive(Debug, Parser)]
struct Arguments {
    /// Rounds that count; one before them warms up.
    #[arg(long, default_value_t = 25)]
    rounds: usize,
    /// How long one sample is to take, in microseconds.
    #[arg(long, default_value_t = 2_000.0)]
    sample: f64,
    /// Only bodies with this in their name.
    #[arg(long, default_value = "")]
    body: String,
    #[command(flatten)]
    common: Common,
}

/// What zlib-rs holds of a body at once.
const WINDOW: usize = 64 * 1024;

/// The deflate stream within gzip that has no name, comment or checksum of its head.
fn within_gzip(body: &[u8]) -> &[u8] {
    assert_eq!(body[..4], [0x1f, 0x8b, 8, 0], "a head with nothing in it");
    &body[10..body.len() - 8]
}

fn decoded(coding: &str, encoded: &[u8], length: usize) -> Vec<u8> {
    match coding {
        "gzip" => gunzipped(encoded),
        "zstd" => unzstded(encoded, length),
        _ => encoded.to_vec(),
    }
}

/// Nanoseconds of the processor for one response.
fn sample(asked: &mut dyn Asked, repeats: u32) -> f64 {
    let start = ThreadTime::now();
    for _ in 0..repeats {
        black_box(asked.ask());
    }
    start.elapsed().as_nanos() as f64 / f64::from(repeats)
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
    for row in ROWS {
        let Row {
            name: row,
            coding: expected,
            make,
        } = row;
        let mut asked = make(Page::new(media_type, bytes));
        let (headers, body) = asked.whole();
        assert_eq!(coding(&headers), expected, "{name}: {row}");
        assert!(
            decoded(expected, &body, bytes.len()) == *bytes,
            "{name}: {row} does not come back"
        );
        if row == PEER {
            // The same to the byte while the body fits into the state's window; beyond it, where the peer's buffers end decides
            // where a few blocks do. Another backend or level differs by more.
            let (peers, alone) = (within_gzip(&body), deflated(bytes, 6));
            assert!(
                peers == alone
                    || bytes.len() > WINDOW
                        && peers.len().abs_diff(alone.len()) <= alone.len() / 200,
                "{name}: tower-http does not send what zlib-rs makes at level 6"
            );
        }
        sizes.push(body.len());
        let asked_for = arguments.sample * 1e3;
        let mut repeats = 1;
        contenders.push(Contender::new(row, PEER, move |round| {
            let figure = sample(&mut *asked, repeats);
            if round == 0 && !is_test {
                repeats = (asked_for / figure).clamp(1.0, 1e5) as u32;
            }
            figure
        }));
    }
    let rounds = if is_test { 1 } else { arguments.rounds };
    let figures = in_turn(&mut contenders, rounds);
    let peer = ROWS
        .iter()
        .position(|row| row.name == PEER)
        .expect("it is a row");

    writeln!(
        out,
        "\n## {name}, {} bytes\n\n\
         | | us | quartiles | MB/s | bytes | more than tower-http gzip | speed | quartiles |\n\
         |---|---:|---|---:|---:|---:|---:|---|",
        bytes.len()
    )?;
    for (one, &size) in figures.iter().zip(&sizes) {
        let own = one.compare(one, |own, _| own / 1e3);
        let speed = one.compare(of(&figures, one.against), |own, peer| peer / own);
        let more = (size as f64 / sizes[peer] as f64 - 1.0) * 100.0;
        writeln!(
            out,
            "| {} | {own:.2} | {:.0} | {size} | {more:+.1} % | {speed:.2} |",
            one.name,
            bytes.len() as f64 * 1e3 / one.median()
        )?;
    }
    for (one, &size) in figures.iter().zip(&sizes) {
        if let Some((speed, more)) = targets(one.name, bytes.len()) {
            let found = one
                .compare(of(&figures, PEER), |own, peer| peer / own)
                .median;
            verdicts.judge(format!("{name}: speed of {}", one.name), speed.., found);
            let found = size as f64 / sizes[peer] as f64;
            verdicts.judge(format!("{name}: bytes of {}", one.name), ..=more, found);
        }
    }
    Ok(())
}

/// What a row is to reach on a body so long: its speed at least, and its bytes at most, both as a multiple of tower-http's gzip.
fn targets(row: &str, length: usize) -> Option<(f64, f64)> {
    let libdeflate = cfg!(feature = "libdeflate");
    match row {
        GZIP => Some(match (length, libdeflate) {
            (..2_000, false) => (1.35, 1.0),
            (..40_000, false) => (1.2, 1.02),
            (_, false) => (1.4, 1.02),
            (..2_000, true) => (1.7, 1.01),
            (..40_000, true) => (1.25, 1.01),
            (_, true) => (1.35, 1.01),
        }),
        ZSTD if length >= 1_000 => Some((3.0, 1.0)),
        KEPT => Some((50.0, 1.0)),
        _ => None,
    }
}

fn main() -> io::Result<()> {
    let arguments = Arguments::parse();
    let responses = responses();
    let largest = responses.last().expect("there are some");
    assert_zlib_rs(&largest.bytes);
    let mut out = io::stdout().lock();
    writeln!(
        out,
        "microseconds of the processor for a response, median and quartiles of {} rounds; {}",
        arguments.rounds,
        if cfg!(feature = "libdeflate") {
            "crm-compress with libdeflate"
        } else {
            "crm-compress without libdeflate"
        }
    )?;
    let mut verdicts = Verdicts::default();
    for response in &responses {
        if response.name.contains(&arguments.body) {
            measure(response, &arguments, &mut verdicts, &mut out)?;
        }
    }
    verdicts.write(&mut out, arguments.common.is_test())
}
