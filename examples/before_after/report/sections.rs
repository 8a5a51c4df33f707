//! What a report says, leg by leg, in words and figures; how it looks is up to whoever renders it.

use super::units::{
    against, bytes, count, deviation, percent, rate, seconds, time, times, whole_times,
};
use super::{Report, ratio};
use crate::legs::import::{Import, Pass};
use crate::legs::load::{Load, Prediction, Run};
use crate::legs::lookup::{LookUp, Way};
use crate::legs::responses::Responses;
use crate::legs::scoring::{Comparison, Scoring};
use crate::tally::Tally;

/// One leg.
#[derive(Debug)]
pub(crate) struct Section {
    pub(crate) name: &'static str,
    pub(crate) about: &'static str,
    /// What the leg saw of the input.
    pub(crate) input: String,
    /// The leg in one sentence.
    pub(crate) in_short: String,
    pub(crate) grids: Vec<Grid>,
    pub(crate) notes: Vec<String>,
}

/// Figures in rows; the first column names them.
#[derive(Debug)]
pub(crate) struct Grid {
    pub(crate) columns: Vec<&'static str>,
    pub(crate) rows: Vec<Vec<String>>,
}

/// The five legs in their order.
pub(crate) fn sections(report: &Report) -> [Section; 5] {
    [
        import(&report.import),
        look_up(&report.look_up),
        scoring(&report.scoring),
        responses(&report.responses),
        load(&report.load),
    ]
}

fn seen(input: &Tally) -> String {
    let bad = match input.bad_lines {
        0 => String::new(),
        bad => format!(" ({} bad)", count(bad)),
    };
    format!(
        "{} lines read{bad}, {} customers, {} lines without a customer",
        count(input.lines),
        count(input.customers),
        count(input.lines_without_customer)
    )
}

/// `None` is a dash, never a zero.
fn or_dash<T>(value: Option<T>, show: impl Fn(T) -> String) -> String {
    value.map_or_else(|| "-".to_owned(), show)
}

fn import(import: &Import) -> Section {
    let row = |name: &str, pass: &Pass, before: &Pass| {
        vec![
            name.to_owned(),
            seconds(pass.seconds),
            rate(pass.lines_per_second),
            or_dash(pass.peak_bytes, bytes),
            times(ratio(pass.lines_per_second, before.lines_per_second)),
        ]
    };
    let (parse, load) = (&import.parse_one_thread, &import.one_by_one);
    Section {
        name: "Import",
        about: "from the file into SQLite, in one transaction",
        input: seen(&import.input),
        in_short: format!(
            "the batch imports {} as fast as one line after the other, and parses {} as fast as one thread",
            times(ratio(load.seconds, import.batch.seconds)),
            times(ratio(parse.seconds, import.parse_batch.seconds))
        ),
        grids: vec![Grid {
            columns: vec!["", "time", "lines", "peak memory", "speed"],
            rows: vec![
                row("parse and insert, one by one", load, load),
                row("parse and insert, batch", &import.batch, load),
                row("parse only, one thread", parse, parse),
                row("parse only, batch", &import.parse_batch, parse),
            ],
        }],
        notes: vec![
            "Both imports use the same parser and statement, and hold the same lines in the same order.".to_owned(),
            "Inserting is bound to one connection; parsing is not. Peak memory is that of the whole process.".to_owned(),
            format!("Median of {}.", import.repeats),
        ],
    }
}

fn look_up(look_up: &LookUp) -> Section {
    let median = |way: &Way| way.response.median_nanos as f64;
    let base = median(&look_up.index);
    let row = |name: String, way: &Way| {
        vec![
            name,
            count(way.asked as u64),
            time(median(way)),
            time(way.response.p99_nanos as f64),
            time(way.response.p999_nanos as f64),
            rate(way.per_second),
            or_dash(way.hit_ratio, percent),
            against(ratio(base, median(way))),
        ]
    };
    Section {
        name: "Look-up",
        about: "the customer of each invoice, in the order in which the invoices came",
        input: seen(&look_up.input),
        in_short: format!(
            "at the median, the cache answers {} as fast as the index, and the index {} as fast as a scan",
            whole_times(ratio(base, median(&look_up.cache))),
            whole_times(ratio(median(&look_up.scan), base))
        ),
        grids: vec![Grid {
            columns: vec![
                "",
                "asked",
                "median",
                "p99",
                "p99.9",
                "throughput",
                "hits",
                "against index",
            ],
            rows: vec![
                row("database, no index".to_owned(), &look_up.scan),
                row("database, index".to_owned(), &look_up.index),
                row(cached(&look_up.small_cache), &look_up.small_cache),
                row(cached(&look_up.cache), &look_up.cache),
            ],
        }],
        notes: vec![
            format!(
                "A record is one query on the invoice lines. Without an index a sample of {} stands for the stream of {}.",
                count(look_up.scan.asked as u64),
                count(look_up.scan.stream as u64)
            ),
            format!(
                "Caches start empty, and their misses are among the times. Making the index took {}.",
                seconds(look_up.create_index_seconds)
            ),
            format!(
                "Each time includes two readings of the clock, {} together.",
                time(look_up.clock_nanos as f64)
            ),
        ],
    }
}

