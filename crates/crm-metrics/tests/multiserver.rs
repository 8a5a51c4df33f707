//! Several classes at stations of several servers: the exact solution is that of the chain, of one class, and stable.

mod support;

use crm_metrics::network::{
    ClassStation, MulticlassNetwork, Network, NetworkError, Station, Workload,
};
use crm_metrics::queueing::{FiniteSource, Mmc, steady_state};
use support::{assert_close, assert_within};

/// One class is what [`Network`] solves by other sums.
#[test]
fn one_class() {
    for (servers, population) in [(2, 1), (3, 7), (8, 80), (40, 300), (500, 30)] {
        let several = MulticlassNetwork::builder()
            .station(ClassStation::servers(servers, [4.0]))
            .station(ClassStation::queue([0.1]))
            .station(ClassStation::delay([1.5]))
            .think_times([10.0])
            .build()
            .unwrap();
        let one = Network::builder()
            .station(Station::servers(servers, 4.0))
            .station(Station::queue(0.1))
            .station(Station::delay(1.5))
            .think_time(10.0)
            .build()
            .unwrap();
        let (mine, other) = (
            several.closed(&[population]).unwrap(),
            one.closed(population).unwrap(),
        );
        let what = format!("{servers} {population}");
        assert_close(&what, mine.throughput(0), other.throughput(), 1e-12);
        assert_close(&what, mine.response_time(0), other.response_time(), 1e-11);
        for k in 0..3 {
            let (mine, other) = (mine.station(k, 0), other.station(k));
            assert_close(&what, mine.mean_in_system(), other.mean_in_system(), 1e-11);
            assert_close(&what, mine.utilisation(), other.utilisation(), 1e-12);
        }
    }
}

/// Eight servers and eighty users, where the textbook has a negative throughput.
#[test]
fn stable_where_the_textbook_is_not() {
    let network = MulticlassNetwork::builder()
        .station(ClassStation::servers(8, [4.0, 4.0]))
        .think_times([10.0, 10.0])
        .build()
        .unwrap();
    let solution = network.closed(&[50, 30]).unwrap();
    let together = solution.throughput(0) + solution.throughput(1);
    let exact = FiniteSource::new(0.1, 0.25, 8, 80).unwrap();
    assert_close("throughput", together, exact.throughput(), 1e-12);
    assert_close(
        "mean",
        solution.mean_at_station(0),
        exact.mean_in_system(),
        1e-12,
    );
    assert_close("share", solution.throughput(0) / together, 0.625, 1e-12);
}

/// Two classes of different needs that share the servers of two stations, by the balance of all states.
#[test]
fn chain_of_two_stations() {
    let population = [3_usize, 2];
    let (demand, servers) = ([[0.7, 0.2], [0.4, 1.1]], [2_usize, 3]);
    let think = [1.3, 0.6];
    let single = [0.3, 0.5];
    // Numbers by station (two of several servers, one of one), then class; the rest think.
    let mut states = Vec::new();
    let splits = |n: usize| {
        let mut all = Vec::new();
        for a in 0..=n {
            for b in 0..=n - a {
                for c in 0..=n - a - b {
                    all.push([a, b, c]);
                }
            }
        }
        all
    };
    for one in splits(population[0]) {
        for two in splits(population[1]) {
            states.push([one, two]);
        }
    }
    let place = |state: &[[usize; 3]; 2]| states.iter().position(|s| s == state).unwrap();
    let mut rates = vec![vec![0.0; states.len()]; states.len()];
    for (i, state) in states.iter().enumerate() {
        for class in 0..2 {
            let present: usize = state[class].iter().sum();
            let thinking = population[class] - present;
            if thinking > 0 {
                let mut next = *state;
                next[class][0] += 1;
                rates[i][place(&next)] += thinking as f64 / think[class];
            }
            for k in 0..3 {
                if state[class][k] == 0 {
                    continue;
                }
                let all = state[0][k] + state[1][k];
                let (time, busy) = if k < 2 {
                    (demand[k][class], all.min(servers[k]))
                } else {
                    (single[class], 1)
                };
                let mut next = *state;
                next[class][k] -= 1;
                if k < 2 {
                    next[class][k + 1] += 1;
                }
                let share = state[class][k] as f64 / all as f64;
                rates[i][place(&next)] += share * busy as f64 / time;
            }
        }
    }
    let p = steady_state(&rates).unwrap();
    let network = MulticlassNetwork::builder()
        .station(ClassStation::servers(2, demand[0]))
        .station(ClassStation::servers(3, demand[1]))
        .station(ClassStation::queue(single))
        .think_times(think)
        .build()
        .unwrap();
    let solution = network.closed(&[3, 2]).unwrap();
    for class in 0..2 {
        let mean = |value: &dyn Fn(&[[usize; 3]; 2]) -> f64| -> f64 {
            states.iter().zip(&p).map(|(s, p)| p * value(s)).sum()
        };
        for k in 0..3 {
            let expected = mean(&|s| s[class][k] as f64);
            assert_close(
                "mean",
                solution.station(k, class).mean_in_system(),
                expected,
                1e-12,
            );
        }
        let thinking = mean(&|s| (population[class] - s[class].iter().sum::<usize>()) as f64);
        assert_close(
            "X",
            solution.throughput(class),
            thinking / think[class],
            1e-12,
        );
    }
    // The approximations are what they are called.
    let closed = [Workload::Closed(3), Workload::Closed(2)];
    for (method, allowed) in [
        (network.bard_schweitzer(&closed).unwrap(), 0.1),
        (network.linearizer(&closed).unwrap(), 0.06),
    ] {
        for class in 0..2 {
            assert_close(
                "X",
                method.throughput(class),
                solution.throughput(class),
                allowed,
            );
            let cycle = think[class] + method.response_time(class);
            assert_close(
                "Little",
                method.throughput(class) * cycle,
                population[class] as f64,
                1e-9,
            );
        }
    }
}

