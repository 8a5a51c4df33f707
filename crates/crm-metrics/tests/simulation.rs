//! Every model within the confidence interval of a simulation that knows no formula.

mod support;

use crm_metrics::queueing::{
    ErlangA, Gg1, Gm1, Md1, Mdc, Mg1, Mg1Priority, Mg1Ps, Mg1Vacation, Mm1, Mmc, MmcPriority,
    Polling, PollingStation, PriorityClass, erlang_b,
};
use support::simulation::{Law, Line, Visit, polled, prioritised, shared, single_vacations};

const TIMES: [f64; 3] = [0.5, 1.0, 3.0];

/// Random arrivals at this rate.
fn random(rate: f64) -> Law {
    Law::Exponential(1.0 / rate)
}

/// `P(Wq>t)` or `P(W>t)` for each of `TIMES`.
fn tails(name: &str, tail: impl Fn(f64) -> f64) -> Vec<(String, f64)> {
    TIMES
        .iter()
        .map(|&t| (format!("P({name}>{t})"), tail(t)))
        .collect()
}

fn named(tails: &[(String, f64)]) -> Vec<(&str, f64)> {
    tails
        .iter()
        .map(|(name, value)| (name.as_str(), *value))
        .collect()
}

#[test]
fn mm1() {
    let model = Mm1::new(0.7, 1.0).unwrap();
    let found = Line::new(random(0.7), random(1.0), 1).times(&TIMES).run(1);
    found.agrees(&[
        ("Wq", model.mean_waiting_time()),
        ("W", model.mean_response_time()),
        ("L", model.mean_in_system()),
        ("Lq", model.mean_in_queue()),
        ("busy", model.utilisation()),
        ("P(n=0)", model.idle_probability()),
        ("P(wait)", model.probability_of_waiting()),
    ]);
    found.agrees(&named(&tails("Wq", |t| model.waiting_time_tail(t))));
    found.agrees(&named(&tails("W", |t| model.response_time_tail(t))));
}

#[test]
fn mmc() {
    for (lambda, c, seed) in [(1.5, 2, 2), (8.0, 10, 3)] {
        let model = Mmc::new(lambda, 1.0, c).unwrap();
        let found = Line::new(random(lambda), random(1.0), c)
            .times(&TIMES[..2])
            .run(seed);
        let (wait, response) = (model.mean_waiting_time(), model.mean_response_time());
        found.agrees(&[
            ("Wq", wait),
            ("Wq^2", model.waiting_time_variance() + wait * wait),
            ("W", response),
            ("W^2", model.response_time_variance() + response * response),
            ("L", model.mean_in_system()),
            ("busy", model.offered_load()),
            ("P(wait)", model.probability_of_waiting()),
        ]);
        found.agrees(&named(&tails("Wq", |t| model.waiting_time_tail(t))[..2]));
        found.agrees(&named(&tails("W", |t| model.response_time_tail(t))[..2]));
    }
}

/// Whatever the service time: only its mean counts.
#[test]
fn loss() {
    let blocked = erlang_b(5, 4.0).unwrap();
    for (service, seed) in [
        (Law::Constant(1.0), 4),
        (Law::Hyperexponential(0.9, 0.5, 5.5), 5),
    ] {
        let found = Line::new(random(4.0), service, 5).room(5).run(seed);
        found.agrees(&[("P(blocked)", blocked), ("busy", 4.0 * (1.0 - blocked))]);
    }
}

/// M/M/c/K with abandonment, by the balance of its states: what the models of that kind are to agree with.
struct States {
    p: Vec<f64>,
    lambda: f64,
    theta: f64,
    c: f64,
}

impl States {
    fn new(lambda: f64, theta: f64, c: u32, room: usize) -> Self {
        let c = f64::from(c);
        let mut p = vec![1.0];
        for n in 1..=room {
            let n = n as f64;
            let out = n.min(c) + (n - c).max(0.0) * theta;
            p.push(p[p.len() - 1] * lambda / out);
        }
        let total: f64 = p.iter().sum();
        p.iter_mut().for_each(|p| *p /= total);
        Self {
            p,
            lambda,
            theta,
            c,
        }
    }

    fn mean(&self, value: impl Fn(f64) -> f64) -> f64 {
        let states = self.p.iter().enumerate();
        states.map(|(n, p)| p * value(n as f64)).sum()
    }

    fn figures(&self) -> Vec<(&'static str, f64)> {
        let blocked = self.p[self.p.len() - 1];
        let entering = self.lambda * (1.0 - blocked);
        let waiting = self.mean(|n| (n - self.c).max(0.0));
        let full = self.mean(|n| f64::from(u8::from(n >= self.c))) - blocked;
        let mut figures = vec![
            ("L", self.mean(|n| n)),
            ("Lq", waiting),
            ("Wq", waiting / entering),
            ("busy", self.mean(|n| n.min(self.c))),
            ("P(wait)", full / (1.0 - blocked)),
            ("throughput", entering - self.theta * waiting),
        ];
        if self.theta > 0.0 {
            figures.push(("P(abandon)", self.theta * waiting / entering));
        }
        if blocked > 1e-9 {
            figures.push(("P(blocked)", blocked));
        }
        figures
    }
}

