//! What do other crates answer to the questions that they know, how long does it take them, and is it right?
//!
//! A time is that of one answer from bare numbers, the model built anew each time; the error is relative to the value at 50
//! digits for exactly these doubles. The methods of one row take turns. `queueing-theory` adds up each power and factorial
//! for itself, in a time that grows with the square of the servers, and is not asked about more than ten thousand.

use std::hint::black_box;
use std::io::{self, Write};
use std::panic;

use clap::Parser;
use crm_clock::Clock;
use crm_metrics::queueing::{Mmc, erlang_b, erlang_c};
use poolsim_core::erlang as poolsim;
use queueing_theory::{ErlangB, ErlangC, MMc, ServerPool};

mod support {
    //! What this benchmark shares with others.
    pub(crate) mod arguments;
    pub(crate) mod rounds;
}

use support::arguments::Common;
use support::rounds::{Contender, in_turn, of};

#[derive(Debug, Parser)]
struct Arguments {
    /// Rounds that count; one before them warms up.
    #[arg(long, default_value_t = 9)]
    rounds: usize,
    #[command(flatten)]
    common: Common,
}

/// So many servers with this load in erlangs, and what is true of them.
struct Case {
    servers: u32,
    load: f64,
    blocking: f64,
    waits: f64,
    mean_wait: f64,
}

const fn case(servers: u32, load: f64, blocking: f64, waits: f64, mean_wait: f64) -> Case {
    Case {
        servers,
        load,
        blocking,
        waits,
        mean_wait,
    }
}

#[expect(
    clippy::excessive_precision,
    reason = "they are copied as they were printed"
)]
/// Erlang's formulas by mpmath at 50 digits; `metrics_peers.py --references` prints them.
const CASES: [Case; 12] = [
    case(
        10,
        9.5,
        0.19137915830131796,
        0.82558557812569864,
        1.6511711562513973,
    ),
    case(
        10,
        9.999999999,
        0.21458234306130175,
        0.9999999996339784,
        999999916.89361428,
    ),
    case(
        100,
        95.0,
        0.048804206178677821,
        0.50645685391302059,
        0.10129137078260412,
    ),
    case(
        144,
        136.8,
        0.036899888880990253,
        0.43383616104946992,
        0.060255022367982029,
    ),
    case(
        145,
        137.75,
        0.036694923682483631,
        0.43241629659793054,
        0.059643627116955936,
    ),
    case(
        170,
        60.0,
        2.3294943218750627e-31,
        3.6001275883523696e-31,
        3.2728432621385178e-33,
    ),
    case(
        180,
        50.0,
        6.2647718646176362e-46,
        8.6742995048551885e-46,
        6.6725380806578373e-48,
    ),
    case(
        745,
        707.75,
        0.0060535232876935682,
        0.10858172745437349,
        0.0029149457034731138,
    ),
    case(
        746,
        708.7,
        0.0060407652608732608,
        0.1083764482297647,
        0.002905534805087529,
    ),
    case(
        1_000,
        950.0,
        0.0036492936889424099,
        0.068253415377141424,
        0.0013650683075428285,
    ),
    case(
        10_000,
        9500.0,
        9.642737926005891e-9,
        1.928547231868143e-7,
        3.8570944637362861e-10,
    ),
    case(
        1_000_000,
        999000.0,
        0.00028742137577686792,
        0.22330339029134409,
        0.00022330339029134409,
    ),
];

/// The load, and the fewest servers at which the mean wait is at most a hundredth of the service time.
const STAFFED: [(f64, f64); 4] = [
    (8.0, 14.0),
    (95.0, 109.0),
    (9_000.0, 9_050.0),
    (1e6, 1_000_090.0),
];

type Answer = Box<dyn Fn() -> f64>;

