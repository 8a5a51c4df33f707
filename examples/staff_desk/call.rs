//! A call, as the desk saw it.

use std::collections::HashMap;
use std::fmt;

use crate::log_lines::LineFault;

/// Seconds of a day.
pub(crate) const DAY: f64 = 86_400.0;

/// A call that came to the desk. Times are in seconds of the day on which it came, and may lie beyond midnight.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Call {
    /// Days are numbered in the order in which they first come.
    pub(crate) day: usize,
    pub(crate) arrival: f64,
    /// How long it waited; none when it was served at once.
    pub(crate) wait: Option<f64>,
    pub(crate) end: End,
}

/// How a call ended.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum End {
    /// Its caller gave up waiting.
    Abandoned,
    /// An agent served it; when that was is not always known, nor who it was.
    Served {
        service: Option<(f64, f64)>,
        agent: Option<usize>,
    },
}

/// The calls of a log.
#[derive(Debug, Default)]
pub(crate) struct Log {
    pub(crate) calls: Vec<Call>,
    pub(crate) days: usize,
    /// Lines of another outcome, or with a value that is left out.
    pub(crate) left_out: u64,
    /// Callers who gave up before they reached the desk.
    pub(crate) before_the_desk: u64,
}

/// The fields of a line that matter.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Line<'a> {
    pub(crate) date: &'a str,
    pub(crate) queue_start: &'a str,
    pub(crate) queue_end: &'a str,
    pub(crate) outcome: &'a str,
    pub(crate) service_start: &'a str,
    pub(crate) service_end: &'a str,
    pub(crate) agent: &'a str,
}

/// Makes calls of lines: numbers days and agents, and knows which outcome is which.
#[derive(Debug)]
pub(crate) struct Calls<'a> {
    served: &'a str,
    abandoned: &'a str,
    days: HashMap<String, usize>,
    agents: HashMap<String, usize>,
    pub(crate) log: Log,
}

impl<'a> Calls<'a> {
    pub(crate) fn new(served: &'a str, abandoned: &'a str) -> Self {
        Self {
            served,
            abandoned,
            days: HashMap::new(),
            agents: HashMap::new(),
            log: Log::default(),
        }
    }

    /// Takes a line, unless there is something wrong with it.
    pub(crate) fn take(&mut self, line: Line<'_>) -> Result<(), Reason> {
        let queue_start = time(line.queue_start)?;
        let served = if line.outcome == self.served {
            true
        } else if line.outcome == self.abandoned {
            false
        } else {
            self.log.left_out += 1;
            return Ok(());
        };
        if !served && queue_start.is_none() {
            self.log.before_the_desk += 1;
            return Ok(());
        }
        let service_start = time(line.service_start)?;
        let service_end = time(line.service_end)?;
        let arrival = queue_start.or(service_start).ok_or(Reason::NoArrival)?;
        if arrival >= DAY {
            return Err(Reason::NoTime);
        }
        let wait = match queue_start {
            Some(start) => {
                let end = time(line.queue_end)?.ok_or(Reason::NoEnd)?;
                Some(after(start, end) - start)
            }
            None => None,
        };
        let end = if served {
            let service = service_start.zip(service_end).map(|(start, end)| {
                // The clock of the service may be seconds behind that of the queue, but no half day.
                let start = if start < arrival - 0.5 * DAY {
                    start + DAY
                } else {
                    start
                };
                (start, after(start, end))
            });
            let agent =
                (!matches!(line.agent, "" | "0")).then(|| number(&mut self.agents, line.agent));
            End::Served { service, agent }
        } else {
            End::Abandoned
        };
        let day = number(&mut self.days, line.date);
        self.log.days = self.days.len();
        self.log.calls.push(Call {
            day,
            arrival,
            wait,
            end,
        });
        Ok(())
    }
}

/// What ends before it began ended after midnight.
fn after(start: f64, end: f64) -> f64 {
    if end < start { end + DAY } else { end }
}

/// The number of a name, from 0 in the order in which names first come.
fn number(names: &mut HashMap<String, usize>, name: &str) -> usize {
    if let Some(&number) = names.get(name) {
        return number;
    }
    let number = names.len();
    names.insert(name.to_owned(), number);
    number
}

