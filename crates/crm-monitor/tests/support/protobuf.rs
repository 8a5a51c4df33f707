//! The wire format of protobuf and the messages of `io/prometheus/client/metrics.proto`, read by hand, so that what the crate
//! derives is judged by something else. Fields that the crate has no use for are refused, as is a field of the wrong type.

#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Family {
    pub(crate) name: String,
    pub(crate) help: String,
    pub(crate) kind: u64,
    pub(crate) unit: String,
    pub(crate) metrics: Vec<Metric>,
}

#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Metric {
    pub(crate) labels: Vec<(String, String)>,
    pub(crate) gauge: Option<f64>,
    pub(crate) counter: Option<(f64, Option<Time>)>,
    pub(crate) histogram: Option<Histogram>,
}

#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Histogram {
    pub(crate) count: u64,
    pub(crate) sum: f64,
    pub(crate) buckets: Vec<Bucket>,
    pub(crate) schema: i64,
    pub(crate) zero_threshold: f64,
    pub(crate) zero_count: u64,
    pub(crate) spans: Vec<(i64, u64)>,
    pub(crate) deltas: Vec<i64>,
    pub(crate) created: Option<Time>,
    pub(crate) exemplars: Vec<Exemplar>,
}

#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Bucket {
    pub(crate) count: u64,
    pub(crate) bound: f64,
    pub(crate) exemplar: Option<Exemplar>,
}

#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Exemplar {
    pub(crate) labels: Vec<(String, String)>,
    pub(crate) value: f64,
    pub(crate) time: Option<Time>,
}

/// Seconds and nanoseconds.
pub(crate) type Time = (u64, u64);

enum Field<'a> {
    Varint(u64),
    Fixed(f64),
    Bytes(&'a [u8]),
}

impl<'a> Field<'a> {
    fn varint(self) -> u64 {
        let Field::Varint(value) = self else {
            panic!("not a varint")
        };
        value
    }

    /// The mapping of `sint32` and `sint64`.
    fn zigzag(self) -> i64 {
        unfold(self.varint())
    }

    fn double(self) -> f64 {
        let Field::Fixed(value) = self else {
            panic!("not a double")
        };
        value
    }

    fn bytes(self) -> &'a [u8] {
        let Field::Bytes(value) = self else {
            panic!("no bytes")
        };
        value
    }

    fn text(self) -> String {
        String::from_utf8(self.bytes().to_vec()).unwrap()
    }
}

fn unfold(value: u64) -> i64 {
    (value >> 1) as i64 ^ -((value & 1) as i64)
}

fn varint(bytes: &mut &[u8]) -> u64 {
    let mut value = 0;
    for shift in (0..70).step_by(7) {
        let (&byte, rest) = bytes.split_first().expect("a varint ends");
        *bytes = rest;
        value |= u64::from(byte & 0x7f) << shift;
        if byte < 0x80 {
            return value;
        }
    }
    panic!("a varint of more than ten bytes")
}

fn take<'a>(bytes: &mut &'a [u8], length: usize) -> &'a [u8] {
    let (taken, rest) = bytes.split_at(length);
    *bytes = rest;
    taken
}

fn fields(mut bytes: &[u8]) -> Vec<(u64, Field<'_>)> {
    let mut all = Vec::new();
    while !bytes.is_empty() {
        let key = varint(&mut bytes);
        let field = match key & 7 {
            0 => Field::Varint(varint(&mut bytes)),
            1 => Field::Fixed(f64::from_le_bytes(take(&mut bytes, 8).try_into().unwrap())),
            2 => {
                let length = varint(&mut bytes) as usize;
                Field::Bytes(take(&mut bytes, length))
            }
            other => panic!("wire type {other}"),
        };
        all.push((key >> 3, field));
    }
    all
}

/// Reads families, each behind its length.
pub(crate) fn read(mut bytes: &[u8]) -> Vec<Family> {
    let mut families = Vec::new();
    while !bytes.is_empty() {
        let length = varint(&mut bytes) as usize;
        families.push(family(take(&mut bytes, length)));
    }
    families
}

