//! What is advised, in which order and words; and that no figures, however hostile, make nonsense of it.

use std::time::Duration;

use crm_monitor::advise::{
    Action, Advice, Advisor, AllenCunneen, CacheFigures, Counsel, Dimension, Doubt, Figures,
    FiguresBuilder, Load, Measure, NotKnown, Predict, Prediction,
};
use proptest::prelude::*;

fn ms(milliseconds: u64) -> Duration {
    Duration::from_millis(milliseconds)
}

fn advise(figures: FiguresBuilder) -> Counsel {
    Advisor::new().advise(&figures.build().unwrap())
}

fn actions(counsel: &Counsel) -> Vec<Action> {
    counsel.advice().iter().map(Advice::action).collect()
}

/// Four workers at nine tenths, waits as modelled.
fn busy() -> FiguresBuilder {
    Figures::builder()
        .arrival_rate(360.0)
        .service_time(ms(10))
        .workers(4)
}

#[test]
fn the_model_has_known_values() {
    // M/M/4 at nine tenths: C(4, 3.6) = 0.787_8, W = C / (c mu - lambda).
    let load = Load::new(360.0, 0.01, 4).unwrap();
    let now = AllenCunneen.predict(&load).unwrap();
    assert!((now.waiting_time - 0.019_694).abs() < 1e-6, "{now:?}");
    assert_eq!(now.response_time, now.waiting_time + 0.01);
    assert!((now.utilisation - 0.9).abs() < 1e-12);
    // Pollaczek and Khinchine: M/D/1 waits half as long as M/M/1.
    let load = Load::new(80.0, 0.01, 1).unwrap();
    let wait = |load: &Load| AllenCunneen.predict(load).unwrap().waiting_time;
    assert!((wait(&load) - 0.04).abs() < 1e-12);
    let constant = load.with_variations(1.0, 0.0).unwrap();
    assert!((wait(&constant) - 0.02).abs() < 1e-12);
    let bursts = load.with_variations(4.0, 0.0).unwrap();
    assert!((wait(&bursts) - 0.08).abs() < 1e-12);
    // Erlang's B does not overflow with many workers; none waits at half load.
    let many = Load::new(50_000.0, 1.0, 100_000).unwrap();
    assert_eq!(wait(&many), 0.0);
    for arrivals in [400.0, 401.0, 1e15] {
        let overload = AllenCunneen.predict(&Load::new(arrivals, 0.01, 4).unwrap());
        assert_eq!(overload.unwrap().waiting_time, f64::INFINITY);
    }
    let full = Load::new(400.0, 0.01, 4).unwrap();
    assert_eq!(
        wait(&full.with_variations(0.0, 0.0).unwrap()),
        f64::INFINITY
    );
    assert!(Prediction::new(&full, -1.0).is_none() && Prediction::new(&full, f64::NAN).is_none());
}

/// Waits that no queue explains stay, whatever is done about the queue.
#[test]
fn what_is_waited_elsewhere_stays() {
    let counsel = advise(busy().response_time(ms(200)));
    let wait = |action| {
        let advice = counsel.of(action).unwrap();
        let effect: crm_monitor::advise::Effect = advice.effect(Measure::WaitingTime).unwrap();
        assert!((effect.before - 0.190).abs() < 1e-9);
        effect.after
    };
    // Three times the modelled 19.7 ms are taken for the queue.
    let elsewhere = 0.190 - 3.0 * 0.0197;
    let after = wait(Action::AddWorkers);
    assert!(after > elsewhere && after < elsewhere + 0.003, "{after}");
    let facts = counsel.of(Action::AddWorkers).unwrap().evidence();
    let fact = facts
        .iter()
        .find(|fact| fact.name.contains("neither"))
        .unwrap();
    assert!((fact.value - elsewhere).abs() < 0.001, "{fact}");
}

