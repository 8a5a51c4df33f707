//! A strict reader of OpenMetrics 1.0 text, written from the specification's grammar and rules and from nothing of the
//! crate: the judge of what the crate writes.

use std::collections::HashSet;

/// One family: its metadata and samples, in the order of the text.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Family {
    pub(crate) name: String,
    pub(crate) kind: Option<String>,
    pub(crate) unit: Option<String>,
    pub(crate) help: Option<String>,
    /// The keywords of the metadata lines, in their order.
    pub(crate) metadata: Vec<&'static str>,
    pub(crate) samples: Vec<Sample>,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Sample {
    pub(crate) name: String,
    pub(crate) labels: Vec<(String, String)>,
    pub(crate) value: Number,
    pub(crate) timestamp: Option<Number>,
    pub(crate) exemplar: Option<Exemplar>,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Exemplar {
    pub(crate) labels: Vec<(String, String)>,
    pub(crate) value: Number,
    pub(crate) timestamp: Option<Number>,
}

/// A number with its spelling, in which no digit has been lost.
#[derive(Clone, Debug)]
pub(crate) struct Number {
    pub(crate) text: String,
    pub(crate) value: f64,
}

impl PartialEq for Number {
    fn eq(&self, other: &Number) -> bool {
        self.text == other.text
    }
}

impl Sample {
    pub(crate) fn label(&self, name: &str) -> Option<&str> {
        self.labels
            .iter()
            .find(|(found, _)| found == name)
            .map(|(_, value)| value.as_str())
    }

    /// The labels without those that a type adds.
    pub(crate) fn own_labels(&self, added: &str) -> Vec<(String, String)> {
        self.labels
            .iter()
            .filter(|(name, _)| name != added)
            .cloned()
            .collect()
    }
}

type Outcome<T> = Result<T, String>;

const KINDS: [(&str, &[&str]); 8] = [
    ("counter", &["_total", "_created"]),
    ("gauge", &[""]),
    ("histogram", &["_bucket", "_count", "_sum", "_created"]),
    ("gaugehistogram", &["_bucket", "_gcount", "_gsum"]),
    ("stateset", &[""]),
    ("info", &["_info"]),
    ("summary", &["", "_count", "_sum", "_created"]),
    ("unknown", &[""]),
];

/// Reads a whole exposition, or says what is wrong with it.
pub(crate) fn read(text: &[u8]) -> Outcome<Vec<Family>> {
    let text = std::str::from_utf8(text).map_err(|_| "not UTF-8".to_owned())?;
    if text.starts_with('\u{feff}') {
        return Err("a byte order mark".into());
    }
    let body = text.strip_suffix('\n').unwrap_or(text);
    let body = match body.strip_suffix("# EOF") {
        Some("") => return Ok(Vec::new()),
        Some(body) => body
            .strip_suffix('\n')
            .ok_or("`# EOF` is not a line of its own")?,
        None => return Err("it does not end with `# EOF`".into()),
    };
    let mut reader = Reader::default();
    for line in body.split('\n') {
        reader
            .line(line)
            .map_err(|reason| format!("{reason}: {line:?}"))?;
    }
    reader.close()?;
    Ok(reader.families)
}

#[derive(Default)]
struct Reader {
    families: Vec<Family>,
    /// Every name that a family's samples could have.
    names: HashSet<String>,
    current: Option<Family>,
    groups: Groups,
}

/// Which metrics of the current family have been seen, and the last sample's place among them.
#[derive(Default)]
struct Groups {
    seen: Vec<Vec<(String, String)>>,
    timestamp: Option<f64>,
    points: HashSet<String>,
}

impl Reader {
    fn line(&mut self, line: &str) -> Outcome<()> {
        if line.is_empty() {
            Err("a blank line".into())
        } else if line == "# EOF" {
            Err("text after `# EOF`".into())
        } else if line.starts_with('#') {
            self.metadata(line)
        } else {
            self.sample(Cursor { rest: line }.sample()?)
        }
    }

    fn metadata(&mut self, line: &str) -> Outcome<()> {
        let rest = line
            .strip_prefix("# ")
            .ok_or("neither metadata nor a sample")?;
        let (keyword, rest) = rest.split_once(' ').ok_or("metadata without a name")?;
        let (name, value) = rest.split_once(' ').ok_or("metadata without a value")?;
        metric_name(name)?;
        if self
            .current
            .as_ref()
            .is_none_or(|family| family.name != name)
        {
            self.open(name)?;
        }
        let family = self.current.as_mut().expect("it was opened just now");
        if !family.samples.is_empty() {
            return Err("metadata behind samples".into());
        }
        let (keyword, slot, value) = match keyword {
            "TYPE" if KINDS.iter().any(|(kind, _)| *kind == value) => {
                ("TYPE", &mut family.kind, value.to_owned())
            }
            "UNIT" if value.is_empty() || value.bytes().all(is_name_byte) => {
                ("UNIT", &mut family.unit, value.into())
            }
            "HELP" => ("HELP", &mut family.help, unescape(value)?),
            _ => return Err("unknown metadata".into()),
        };
        if slot.replace(value).is_some() {
            return Err(format!("a second {keyword}"));
        }
        family.metadata.push(keyword);
        Ok(())
    }

    fn open(&mut self, name: &str) -> Outcome<()> {
        self.close()?;
        self.current = Some(Family {
            name: name.into(),
            ..Family::default()
        });
        self.groups = Groups::default();
        Ok(())
    }

    fn sample(&mut self, sample: Sample) -> Outcome<()> {
        let belongs = self.current.as_ref().is_some_and(|family| {
            sample
                .name
                .strip_prefix(&family.name)
                .is_some_and(|suffix| suffixes(family).contains(&suffix))
        });
        if !belongs {
            self.open(&sample.name.clone())?;
        }
        let family = self.current.as_mut().expect("it was opened just now");
        let kind = family.kind.as_deref().unwrap_or("unknown");
        let suffix = &sample.name[family.name.len()..];
        check_sample(kind, &family.name, suffix, &sample)?;
        let group = match (kind, suffix) {
            ("info", _) => Vec::new(),
            ("summary", "") => sample.own_labels("quantile"),
            ("stateset", _) => sample.own_labels(&family.name),
            ("histogram" | "gaugehistogram", "_bucket") => sample.own_labels("le"),
            _ => sample.labels.clone(),
        };
        let group = sorted(group);
        let timestamp = sample.timestamp.as_ref().map(|timestamp| timestamp.value);
        if self.groups.seen.last() == Some(&group) {
            match (self.groups.timestamp, timestamp) {
                (Some(_), None) | (None, Some(_)) => {
                    return Err("timestamps at some points only".into());
                }
                (Some(before), Some(now)) if kind != "info" && now < before => {
                    return Err("time runs backwards".into());
                }
                _ => {}
            }
        } else if self.groups.seen.contains(&group) {
            return Err("a metric in two places".into());
        } else {
            self.groups.seen.push(group);
            self.groups.points.clear();
        }
        self.groups.timestamp = timestamp;
        let point = format!("{} {:?}", sample.name, sorted(sample.labels.clone()));
        if !self.groups.points.insert(point) && timestamp.is_none() {
            return Err("one series twice".into());
        }
        family.samples.push(sample);
        Ok(())
    }

    /// Checks what only the end of a family shows.
    fn close(&mut self) -> Outcome<()> {
        let Some(family) = self.current.take() else {
            return Ok(());
        };
        let mut names: Vec<_> = suffixes(&family);
        names.push("");
        names.sort_unstable();
        names.dedup();
        for suffix in names {
            if !self.names.insert(format!("{}{suffix}", family.name)) {
                return Err(format!(
                    "two families share the name {}{suffix}",
                    family.name
                ));
            }
        }
        let kind = family.kind.as_deref().unwrap_or("unknown");
        if let Some(unit) = family.unit.as_deref().filter(|unit| !unit.is_empty()) {
            if !family.name.ends_with(&format!("_{unit}")) {
                return Err(format!("{} does not end with its unit {unit}", family.name));
            }
            if matches!(kind, "info" | "stateset") {
                return Err(format!("{} is of a type without units", family.name));
            }
        }
        if matches!(kind, "histogram" | "gaugehistogram") {
            check_histogram(&family)?;
        }
        self.families.push(family);
        Ok(())
    }
}

fn suffixes(family: &Family) -> Vec<&'static str> {
    let kind = family.kind.as_deref().unwrap_or("unknown");
    KINDS
        .iter()
        .find(|(name, _)| *name == kind)
        .expect("TYPE was checked")
        .1
        .to_vec()
}

