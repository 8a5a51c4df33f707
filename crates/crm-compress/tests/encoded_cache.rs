//! A cache of encoded forms: each body is encoded once, nobody gets the form of another one, and the memory is bounded.

mod support;

use std::cell::Cell;
use std::collections::HashMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Barrier, Mutex};
use std::thread;

use crm_compress::{
    Coding, EncodedCache, EncodedForm, EncodedStore, HeldForms, Identity, Level, Reason,
    encode_if_smaller,
};
use proptest::collection::vec;
use proptest::prelude::*;

use support::bodies::{self, json, noise};
use support::decoders::decode;

const MIB: u64 = 1 << 20;

fn held(forms: &EncodedCache) -> HeldForms {
    forms.stats().held.unwrap()
}

/// An encoder that counts how often it runs.
fn counted<'a>(runs: &'a Cell<u32>, body: &'a [u8]) -> impl Fn() -> Option<Vec<u8>> + 'a {
    move || {
        runs.set(runs.get() + 1);
        encode_if_smaller(Coding::Gzip, Level::Balanced, body).ok()
    }
}

/// What stands for an encoding where only the cache matters: short, quickly made, and another one for each body.
fn stand_in(body: &[u8]) -> Option<Vec<u8>> {
    let fnv = |sum: u64, &byte: &u8| (sum ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
    let sum = body.iter().fold(0xcbf2_9ce4_8422_2325, fnv);
    (sum % 4 > 0).then(|| [&sum.to_le_bytes(), &body[..body.len() / 4]].concat())
}

/// A map that never forgets, in which only so many numbers differ.
struct Numbers {
    differ: u64,
    kept: Mutex<HashMap<u64, EncodedForm>>,
}

impl Numbers {
    fn that_differ(differ: u64) -> Self {
        Self {
            differ,
            kept: Mutex::default(),
        }
    }
}

impl EncodedStore for Numbers {
    fn get_or_make(&self, number: u64, make: &mut dyn FnMut() -> EncodedForm) -> EncodedForm {
        let number = number % self.differ;
        let kept = self.kept.lock().unwrap().get(&number).cloned();
        kept.unwrap_or_else(|| {
            let form = make();
            let mut kept = self.kept.lock().unwrap();
            kept.entry(number).or_insert(form).clone()
        })
    }
}

#[test]
fn forms_are_what_the_encoder_makes() {
    let forms = EncodedCache::new(64 * MIB);
    for (name, body) in bodies::all() {
        for coding in [Coding::Gzip, Coding::Deflate, Coding::Identity] {
            for level in [Level::Fastest, Level::Balanced, Level::Smallest] {
                let expected = encode_if_smaller(coding, level, &body);
                for identity in [Identity::body(), Identity::tag(name, "\"1\"")] {
                    for _ in 0..2 {
                        let form = forms.encode(coding, level, identity, &body);
                        assert_eq!(
                            form.as_deref(),
                            expected.as_deref(),
                            "{name}: {coding} {level}"
                        );
                        if let Ok(form) = form {
                            assert_eq!(decode(coding, &form).as_deref(), Ok(&*body));
                        }
                    }
                }
            }
        }
    }
    let stats = forms.stats();
    assert_eq!(stats.hits, stats.misses);
    assert_eq!(stats.hit_ratio(), Some(0.5));
    assert_eq!(stats.collisions, 0);
    assert_eq!(held(&forms).forms, stats.misses);
    let lengths: usize = bodies::all().iter().map(|(_, body)| body.len()).sum();
    assert_eq!(stats.reused_bytes, 2 * 3 * 2 * lengths as u64);
}

#[test]
fn a_body_is_encoded_once() {
    let body = json(5_000, 1);
    for identity in [Identity::body(), Identity::tag("/customers", "\"1\"")] {
        let (forms, runs) = (EncodedCache::new(MIB), Cell::new(0));
        let ask = || {
            let encode = counted(&runs, &body);
            forms.encode_with(Coding::Gzip, Level::Balanced, identity, &body, encode)
        };
        let first = ask().unwrap();
        assert!(Arc::ptr_eq(&first, &ask().unwrap()));
        assert_eq!(runs.get(), 1);
        let stats = forms.stats();
        assert_eq!((stats.hits, stats.misses), (1, 1));
        assert_eq!(stats.reused_bytes, body.len() as u64);
    }
}

#[test]
fn what_would_not_shrink_is_not_tried_again() {
    let (forms, runs) = (EncodedCache::new(MIB), Cell::new(0));
    let body = noise(5_000, 1);
    for _ in 0..3 {
        let encode = counted(&runs, &body);
        let form = forms.encode_with(
            Coding::Gzip,
            Level::Balanced,
            Identity::body(),
            &body,
            encode,
        );
        let reason = Reason::WouldNotShrink {
            coding: Coding::Gzip,
            length: 5_000,
        };
        assert_eq!(form, Err(reason));
    }
    assert_eq!(runs.get(), 1);
    assert_eq!(forms.stats().hits, 2);
}

/// What is told apart is encoded apart; that all of it is compared is a test of the key itself.
#[test]
fn whatever_a_form_depends_on_tells_forms_apart() {
    let (forms, runs) = (EncodedCache::new(MIB), Cell::new(0));
    let (body, longer) = (json(2_000, 1), json(3_000, 1));
    let (tag, gzip, balanced) = (Identity::tag("/", "\"1\""), Coding::Gzip, Level::Balanced);
    let asked = [
        (gzip, balanced, Identity::body(), &body),
        (gzip, Level::Smallest, Identity::body(), &body),
        (Coding::Deflate, balanced, Identity::body(), &body),
        (gzip, balanced, Identity::body().variant(b"padded"), &body),
        (gzip, balanced, Identity::body(), &longer),
        (gzip, balanced, tag, &body),
        (gzip, balanced, tag, &longer), // a tag that was given twice, and caught by the length
        (gzip, balanced, tag.variant(b"padded"), &body),
        (gzip, balanced, Identity::tag("/", "\"2\""), &body),
        (gzip, balanced, Identity::tag("/a", "\"1\""), &body),
    ];
    for round in [1, 2] {
        for (coding, level, identity, body) in asked {
            let encode = counted(&runs, body);
            let form = forms.encode_with(coding, level, identity, body, encode);
            assert_eq!(decode(gzip, &form.unwrap()).as_ref(), Ok(body));
        }
        assert_eq!(runs.get(), asked.len() as u32, "round {round}");
    }
}

#[test]
fn only_a_strong_tag_stands_for_a_body() {
    for weak in [
        "",
        "\"",
        "\"\"",
        "W/\"1\"",
        "w/\"1\"",
        "1",
        "\"1",
        "1\"",
        "\"a\"b\"",
        "\"a b\"",
        "\"a\u{7f}\"",
        "\"a\tb\"",
        "*",
    ] {
        assert_eq!(Identity::tag("/", weak), Identity::body(), "{weak}");
    }
    for strong in ["\"1\"", "\"!#~\"", "\"W/1\"", "\"\u{e9}\""] {
        assert_ne!(Identity::tag("/", strong), Identity::body(), "{strong}");
    }
    assert_eq!(Identity::default(), Identity::body());

    // Two bodies of the same length under one weak tag.
    let forms = EncodedCache::new(MIB);
    let (one, other) = (vec![b'1'; 900], vec![b'2'; 900]);
    for body in [&one, &other, &one] {
        let identity = Identity::tag("/", "W/\"1\"");
        let form = forms.encode(Coding::Gzip, Level::Balanced, identity, body);
        assert_eq!(decode(Coding::Gzip, &form.unwrap()).as_ref(), Ok(body));
    }
}

/// Every number collides with every second, or with every other one; no wrong body ever comes out.
#[test]
fn bodies_of_one_number_are_not_mistaken_for_each_other() {
    let bodies: Vec<Vec<u8>> = (1..=50).map(|seed| json(500, seed)).collect();
    for differ in [1, 2, 7] {
        let forms = EncodedCache::over(Numbers::that_differ(differ));
        let mut calls = 0;
        for _ in 0..3 {
            for body in &bodies {
                for coding in [Coding::Gzip, Coding::Deflate] {
                    let form = forms.encode(coding, Level::Balanced, Identity::body(), body);
                    assert_eq!(decode(coding, &form.unwrap()).as_ref(), Ok(body));
                    calls += 1;
                }
            }
        }
        let stats = forms.stats();
        assert_eq!(stats.hits + stats.misses, calls);
        assert_eq!(stats.hits, 2 * differ); // each that has a place, in two more rounds
        assert_eq!(stats.collisions, calls - 3 * differ);
        assert_eq!(stats.held, None);
    }
}

/// A store that answers a call which made a form with another form, as one does that lost a race for the number.
#[test]
fn a_form_that_lost_its_place_is_used_and_not_made_again() {
    struct Taken(Mutex<Option<EncodedForm>>);
    impl EncodedStore for Taken {
        fn get_or_make(&self, _: u64, make: &mut dyn FnMut() -> EncodedForm) -> EncodedForm {
            let form = make();
            self.0.lock().unwrap().get_or_insert(form).clone()
        }
    }
    let forms = EncodedCache::over(Taken(Mutex::new(None)));
    let (one, other) = (json(500, 1), json(500, 2));
    for body in [&one, &other] {
        let runs = Cell::new(0);
        let encode = counted(&runs, body);
        let form = forms.encode_with(
            Coding::Gzip,
            Level::Balanced,
            Identity::body(),
            body,
            encode,
        );
        assert_eq!(decode(Coding::Gzip, &form.unwrap()).as_ref(), Ok(body));
        assert_eq!(runs.get(), 1);
    }
    assert_eq!(forms.stats().misses, 2);
    assert_eq!(forms.stats().collisions, 1);
}

#[test]
fn a_panic_of_the_encoder_leaves_nothing_behind() {
    let forms = EncodedCache::new(MIB);
    let body = json(2_000, 1);
    let ask = |encode: &dyn Fn() -> Option<Vec<u8>>| {
        forms.encode_with(
            Coding::Gzip,
            Level::Balanced,
            Identity::body(),
            &body,
            encode,
        )
    };
    let panicked = catch_unwind(AssertUnwindSafe(|| ask(&|| panic!("the encoder broke"))));
    assert!(panicked.is_err());
    assert_eq!(held(&forms), HeldForms::default());
    assert_eq!(forms.stats().misses, 1);

    let runs = Cell::new(0);
    let form = ask(&counted(&runs, &body)).unwrap();
    assert_eq!(decode(Coding::Gzip, &form).as_ref(), Ok(&body));
    assert_eq!((runs.get(), held(&forms).forms), (1, 1));
}

/// An encoder may use the cache, since it runs under no lock.
#[test]
fn an_encoder_may_ask_the_cache() {
    let forms = EncodedCache::new(MIB);
    let body = json(2_000, 1);
    let ask = || forms.encode(Coding::Gzip, Level::Balanced, Identity::body(), &body);
    let within = || ask().ok().map(|form| form.to_vec());
    let form = forms.encode_with(
        Coding::Gzip,
        Level::Balanced,
        Identity::body(),
        &body,
        within,
    );
    assert_eq!(form, ask());
}

#[test]
fn a_form_outlives_its_cache() {
    let body = json(2_000, 1);
    let forms = EncodedCache::new(MIB);
    let form = forms.encode(Coding::Gzip, Level::Balanced, Identity::body(), &body);
    drop(forms);
    assert_eq!(decode(Coding::Gzip, &form.unwrap()).as_ref(), Ok(&body));
}

#[test]
fn a_form_that_takes_too_much_is_not_kept() {
    let ask = |forms: &EncodedCache, identity, body: &[u8]| {
        let form = forms.encode(Coding::Gzip, Level::Fastest, identity, body);
        assert_eq!(decode(Coding::Gzip, &form.unwrap()).as_deref(), Ok(body));
    };
    let forms = EncodedCache::new(MIB);
    let large = json(MIB as usize / 16, 1);
    ask(&forms, Identity::body(), &large);
    ask(&forms, Identity::body(), &large);
    assert_eq!((held(&forms).forms, held(&forms).refusals), (0, 2));
    assert_eq!((forms.stats().hits, forms.stats().misses), (0, 2));

    // Under a tag the body is not kept, and what it became is small.
    ask(&forms, Identity::tag("/", "\"1\""), &large);
    assert_eq!((held(&forms).forms, held(&forms).refusals), (1, 2));

    // The body would fit, but not together with its form.
    let mixed = [noise(40_000, 1), vec![0; 10_000]].concat();
    ask(&forms, Identity::body(), &mixed);
    assert_eq!((held(&forms).forms, held(&forms).refusals), (1, 3));

    let nothing = EncodedCache::new(0);
    ask(&nothing, Identity::body(), &json(2_000, 1));
    assert_eq!((held(&nothing).bytes, held(&nothing).refusals), (0, 1));
    assert_eq!(nothing.stats().hit_ratio(), Some(0.0));
}

/// A large cache is divided, and its parts together use the limit and keep it.
#[test]
fn the_parts_of_a_cache_hold_its_limit_together() {
    for limit in [MIB, 3 * MIB, 8 * MIB, 20 * MIB] {
        let forms = EncodedCache::new(limit);
        let mut body = vec![0; limit as usize / 200];
        for number in 0..1_000_u64 {
            body[..8].copy_from_slice(&number.to_le_bytes());
            let (level, identity) = (Level::Balanced, Identity::body());
            let form = forms.encode_with(Coding::Gzip, level, identity, &body, || None);
            assert!(form.is_err());
            assert!(held(&forms).bytes <= limit);
        }
        let held = held(&forms);
        assert!(held.bytes > limit / 10 * 9, "{} of {limit}", held.bytes);
        assert_eq!((held.forms + held.evictions, held.refusals), (1_000, 0));
    }
}

/// What is asked for again and again stays while many others pass.
#[test]
fn a_body_in_demand_stays() {
    let forms = EncodedCache::new(MIB);
    let hot = json(5_000, 1);
    let ask = |body: &[u8]| {
        let (level, identity) = (Level::Fastest, Identity::body());
        let form = forms.encode_with(Coding::Gzip, level, identity, body, || stand_in(body));
        assert_eq!(form.ok().as_deref(), stand_in(body).as_deref());
    };
    ask(&hot);
    for seed in 2..1_000 {
        ask(&hot);
        ask(&json(5_000, seed));
    }
    assert_eq!(forms.stats().hits, 998);
    assert!(held(&forms).evictions > 500);
    assert!(held(&forms).bytes > MIB * 9 / 10, "room is used");
}

#[test]
fn nothing_of_a_body_shows_in_debug() {
    let seen = Arc::new(Mutex::new(String::new()));
    struct Shown(Arc<Mutex<String>>);
    impl EncodedStore for Shown {
        fn get_or_make(&self, _: u64, make: &mut dyn FnMut() -> EncodedForm) -> EncodedForm {
            let form = make();
            *self.0.lock().unwrap() = format!("{form:?}");
            form
        }
    }
    let forms = EncodedCache::over(Shown(Arc::clone(&seen)));
    let form = forms.encode(
        Coding::Gzip,
        Level::Balanced,
        Identity::body(),
        &[b'a'; 500],
    );
    let weight = 320 + 500 + form.unwrap().len();
    let shown = seen.lock().unwrap().clone();
    assert_eq!(
        shown,
        format!("EncodedForm {{ coding: Gzip, weight: {weight}, .. }}")
    );
    let shown = format!("{forms:?}");
    assert!(
        shown.starts_with("EncodedCache { stats: EncodedStats { hits: 0, misses: 1"),
        "{shown}"
    );
    assert!(shown.ends_with(", .. }"), "{shown}");
}

/// Many threads, more bodies than fit: every answer is right, and the bound holds at every moment that is looked at.
#[test]
fn threads_get_what_they_asked_for() {
    let bodies: Vec<Vec<u8>> = (0..60)
        .map(|seed| json(200 + 40 * seed as usize, seed))
        .collect();
    let expected: Vec<_> = bodies.iter().map(|body| stand_in(body)).collect();
    let limit = 60_000;
    let forms = EncodedCache::new(limit);
    let threads = 4;
    let together = Barrier::new(threads);
    thread::scope(|scope| {
        for thread in 0..threads as u64 {
            let (forms, bodies, expected, together) = (&forms, &bodies, &expected, &together);
            scope.spawn(move || {
                let mut dice = bodies::Noise::new(thread + 1);
                together.wait();
                for turn in 0..1_500 {
                    let at = (dice.next() >> 8) as usize % bodies.len();
                    let (body, level, identity) = (&bodies[at], Level::Fastest, Identity::body());
                    if turn % 100 == 0 {
                        let breaks = || -> Option<Vec<u8>> { panic!("an encoder broke") };
                        let broken =
                            || forms.encode_with(Coding::Gzip, level, identity, body, breaks);
                        drop(catch_unwind(AssertUnwindSafe(broken)));
                    }
                    let encode = || stand_in(body);
                    let form = forms.encode_with(Coding::Gzip, level, identity, body, encode);
                    assert_eq!(form.ok().as_deref(), expected[at].as_deref());
                    assert!(held(forms).bytes <= limit);
                }
            });
        }
    });
    let (stats, held) = (forms.stats(), held(&forms));
    assert_eq!(stats.hits + stats.misses, threads as u64 * (1_500 + 15));
    assert!(stats.hits > 0 && held.evictions > 0);
    assert_eq!((stats.collisions, held.refusals), (0, 0));
}

/// Threads that miss the same body at once all get a form, and one stays.
#[test]
fn a_race_for_one_body_leaves_one_form() {
    let (forms, body) = (EncodedCache::new(MIB), json(2_000, 1));
    let within = Barrier::new(3);
    let answers: Vec<_> = thread::scope(|scope| {
        let ask = || {
            let encode = || {
                within.wait(); // until all are about to encode
                encode_if_smaller(Coding::Gzip, Level::Balanced, &body).ok()
            };
            forms.encode_with(
                Coding::Gzip,
                Level::Balanced,
                Identity::body(),
                &body,
                encode,
            )
        };
        let threads: Vec<_> = (0..3).map(|_| scope.spawn(ask)).collect();
        threads
            .into_iter()
            .map(|thread| thread.join().unwrap().unwrap())
            .collect()
    });
    assert!(answers.iter().all(|form| Arc::ptr_eq(form, &answers[0])));
    assert_eq!((held(&forms).forms, forms.stats().misses), (1, 3));
    assert_eq!(forms.stats().collisions, 0);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Whatever is asked for in whatever order, the answer is what the encoder gives, and no more is kept than may be.
    #[test]
    fn any_sequence_stays_within_the_bound(
        limit in 0..40_000_u64,
        asked in vec((1..9_u64, 0..4_usize, 0..4_u8), 1..80),
    ) {
        let forms = EncodedCache::new(limit);
        for (calls, (seed, length, kind)) in asked.into_iter().enumerate() {
            let length = [0, 30, 700, 2_500][length];
            let body = if kind == 0 { noise(length, seed) } else { json(length, seed) };
            // A tag of just this body, so that it may stand for it.
            let etag = format!("\"{seed}.{length}.{kind}\"");
            let identity = if kind == 1 { Identity::tag("/", &etag) } else { Identity::body() };
            let encode = || stand_in(&body);
            let form = forms.encode_with(Coding::Deflate, Level::Fastest, identity, &body, encode);
            prop_assert_eq!(form.ok(), stand_in(&body).map(Into::into));
            let (stats, held) = (forms.stats(), held(&forms));
            prop_assert!(held.bytes <= limit);
            prop_assert!(held.forms * 320 <= held.bytes);
            prop_assert_eq!(stats.hits + stats.misses, calls as u64 + 1);
            prop_assert_eq!(stats.misses, held.forms + held.evictions + held.refusals);
        }
    }
}