/// A wait that is too short to be measured says nothing about longer ones.
#[test]
fn a_short_wait_does_not_bend_the_model() {
    let counsel = advise(
        busy()
            .arrival_rate(100.0)
            .response_time(ms(10))
            .refused(500.0),
    );
    let advice = counsel.of(Action::AddWorkers).unwrap();
    let wait = advice.effect(Measure::WaitingTime).unwrap();
    assert!(wait.after > 0.000_1 && wait.after <= 0.002_5, "{wait}");
}

#[test]
fn advice_comes_in_order_of_worth() {
    let counsel = advise(
        busy()
            .cache(CacheFigures::new(0.5, ms(1), ms(12)))
            .bytes_out(8e6)
            .compressible_share(0.9)
            .errors(0.5)
            .percentile(0.5, ms(15))
            .percentile(0.99, ms(900)),
    );
    assert_eq!(
        actions(&counsel),
        [
            Action::CacheMore,
            Action::AddWorkers,
            Action::LookAtErrors,
            Action::LookAtSlowTail,
            Action::Compress
        ],
        "{counsel}"
    );
    assert!(counsel.not_known().is_empty());
    let worth: Vec<_> = counsel.advice().iter().map(Advice::worth).collect();
    assert!(worth.is_sorted_by(|left, right| left >= right) && worth[4] > 0.0);
    // One scale: half an error a second, each ten seconds.
    assert_eq!(counsel.of(Action::LookAtErrors).unwrap().worth(), 5.0);
    // What is dear comes first.
    let order = |failure| {
        let figures = busy().errors(0.5).build().unwrap();
        actions(&Advisor::new().failure(failure).advise(&figures))
    };
    assert_eq!(
        order(ms(60_000)),
        [Action::LookAtErrors, Action::AddWorkers]
    );
    assert_eq!(order(ms(500)), [Action::AddWorkers, Action::LookAtErrors]);
    // Where a refused request costs next to nothing, refusing some helps the others.
    assert_eq!(
        order(ms(10)),
        [Action::AddWorkers, Action::ShedLoad, Action::LookAtErrors]
    );
}

/// Worth is what the effects say: requests by the second times seconds saved on each, by Little's law.
#[test]
fn worth_follows_from_the_effects() {
    let counsel = advise(busy().cache(CacheFigures::new(0.5, ms(1), ms(12))));
    for action in [Action::CacheMore, Action::AddWorkers] {
        let advice = counsel.of(action).unwrap();
        let response = advice.effect(Measure::ResponseTime).unwrap();
        let saved = 360.0 * (response.before - response.after);
        assert!((advice.worth() - saved).abs() < 1e-9 * saved);
        let cost = advice.effect(Measure::Cost).unwrap();
        assert!((cost.before - cost.after - saved).abs() < 1e-9 * saved);
    }
    // Eleven milliseconds less on a quarter of the lookups.
    let cache = counsel.of(Action::CacheMore).unwrap();
    let service = cache.effect(Measure::ServiceTime).unwrap();
    assert!((service.before - service.after - 0.002_75).abs() < 1e-12);
}

