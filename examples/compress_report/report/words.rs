//! What the program would choose, and why.

use std::fmt::Write;

use indicatif::HumanCount;

use super::Report;
use crate::advice::{AsItIs, Choice, Why};
use crate::units::{percent, time, times};

/// So many bodies of a kind are named.
const NAMED: usize = 3;

pub(crate) fn write(out: &mut String, report: &Report) {
    once(out, report);
    gzip_only(out, report);
    often(out, report);
    as_they_are(out, report);
    dictionary(out, report);
}

fn once(out: &mut String, report: &Report) {
    let line = report.line_bits_per_second;
    let as_it_is = report.total.on_line_as_it_is_seconds;
    let Some(choice) = &report.advice.once else {
        let _ = writeln!(
            out,
            "made once   As {}: no setting comes sooner on {line} than {}.",
            if report.bodies.len() == 1 {
                "it is"
            } else {
                "they are"
            },
            time(as_it_is)
        );
        return;
    };
    let _ = writeln!(
        out,
        "made once   {}: {} instead of {}, {} as soon; {} of it is encoding, the rest are {} bytes on {line}.",
        choice.setting,
        time(choice.on_line_seconds),
        time(as_it_is),
        times(as_it_is / choice.on_line_seconds),
        time(choice.encode_seconds),
        HumanCount(choice.bytes),
    );
    if let Some(soonest) = report.total.soonest()
        && soonest.setting != choice.setting
    {
        let _ = writeln!(
            out,
            "            {} would be {} sooner, for {} the work.",
            soonest.setting,
            percent(1.0 - soonest.on_line_seconds / choice.on_line_seconds),
            times(soonest.encode_seconds / choice.encode_seconds),
        );
    }
    let _ = write!(
        out,
        "            One processor keeps {} such lines busy.",
        HumanCount(choice.lines_of_one_processor.max(1.0) as u64)
    );
    match choice.pays_below_bits_per_second {
        Some(pays) => {
            let _ = writeln!(
                out,
                " On a line above {pays}, {} would come sooner.",
                as_is(report)
            );
        }
        None => out.push('\n'),
    }
}

fn as_is(report: &Report) -> &'static str {
    if report.bodies.len() == 1 {
        "the body as it is"
    } else {
        "the bodies as they are"
    }
}

fn gzip_only(out: &mut String, report: &Report) {
    let advice = &report.advice;
    let Some(choice) = &advice.gzip_only else {
        return;
    };
    let _ = match &advice.once {
        Some(once) if once.setting == choice.setting => writeln!(
            out,
            "gzip only   A client that takes nothing else gets the same."
        ),
        once => writeln!(
            out,
            "gzip only   A client that takes nothing else gets {}: {}, {} bytes{}.",
            choice.setting,
            time(choice.on_line_seconds),
            HumanCount(choice.bytes),
            once.as_ref()
                .map_or_else(String::new, |once| more(choice, once)),
        ),
    };
}

/// How many more or fewer bytes `choice` has than `other`.
fn more(choice: &Choice, other: &Choice) -> String {
    let share = choice.bytes as f64 / other.bytes as f64 - 1.0;
    let word = if share < 0.0 { "fewer" } else { "more" };
    format!(
        ", {} {word} than with {}",
        percent(share.abs()),
        other.setting
    )
}

fn often(out: &mut String, report: &Report) {
    let sends = HumanCount(report.sends.into());
    let _ = match (&report.advice.often, &report.advice.once) {
        (None, _) => return,
        (Some(often), Some(once)) if often.setting == once.setting => writeln!(
            out,
            "sent often  Made once and sent {sends} times: the same."
        ),
        (Some(often), Some(once)) => {
            let line = report.line_bits_per_second;
            let saved = line.seconds(once.bytes) - line.seconds(often.bytes);
            let paid = ((often.encode_seconds - once.encode_seconds) / saved).max(1.0);
            writeln!(
                out,
                "sent often  Made once and sent {sends} times: {}, {} bytes{}; its {} of encoding are paid back after {} sends.",
                often.setting,
                HumanCount(often.bytes),
                more(often, once),
                time(often.encode_seconds),
                HumanCount(paid.ceil() as u64),
            )
        }
        (Some(often), None) => writeln!(
            out,
            "sent often  Made once and sent {sends} times: {}, {} bytes.",
            often.setting,
            HumanCount(often.bytes)
        ),
    };
}

