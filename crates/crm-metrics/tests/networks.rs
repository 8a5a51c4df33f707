//! Networks: every way to place the requests, identities, bounds, and what is refused.

mod support;

use crm_metrics::network::{
    BlockingNetwork, ClassStation, JacksonNetwork, MulticlassNetwork, Network, NetworkError,
    Station, Workload,
};
use crm_metrics::operational::{AsymptoticBounds, BalancedBounds, GeometricBounds};
use crm_metrics::queueing::Mmc;
use proptest::prelude::{Just, ProptestConfig, Strategy, prop_oneof, proptest};
use support::tolerance::IDENTITY;
use support::{assert_close, assert_within};

/// Demands over six orders of magnitude.
fn demand() -> impl Strategy<Value = f64> {
    (-3.0..3.0_f64).prop_map(|exponent| 10.0_f64.powf(exponent))
}

/// A station, its speed with one, two, and so on, relative to one, and its demand.
#[derive(Clone, Debug)]
struct Plain {
    demand: f64,
    speeds: Vec<f64>,
    station: Station,
}

const MOST: usize = 12;

fn plain() -> impl Strategy<Value = Plain> {
    let servers = (demand(), 1..9_u32).prop_map(|(demand, servers)| Plain {
        demand,
        speeds: (1..=MOST as u32)
            .map(|n| f64::from(n.min(servers)))
            .collect(),
        station: Station::servers(servers, demand),
    });
    let delay = demand().prop_map(|demand| Plain {
        demand,
        speeds: (1..=MOST).map(|n| n as f64).collect(),
        station: Station::delay(demand),
    });
    let speeds = proptest::collection::vec(0.2..5.0_f64, 1..6);
    let load_dependent = (demand(), speeds).prop_map(|(demand, mut speeds)| {
        speeds[0] = 1.0;
        let times: Vec<f64> = speeds.iter().map(|speed| demand / speed).collect();
        let last = speeds[speeds.len() - 1];
        speeds.resize(MOST, last);
        Plain {
            demand,
            speeds,
            station: Station::load_dependent(&times),
        }
    });
    prop_oneof![servers, delay, load_dependent]
}

/// All ways to place `n` requests at `k` stations.
fn placements(k: usize, n: usize) -> Vec<Vec<usize>> {
    if k == 1 {
        return vec![vec![n]];
    }
    (0..=n)
        .flat_map(|here| {
            placements(k - 1, n - here)
                .into_iter()
                .map(move |mut rest| {
                    rest.insert(0, here);
                    rest
                })
        })
        .collect()
}

/// `G(n)`, and the sums of it weighted by the number at each station.
fn enumerate(stations: &[Plain], think_time: f64, n: usize) -> (f64, Vec<f64>) {
    let mut total = 0.0;
    let mut numbers = vec![0.0; stations.len()];
    for placed in placements(stations.len() + 1, n) {
        let mut weight = 1.0;
        for (station, &here) in stations.iter().zip(&placed) {
            for speed in &station.speeds[..here] {
                weight *= station.demand / speed;
            }
        }
        for thinking in 1..=placed[stations.len()] {
            weight *= think_time / thinking as f64;
        }
        total += weight;
        for (number, &here) in numbers.iter_mut().zip(&placed) {
            *number += weight * here as f64;
        }
    }
    (total, numbers)
}

fn network(stations: &[Plain], think_time: f64) -> Network {
    stations
        .iter()
        .fold(Network::builder().think_time(think_time), |builder, s| {
            builder.station(s.station.clone())
        })
        .build()
        .unwrap()
}