#[test]
fn each_advice_is_one_sentence() {
    let counsel = advise(
        busy()
            .response_time(ms(30))
            .cache(CacheFigures::new(0.6, ms(1), ms(16)).reachable(0.7))
            .bytes_out(8e6)
            .compressible_share(0.9)
            .errors(3.6)
            .percentile(0.5, ms(15))
            .percentile(0.99, ms(900)),
    );
    let sentence = |action| counsel.of(action).unwrap().to_string();
    assert_eq!(
        sentence(Action::CacheMore),
        "cache more: bring the hit ratio from 60 % to 70 %, and expect the mean response time to go from 30 ms to 13.8 ms"
    );
    assert_eq!(
        sentence(Action::AddWorkers),
        "add workers: bring the workers from 4 to 6, and expect the mean response time to go from 30 ms to 10.8 ms"
    );
    assert_eq!(
        sentence(Action::Compress),
        "compress: expect the bytes sent to go from 8 MB/s to 2.96 MB/s"
    );
    assert_eq!(
        sentence(Action::LookAtErrors),
        "look at the errors: at best errors from 3.6/s to 0/s"
    );
    assert_eq!(
        sentence(Action::LookAtSlowTail),
        "look at the slow tail: at best 99th percentile from 900 ms to 99.7 ms"
    );
    let quiet = advise(busy().arrival_rate(40.0).errors(0.0));
    assert_eq!(
        quiet.advice()[0].to_string(),
        "nothing to do: as far as is known it is fine (requests taken in: 40/s, utilisation: 10 %, errors: 0/s)"
    );
    assert_eq!(
        quiet.not_known()[1].to_string(),
        "whether to compress is not known without: bytes out, compressible share"
    );
    assert_eq!(quiet.to_string().lines().count(), 4, "{quiet}");
    assert_eq!(
        counsel.of(Action::AddWorkers).unwrap().evidence()[1].to_string(),
        "mean service time: 10 ms"
    );
}

#[test]
fn what_is_not_known_gives_no_advice_and_is_named() {
    let nothing = Advisor::new().advise(&Figures::builder().build().unwrap());
    assert_eq!(actions(&nothing), []);
    let lacking: Vec<_> = nothing
        .not_known()
        .iter()
        .map(|not_known| (not_known.action(), not_known.lacking().len()))
        .collect();
    assert_eq!(
        lacking,
        [
            (Action::CacheMore, 4),
            (Action::Compress, 2),
            (Action::AddWorkers, 3),
            (Action::ShedLoad, 3),
            (Action::LookAtSlowTail, 2),
            (Action::LookAtErrors, 2),
        ]
    );
    let counsel = advise(Figures::builder().arrival_rate(10.0).percentile(0.5, ms(3)));
    let tail = &counsel.not_known()[4];
    assert_eq!(tail.lacking(), ["a percentile from 90 % on"]);
    let workers = &counsel.not_known()[2];
    assert_eq!(workers.lacking(), ["service time", "workers"]);
}

#[test]
fn a_model_without_an_answer_gives_no_advice() {
    type Model = fn(&Load) -> Option<Prediction>;
    let models: [Model; 5] = [
        |_| None,
        |load| Prediction::new(load, f64::NAN),
        |load| Prediction::new(load, -1.0),
        |load| {
            let mut prediction = Prediction::new(load, 0.0)?;
            prediction.waiting_time = f64::NAN;
            Some(prediction)
        },
        |load| {
            let mut prediction = Prediction::new(load, 0.0)?;
            prediction.waiting_time = -1.0;
            Some(prediction)
        },
    ];
    for model in models {
        let counsel = Advisor::predicting_by(model).advise(&busy().build().unwrap());
        assert_eq!(actions(&counsel), []);
        assert_eq!(counsel.not_known()[2].lacking(), ["a model's answer"]);
    }
    // One that stops answering where the change leads.
    let counsel = Advisor::predicting_by(|load: &Load| {
        (load.workers == 4)
            .then(|| AllenCunneen.predict(load))
            .flatten()
    });
    let counsel = counsel.most_workers(5).advise(&busy().build().unwrap());
    assert_eq!(counsel.of(Action::AddWorkers), None);
    let unknown = counsel.not_known().iter().map(NotKnown::action);
    assert!(unknown.into_iter().any(|it| it == Action::AddWorkers));
}