fn sorted(mut labels: Vec<(String, String)>) -> Vec<(String, String)> {
    labels.sort();
    labels
}

fn check_sample(kind: &str, family: &str, suffix: &str, sample: &Sample) -> Outcome<()> {
    let value = sample.value.value;
    match (kind, suffix) {
        ("histogram" | "gaugehistogram", "_bucket") => {
            let le = sample.label("le").ok_or("a bucket without `le`")?;
            let bound = number(le)?;
            if bound.value.is_nan() || (bound.value == f64::INFINITY && le != "+Inf") {
                return Err("a bucket without a proper `le`".into());
            }
        }
        ("summary", "") => {
            let quantile = number(
                sample
                    .label("quantile")
                    .ok_or("a quantile without its label")?,
            )?
            .value;
            if !(0.0..=1.0).contains(&quantile) {
                return Err("a quantile outside of 0 to 1".into());
            }
            if value < 0.0 {
                return Err("a negative quantile".into());
            }
        }
        ("stateset", _) if sample.label(family).is_none() => {
            return Err("a state without its label".into());
        }
        ("stateset", _) if value != 0.0 && value != 1.0 => {
            return Err("a state that is neither 0 nor 1".into());
        }
        ("info", _) if value != 1.0 => return Err("an info that is not 1".into()),
        _ => {}
    }
    if kind != "unknown" && kind != "gauge" {
        if matches!(
            suffix,
            "_total" | "_sum" | "_count" | "_bucket" | "_gcount" | "_gsum"
        ) && value.is_nan()
        {
            return Err("a count that is not a number".into());
        }
        if matches!(suffix, "_total" | "_sum" | "_count" | "_bucket" | "_gcount") && value < 0.0 {
            return Err("a negative count".into());
        }
        if matches!(suffix, "_bucket" | "_count" | "_gcount") && value.fract() != 0.0 {
            return Err("a count that is not whole".into());
        }
    }
    if let Some(exemplar) = &sample.exemplar {
        let allowed = matches!(
            (kind, suffix),
            ("counter", "_total") | ("histogram" | "gaugehistogram", "_bucket")
        );
        if !allowed {
            return Err("an exemplar in the wrong place".into());
        }
        let length: usize = exemplar
            .labels
            .iter()
            .map(|(name, value)| name.chars().count() + value.chars().count())
            .sum();
        if length > 128 {
            return Err("an exemplar with labels of more than 128 characters".into());
        }
    }
    Ok(())
}