/// Who answers, and how.
type Peer = (&'static str, Answer);

impl Case {
    fn exact_p99(&self) -> f64 {
        let spare = f64::from(self.servers) - self.load;
        (self.waits / 0.01).ln().max(0.0) / spare
    }

    /// The questions, with the true answer and those who know the question.
    fn questions(&self) -> [(&'static str, f64, Vec<Peer>); 4] {
        let (c, a) = (black_box(self.servers), black_box(self.load));
        let squares = c <= 10_000;
        let mut delay: Vec<Peer> = vec![
            (
                "crm-metrics",
                Box::new(move || erlang_c(c, a).expect("stable")),
            ),
            (
                "poolsim-core",
                Box::new(move || poolsim::erlang_c(a, 1.0, c).expect("stable")),
            ),
        ];
        let mut mean: Vec<Peer> = vec![
            (
                "crm-metrics",
                Box::new(move || Mmc::new(a, 1.0, c).expect("stable").mean_waiting_time()),
            ),
            (
                "poolsim-core",
                Box::new(move || poolsim::mean_queue_wait_ms(a, 1.0, c).expect("stable") / 1_000.0),
            ),
        ];
        if squares {
            let theory = "queueing-theory";
            delay.push((
                theory,
                Box::new(move || ErlangC::new(c as usize, a).waiting_probability()),
            ));
            mean.push((
                theory,
                Box::new(move || MMc::new(a, 1.0, c as usize).mean_wait_time()),
            ));
        }
        [
            (
                "Erlang B",
                self.blocking,
                vec![
                    (
                        "crm-metrics",
                        Box::new(move || erlang_b(c, a).expect("valid")),
                    ),
                    (
                        "queueing-theory",
                        Box::new(move || ErlangB::new(c as usize, a).blocking_probability()),
                    ),
                ],
            ),
            ("Erlang C", self.waits, delay),
            ("mean wait", self.mean_wait, mean),
            (
                "wait of 99 %",
                self.exact_p99(),
                vec![
                    (
                        "crm-metrics",
                        Box::new(move || {
                            Mmc::new(a, 1.0, c)
                                .expect("stable")
                                .waiting_time_quantile(0.99)
                        }),
                    ),
                    (
                        "poolsim-core",
                        Box::new(move || {
                            poolsim::queue_wait_percentile_ms(a, 1.0, c, 0.99).expect("stable")
                                / 1_000.0
                        }),
                    ),
                ],
            ),
        ]
    }
}

/// The fewest servers for a mean wait. `queueing-theory` is asked where it comes to an end within a second.
fn staffing(load: f64) -> Vec<Peer> {
    let a = black_box(load);
    let mut peers: Vec<Peer> = vec![(
        "crm-metrics",
        Box::new(move || {
            let pool = Mmc::for_mean_waiting_time(a, 1.0, 0.01).expect("stable");
            f64::from(pool.servers())
        }),
    )];
    if load < 100.0 {
        peers.push((
            "queueing-theory",
            Box::new(move || ServerPool::find_optimal_servers(0.01, a, 1.0) as f64),
        ));
    }
    peers
}

/// How far an answer is from the true one.
fn error(answer: Option<f64>, exact: f64) -> String {
    match answer {
        None => "**panics**".into(),
        Some(answer) if answer.is_nan() => "**NaN**".into(),
        Some(answer) if answer == exact => "0".into(),
        Some(answer) if exact == 0.0 => format!("**{answer:.1} for 0**"),
        Some(answer) => {
            let off = ((answer - exact) / exact).abs();
            let text = format!("{off:.0e}");
            if off > 1e-12 {
                format!("**{text}**")
            } else {
                text
            }
        }
    }
}

/// Asks all, and writes a line for each.
fn ask(
    out: &mut impl Write,
    what: &str,
    exact: f64,
    peers: &[Peer],
    rounds: usize,
) -> io::Result<()> {
    let clock = &Clock::system();
    let mut contenders: Vec<_> = peers
        .iter()
        .map(|(name, answer)| {
            let start = clock.now().as_nanos();
            black_box(answer());
            let once = (clock.now().as_nanos() - start).max(1);
            // As many calls as take a millisecond, so that reading the clock does not count.
            let calls = (1_000_000 / once).clamp(1, 10_000);
            let calls = if rounds == 1 { 1 } else { calls };
            Contender::new(name, "crm-metrics", move |_| {
                let start = clock.now().as_nanos();
                for _ in 0..calls {
                    black_box(answer());
                }
                (clock.now().as_nanos() - start) as f64 / 1e3 / calls as f64
            })
        })
        .collect();
    let figures = in_turn(&mut contenders, rounds);
    for ((_, answer), own) in peers.iter().zip(&figures) {
        let off = error(
            panic::catch_unwind(panic::AssertUnwindSafe(answer)).ok(),
            exact,
        );
        let median = own.median();
        let digits = if median < 10.0 { 3 } else { 0 };
        let times = own.compare(of(&figures, own.against), |own, ours| own / ours);
        writeln!(
            out,
            "| {what} | {} | {median:.digits$} | {times:.2} | {off} |",
            own.name
        )?;
    }
    Ok(())
}

fn main() -> io::Result<()> {
    let arguments = Arguments::parse();
    let rounds = if arguments.common.is_test() {
        1
    } else {
        arguments.rounds.max(1)
    };
    let mut out = io::stdout().lock();
    writeln!(
        out,
        "| question | servers | load | who | us | times ours | quartiles | relative error |"
    )?;
    writeln!(out, "|---|---|---|---|---|---|---|---|")?;
    for question in 0..4 {
        for case in &CASES {
            let (what, exact, peers) = case
                .questions()
                .into_iter()
                .nth(question)
                .expect("there are four");
            let ours = peers[0].1();
            assert!(
                (ours - exact).abs() <= 1e-12 * exact,
                "{what} of {} servers: {ours:e} for {exact:e}",
                case.servers
            );
            let row = format!("{what} | {} | {}", case.servers, case.load);
            ask(&mut out, &row, exact, &peers, rounds)?;
        }
    }
    for (load, exact) in STAFFED {
        let row = format!("fewest servers | {exact} | {load}");
        ask(&mut out, &row, exact, &staffing(load), rounds)?;
    }
    Ok(())
}