#[test]
fn little_room() {
    for (lambda, c, room, seed) in [(0.9, 1, 5, 6), (3.0, 2, 6, 7)] {
        let found = Line::new(random(lambda), random(1.0), c)
            .room(room)
            .run(seed);
        found.agrees(&States::new(lambda, 0.0, c, room).figures());
    }
}

#[test]
fn impatience() {
    for (lambda, c, theta, room, seed) in [
        (5.0, 4, 0.5, 400, 8),
        (9.0, 10, 2.0, 400, 9),
        (5.0, 4, 0.5, 8, 10),
    ] {
        let line = Line::new(random(lambda), random(1.0), c);
        let found = line.patience(random(theta)).room(room).run(seed);
        found.agrees(&States::new(lambda, theta, c, room).figures());
    }
}

/// How long callers stay, whether they leave served or not.
#[test]
fn erlang_a() {
    for (lambda, c, theta, seed) in [(5.0, 4, 0.5, 41), (9.0, 10, 2.0, 42)] {
        let model = ErlangA::new(lambda, 1.0, c, theta).unwrap();
        let line = Line::new(random(lambda), random(1.0), c);
        let found = line.patience(random(theta)).times(&TIMES).run(seed);
        let response = model.mean_response_time();
        found.agrees(&[
            ("W", response),
            ("W^2", model.response_time_variance() + response * response),
        ]);
        found.agrees(&named(&tails("W", |t| model.response_time_tail(t))));
    }
}

#[test]
fn mg1() {
    for (service, seed) in [
        (Law::Constant(1.0), 11),
        (Law::Erlang(3, 1.0), 12),
        (Law::Uniform(0.2, 1.8), 13),
        (Law::Hyperexponential(0.8, 0.5, 3.0), 14),
    ] {
        let (mean, _, third) = service.moments();
        let model = Mg1::new(0.6, mean, service.variation()).unwrap();
        let model = model.with_third_moment(third).unwrap();
        let found = Line::new(random(0.6), service, 1).run(seed);
        let (wait, response) = (model.mean_waiting_time(), model.mean_response_time());
        found.agrees(&[
            ("Wq", wait),
            ("Wq^2", model.waiting_time_variance().unwrap() + wait * wait),
            (
                "W^2",
                model.response_time_variance().unwrap() + response * response,
            ),
            ("L", model.mean_in_system()),
            ("P(wait)", model.probability_of_waiting()),
        ]);
    }
}

#[test]
fn md1() {
    let model = Md1::new(0.8, 1.0).unwrap();
    let found = Line::new(random(0.8), Law::Constant(1.0), 1)
        .times(&TIMES)
        .run(15);
    found.agrees(&[
        ("Wq", model.mean_waiting_time()),
        ("P(n=0)", model.idle_probability()),
    ]);
    found.agrees(&named(&tails("Wq", |t| model.waiting_time_tail(t))));
    found.agrees(&named(&tails("W", |t| model.response_time_tail(t))[2..]));
}

#[test]
fn mdc() {
    for (lambda, c, seed) in [(2.4, 3, 16), (8.5, 10, 17)] {
        let model = Mdc::new(lambda, 1.0, c).unwrap();
        let wait = model.mean_waiting_time();
        let found = Line::new(random(lambda), Law::Constant(1.0), c)
            .times(&TIMES[..1])
            .run(seed);
        found.agrees(&named(&tails("Wq", |t| model.waiting_time_tail(t))[..1]));
        found.agrees(&[
            ("Wq", wait),
            ("Wq^2", model.waiting_time_variance() + wait * wait),
            ("Lq", model.mean_in_queue()),
            ("P(wait)", model.probability_of_waiting()),
        ]);
    }
}

#[test]
fn gm1() {
    for (arrivals, model, seed) in [
        (Law::Constant(1.4), Gm1::deterministic(1.4, 1.0), 18),
        (Law::Erlang(2, 1.4), Gm1::erlang(2, 1.4, 1.0), 19),
        (Law::Uniform(0.4, 2.4), Gm1::uniform(0.4, 2.4, 1.0), 20),
        (
            Law::Hyperexponential(0.75, 0.8, 3.2),
            Gm1::hyperexponential(&[(0.75, 0.8), (0.25, 3.2)], 1.0),
            21,
        ),
    ] {
        let model = model.unwrap();
        let wait = model.mean_waiting_time();
        let found = Line::new(arrivals, random(1.0), 1).times(&TIMES).run(seed);
        found.agrees(&[
            ("Wq", wait),
            ("Wq^2", model.waiting_time_variance() + wait * wait),
            ("L", model.mean_in_system()),
            ("P(wait)", model.probability_of_waiting()),
            ("busy", model.utilisation()),
        ]);
        found.agrees(&named(&tails("Wq", |t| model.waiting_time_tail(t))));
        found.agrees(&named(&tails("W", |t| model.response_time_tail(t))));
    }
}