#[test]
fn a_cache_that_cannot_help_is_left_alone() {
    for useless in [
        CacheFigures::new(1.0, ms(1), ms(12)),
        CacheFigures::new(0.5, ms(5), ms(4)),
        CacheFigures::new(0.5, ms(12), ms(1)).reachable(0.2),
        CacheFigures::new(0.5, ms(1), ms(12)).reachable(0.5),
        CacheFigures::new(0.5, ms(1), ms(12)).reachable(0.2),
        CacheFigures::new(0.5, ms(1), ms(12)).lookups(0.0),
    ] {
        let counsel = advise(busy().cache(useless));
        assert_eq!(actions(&counsel), [Action::AddWorkers], "{useless:?}");
    }
    // The lookups are all of the service, and a tenth more: nothing would be left of it.
    let all = CacheFigures::new(0.0, ms(0), ms(11)).reachable(1.0);
    let counsel = advise(busy().cache(all));
    assert_eq!(actions(&counsel), [Action::AddWorkers]);
    assert_eq!(
        counsel.not_known()[0].lacking(),
        ["a service time longer than its lookups"]
    );
}

#[test]
fn workers_are_not_advised_beyond_what_can_be_had() {
    let advised = |most| {
        let counsel = Advisor::new()
            .most_workers(most)
            .advise(&busy().build().unwrap());
        counsel
            .of(Action::AddWorkers)
            .map(|advice| advice.change().unwrap().after)
    };
    assert_eq!(advised(100), Some(6.0));
    assert_eq!(advised(5), Some(5.0));
    assert_eq!(advised(4), None);
    assert_eq!(advised(0), None);
    // The last word counts.
    let twice = Advisor::new().most_workers(4).most_workers(5);
    let counsel = twice.advise(&busy().build().unwrap());
    assert!(counsel.of(Action::AddWorkers).is_some());
    // More than a hundred thousand are not reckoned with.
    let flood = busy().arrival_rate(2e7).workers(50_000).build().unwrap();
    let counsel = Advisor::new().most_workers(u32::MAX).advise(&flood);
    let workers = counsel.of(Action::AddWorkers).unwrap().change().unwrap();
    assert_eq!(workers.after, 100_000.0);
}

/// Those who are turned away now are taken in by more workers.
#[test]
fn refused_requests_count() {
    let calm = busy().arrival_rate(100.0);
    assert_eq!(actions(&advise(calm.clone())), [Action::Nothing]);
    let counsel = advise(calm.refused(200.0));
    let advice = counsel.of(Action::AddWorkers).unwrap();
    let refused = advice.effect(Measure::RefusedRate).unwrap();
    assert_eq!((refused.before, refused.after), (200.0, 0.0));
    // Three hundred in a second, ten milliseconds each, are three workers' time.
    let utilisation = advice.effect(Measure::Utilisation).unwrap();
    let workers = advice.change().unwrap().after;
    assert!((utilisation.after - 3.0 / workers).abs() < 1e-12);
    assert!((advice.worth() / 2_000.0 - 1.0).abs() < 0.01);
}

/// Who is refused counts as a failure: at a high but steady load that costs more than it saves.
#[test]
fn load_is_shed_in_an_overload_only() {
    assert_eq!(advise(busy()).of(Action::ShedLoad), None);
    let overload = busy().arrival_rate(600.0).refused(10.0);
    let counsel = advise(overload.clone());
    let shed = counsel.of(Action::ShedLoad).unwrap();
    let arrivals = shed.change().unwrap();
    assert!(arrivals.after < 400.0 && arrivals.after > 300.0);
    let refused = shed.effect(Measure::RefusedRate).unwrap();
    assert_eq!(refused.before, 10.0);
    let turned_away = 610.0 - arrivals.after;
    assert!((refused.after - turned_away).abs() < 1e-6);
    let wait = shed.effect(Measure::WaitingTime).unwrap();
    assert!((wait.after / 0.010 - 1.0).abs() < 0.01, "{wait}");
    // For a second that is not worth it.
    let brief = Advisor::new().horizon(ms(1_000));
    let brief = brief.advise(&overload.build().unwrap());
    assert_eq!(brief.of(Action::ShedLoad), None);
}