fn config() -> ProptestConfig {
    ProptestConfig {
        failure_persistence: None,
        ..ProptestConfig::default()
    }
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn as_by_enumeration(
        stations in proptest::collection::vec(plain(), 1..4),
        think_time in prop_oneof![Just(0.0), demand()],
        n in 1..=8_u32,
    ) {
        let network = network(&stations, think_time);
        let solution = network.closed(n).unwrap();
        let (g, numbers) = enumerate(&stations, think_time, n as usize);
        let (fewer, _) = enumerate(&stations, think_time, n as usize - 1);
        assert_close("X", solution.throughput(), fewer / g, IDENTITY);
        assert_within("ln G", network.ln_normalising_constant(n).unwrap(), g.ln(), 1e-12 * (1.0 + g.ln().abs()));
        for (k, number) in numbers.iter().enumerate() {
            assert_close("Q", solution.station(k).mean_in_system(), number / g, IDENTITY);
            let probabilities = network.state_probabilities(n, k).unwrap();
            assert_eq!(probabilities.len(), n as usize + 1);
            let mean: f64 = probabilities.iter().enumerate().map(|(j, p)| j as f64 * p).sum();
            assert_close("mean", mean, number / g, IDENTITY);
        }
    }

    /// Everybody is somewhere, and Little's law holds for the whole and for the parts.
    #[test]
    fn flow(stations in proptest::collection::vec(plain(), 1..6), think_time in demand(), n in 1..3_000_u32) {
        let solution = network(&stations, think_time).closed(n).unwrap();
        let x = solution.throughput();
        assert_close("N", solution.mean_in_system() + x * think_time, f64::from(n), 1e-11);
        assert_close("R", x * solution.response_time(), solution.mean_in_system(), IDENTITY);
        for at in solution.stations() {
            assert_close("Q", at.throughput() * at.response_time(), at.mean_in_system(), IDENTITY);
        }
    }

    #[test]
    fn two_exact_methods(demands in proptest::collection::vec(demand(), 1..40), delay in demand(), think_time in prop_oneof![Just(0.0), demand()], n in 1..2_000_u32) {
        let network = Network::builder().station(Station::delay(delay)).demands(demands).think_time(think_time).build().unwrap();
        let convolved = network.closed(n).unwrap();
        let values = network.mean_values().unwrap().nth(n as usize - 1).unwrap();
        assert_close("X", convolved.throughput(), values.throughput(), IDENTITY);
        for (a, b) in convolved.stations().iter().zip(values.stations()) {
            assert_close("Q", a.mean_in_system(), b.mean_in_system(), 1e-11);
        }
    }

    /// The utilisation of a station whose speed depends on the number present is the share of time that anybody is there.
    #[test]
    fn anybody_there(stations in proptest::collection::vec(plain(), 0..3), first in demand(), rest in proptest::collection::vec(0.2..5.0_f64, 0..6), n in 1..40_u32) {
        let times: Vec<f64> = std::iter::once(first).chain(rest.iter().map(|share| first * share)).collect();
        let builder = Network::builder().station(Station::load_dependent(&times)).think_time(1.0);
        let network = stations.iter().fold(builder, |builder, plain| builder.station(plain.station.clone())).build().unwrap();
        let there: f64 = network.state_probabilities(n, 0).unwrap()[1..].iter().sum();
        assert_close("U", network.closed(n).unwrap().station(0).utilisation(), there, IDENTITY);
    }

    /// More users never slow the whole down where speeds do not fall, and the bounds hold.
    #[test]
    fn monotone_and_bounded(demands in proptest::collection::vec(0.1..10.0_f64, 1..7), think_time in prop_oneof![Just(0.0), demand()]) {
        let network = Network::builder().demands(demands.clone()).think_time(think_time).build().unwrap();
        let asymptotic = AsymptoticBounds::new(&demands, think_time).unwrap();
        let balanced = BalancedBounds::new(&demands, think_time).unwrap();
        let geometric = GeometricBounds::new(&demands, think_time).unwrap();
        let mut before = 0.0;
        for (n, solution) in (1..150_u32).zip(network.mean_values().unwrap()) {
            let (x, r) = (solution.throughput(), solution.response_time());
            assert!(x >= before * (1.0 - 1e-14));
            before = x;
            let slack = 1e-12;
            for (lower, upper) in [
                (asymptotic.throughput_lower(n), asymptotic.throughput_upper(n)),
                (balanced.throughput_lower(n), balanced.throughput_upper(n)),
                (geometric.throughput_lower(n), geometric.throughput_upper(n)),
            ] {
                assert!(lower <= x * (1.0 + slack), "N = {n}: {lower} is above {x}");
                assert!(upper >= x * (1.0 - slack), "N = {n}: {upper} is below {x}");
            }
            for (lower, upper) in [
                (balanced.response_time_lower(n), balanced.response_time_upper(n)),
                (geometric.response_time_lower(n), geometric.response_time_upper(n)),
            ] {
                let slack = 1e-11 * (r + think_time);
                assert!(lower <= r + slack && r <= upper + slack, "N = {n}: {lower} {r} {upper}");
            }
            assert!(balanced.throughput_lower(n) >= asymptotic.throughput_lower(n) * (1.0 - slack));
            assert!(balanced.throughput_upper(n) <= asymptotic.throughput_upper(n) * (1.0 + slack));
        }
    }

    /// One more server, or one more in the population than servers, changes the method and hardly the result.
    #[test]
    fn continuous_where_the_method_changes(demand in demand(), think_time in demand(), n in 2..60_u32) {
        let with = |servers| {
            let builder = Network::builder().station(Station::servers(servers, demand)).think_time(think_time);
            builder.build().unwrap().closed(n).unwrap()
        };
        let enough = with(n);
        let more = with(n + 1);
        let delay = Network::builder().station(Station::delay(demand)).think_time(think_time).build().unwrap().closed(n).unwrap();
        assert_close("X", enough.throughput(), delay.throughput(), IDENTITY);
        assert_close("X", more.throughput(), delay.throughput(), IDENTITY);
        let short = with(n - 1);
        assert!(short.throughput() <= enough.throughput() * (1.0 + 1e-14));
        let speeds: Vec<f64> = (1..n).map(|k| demand / f64::from(k)).collect();
        let dependent = Network::builder().station(Station::load_dependent(&speeds)).think_time(think_time).build().unwrap().closed(n).unwrap();
        assert_close("X", dependent.throughput(), short.throughput(), IDENTITY);
        assert_close("Q", dependent.station(0).mean_in_system(), short.station(0).mean_in_system(), IDENTITY);
    }

    /// Classes that do not differ are one class.
    #[test]
    fn equal_classes_are_one(demands in proptest::collection::vec(demand(), 1..4), think_time in demand(), a in 1..9_u32, b in 1..9_u32) {
        let single = Network::builder().demands(demands.clone()).think_time(think_time).build().unwrap();
        let double = demands
            .iter()
            .fold(MulticlassNetwork::builder(), |builder, &d| builder.station(ClassStation::queue([d, d])))
            .think_times([think_time, think_time])
            .build()
            .unwrap();
        let one = single.closed(a + b).unwrap();
        let two = double.closed(&[a, b]).unwrap();
        assert_close("X", two.throughput(0) + two.throughput(1), one.throughput(), IDENTITY);
        assert_close("X share", two.throughput(0) / f64::from(a), two.throughput(1) / f64::from(b), IDENTITY);
        for k in 0..demands.len() {
            assert_close("Q", two.mean_at_station(k), one.station(k).mean_in_system(), IDENTITY);
            assert_close("U", two.utilisation(k), one.station(k).utilisation(), IDENTITY);
        }
        let workloads = [Workload::Closed(a + b), Workload::Closed(0)];
        let approximate = double.bard_schweitzer(&workloads).unwrap();
        assert_close("BS", approximate.throughput(0), single.bard_schweitzer(a + b).unwrap().throughput(), 1e-10);
        let approximate = double.linearizer(&workloads).unwrap();
        assert_close("linearizer", approximate.throughput(0), single.linearizer(a + b).unwrap().throughput(), 1e-10);
    }

    /// An open class that does next to nothing leaves the closed one alone; a closed class of nobody leaves the open one alone.
    #[test]
    fn mixed_limits(open in 0.01..0.9_f64, closed in demand(), n in 1..9_u32) {
        let network = MulticlassNetwork::builder().station(ClassStation::queue([1.0, closed])).think_times([0.0, 1.0]).build().unwrap();
        let quiet = network.solve(&[Workload::Open(0.0), Workload::Closed(n)]).unwrap();
        let alone = Network::builder().demands([closed]).think_time(1.0).build().unwrap().closed(n).unwrap();
        assert_close("X", quiet.throughput(1), alone.throughput(), IDENTITY);
        let nobody = network.solve(&[Workload::Open(open), Workload::Closed(0)]).unwrap();
        assert_close("R", nobody.response_time(0), 1.0 / (1.0 - open), IDENTITY);
        assert_eq!(nobody.throughput(1), 0.0);
        // The closed class sees a server that is slower by what the open one takes.
        let both = network.solve(&[Workload::Open(open), Workload::Closed(n)]).unwrap();
        let slower = Network::builder().demands([closed / (1.0 - open)]).think_time(1.0).build().unwrap().closed(n).unwrap();
        assert_close("X", both.throughput(1), slower.throughput(), IDENTITY);
    }

    /// What goes in comes out: flow balance of an open network, and each station is the model of its kind.
    #[test]
    fn jackson(a in 0.1..5.0_f64, b in 0.0..5.0_f64, p in 0.0..0.9_f64, q in 0.0..0.9_f64, servers in 1..5_u32) {
        let network = JacksonNetwork::builder()
            .station(Station::servers_at_rate(servers, 1e3), a)
            .station(Station::queue(1e-3), b)
            .station(Station::delay(0.5), 0.0)
            .routing([[0.0, p, 1.0 - p], [q, 0.0, 0.0], [0.0, 0.0, 0.0]])
            .build()
            .unwrap();
        let solution = network.solution();
        let rate = |k: usize| solution.station(k).throughput();
        assert_close("first", rate(0), a + q * rate(1), IDENTITY);
        assert_close("second", rate(1), b + p * rate(0), IDENTITY);
        assert_close("third", rate(2), (1.0 - p) * rate(0), IDENTITY);
        assert_close("out", rate(2) + (1.0 - q) * rate(1), a + b, IDENTITY);
        assert_close("L", solution.mean_in_system(), (a + b) * solution.response_time(), IDENTITY);
        let model = Mmc::new(rate(0), 1e3, servers).unwrap();
        assert_close("M/M/c", solution.station(0).mean_in_system(), model.mean_in_system(), IDENTITY);
    }

    /// With room for all, blocking never happens, and the product form holds.
    #[test]
    fn without_blocking(times in proptest::collection::vec(demand(), 3), p in 0.1..0.9_f64, n in 1..6_u32) {
        let routing = [[0.0, p, 1.0 - p], [1.0, 0.0, 0.0], [1.0, 0.0, 0.0]];
        let exact = BlockingNetwork::new(&times, &[n; 3], routing).unwrap().exact(n).unwrap();
        let network = times.iter().fold(Network::builder(), |builder, &time| builder.station(Station::queue(time)));
        let free = network.routing(routing).build().unwrap().closed(n).unwrap();
        let approximate = BlockingNetwork::new(&times, &[n + 1; 3], routing).unwrap().approximate(n).unwrap();
        for k in 0..3 {
            assert_close("X", exact.station(k).throughput(), free.station(k).throughput(), 1e-11);
            assert_close("Q", exact.station(k).mean_in_system(), free.station(k).mean_in_system(), 1e-11);
            assert_close("R", approximate.station(k).response_time(), free.station(k).response_time(), 1e-11);
        }
    }
}