/// The bound holds, and in heavy traffic the approximations come close.
#[test]
fn gg1() {
    let (arrivals, service) = (Law::Erlang(2, 1.0), Law::Erlang(4, 0.85));
    let model = Gg1::new(1.0, 1.0 / 0.85, arrivals.variation(), service.variation()).unwrap();
    let (wait, error) = Line::new(arrivals, service, 1).run(22).estimate("Wq");
    assert!(model.kingman_bound() > wait - 5.0 * error);
    for guess in [
        model.kingman(),
        model.marchal(),
        model.kraemer_langenbach_belz(),
    ] {
        assert!(
            (guess / wait - 1.0).abs() < 0.1,
            "{guess} instead of {wait}"
        );
    }
}

#[test]
fn processor_sharing() {
    let model = Mg1Ps::new(0.7, 1.0).unwrap();
    for (service, seed) in [
        (random(1.0), 23),
        (Law::Constant(1.0), 24),
        (Law::Hyperexponential(0.8, 0.5, 3.0), 25),
    ] {
        let found = shared(random(0.7), service, seed);
        found.agrees(&[
            ("W", model.mean_response_time()),
            ("L", model.mean_in_system()),
        ]);
        if let Law::Exponential(_) = service {
            let mean = model.mean_response_time();
            let square = model.exponential_response_time_variance() + mean * mean;
            found.agrees(&[("W^2", square)]);
        }
    }
}

#[test]
fn priorities() {
    let laws = [
        (0.2, Law::Exponential(1.0)),
        (0.3, Law::Constant(0.8)),
        (0.1, Law::Hyperexponential(0.8, 1.0, 4.0)),
    ];
    let classes =
        laws.map(|(rate, law)| PriorityClass::new(rate, law.mean(), law.variation()).unwrap());
    let polite = Mg1Priority::non_preemptive(&classes).unwrap();
    let strict = Mg1Priority::preemptive_resume(&classes).unwrap();
    let names = ["W0", "W1", "W2"];
    for (preemptive, model, seed) in [(false, &polite, 26), (true, &strict, 27)] {
        let expected: Vec<_> = (0..3)
            .map(|k| (names[k], model.mean_response_time(k)))
            .collect();
        prioritised(&laws, 1, preemptive, seed).agrees(&expected);
    }
    let rates = [0.8, 0.9, 0.7];
    let laws = rates.map(|rate| (rate, Law::Exponential(1.0)));
    let polite = MmcPriority::non_preemptive(&rates, 1.0, 3).unwrap();
    let strict = MmcPriority::preemptive_resume(&rates, 1.0, 3).unwrap();
    for (preemptive, model, seed) in [(false, &polite, 28), (true, &strict, 29)] {
        let expected: Vec<_> = (0..3)
            .map(|k| (names[k], model.mean_response_time(k)))
            .collect();
        prioritised(&laws, 3, preemptive, seed).agrees(&expected);
    }
}

#[test]
fn polling() {
    let queues = [
        (1.0, Law::Exponential(0.2), Law::Constant(0.1)),
        (0.5, Law::Erlang(2, 0.6), Law::Exponential(0.2)),
        (0.1, Law::Constant(1.0), Law::Uniform(0.0, 0.6)),
    ];
    let stations = queues.map(|(rate, service, walk)| {
        let station = PollingStation::new(rate, service.mean(), service.variation()).unwrap();
        let mean = walk.mean();
        station
            .with_switch_over(mean, walk.variation().max(0.0) * mean * mean)
            .unwrap()
    });
    let names = ["Wq0", "Wq1", "Wq2"];
    for (visit, model, seed) in [
        (Visit::Exhaustive, Polling::exhaustive(&stations), 30),
        (Visit::Gated, Polling::gated(&stations), 31),
    ] {
        let model = model.unwrap();
        let expected: Vec<_> = (0..3)
            .map(|k| (names[k], model.mean_waiting_time(k)))
            .collect();
        polled(&queues, visit, seed).agrees(&expected);
    }
    let station = PollingStation::new(0.3, 0.5, 1.0).unwrap();
    let model = Polling::one_limited(station.with_switch_over(0.2, 0.04).unwrap(), 3).unwrap();
    let alike = [(0.3, Law::Exponential(0.5), Law::Exponential(0.2)); 3];
    let expected: Vec<_> = (0..3)
        .map(|k| (names[k], model.mean_waiting_time(k)))
        .collect();
    polled(&alike, Visit::One, 32).agrees(&expected);
}

/// One queue that is left when it is empty: the walk is the vacation.
#[test]
fn vacations() {
    let queue = Mg1::new(0.6, 1.0, 0.5).unwrap();
    let model = Mg1Vacation::multiple(queue, 2.0, 1.0).unwrap();
    let alone = [(0.6, Law::Erlang(2, 1.0), Law::Exponential(2.0))];
    polled(&alone, Visit::Exhaustive, 33).agrees(&[("Wq0", model.mean_waiting_time())]);
    let (service, away) = (Law::Erlang(2, 1.0), Law::Exponential(2.0));
    let model = Mg1Vacation::single(queue, 2.0, 1.0, 1.0 / 2.2).unwrap();
    single_vacations(random(0.6), service, away, 34).agrees(&[("Wq", model.mean_waiting_time())]);
}