#[test]
fn bytes_are_worth_their_time_on_the_line() {
    let bytes = Figures::builder().bytes_out(1e6).compressible_share(0.5);
    let counsel = advise(bytes.clone());
    let advice = counsel.of(Action::Compress).unwrap();
    let sent = advice.effect(Measure::BytesOut).unwrap();
    assert!((sent.after - 0.65e6).abs() < 1e-3);
    // 350,000 at 1,250,000 a second, less half a million to compress at 100 million.
    assert!((advice.worth() - (0.28 - 0.005)).abs() < 1e-9);
    let measured = advise(bytes.clone().compressed_to(0.1));
    let sent = measured.of(Action::Compress).unwrap().effects()[0];
    assert!((sent.after - 0.55e6).abs() < 1e-3);
    // On a fast line behind slow processors it does not pay.
    let advisor = Advisor::new().line(1_000_000_000).encoder(1_000_000);
    assert_eq!(
        actions(&advisor.advise(&bytes.clone().build().unwrap())),
        [Action::Nothing]
    );
    for nothing in [
        bytes.clone().compressible_share(0.05),
        bytes.clone().compressed_to(1.0),
        bytes.clone().bytes_out(0.0),
    ] {
        assert_eq!(actions(&advise(nothing)), [Action::Nothing]);
    }
    // Nor where the workers have no time to compress: 3.6 of 4 are busy, and it takes 0.5 more.
    let full = advise(busy().bytes_out(100e6).compressible_share(0.5));
    assert_eq!(full.of(Action::Compress).map(Advice::worth), None);
    // A line or an encoder that does nothing is one of a byte a second.
    let bytes = bytes.build().unwrap();
    let worth = |advisor: Advisor| advisor.advise(&bytes).advice()[0].worth();
    assert_eq!(worth(Advisor::new().line(0)), worth(Advisor::new().line(1)));
    assert!((worth(Advisor::new().line(0)) - 349_999.995).abs() < 0.001);
    let still = Advisor::new().line(0).encoder(0);
    assert_eq!(actions(&still.advise(&bytes)), [Action::Nothing]);
}

#[test]
fn a_tail_is_slow_beyond_an_exponential_one() {
    let tail = |p99: u64| {
        advise(
            Figures::builder()
                .arrival_rate(100.0)
                .percentile(0.5, ms(10))
                .percentile(0.99, ms(p99)),
        )
    };
    // ln 100 / ln 2 = 6.64 times the median, and half as much again.
    assert_eq!(tail(99).of(Action::LookAtSlowTail), None);
    let counsel = tail(101);
    let advice = counsel.of(Action::LookAtSlowTail).unwrap();
    assert_eq!(advice.effects().len(), 1); // the mean is not known
    let saved = 0.01 * (0.101 - 0.010 * 100.0_f64.ln() / 2.0_f64.ln());
    assert!((advice.worth() - 100.0 * saved).abs() < 1e-9);
    // Of several percentiles the one that costs most.
    let counsel = advise(
        Figures::builder()
            .arrival_rate(100.0)
            .percentile(0.5, ms(10))
            .percentile(0.9, ms(60))
            .percentile(0.99, ms(500))
            .percentile(0.999, ms(510)),
    );
    let advice = counsel.of(Action::LookAtSlowTail).unwrap();
    assert_eq!(advice.effects()[0].measure, Measure::Percentile(0.99));
}

#[test]
fn errors_count_from_one_in_a_thousand() {
    let errors = |rate| advise(Figures::builder().arrival_rate(1_000.0).errors(rate));
    assert_eq!(actions(&errors(1.0)), [Action::Nothing]);
    assert_eq!(actions(&errors(1.1)), [Action::LookAtErrors]);
    assert_eq!(actions(&errors(1_000.0)), [Action::LookAtErrors]);
}