/// The instance at which the textbook's recursion for several servers goes negative.
#[test]
fn eight_servers_at_any_population() {
    let pool = Network::builder()
        .station(Station::servers(8, 4.0))
        .think_time(10.0)
        .build()
        .unwrap();
    let mut before = 0.0;
    for n in 1..=400 {
        let x = pool.closed(n).unwrap().throughput();
        assert!(x >= before * (1.0 - 1e-15) && x <= 2.0 + 1e-15, "{n}: {x}");
        before = x;
    }
    assert_close("X", before, 2.0, 1e-15);
}

/// A finite-source model: 10,000 users of 300 servers, as a birth-death chain.
#[test]
fn many_users_of_many_servers() {
    let (n, c, service, think) = (10_000_u32, 300_u32, 1.0, 33.0);
    let network = Network::builder()
        .station(Station::servers(c, service))
        .think_time(think)
        .build()
        .unwrap();
    let solution = network.closed(n).unwrap();
    // Weights relative to the largest so far, in logarithms.
    let (mut ln_weight, mut ln_weights) = (0.0_f64, vec![0.0]);
    for k in 1..=n {
        ln_weight += (f64::from(n - k + 1) / think * service / f64::from(k.min(c))).ln();
        ln_weights.push(ln_weight);
    }
    let top = ln_weights.iter().copied().fold(0.0, f64::max);
    let (mut total, mut busy, mut number) = (0.0, 0.0, 0.0);
    for (k, ln_weight) in ln_weights.iter().enumerate() {
        let weight = (ln_weight - top).exp();
        total += weight;
        busy += weight * (k as f64).min(f64::from(c));
        number += weight * k as f64;
    }
    assert_close("X", solution.throughput(), busy / total / service, 1e-10);
    assert_close(
        "Q",
        solution.station(0).mean_in_system(),
        number / total,
        1e-9,
    );
}