/// A time in seconds of the day: a number, or hours, minutes and perhaps seconds. Empty and zero mean that there is none.
fn time(text: &str) -> Result<Option<f64>, Reason> {
    let text = text.trim();
    if text.is_empty() {
        return Ok(None);
    }
    let mut seconds = 0.0;
    let mut parts = 0;
    for part in text.split(':') {
        let number: f64 = part.parse().map_err(|_| Reason::NoTime)?;
        if parts > 0 && !(0.0..60.0).contains(&number) {
            return Err(Reason::NoTime);
        }
        seconds = 60.0 * seconds + number;
        parts += 1;
    }
    // h:mm has the seconds yet to come.
    match parts {
        1 | 3 => {}
        2 => seconds *= 60.0,
        _ => return Err(Reason::NoTime),
    }
    // Some logs count on after midnight. NaN fails the comparison.
    if !(0.0..2.0 * DAY).contains(&seconds) {
        return Err(Reason::NoTime);
    }
    Ok((seconds > 0.0).then_some(seconds))
}

/// Why a line is no call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Reason {
    Line(LineFault),
    NoText,
    NoTime,
    NoArrival,
    NoEnd,
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Line(fault) => fault.fmt(f),
            Self::NoText => write!(f, "it is no UTF-8 text"),
            Self::NoTime => write!(
                f,
                "one of its times is neither seconds of a day nor h:mm:ss"
            ),
            Self::NoArrival => write!(f, "it says neither when it waited nor when it was served"),
            Self::NoEnd => write!(f, "its wait has no end"),
        }
    }
}

impl From<LineFault> for Reason {
    fn from(fault: LineFault) -> Self {
        Self::Line(fault)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn take(line: &str) -> (Result<(), Reason>, Log) {
        let mut calls = Calls::new("AGENT", "HANG");
        let fields: Vec<&str> = line.split(',').collect();
        let taken = calls.take(Line {
            date: fields[0],
            queue_start: fields[1],
            queue_end: fields[2],
            outcome: fields[3],
            service_start: fields[4],
            service_end: fields[5],
            agent: fields[6],
        });
        (taken, calls.log)
    }

    fn call(line: &str) -> Call {
        let (taken, log) = take(line);
        taken.unwrap();
        log.calls[0]
    }

    #[test]
    fn a_call_is_what_the_line_says() {
        let served = call("d,100,130,AGENT,129,200,7");
        assert_eq!((served.arrival, served.wait), (100.0, Some(30.0)));
        assert_eq!(
            served.end,
            End::Served {
                service: Some((129.0, 200.0)),
                agent: Some(0)
            }
        );
        let at_once = call("d,0,0,AGENT,129,200,0");
        assert_eq!((at_once.arrival, at_once.wait), (129.0, None));
        let unknown = End::Served {
            service: Some((129.0, 200.0)),
            agent: None,
        };
        assert_eq!(at_once.end, unknown);
        let lost = call("d,0:01:40,0:02:10,HANG,,,");
        assert_eq!((lost.arrival, lost.wait), (100.0, Some(30.0)));
        assert_eq!(lost.end, End::Abandoned);
    }

    #[test]
    fn what_ends_before_it_began_ended_after_midnight() {
        let late = call("d,86390,20,AGENT,19,80,7");
        assert_eq!(late.wait, Some(30.0));
        let service = Some((86_419.0, 86_480.0));
        assert!(matches!(late.end, End::Served { service: found, .. } if found == service));
        let talk = call("d,0,0,AGENT,86390,10,7");
        let service = Some((86_390.0, 86_410.0));
        assert!(matches!(talk.end, End::Served { service: found, .. } if found == service));
    }

    #[test]
    fn what_never_reached_the_desk_is_counted_apart() {
        assert_eq!(take("d,0,0,HANG,0,0,0").1.before_the_desk, 1);
        assert_eq!(take("d,5,9,PHANTOM,0,0,0").1.left_out, 1);
    }

    #[test]
    fn a_line_with_something_wrong_is_no_call() {
        for (line, reason) in [
            ("d,soon,9,HANG,0,0,0", Reason::NoTime),
            ("d,1:60,9,HANG,0,0,0", Reason::NoTime),
            ("d,1:2:3:4,9,HANG,0,0,0", Reason::NoTime),
            ("d,-5,9,HANG,0,0,0", Reason::NoTime),
            ("d,nan,9,HANG,0,0,0", Reason::NoTime),
            ("d,90000,90001,HANG,0,0,0", Reason::NoTime),
            ("d,5,x,HANG,0,0,0", Reason::NoTime),
            ("d,5,0,HANG,0,0,0", Reason::NoEnd),
            ("d,0,0,AGENT,0,0,3", Reason::NoArrival),
        ] {
            assert_eq!(take(line).0, Err(reason), "{line}");
        }
    }
}
