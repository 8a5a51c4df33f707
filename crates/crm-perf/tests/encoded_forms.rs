//! The cache as a store of encoded forms: one encoder for each body, whoever asks, and a bound in bytes.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Barrier};
use std::thread;

use crm_perf::EncodedForms;
use crm_perf::cache::{BuildError, Cache};
use crm_perf::compress::{Coding, EncodedCache, EncodedForm, Gzip, Identity, Level};

fn json(number: usize) -> Vec<u8> {
    format!("{{\"id\":{number},\"name\":\"Customer {number}\"}}")
        .into_bytes()
        .repeat(40)
}

/// The store, and the cache in it to look at.
fn small(limit: u64) -> (EncodedCache, Arc<Cache<u64, EncodedForm>>) {
    let cache = Cache::builder(1_000)
        .weigher(limit, |_, form: &EncodedForm| form.weight())
        .build()
        .unwrap();
    let cache = Arc::new(cache);
    (
        EncodedCache::over(EncodedForms::from(Arc::clone(&cache))),
        cache,
    )
}

#[test]
fn whoever_asks_at_once_waits_for_one_encoder() {
    let (forms, cache) = small(1 << 20);
    let (body, runs, together) = (json(7), AtomicUsize::new(0), Barrier::new(4));
    let answers: Vec<_> = thread::scope(|scope| {
        let ask = || {
            let encode = || {
                runs.fetch_add(1, Ordering::Relaxed);
                // The flight lands only when all others are aboard or still to come; either way they need no encoder.
                while cache.stats().misses < 4 {
                    thread::yield_now();
                }
                Some(Gzip::default().encode(&body))
            };
            together.wait();
            forms.encode_with(
                Coding::Gzip,
                Level::Balanced,
                Identity::body(),
                &body,
                encode,
            )
        };
        let threads: Vec<_> = (0..4).map(|_| scope.spawn(ask)).collect();
        threads
            .into_iter()
            .map(|thread| thread.join().unwrap().unwrap())
            .collect()
    });
    assert_eq!(runs.load(Ordering::Relaxed), 1);
    assert!(answers.iter().all(|form| Arc::ptr_eq(form, &answers[0])));
    assert_eq!((forms.stats().misses, forms.stats().hits), (1, 3));
}

#[test]
fn the_bound_counts_bytes() {
    let limit = 20_000;
    let (forms, cache) = small(limit);
    for number in (0..100).chain(0..100) {
        let body = json(number);
        let form = forms.encode(Coding::Gzip, Level::Balanced, Identity::body(), &body);
        assert_eq!(form.unwrap()[..], Gzip::default().encode(&body)[..]);
        assert!(cache.weight() <= limit);
    }
    assert!(cache.weight() > limit / 2);
    assert!(cache.stats().evictions > 0);
}

#[test]
fn a_panic_of_the_encoder_leaves_the_store_usable() {
    let forms = EncodedCache::over(EncodedForms::new(1 << 20).unwrap());
    let body = json(7);
    let breaks = || -> Option<Vec<u8>> { panic!("the encoder broke") };
    let ask = || {
        forms.encode_with(
            Coding::Gzip,
            Level::Balanced,
            Identity::body(),
            &body,
            breaks,
        )
    };
    assert!(catch_unwind(AssertUnwindSafe(ask)).is_err());
    let form = forms.encode(Coding::Gzip, Level::Balanced, Identity::body(), &body);
    assert_eq!(form.unwrap()[..], Gzip::default().encode(&body)[..]);
}

/// An encoder that asks for what it is making is no deadlock.
#[test]
fn an_encoder_may_ask_for_its_own_form() {
    let forms = EncodedCache::over(EncodedForms::new(1 << 20).unwrap());
    let body = json(7);
    let ask = || forms.encode(Coding::Gzip, Level::Balanced, Identity::body(), &body);
    let within = || ask().ok().map(|form| form.to_vec());
    let form = forms.encode_with(
        Coding::Gzip,
        Level::Balanced,
        Identity::body(),
        &body,
        within,
    );
    assert_eq!(form.unwrap()[..], Gzip::default().encode(&body)[..]);
}

#[test]
fn a_limit_that_holds_nothing_is_refused() {
    for limit in [0, 1_023] {
        let refused = EncodedForms::new(limit);
        assert!(matches!(refused, Err(BuildError::ZeroCapacity)));
    }
    assert!(EncodedForms::new(1_024).is_ok());
}