#[test]
fn a_verdict_says_what_came_and_what_is_in_doubt() {
    let before = busy().response_time(ms(30)).build().unwrap();
    let advice = Advisor::new().advise(&before);
    let advice = advice.of(Action::AddWorkers).unwrap();
    let six = || busy().workers(6);
    let verdict = |figures: FiguresBuilder| advice.held_against(&figures.build().unwrap());

    let held = verdict(six().response_time(ms(11)));
    assert_eq!(held.is_held(), Some(true));
    let text = held.to_string();
    assert!(
        text.starts_with("held: mean response time was 11 ms, 10.8 ms predicted (+1.5"),
        "{text}"
    );
    let missed = verdict(six().response_time(ms(20)));
    assert_eq!(missed.is_held(), Some(false));
    assert!(missed.to_string().starts_with("not held: "));
    assert!(missed.comparisons()[0].error_percent() > 80.0);
    let measured = six().response_time(ms(20)).build().unwrap();
    assert_eq!(advice.held_within(&measured, 0.9).is_held(), Some(true));
    let none = advice.held_within(&measured, f64::NAN);
    assert_eq!(none.is_held(), Some(false));

    // Less is less.
    let predicted = advice.effects()[0].after;
    let quick = verdict(six().response_time(Duration::from_secs_f64(predicted * 0.95)));
    let error = quick.comparisons()[0].error_percent();
    assert!((error + 5.0).abs() < 0.01, "{error}");
    assert!(quick.to_string().contains("(-5 %)"), "{quick}");

    let unmeasured = verdict(six());
    assert_eq!(unmeasured.is_held(), None);
    let doubt = Doubt::NotMeasured {
        measure: Measure::ResponseTime,
    };
    assert_eq!(unmeasured.doubts(), [doubt]);

    let half = verdict(busy().workers(5).response_time(ms(13)));
    assert_eq!(half.is_held(), None);
    assert!(
        half.to_string().starts_with(
            "not comparable: workers at 5, where 6 was advised, mean response time was 13 ms"
        ),
        "{half}"
    );
    let slower = verdict(six().service_time(ms(12)).response_time(ms(13)));
    assert_eq!(
        slower.doubts(),
        [Doubt::Changed {
            measure: Measure::ServiceTime,
            before: 0.010,
            now: 0.012
        }]
    );
    // Refused requests were wanted too.
    let refused = verdict(six().response_time(ms(11)).refused(50.0));
    assert!(matches!(
        refused.doubts(),
        [Doubt::Changed {
            measure: Measure::ArrivalRate,
            now: 410.0,
            ..
        }]
    ));

    let fine = advise(busy().arrival_rate(4.0));
    let fine = fine.advice()[0].held_against(&before);
    assert_eq!(
        (fine.is_held(), fine.doubts()),
        (None, &[Doubt::NothingAdvised][..])
    );
    assert_eq!(fine.to_string(), "not comparable: there was nothing to do");
}

/// Where zero was predicted the error is of what there was.
#[test]
fn errors_that_remain_are_of_those_there_were() {
    let figures = |errors| {
        let figures = Figures::builder().arrival_rate(100.0).errors(errors);
        figures.build().unwrap()
    };
    let counsel = Advisor::new().advise(&figures(10.0));
    let advice = &counsel.advice()[0];
    assert_eq!(advice.held_against(&figures(0.0)).is_held(), Some(true));
    for none in [0.0, -1.0, f64::NAN] {
        assert_eq!(
            advice.held_within(&figures(0.0), none).is_held(),
            Some(true)
        );
    }
    let third = advice.held_against(&figures(3.0));
    assert_eq!(third.is_held(), Some(false));
    assert!((third.comparisons()[0].error_percent() - 30.0).abs() < 1e-9);
}