fn as_they_are(out: &mut String, report: &Report) {
    let all = &report.advice.as_they_are;
    let mut head = "as it is    ";
    for (why, words) in [
        (Why::DoesNotShrink, "no setting makes it smaller"),
        (Why::NotSooner, "it hardly comes sooner, for all the work"),
        (
            Why::Small,
            "the default policy leaves it: so short a body goes in the same packet either way; `minimum_length` changes that",
        ),
    ] {
        let some: Vec<&AsItIs> = all.iter().filter(|body| body.why == why).collect();
        if some.is_empty() {
            continue;
        }
        let names: Vec<String> = some
            .iter()
            .take(NAMED)
            .map(|body| format!("{} ({})", body.short, HumanCount(body.bytes)))
            .collect();
        let more = some.len().saturating_sub(NAMED);
        let others = match more {
            0 => String::new(),
            more => format!(" and {more} more"),
        };
        let _ = writeln!(out, "{head}{}{others}: {words}.", names.join(", "));
        head = "            ";
    }
}

fn dictionary(out: &mut String, report: &Report) {
    let Some(gain) = &report.dictionary else {
        return;
    };
    let ratio = |bytes: usize| times(gain.bytes as f64 / bytes as f64);
    let _ = writeln!(
        out,
        "dictionary  Trained on {} of them, {} bytes make the other {} smaller by {} (dcz), where zstd has {} and gzip {};\n            \
         encoding takes {} of zstd's time without it. The client has to hold it (RFC 9842), and the policy to let such bodies\n            \
         through (`minimum_length`).",
        gain.trained_on,
        HumanCount(gain.dictionary_bytes as u64),
        gain.tested_on,
        ratio(gain.dcz_bytes),
        ratio(gain.zstd_bytes),
        ratio(gain.gzip_bytes),
        percent(gain.dcz_seconds / gain.zstd_seconds),
    );
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::tests::{Case, report};

    fn words(bodies: &[Case<'_>]) -> String {
        let mut out = String::new();
        write(
            &mut out,
            &report(&["--line", "8Mbit/s", "--sends", "10"], bodies),
        );
        out
    }

    #[test]
    fn the_choice_comes_with_its_figures() {
        let told = words(&[
            ("a", 10_000, [(3_000, 100e-6), (2_000, 5_000e-6)]),
            ("b", 300, [(300, 5e-6), (300, 5e-6)]),
        ]);
        assert_eq!(
            told,
            "\
made once   gzip fastest: 3.4 ms instead of 10.3 ms, 3.02 x as soon; 105 \u{b5}s of it is encoding, the rest are 3,300 bytes on 8 Mbit/s.
            One processor keeps 31 such lines busy. On a line above 533 Mbit/s, the bodies as they are would come sooner.
gzip only   A client that takes nothing else gets the same.
sent often  Made once and sent 10 times: gzip smallest, 2,300 bytes, 30.3 % fewer than with gzip fastest; its 5 ms of encoding are paid back after 5 sends.
as it is    b (300): no setting makes it smaller.
"
        );
    }

    #[test]
    fn who_is_sooner_for_much_more_work_is_told() {
        let told = words(&[("a", 10_000, [(3_000, 100e-6), (2_700, 390e-6)])]);
        assert!(
            told.contains("gzip smallest would be 0.3 % sooner, for 3.9 x the work."),
            "{told}"
        );
    }

    #[test]
    fn nothing_is_chosen_where_nothing_helps() {
        let told = words(&[("a", 10_000, [(10_000, 9e-6), (10_000, 9e-6)])]);
        assert_eq!(
            told,
            "\
made once   As it is: no setting comes sooner on 8 Mbit/s than 10 ms.
as it is    a (10,000): no setting makes it smaller.
"
        );
    }
}