/// Demands at both ends of what is allowed, and users who do nothing but think.
#[test]
fn extremes() {
    let solve = |demands: &[f64], think_time, n| {
        let network = Network::builder()
            .demands(demands.iter().copied())
            .think_time(think_time);
        network.build().unwrap().closed(n).unwrap()
    };
    let quick = solve(&[1e-290, 1e-280], 1e290, 1_000);
    assert_close("R", quick.response_time(), 1e-280, 1e-9);
    assert_close("X", quick.throughput(), 1e-287, IDENTITY);
    assert_close(
        "X",
        solve(&[1e-290, 1e290, 1.0], 1.0, 1_000).throughput(),
        1e-290,
        IDENTITY,
    );
    let none = solve(&[], 3.0, 10_000);
    assert_close("X", none.throughput(), 10_000.0 / 3.0, IDENTITY);
    assert!(none.response_time() == 0.0 && none.response_time().is_sign_positive());
    assert_eq!(none.bottleneck(), None);
    let many = solve(&[0.1, 0.2], 1e3, 1_000_000);
    assert_close("X", many.throughput(), 5.0, IDENTITY);
    assert_close("N", many.mean_in_system() + 5_000.0, 1e6, 1e-11);
    let nothing = solve(&[0.0, 1.0], 0.0, 7);
    assert_eq!(nothing.station(0).mean_in_system(), 0.0);
    assert_close("Q", nothing.station(1).mean_in_system(), 7.0, IDENTITY);
    let few = Network::builder()
        .station(Station::servers(3, 1e-290))
        .think_time(1e200)
        .build()
        .unwrap();
    assert_close(
        "R",
        few.closed(5).unwrap().response_time(),
        1e-290,
        IDENTITY,
    );
}