fn family(bytes: &[u8]) -> Family {
    let mut family = Family {
        kind: u64::MAX,
        ..Family::default()
    };
    for (number, field) in fields(bytes) {
        match number {
            1 => family.name = field.text(),
            2 => family.help = field.text(),
            3 => family.kind = field.varint(),
            4 => family.metrics.push(metric(field.bytes())),
            5 => family.unit = field.text(),
            other => panic!("field {other} of a family"),
        }
    }
    family
}

fn metric(bytes: &[u8]) -> Metric {
    let mut metric = Metric::default();
    for (number, field) in fields(bytes) {
        match number {
            1 => metric.labels.push(label(field.bytes())),
            2 => {
                let fields = fields(field.bytes());
                assert_eq!(fields.len(), 1, "a gauge has a value");
                metric.gauge = fields.into_iter().next().map(|(_, field)| field.double());
            }
            3 => {
                let (mut value, mut created) = (None, None);
                for (number, field) in fields(field.bytes()) {
                    match number {
                        1 => value = Some(field.double()),
                        3 => created = Some(time(field.bytes())),
                        other => panic!("field {other} of a counter"),
                    }
                }
                metric.counter = Some((value.expect("a counter has a value"), created));
            }
            7 => metric.histogram = Some(histogram(field.bytes())),
            other => panic!("field {other} of a metric"),
        }
    }
    metric
}

fn label(bytes: &[u8]) -> (String, String) {
    let mut label = (String::new(), String::new());
    for (number, field) in fields(bytes) {
        match number {
            1 => label.0 = field.text(),
            2 => label.1 = field.text(),
            other => panic!("field {other} of a label"),
        }
    }
    label
}

fn histogram(bytes: &[u8]) -> Histogram {
    let mut histogram = Histogram::default();
    for (number, field) in fields(bytes) {
        match number {
            1 => histogram.count = field.varint(),
            2 => histogram.sum = field.double(),
            3 => histogram.buckets.push(bucket(field.bytes())),
            5 => histogram.schema = field.zigzag(),
            6 => histogram.zero_threshold = field.double(),
            7 => histogram.zero_count = field.varint(),
            12 => {
                let mut span = (0, 0);
                for (number, field) in fields(field.bytes()) {
                    match number {
                        1 => span.0 = field.zigzag(),
                        2 => span.1 = field.varint(),
                        other => panic!("field {other} of a span"),
                    }
                }
                histogram.spans.push(span);
            }
            // Packed or one by one: readers take both.
            13 => match field {
                Field::Bytes(mut packed) => {
                    while !packed.is_empty() {
                        histogram.deltas.push(unfold(varint(&mut packed)));
                    }
                }
                single => histogram.deltas.push(single.zigzag()),
            },
            15 => histogram.created = Some(time(field.bytes())),
            16 => histogram.exemplars.push(exemplar(field.bytes())),
            other => panic!("field {other} of a histogram"),
        }
    }
    histogram
}

fn bucket(bytes: &[u8]) -> Bucket {
    let mut bucket = Bucket::default();
    for (number, field) in fields(bytes) {
        match number {
            1 => bucket.count = field.varint(),
            2 => bucket.bound = field.double(),
            3 => bucket.exemplar = Some(exemplar(field.bytes())),
            other => panic!("field {other} of a bucket"),
        }
    }
    bucket
}

fn exemplar(bytes: &[u8]) -> Exemplar {
    let mut exemplar = Exemplar::default();
    for (number, field) in fields(bytes) {
        match number {
            1 => exemplar.labels.push(label(field.bytes())),
            2 => exemplar.value = field.double(),
            3 => exemplar.time = Some(time(field.bytes())),
            other => panic!("field {other} of an exemplar"),
        }
    }
    exemplar
}

fn time(bytes: &[u8]) -> Time {
    let mut time = (0, 0);
    for (number, field) in fields(bytes) {
        match number {
            1 => time.0 = field.varint(),
            2 => time.1 = field.varint(),
            other => panic!("field {other} of a time"),
        }
    }
    time
}