/// A closed class and an open one at shared servers, by the balance of all states.
#[test]
fn chain_of_a_mixed_station() {
    for servers in [1_usize, 2, 4] {
        let (population, most) = (3_usize, 90_usize);
        let (lambda, open, closed, think) = (0.6, 0.9, 0.5, 1.7);
        let index = |n: usize, m: usize| n * (most + 1) + m;
        let mut rates = vec![vec![0.0; index(population, most) + 1]; index(population, most) + 1];
        for n in 0..=population {
            for m in 0..=most {
                let from = &mut rates[index(n, m)];
                let busy = (n + m).min(servers) as f64 / (n + m).max(1) as f64;
                if n < population {
                    from[index(n + 1, m)] = (population - n) as f64 / think;
                }
                if m < most {
                    from[index(n, m + 1)] = lambda;
                }
                if n > 0 {
                    from[index(n - 1, m)] = n as f64 * busy / closed;
                }
                if m > 0 {
                    from[index(n, m - 1)] = m as f64 * busy / open;
                }
            }
        }
        let p = steady_state(&rates).unwrap();
        let (mut here, mut outside) = (0.0, 0.0);
        for n in 0..=population {
            for m in 0..=most {
                here += n as f64 * p[index(n, m)];
                outside += m as f64 * p[index(n, m)];
            }
        }
        let mut network = MulticlassNetwork::builder()
            .station(ClassStation::servers(servers as u32, [closed, open]));
        if servers == 1 {
            // One with several beside it takes the same way.
            network = network.station(ClassStation::servers(2, [0.0, 0.0]));
        }
        let network = network.think_times([think, 0.0]).build().unwrap();
        let workloads = [Workload::Closed(3), Workload::Open(lambda)];
        let solution = network.solve(&workloads).unwrap();
        let allowed = if servers == 1 { 1e-6 } else { 1e-11 };
        assert_close(
            "closed",
            solution.station(0, 0).mean_in_system(),
            here,
            allowed,
        );
        assert_close(
            "open",
            solution.station(0, 1).mean_in_system(),
            outside,
            allowed,
        );
        let expected = (3.0 - here) / think;
        assert_close("X", solution.throughput(0), expected, allowed);
        let near = network.linearizer(&workloads).unwrap();
        assert_close("X", near.throughput(0), expected, 0.1);
        assert_close("open", near.station(0, 1).mean_in_system(), outside, 0.3);
    }
}

/// Without requests of the closed class, open ones find M/M/c; many of each class stay within bounds and add up.
#[test]
fn limits() {
    let network = MulticlassNetwork::builder()
        .station(ClassStation::servers(5, [0.3, 0.8]))
        .station(ClassStation::servers(2, [0.05, 0.02]))
        .think_times([1.0, 0.0])
        .build()
        .unwrap();
    let solution = network
        .solve(&[Workload::Closed(0), Workload::Open(5.0)])
        .unwrap();
    let alone = Mmc::new(4.0, 1.0, 5).unwrap();
    assert_close(
        "open",
        solution.station(0, 1).mean_in_system(),
        alone.mean_in_system(),
        1e-12,
    );
    assert_eq!(solution.throughput(0), 0.0);

    let busy = MulticlassNetwork::builder()
        .station(ClassStation::servers(10, [1.0, 2.5, 0.4]))
        .station(ClassStation::queue([0.02, 0.01, 0.05]))
        .think_times([5.0, 3.0, 20.0])
        .build()
        .unwrap();
    let mut last = 0.0;
    for n in [1, 5, 20, 60] {
        let population = [n, n / 2 + 1, 2 * n];
        let solution = busy.closed(&population).unwrap();
        assert!(solution.utilisation(0) <= 1.0 && solution.utilisation(0) >= last);
        last = solution.utilisation(0);
        for (class, (&n, think)) in population.iter().zip([5.0, 3.0, 20.0]).enumerate() {
            let cycle = think + solution.response_time(class);
            assert_within(
                "Little",
                solution.throughput(class) * cycle,
                f64::from(n),
                1e-10 * f64::from(n),
            );
        }
    }
    assert!(last > 0.999);
    let wide = MulticlassNetwork::builder()
        .station(ClassStation::servers(2, [1.0, 1.0]))
        .station(ClassStation::servers(3, [1.0, 1.0]))
        .build()
        .unwrap();
    assert!(matches!(
        wide.closed(&[400, 400]),
        Err(NetworkError::TooLarge { .. })
    ));
    assert!(
        wide.linearizer(&[Workload::Closed(400), Workload::Closed(400)])
            .is_ok()
    );
}
