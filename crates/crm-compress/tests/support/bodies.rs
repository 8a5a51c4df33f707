//! Bodies of all the kinds that a service sends.

/// Numbers without a pattern (xorshift, Marsaglia 2003), the same in every run.
pub(crate) struct Noise(u64);

impl Noise {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed.max(1))
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }
}

/// Bytes that no coding can shrink.
pub(crate) fn noise(length: usize, seed: u64) -> Vec<u8> {
    let mut noise = Noise::new(seed);
    (0..length).map(|_| (noise.next() >> 32) as u8).collect()
}

/// A JSON list of customers, of at least this many bytes.
pub(crate) fn json(length: usize, seed: u64) -> Vec<u8> {
    const CITIES: [&str; 6] = ["London", "Lyon", "Turin", "Aarhus", "Porto", "Graz"];
    let mut noise = Noise::new(seed);
    let mut json = String::from("[");
    while json.len() < length {
        let id = noise.next() % 100_000;
        let city = CITIES[(noise.next() % 6) as usize];
        let spent = noise.next() % 1_000_000;
        json += &format!(
            "{{\"id\":{id},\"name\":\"Customer {id}\",\"city\":\"{city}\",\"spent_cents\":{spent},\"active\":true}},"
        );
    }
    json.pop();
    json.push(']');
    json.into_bytes()
}

/// One body of each kind, with its name.
pub(crate) fn all() -> Vec<(&'static str, Vec<u8>)> {
    vec![
        ("empty", Vec::new()),
        ("one byte", b"x".to_vec()),
        ("two bytes", b"{}".to_vec()),
        ("a record", json(300, 1)),
        ("a page", json(10_000, 2)),
        ("a list", json(50_000, 3)),
        ("zeros", vec![0; 100_000]),
        ("noise below a block", noise(16_383, 4)),
        ("noise", noise(90_000, 5)),
        (
            "mixed",
            [json(20_000, 6), noise(50_000, 7), json(20_000, 6)].concat(),
        ),
    ]
}