/// A thousand servers alone: `G(N)` is one product, and the weights on the way to it leave the range of `f64`.
#[test]
fn normalising_constant_of_many_servers() {
    for (servers, n) in [(1_000_u32, 2_000_u32), (3_000, 2_000), (u32::MAX, 100)] {
        let network = Network::builder()
            .station(Station::servers(servers, 7.0))
            .build()
            .unwrap();
        let expected: f64 = (1..=n)
            .map(|k| (7.0 / f64::from(k.min(servers))).ln())
            .sum();
        assert_close(
            "ln G",
            network.ln_normalising_constant(n).unwrap(),
            expected,
            1e-11,
        );
        let speed = f64::from(n.min(servers)) / 7.0;
        assert_close(
            "X",
            network.closed(n).unwrap().throughput(),
            speed,
            IDENTITY,
        );
    }
}

/// Bolch and others, example 8.6: two open classes and two closed ones.
#[test]
fn mixed() {
    let network = MulticlassNetwork::builder()
        .station(ClassStation::queue([0.4, 0.8, 0.3, 0.5]).visits([2.0, 2.5, 1.0, 1.0]))
        .station(ClassStation::queue([0.6, 1.6, 0.5, 0.8]).visits([1.0, 1.5, 0.5, 0.4]))
        .build()
        .unwrap();
    let workloads = [
        Workload::Open(0.5),
        Workload::Open(0.25),
        Workload::Closed(1),
        Workload::Closed(1),
    ];
    let solution = network.solve(&workloads).unwrap();
    for (class, station, number, time) in [
        (0, 0, 8.822, 8.822),
        (0, 1, 5.383, 10.766),
        (1, 0, 11.028, 17.645),
        (1, 1, 10.766, 28.710),
        (2, 0, 0.582, 4.829),
        (2, 1, 0.418, 6.951),
        (3, 0, 0.624, 7.727),
        (3, 1, 0.376, 11.636),
    ] {
        let at = solution.station(station, class);
        assert_within("Q", at.mean_in_system(), number, 1e-3);
        assert_within("R", at.response_time(), time, 1e-3);
    }
    assert_within("X", solution.throughput(2), 0.120, 1e-3);
    assert_within("X", solution.throughput(3), 0.081, 1e-3);
}