/// A way through the cache, by its size.
pub(crate) fn cached(way: &Way) -> String {
    let entries = way.cache_entries.unwrap_or(0) as u64;
    format!("cache of {}, index behind", count(entries))
}

fn scoring(scoring: &Scoring) -> Section {
    let speed = |c: &Comparison| ratio(c.one_thread_seconds, c.batch_seconds);
    let row = |c: &Comparison| {
        vec![
            scored(c),
            count(c.lines as u64),
            seconds(c.one_thread_seconds),
            seconds(c.batch_seconds),
            times(speed(c)),
            if c.equal { "equal" } else { "DIFFERENT" }.to_owned(),
        ]
    };
    Section {
        name: "Scoring",
        about: "recency, frequency and monetary value of every customer, in fifths",
        input: seen(&scoring.input),
        in_short: format!(
            "the batch scores {} customers {} as fast as one thread, with equal results",
            count(scoring.replicated.customers as u64),
            times(speed(&scoring.replicated))
        ),
        grids: vec![Grid {
            columns: vec!["", "lines", "one thread", "batch", "speed", "scores"],
            rows: vec![row(&scoring.as_in_the_file), row(&scoring.replicated)],
        }],
        notes: vec![
            format!(
                "Of the file's customers, {} score 5-5-5 and {} score 1-1-1.",
                count(scoring.best as u64),
                count(scoring.weakest as u64)
            ),
            format!(
                "Scale {}: each customer once as in the file, else with lines drawn anew from the customer's own.",
                scoring.replicated.scale
            ),
            format!("Median of {}.", scoring.repeats),
        ],
    }
}

/// Whom a comparison scored, with the scale.
pub(crate) fn scored(comparison: &Comparison) -> String {
    let customers = count(comparison.customers as u64);
    match comparison.scale {
        1 => format!("{customers} customers"),
        scale => format!("{customers} customers, scale {scale}"),
    }
}

fn responses(responses: &Responses) -> Section {
    let mut notes: Vec<String> = responses
        .answers
        .iter()
        .filter_map(|answer| {
            let reason = answer.left_alone.as_ref()?;
            Some(format!(
                "Left alone: {} for {}, because: {reason}.",
                answer.body, answer.client
            ))
        })
        .collect();
    let mut clients: Vec<String> = Vec::new();
    for answer in &responses.answers {
        let client = format!("{} sends \"{}\"", answer.client, answer.accept_encoding);
        if !clients.contains(&client) {
            clients.push(client);
        }
    }
    notes.push(format!("Accept-Encoding: {}.", clients.join(", ")));
    notes.push(
        "Times are for making the JSON; the second one also for negotiating and encoding."
            .to_owned(),
    );
    notes.push(format!(
        "On a line slower than the last column, encoding saves more time than it takes. Median of {}.",
        responses.repeats
    ));
    let largest = responses
        .answers
        .iter()
        .filter(|answer| answer.left_alone.is_none())
        .max_by_key(|answer| answer.identity_bytes);
    Section {
        name: "Responses",
        about: "JSON as it is, and in the coding that is negotiated with the client",
        input: seen(&responses.input),
        in_short: largest.map_or_else(
            || "no body was worth encoding".to_owned(),
            |answer| {
                format!(
                    "{} goes out in {} of its bytes, for {} more work",
                    answer.body,
                    percent(ratio(
                        answer.sent_bytes as f64,
                        answer.identity_bytes as f64
                    )),
                    time((answer.sent_micros - answer.identity_micros).max(0.0) * 1e3)
                )
            },
        ),
        grids: vec![Grid {
            columns: vec![
                "",
                "for",
                "JSON bytes",
                "time",
                "coding",
                "sent bytes",
                "time",
                "pays below",
            ],
            rows: responses
                .answers
                .iter()
                .map(|answer| {
                    vec![
                        answer.body.clone(),
                        answer.client.to_owned(),
                        count(answer.identity_bytes as u64),
                        time(answer.identity_micros * 1e3),
                        if answer.left_alone.is_some() {
                            "left alone".to_owned()
                        } else {
                            answer.coding.clone()
                        },
                        count(answer.sent_bytes as u64),
                        time(answer.sent_micros * 1e3),
                        or_dash(answer.pays_below_megabits_per_second, |rate| {
                            format!("{} Mbit/s", count(rate.round() as u64))
                        }),
                    ]
                })
                .collect(),
        }],
        notes,
    }
}