fn check_histogram(family: &Family) -> Outcome<()> {
    let fail = |what: &str| Err(format!("{}: {what}", family.name));
    let mut points: Vec<(String, Vec<&Sample>)> = Vec::new();
    for sample in &family.samples {
        let labels = sorted(sample.own_labels("le"));
        let key = format!(
            "{labels:?} {:?}",
            sample.timestamp.as_ref().map(|timestamp| &timestamp.text)
        );
        match points.last_mut() {
            Some((last, samples)) if *last == key => samples.push(sample),
            _ => points.push((key, vec![sample])),
        }
    }
    for (_, samples) in points {
        let of = |suffix: &str| {
            let name = format!("{}{suffix}", family.name);
            samples.iter().filter(move |sample| sample.name == name)
        };
        let buckets: Vec<(f64, f64)> = of("_bucket")
            .map(|sample| {
                (
                    number(sample.label("le").expect("it was checked"))
                        .expect("as above")
                        .value,
                    sample.value.value,
                )
            })
            .collect();
        if !buckets.is_sorted_by(|a, b| a.0 < b.0) {
            return fail("buckets that do not ascend");
        }
        if !buckets.is_sorted_by(|a, b| a.1 <= b.1) {
            return fail("buckets that are not cumulative");
        }
        let Some(&(f64::INFINITY, all)) = buckets.last() else {
            return fail("no bucket for +Inf");
        };
        let count = of("_count").chain(of("_gcount")).next();
        let sum = of("_sum").chain(of("_gsum")).next();
        if count.is_some() != sum.is_some() {
            return fail("one of count and sum is missing");
        }
        if count.is_some_and(|count| count.value.value != all) {
            return fail("a count that is not that of the bucket for +Inf");
        }
        let negative = buckets.first().is_some_and(|(bound, _)| *bound < 0.0);
        if negative && of("_sum").next().is_some() {
            return fail("a sum beside negative buckets");
        }
        if !negative && of("_gsum").next().is_some_and(|sum| sum.value.value < 0.0) {
            return fail("a negative sum without negative buckets");
        }
    }
    Ok(())
}

/// The specification asks for more than its suite: an exemplar's value lies in its bucket.
pub(crate) fn exemplars_outside_of_their_buckets(family: &Family) -> usize {
    let mut below: Option<(Vec<(String, String)>, f64)> = None;
    let mut outside = 0;
    for sample in family
        .samples
        .iter()
        .filter(|sample| sample.name == format!("{}_bucket", family.name))
    {
        let bound = number(sample.label("le").expect("it was checked"))
            .expect("as above")
            .value;
        let labels = sorted(sample.own_labels("le"));
        let low = below
            .as_ref()
            .filter(|(of, _)| *of == labels)
            .map_or(f64::NEG_INFINITY, |(_, low)| *low);
        if let Some(exemplar) = &sample.exemplar {
            outside += usize::from(!(low < exemplar.value.value && exemplar.value.value <= bound));
        }
        below = Some((labels, bound));
    }
    outside
}

fn is_name_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_' || byte == b':'
}

fn metric_name(name: &str) -> Outcome<()> {
    if !name.is_empty() && name.bytes().all(is_name_byte) && !name.as_bytes()[0].is_ascii_digit() {
        Ok(())
    } else {
        Err("not the name of a metric".into())
    }
}