/// A speed that grows with the number present is several servers, open as well as closed.
#[test]
fn open_load_dependence() {
    for rate in [0.0, 0.3, 1.7, 2.9] {
        let open = |station| {
            Network::builder()
                .station(station)
                .build()
                .unwrap()
                .open(rate)
                .unwrap()
        };
        let servers = open(Station::servers(3, 1.0));
        let speeds = open(Station::load_dependent(&[1.0, 1.0 / 2.0, 1.0 / 3.0]));
        assert_close(
            "L",
            speeds.mean_in_system(),
            servers.mean_in_system(),
            IDENTITY,
        );
        assert_close(
            "R",
            speeds.response_time(),
            servers.response_time(),
            IDENTITY,
        );
    }
    let slow = Network::builder()
        .station(Station::load_dependent(&[1.0, 2.0]))
        .build()
        .unwrap();
    assert!(matches!(
        slow.open(0.5),
        Err(NetworkError::Unstable { station: 0, .. })
    ));
}

/// Akyildiz 1988, examples 2 and 3, and a pair of stations that do block each other, by hand.
#[test]
fn blocking() {
    let ring = [[0.0, 1.0, 0.0], [0.0, 0.0, 1.0], [1.0, 0.0, 0.0]];
    let star = [[0.0, 0.5, 0.5], [1.0, 0.0, 0.0], [1.0, 0.0, 0.0]];
    for (times, rooms, routing, n, published) in [
        ([1.5, 2.0, 1.0], [4, 5, 5], ring, 10, [6.925, 8.061, 4.185]),
        ([1.5, 2.0, 1.0], [4, 5, 5], ring, 12, [7.967, 9.019, 8.011]),
        ([0.2, 1.2, 1.4], [8, 7, 6], star, 10, [1.674, 5.007, 7.639]),
        ([0.2, 1.2, 1.4], [8, 7, 6], star, 12, [2.166, 5.372, 6.567]),
    ] {
        let network = BlockingNetwork::new(&times, &rooms, routing).unwrap();
        let solution = network.approximate(n).unwrap();
        for (k, expected) in published.into_iter().enumerate() {
            assert_within("R", solution.station(k).response_time(), expected, 1e-3);
        }
    }
    // Room for two and one, two requests: only (2, 0) and (1, 1) exist.
    let pair = BlockingNetwork::new(&[2.0, 1.0], &[2, 1], [[0.0, 1.0], [1.0, 0.0]]).unwrap();
    let solution = pair.exact(2).unwrap();
    // (2, 0) -> (1, 1) at 1/2, back at 1; the first server is always busy, and in (1, 1) in vain.
    assert_close("Q", solution.station(1).mean_in_system(), 1.0 / 3.0, 1e-15);
    assert_close("U", solution.station(0).utilisation(), 1.0, 1e-15);
    assert_close("U", solution.station(1).utilisation(), 1.0 / 3.0, 1e-15);
}