fn load(load: &Load) -> Section {
    let (mut means, mut outcomes) = (Vec::new(), Vec::new());
    for run in &load.runs {
        let (model, queueing, response, error) = match &run.prediction {
            Prediction::Steady {
                model,
                queueing_nanos,
                response_nanos,
                error,
            } => (
                (*model).to_owned(),
                time(*queueing_nanos),
                time(*response_nanos),
                deviation(*error),
            ),
            Prediction::None { .. } => {
                let dash = || "-".to_owned();
                ("no steady state".to_owned(), dash(), dash(), dash())
            }
        };
        means.push(vec![
            name(run),
            percent(run.utilisation),
            time(run.queueing_nanos),
            time(run.service_nanos),
            time(run.response.mean_nanos),
            model,
            queueing,
            response,
            error,
            or_dash(run.held_up, percent),
        ]);
        outcomes.push(vec![
            name(run),
            count(run.arrivals as u64),
            or_dash(run.hit_ratio, percent),
            time(run.response.median_nanos as f64),
            time(run.response.p99_nanos as f64),
            time(run.response.p999_nanos as f64),
            rate(run.throughput_per_second),
            percent(run.availability),
            percent(run.error_rate),
        ]);
    }
    let mut notes = vec![
        format!(
            "{}. The cache has room for {}, a quarter of the customers, and is warm. Available: answered within {} ms.",
            match load.workers {
                1 => "One worker".to_owned(),
                several => format!("{several} workers"),
            },
            count(load.cache_entries as u64),
            load.deadline_millis
        ),
        "T_q: from the scheduled arrival until a worker is free. T_s: until it is answered. The model is given the measured".to_owned(),
        "rate of arrivals and the mean and variation of T_s. Held up: the share of the workers' time in which they had".to_owned(),
        "no processor, because other programs had it; of that the model knows nothing.".to_owned(),
    ];
    notes.extend(load.runs.iter().find_map(|run| match &run.prediction {
        Prediction::None { .. } => Some(format!(
            "No steady state: {} ask for {} of the workers' time, so the line grows for as long as the load lasts.",
            rate(run.arrivals_per_second),
            percent(run.utilisation)
        )),
        Prediction::Steady { .. } => None,
    }));
    Section {
        name: "Under load",
        about: "look-ups by a Poisson process, timed from the scheduled arrival",
        input: seen(&load.input),
        in_short: load_in_short(load),
        grids: vec![
            Grid {
                columns: vec![
                    "mean times",
                    "busy",
                    "T_q",
                    "T_s",
                    "response",
                    "model",
                    "T_q",
                    "response",
                    "error",
                    "held up",
                ],
                rows: means,
            },
            Grid {
                columns: vec![
                    "outcome",
                    "arrivals",
                    "hits",
                    "median",
                    "p99",
                    "p99.9",
                    "throughput",
                    "available",
                    "errors",
                ],
                rows: outcomes,
            },
        ],
        notes,
    }
}

fn load_in_short(load: &Load) -> String {
    let run = |cached, sized_for_cache| {
        load.runs
            .iter()
            .find(|run| run.cached == cached && run.sized_for_cache == sized_for_cache)
    };
    let (Some(before), Some(after), Some(more)) =
        (run(false, false), run(true, false), run(true, true))
    else {
        return String::new();
    };
    format!(
        "the cache cuts the mean response from {} to {}, and carries {} the load at {} utilisation",
        time(before.response.mean_nanos),
        time(after.response.mean_nanos),
        times(ratio(more.arrivals_per_second, before.arrivals_per_second)),
        percent(more.utilisation)
    )
}

/// A run under load, by who serves it and how much there is.
pub(crate) fn name(run: &Run) -> String {
    format!(
        "{} at {}",
        if run.cached { "cache" } else { "index" },
        rate(run.arrivals_per_second)
    )
}