/// Nobody waited, nobody was to wait, nobody waits: that is no error.
#[test]
fn nothing_of_nothing_is_no_error() {
    let cached = |hit_ratio, millis| {
        let cache = CacheFigures::new(hit_ratio, ms(1), ms(12));
        let figures = busy().service_time(ms(millis)).response_time(ms(millis));
        figures.cache(cache).build().unwrap()
    };
    let counsel = Advisor::new().advise(&cached(0.5, 10));
    let verdict = counsel
        .of(Action::CacheMore)
        .unwrap()
        .held_against(&cached(0.75, 7));
    let waits = verdict.comparisons()[1];
    assert_eq!(waits.measure, Measure::WaitingTime);
    assert_eq!((waits.predicted, waits.measured), (0.0, 0.0));
    assert_eq!(waits.error_percent(), 0.0);
}

#[test]
fn all_that_is_said_can_be_sent() {
    fn sent<T: Send + Sync + std::fmt::Debug>() {}
    sent::<Counsel>();
    sent::<Advisor>();
    sent::<Figures>();
}

fn number() -> impl Strategy<Value = f64> {
    prop_oneof![
        Just(0.0),
        0.0..1.0_f64,
        (-12.0..15.0_f64).prop_map(|power| 10.0_f64.powf(power)),
        Just(f64::NAN),
        Just(f64::INFINITY),
        Just(-1.0),
    ]
}

fn time() -> impl Strategy<Value = Duration> {
    (-9.0..9.0_f64).prop_map(|power| Duration::from_secs_f64(10.0_f64.powf(power)))
}

prop_compose! {
    /// Anything: much of it is refused.
    fn any_figures()(
        rates in prop::array::uniform9(prop::option::of(number())),
        times in prop::array::uniform4(prop::option::of(time())),
        workers in prop::option::of(0..200_u32),
        cache in prop::option::of((number(), time(), time())),
    ) -> FiguresBuilder {
        let mut figures = Figures::builder();
        type Set = fn(FiguresBuilder, f64) -> FiguresBuilder;
        let sets: [Set; 9] = [
            FiguresBuilder::arrival_rate, FiguresBuilder::arrival_variation, FiguresBuilder::service_variation,
            FiguresBuilder::in_flight, FiguresBuilder::bytes_out, FiguresBuilder::compressible_share,
            FiguresBuilder::compressed_to, FiguresBuilder::errors, FiguresBuilder::refused,
        ];
        for (set, value) in sets.into_iter().zip(rates) {
            // Mostly what can be, so that there is something to advise on.
            if let Some(value) = value.filter(|value| (0.0..1e15).contains(value)) {
                figures = set(figures, value);
            }
        }
        let [service, response, median, tail] = times;
        if let Some(time) = service { figures = figures.service_time(time); }
        if let Some(time) = response { figures = figures.response_time(time); }
        if let Some(time) = median { figures = figures.percentile(0.5, time); }
        if let Some(time) = tail { figures = figures.percentile(0.999, time); }
        if let Some(workers) = workers { figures = figures.workers(workers); }
        if let Some((hits, hit, miss)) = cache { figures = figures.cache(CacheFigures::new(hits, hit, miss)); }
        figures
    }
}