/// Casale and others 2008, tables IV and V.
#[test]
fn geometric_bounds() {
    for (think_time, table) in [
        (
            0.0,
            [
                (2, 4.3040, 4.3174),
                (5, 6.6859, 6.7524),
                (10, 8.1521, 8.2690),
                (20, 9.0947, 9.2431),
                (80, 9.8233, 9.8765),
            ],
        ),
        (
            1.0,
            [
                (2, 1.4319, 1.5195),
                (5, 3.3432, 3.5582),
                (10, 5.7569, 6.1410),
                (20, 8.0856, 8.6467),
                (80, 9.7147, 9.8594),
            ],
        ),
    ] {
        let bounds = GeometricBounds::new(&[0.1, 0.1, 0.09, 0.08], think_time).unwrap();
        for (n, lower, upper) in table {
            assert_within("lower", bounds.throughput_lower(n), lower, 1e-4);
            assert_within("upper", bounds.throughput_upper(n), upper, 1e-4);
        }
    }
}

/// The approximations against the exact values: the linearizer is the closer one.
#[test]
fn approximations() {
    let network = Network::builder()
        .demands([2.0, 3.0, 1.0])
        .think_time(4.0)
        .build()
        .unwrap();
    for n in [1, 2, 5, 20, 100] {
        let exact = network.closed(n).unwrap().throughput();
        let off = |x: f64| (x / exact - 1.0).abs();
        let schweitzer = off(network.bard_schweitzer(n).unwrap().throughput());
        let linearizer = off(network.linearizer(n).unwrap().throughput());
        assert!(schweitzer < 0.04, "{n}: {schweitzer}");
        assert!(
            linearizer < 0.003 && linearizer <= schweitzer,
            "{n}: {linearizer}"
        );
    }
    assert_close(
        "alone",
        network.bard_schweitzer(1).unwrap().throughput(),
        0.1,
        1e-14,
    );
}