fn unescape(text: &str) -> Outcome<String> {
    let mut result = String::new();
    let mut characters = text.chars();
    while let Some(character) = characters.next() {
        match character {
            '\\' => match characters.next().ok_or("a lone backslash")? {
                'n' => result.push('\n'),
                escaped @ ('\\' | '"') => result.push(escaped),
                // The grammar lets a backslash stand before anything, and then it stands for itself.
                other => result.extend(['\\', other]),
            },
            plain => result.push(plain),
        }
    }
    Ok(result)
}

/// A number by the grammar: no hexadecimal, no underscores, no spaces.
pub(crate) fn number(text: &str) -> Outcome<Number> {
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    let value = match unsigned.to_ascii_lowercase().as_str() {
        "inf" | "infinity" if text.starts_with('-') => f64::NEG_INFINITY,
        "inf" | "infinity" => f64::INFINITY,
        "nan" if unsigned == text => f64::NAN,
        _ => {
            let plain = unsigned
                .bytes()
                .all(|byte| matches!(byte, b'0'..=b'9' | b'.' | b'e' | b'E' | b'+' | b'-'));
            let begins = unsigned
                .bytes()
                .next()
                .is_some_and(|byte| byte.is_ascii_digit() || byte == b'.');
            match text.parse() {
                Ok(value) if plain && begins => value,
                _ => return Err(format!("{text:?} is not a number")),
            }
        }
    };
    Ok(Number {
        text: text.into(),
        value,
    })
}

fn timestamp(text: &str) -> Outcome<Number> {
    number(text).and_then(|time| {
        if time.value.is_finite() {
            Ok(time)
        } else {
            Err("not a time".into())
        }
    })
}

/// The rest of a line.
struct Cursor<'a> {
    rest: &'a str,
}

impl<'a> Cursor<'a> {
    fn sample(mut self) -> Outcome<Sample> {
        let name = self.until(|byte| !is_name_byte(byte));
        metric_name(name)?;
        let labels = if self.rest.starts_with('{') {
            self.labels()?
        } else {
            Vec::new()
        };
        self.expect(" ")?;
        let value = number(self.until(|byte| byte == b' '))?;
        let mut sample = Sample {
            name: name.into(),
            labels,
            value,
            timestamp: None,
            exemplar: None,
        };
        if self.rest.starts_with(' ') && !self.rest.starts_with(" # ") {
            self.expect(" ")?;
            sample.timestamp = Some(timestamp(self.until(|byte| byte == b' '))?);
        }
        if !self.rest.is_empty() {
            self.expect(" # ")?;
            let labels = self.labels()?;
            self.expect(" ")?;
            let value = number(self.until(|byte| byte == b' '))?;
            let mut exemplar = Exemplar {
                labels,
                value,
                timestamp: None,
            };
            if !self.rest.is_empty() {
                self.expect(" ")?;
                exemplar.timestamp = Some(timestamp(self.rest)?);
            }
            sample.exemplar = Some(exemplar);
        }
        Ok(sample)
    }

    fn until(&mut self, ends: impl Fn(u8) -> bool) -> &'a str {
        let end = self.rest.bytes().position(ends).unwrap_or(self.rest.len());
        let (taken, rest) = self.rest.split_at(end);
        self.rest = rest;
        taken
    }

    fn expect(&mut self, text: &str) -> Outcome<()> {
        self.rest = self
            .rest
            .strip_prefix(text)
            .ok_or_else(|| format!("{text:?} expected"))?;
        Ok(())
    }

    fn labels(&mut self) -> Outcome<Vec<(String, String)>> {
        self.expect("{")?;
        let mut labels: Vec<(String, String)> = Vec::new();
        if self.expect("}").is_ok() {
            return Ok(labels);
        }
        loop {
            let name = self.until(|byte| !is_name_byte(byte));
            if name.contains(':') {
                return Err("a colon in the name of a label".into());
            }
            metric_name(name).map_err(|_| "not the name of a label")?;
            self.expect("=\"")?;
            let mut escaped = false;
            let end = self.rest.bytes().position(|byte| {
                let ends = byte == b'"' && !escaped;
                escaped = byte == b'\\' && !escaped;
                ends
            });
            let (value, rest) = self
                .rest
                .split_at(end.ok_or("a label without its closing quote")?);
            self.rest = rest;
            self.expect("\"")?;
            if labels.iter().any(|(before, _)| before == name) {
                return Err("a label twice".into());
            }
            labels.push((name.into(), unescape(value)?));
            if self.expect("}").is_ok() {
                return Ok(labels);
            }
            self.expect(",")?;
            if self.expect("}").is_ok() {
                return Ok(labels);
            }
        }
    }
}