prop_compose! {
    /// A service as there may be one: idle or overloaded, with anything else known of it or not.
    fn any_service()(
        (power, workers, busy) in (-6.0..3.0_f64, 1..200_u32, 0.0..3.0_f64),
        (ca2, cs2) in prop::array::uniform2(prop::option::of(0.0..20.0_f64)).prop_map(|[a, b]| (a, b)),
        wait in prop::option::of(prop_oneof![Just(0.0), (-6.0..3.0_f64).prop_map(|power| 10.0_f64.powf(power))]),
        tail in prop::option::of((0.05..0.5_f64, 1.0..400.0_f64)),
        cache in prop::option::of((0.0..=1.0_f64, 0.0..2.0_f64, 0.0..5.0_f64, 0.0..1.05_f64)),
        bytes in prop::option::of((0.0..1e10_f64, 0.0..=1.0_f64)),
        (errors, refused) in prop::array::uniform2(prop::option::of(0.0..=1.0_f64)).prop_map(|[a, b]| (a, b)),
    ) -> FiguresBuilder {
        let service_time = 10.0_f64.powf(power);
        let time = Duration::from_secs_f64;
        let rate = busy * f64::from(workers) / service_time;
        let mut figures = Figures::builder().arrival_rate(rate).service_time(time(service_time)).workers(workers);
        if let Some(ca2) = ca2 { figures = figures.arrival_variation(ca2); }
        if let Some(cs2) = cs2 { figures = figures.service_variation(cs2); }
        let response = service_time * (1.0 + wait.unwrap_or(0.0));
        if wait.is_some() { figures = figures.response_time(time(response)); }
        if let Some((median, by)) = tail {
            figures = figures.percentile(0.5, time(response * median)).percentile(0.999, time(response * median * by));
        }
        if let Some((hits, hit, miss, share)) = cache {
            let (hit, miss) = (hit * service_time, miss * service_time);
            let lookups = share * service_time / (hits * hit + (1.0 - hits) * miss).max(1e-9);
            figures = figures.cache(CacheFigures::new(hits, time(hit), time(miss)).lookups(lookups.min(1e6)));
        }
        if let Some((bytes, share)) = bytes { figures = figures.bytes_out(bytes).compressible_share(share); }
        if let Some(errors) = errors { figures = figures.errors(errors * rate); }
        if let Some(refused) = refused { figures = figures.refused(refused * rate); }
        figures
    }
}

proptest! {
    /// Every number that is said is one, every cost falls, and the order is that of worth.
    #[test]
    fn no_figures_make_nonsense(figures in prop_oneof![any_figures(), any_service(), any_service()]) {
        let Ok(figures) = figures.build() else { return Ok(()) };
        let counsel = Advisor::new().advise(&figures);
        let mut worth = f64::INFINITY;
        for advice in counsel.advice() {
            prop_assert!(advice.worth() <= worth && advice.worth() >= 0.0, "{counsel}");
            worth = advice.worth();
            prop_assert!(advice.evidence().iter().all(|it| it.value.is_finite() && it.value >= 0.0), "{advice:?}");
            for effect in advice.effects().iter().chain(&advice.change()) {
                prop_assert!(effect.before.is_finite() && effect.before >= 0.0, "{advice:?}");
                prop_assert!(effect.after.is_finite() && effect.after >= 0.0, "{advice:?}");
                let share = effect.measure.dimension() == Dimension::Share && effect.measure != Measure::Utilisation;
                prop_assert!(!share || effect.after <= 1.0);
            }
            // What it is for gets better.
            if let Some(first) = advice.effects().first() {
                prop_assert!(first.after < first.before || advice.action() == Action::AddWorkers, "{advice:?}");
            }
            let text = advice.to_string();
            prop_assert!(!text.contains("NaN") && !text.contains("inf") && !text.contains('\n'), "{text}");
            // And it is comparable with itself.
            let verdict = advice.held_against(&figures).to_string();
            prop_assert!(!verdict.contains("NaN"), "{verdict}");
        }
        // Everything is either judged or said not to be known.
        let nothing = counsel.of(Action::Nothing).is_some();
        prop_assert!(!nothing || counsel.advice().len() == 1);
        prop_assert!(!counsel.advice().is_empty() || !counsel.not_known().is_empty());
    }

    /// More workers never wait longer, more load never less.
    #[test]
    fn the_model_is_monotone(rate in 0.1..1_000.0_f64, millis in 1..100_u32, workers in 1..50_u32) {
        let wait = |rate: f64, workers| {
            let load = Load::new(rate, f64::from(millis) / 1e3, workers).unwrap();
            AllenCunneen.predict(&load).unwrap().waiting_time
        };
        prop_assert!(wait(rate, workers + 1) <= wait(rate, workers));
        prop_assert!(wait(rate * 1.01, workers) >= wait(rate, workers));
    }
}