#[test]
fn refusals() {
    let bad = [f64::NAN, f64::INFINITY, -1.0, 1e300, 1e-300];
    for value in bad {
        for station in [
            Station::queue(value),
            Station::delay(value),
            Station::servers(2, value),
            Station::load_dependent(&[value, 1.0]),
            Station::queue(1.0).visits(if value == 1e-300 { -0.5 } else { value }),
        ] {
            let built = Network::builder()
                .station(Station::queue(1.0))
                .station(station.clone())
                .build();
            assert!(
                matches!(built, Err(NetworkError::Station { station: 1, .. })),
                "{station:?}: {built:?}"
            );
        }
        let built = Network::builder().demands([1.0]).think_time(value).build();
        assert!(matches!(built, Err(NetworkError::Param(error)) if error.name == "think_time"));
        let built = MulticlassNetwork::builder()
            .station(ClassStation::queue([1.0, value]))
            .build();
        assert!(matches!(
            built,
            Err(NetworkError::Station { station: 0, .. })
        ));
        let built = BlockingNetwork::new(&[1.0, value], &[1, 1], [[0.0, 1.0], [1.0, 0.0]]);
        assert!(matches!(
            built,
            Err(NetworkError::Station { station: 1, .. })
        ));
    }
    for station in [
        Station::servers(0, 1.0),
        Station::queue_at_rate(0.0),
        Station::load_dependent(&[]),
    ] {
        let built = Network::builder().station(station).build();
        assert!(matches!(
            built,
            Err(NetworkError::Station { station: 0, .. })
        ));
    }
    assert!(matches!(
        Network::builder().build(),
        Err(NetworkError::Param(_))
    ));
    assert!(matches!(
        Network::builder().demands([0.0, 0.0]).build(),
        Err(NetworkError::Param(_))
    ));
    let network = Network::builder().demands([1.0, 2.0]).build().unwrap();
    for population in [0, 10_000_001] {
        assert!(matches!(
            network.closed(population),
            Err(NetworkError::Param(_))
        ));
    }
    let Err(NetworkError::Unstable {
        station: 1,
        overload,
    }) = network.open(0.5)
    else {
        panic!("it is overloaded")
    };
    assert_eq!(overload.stable_below, 0.5);
    let pool = Network::builder()
        .station(Station::servers(2, 1.0))
        .build()
        .unwrap();
    assert!(matches!(
        pool.mean_values(),
        Err(NetworkError::Unsupported { station: 0, .. })
    ));
    assert!(matches!(
        pool.linearizer(2),
        Err(NetworkError::Unsupported { station: 0, .. })
    ));
}

#[test]
fn refused_routes() {
    let ring = |rows: [[f64; 2]; 2]| Network::builder().demands([1.0, 1.0]).routing(rows).build();
    assert!(ring([[0.0, 1.0], [1.0, 0.0]]).is_ok());
    assert!(matches!(
        ring([[0.0, 0.9], [1.0, 0.0]]),
        Err(NetworkError::Station { station: 0, .. })
    ));
    assert!(matches!(
        ring([[0.0, 1.0], [1.0, 0.5]]),
        Err(NetworkError::Station { station: 1, .. })
    ));
    assert!(matches!(
        ring([[0.0, 1.0], [0.0, 1.0]]),
        Err(NetworkError::Trapped { station: 1 })
    ));
    assert!(matches!(
        Network::builder()
            .demands([1.0])
            .routing([[0.5, 0.5]])
            .build(),
        Err(NetworkError::Station { station: 0, .. })
    ));
    let trap = JacksonNetwork::builder()
        .station(Station::queue(0.1), 1.0)
        .station(Station::queue(0.1), 0.0)
        .routing([[0.0, 0.5], [0.0, 1.0]])
        .build();
    assert!(matches!(trap, Err(NetworkError::Trapped { station: 1 })));
    let nobody = JacksonNetwork::builder()
        .station(Station::queue(0.1), 0.0)
        .build();
    assert!(matches!(nobody, Err(NetworkError::Param(_))));
}

#[test]
fn too_large() {
    let classes = MulticlassNetwork::builder()
        .station(ClassStation::queue([1.0; 6]))
        .build()
        .unwrap();
    assert!(matches!(
        classes.closed(&[100; 6]),
        Err(NetworkError::TooLarge { .. })
    ));
    assert!(classes.linearizer(&[Workload::Closed(100); 6]).is_ok());
    let ring: Vec<Vec<f64>> = (0..8_usize)
        .map(|i| {
            (0..8)
                .map(|j| f64::from(u8::from(j == (i + 1) % 8)))
                .collect()
        })
        .collect();
    let network = BlockingNetwork::new(&[1.0; 8], &[9; 8], ring).unwrap();
    assert!(matches!(
        network.exact(40),
        Err(NetworkError::TooLarge { .. })
    ));
    assert!(network.approximate(40).is_ok());
}

#[test]
fn a_network_of_nothing() {
    let refused = Network::builder().build().unwrap_err().to_string();
    assert!(refused.starts_with("demands is 0, but must"), "{refused}");
}
