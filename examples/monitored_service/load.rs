//! The load that the program puts on itself: requests over real connections, at times that do not depend on the answers.
//!
//! Customers know nothing of each other, and come whether or not earlier ones were served: arrivals follow a Poisson process, and
//! a response time counts from the moment at which the request was due. A few customers are asked for most, as Zipf's law has it.

use std::collections::VecDeque;
use std::io;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use axum::body::Body;
use axum::http::{Request, StatusCode, header};
use crm_perf::clock::{Clock, Tick};
use crm_perf::monitor::{Histogram, InFlight, Layout, Snapshot};
use http_body_util::BodyExt;
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::sync::Notify;
use tokio::time::{sleep, timeout};

use crate::database::{CustomerId, PAGE_ROWS};

/// The exponent of Zipf's law.
const SKEW: f64 = 0.9;
/// The share of requests that ask for a page of the list.
const PAGES: f64 = 0.08;
/// So many pages of the list are ever looked at.
const PAGES_SEEN: u32 = 50;
/// A request that is due while so many are under way is not sent, and counted: memory and connections have an end.
const MOST_AT_ONCE: u64 = 512;

/// How often, and at what distance, it is looked whether the last answers have come: two seconds in all, and longer where the whole
/// program is held up.
const LAST_LOOKS: usize = 400;
const BETWEEN_LOOKS: Duration = Duration::from_millis(5);

/// What the load has seen.
#[derive(Debug)]
pub(crate) struct Seen {
    /// Answers that are no error of the server.
    pub(crate) answered: u64,
    /// Answers that are one, and connections that broke.
    pub(crate) failed: u64,
    /// Requests that were not sent because too many were under way.
    pub(crate) left_out: u64,
    /// From when a request was due until its answer had been read.
    pub(crate) times: Snapshot,
}

/// What all requests of the load share.
#[derive(Debug)]
struct Tally {
    answered: AtomicU64,
    failed: AtomicU64,
    left_out: AtomicU64,
    under_way: InFlight,
    times: Histogram,
    is_over: AtomicBool,
    /// Wakes who waits for the next request to be due.
    end: Notify,
}

/// The load, on a thread of its own so that it takes none of the service's.
#[derive(Debug)]
pub(crate) struct Load {
    tally: Arc<Tally>,
    thread: JoinHandle<()>,
}

impl Load {
    /// Begins to ask the service at `address` for its customers.
    pub(crate) fn start(
        address: SocketAddr,
        rate: f64,
        customers: u32,
        seed: u64,
        clock: Clock,
    ) -> io::Result<Self> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        let tally = Arc::new(Tally {
            answered: AtomicU64::new(0),
            failed: AtomicU64::new(0),
            left_out: AtomicU64::new(0),
            under_way: InFlight::new(),
            times: Histogram::with_clock(Layout::response_times(), clock.clone()),
            is_over: AtomicBool::new(false),
            end: Notify::new(),
        });
        let sender = Sender {
            address,
            clock,
            tally: Arc::clone(&tally),
            idle: Mutex::default(),
        };
        let arrivals = Arrivals::new(rate, customers, seed);
        let thread = thread::Builder::new()
            .name("load".to_owned())
            .spawn(move || runtime.block_on(send_all(Arc::new(sender), arrivals)))?;
        Ok(Self { tally, thread })
    }

    /// Stops asking, waits a little for the answers that are still to come, and tells what was seen.
    pub(crate) fn stop(self) -> Seen {
        self.tally.is_over.store(true, Ordering::Relaxed);
        self.tally.end.notify_one();
        // A panic of the load has been told on standard error, and ends nothing else.
        let _ = self.thread.join();
        let count = |of: &AtomicU64| of.load(Ordering::Relaxed);
        Seen {
            answered: count(&self.tally.answered),
            failed: count(&self.tally.failed),
            left_out: count(&self.tally.left_out),
            times: self.tally.times.snapshot(),
        }
    }
}

/// Who comes when, decided by the seed.
#[derive(Debug)]
struct Arrivals {
    random: fastrand::Rng,
    /// Seconds between two, on the average.
    gap: f64,
    customers: Zipf,
    pages: u32,
}

impl Arrivals {
    fn new(rate: f64, customers: u32, seed: u64) -> Self {
        let pages = customers.div_ceil(PAGE_ROWS as u32);
        Self {
            random: fastrand::Rng::with_seed(seed),
            gap: rate.recip(),
            customers: Zipf::new(customers, SKEW),
            pages: pages.min(PAGES_SEEN),
        }
    }

    /// The time until the next one, and what it asks for.
    fn next(&mut self) -> (Duration, String) {
        let gap = -self.gap * (1.0 - self.random.f64()).ln();
        let path = if self.random.f64() < PAGES {
            format!("/customers?page={}", self.random.u32(..self.pages))
        } else {
            format!("/customers/{}", self.customers.draw(&mut self.random))
        };
        (Duration::from_secs_f64(gap), path)
    }
}

/// Customers, of whom the one of rank `r` is asked for with a weight of `r^-skew`.
#[derive(Debug)]
struct Zipf {
    cumulative: Vec<f64>,
    customers: u64,
}

impl Zipf {
    fn new(customers: u32, skew: f64) -> Self {
        let cumulative = (1..=customers)
            .scan(0.0, |sum, rank| {
                *sum += f64::from(rank).powf(-skew);
                Some(*sum)
            })
            .collect();
        Self {
            cumulative,
            customers: customers.into(),
        }
    }

    fn draw(&self, random: &mut fastrand::Rng) -> CustomerId {
        let all = self.cumulative.last().copied().unwrap_or_default();
        let at = random.f64() * all;
        let rank = self.cumulative.partition_point(|sum| *sum <= at) as u64;
        // Those who are asked for most are no neighbours: a step by a prime goes through all of them.
        (rank.wrapping_mul(STEP) % self.customers + 1) as CustomerId
    }
}

/// A prime beyond any number of customers.
const STEP: u64 = 2_654_435_761;

/// Sends what is due, until it is over.
async fn send_all(sender: Arc<Sender>, mut arrivals: Arrivals) {
    let mut due = sender.clock.now();
    while !sender.tally.is_over.load(Ordering::Relaxed) {
        let (gap, path) = arrivals.next();
        due = due + gap;
        let now = sender.clock.now();
        if due > now {
            // The timer has the grain of a millisecond: what is due within one goes out together, and counts from its own moment.
            // At a low rate it may be minutes away, which nobody waits for who wants to end.
            if timeout(due - now, sender.tally.end.notified())
                .await
                .is_ok()
            {
                break;
            }
        }
        if sender.tally.under_way.value() >= MOST_AT_ONCE {
            sender.tally.left_out.fetch_add(1, Ordering::Relaxed);
            // Otherwise answers could not come in, were it far behind.
            tokio::task::yield_now().await;
            continue;
        }
        let under_way = sender.tally.under_way.enter_owned();
        let sender = Arc::clone(&sender);
        tokio::spawn(async move {
            sender.send(&path, due).await;
            drop(under_way);
        });
    }
    for _ in 0..LAST_LOOKS {
        if sender.tally.under_way.value() == 0 {
            break;
        }
        sleep(BETWEEN_LOOKS).await;
    }
}

/// Connections that are used again.
#[derive(Debug)]
struct Sender {
    address: SocketAddr,
    clock: Clock,
    tally: Arc<Tally>,
    idle: Mutex<VecDeque<SendRequest<Body>>>,
}

impl Sender {
    async fn send(&self, path: &str, due: Tick) {
        let asked = self.ask(path).await;
        let is_answer = asked.is_ok_and(|status| !status.is_server_error());
        let (count, time) = (
            if is_answer {
                &self.tally.answered
            } else {
                &self.tally.failed
            },
            self.clock.now() - due,
        );
        count.fetch_add(1, Ordering::Relaxed);
        self.tally.times.record_duration(time);
    }

    async fn ask(
        &self,
        path: &str,
    ) -> Result<StatusCode, Box<dyn std::error::Error + Send + Sync>> {
        let mut connection = self.connection().await?;
        let request = Request::get(path)
            .header(header::HOST, self.address.to_string())
            .body(Body::empty())?;
        let answer = connection.send_request(request).await?;
        let status = answer.status();
        answer.into_body().collect().await?;
        self.lock().push_back(connection);
        Ok(status)
    }

    /// A connection that waits for work, or a new one.
    async fn connection(
        &self,
    ) -> Result<SendRequest<Body>, Box<dyn std::error::Error + Send + Sync>> {
        let idle = self.lock().pop_back();
        if let Some(mut connection) = idle
            && connection.ready().await.is_ok()
        {
            return Ok(connection);
        }
        let stream = TcpStream::connect(self.address).await?;
        stream.set_nodelay(true)?;
        let (connection, driver) = handshake(TokioIo::new(stream)).await?;
        // An error of the connection is an error of the request on it.
        tokio::spawn(async move { drop(driver.await) });
        Ok(connection)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, VecDeque<SendRequest<Body>>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::*;

    #[test]
    fn arrivals_are_random_and_come_at_their_rate() {
        let mut arrivals = Arrivals::new(500.0, 1_000, 1);
        let gaps: Vec<f64> = (0..50_000)
            .map(|_| arrivals.next().0.as_secs_f64())
            .collect();
        let mean = gaps.iter().sum::<f64>() / gaps.len() as f64;
        let variance = gaps.iter().map(|gap| (gap - mean).powi(2)).sum::<f64>() / gaps.len() as f64;
        // An exponential time: its deviation is its mean.
        assert!((mean * 500.0 - 1.0).abs() < 0.02, "{mean}");
        assert!((variance.sqrt() / mean - 1.0).abs() < 0.03, "{variance}");
    }

    #[test]
    fn a_few_customers_are_asked_for_most_and_all_exist() {
        let zipf = Zipf::new(1_000, 0.9);
        let mut random = fastrand::Rng::with_seed(1);
        let mut drawn = vec![0_u32; 1_000];
        for _ in 0..100_000 {
            drawn[usize::try_from(zipf.draw(&mut random)).unwrap() - 1] += 1;
        }
        drawn.sort_unstable_by_key(|count| std::cmp::Reverse(*count));
        let weights: f64 = (1..=1_000).map(|rank| f64::from(rank).powf(-0.9)).sum();
        // The first and the tenth within five standard deviations of what Zipf's law says.
        for rank in [1, 10] {
            let expected = 100_000.0 * f64::from(rank).powf(-0.9) / weights;
            let found = f64::from(drawn[rank as usize - 1]);
            assert!(
                (found - expected).abs() < 5.0 * expected.sqrt(),
                "{rank}: {found} for {expected}"
            );
        }
    }

    #[test]
    fn issue_the_end_waited_for_the_next_request() {
        let nobody = SocketAddr::from(([127, 0, 0, 1], 1));
        // One in thirty thousand years.
        let load = Load::start(nobody, 1e-12, 100, 1, Clock::system()).unwrap();
        let seen = load.stop();
        assert_eq!((seen.answered, seen.failed, seen.left_out), (0, 0, 0));
    }

    #[test]
    fn the_seed_decides_who_comes() {
        let first = |seed| {
            let mut arrivals = Arrivals::new(1.0, 100, seed);
            [(); 20].map(|()| arrivals.next())
        };
        assert_eq!(first(1), first(1));
        assert_ne!(first(1), first(2));
    }

    #[test]
    fn most_ask_for_one_customer_and_some_for_a_page() {
        let mut arrivals = Arrivals::new(1.0, 100, 1);
        let paths: Vec<_> = (0..5_000).map(|_| arrivals.next().1).collect();
        let mut asked = HashMap::new();
        for path in &paths {
            *asked.entry(path).or_insert(0) += 1;
        }
        let pages = paths
            .iter()
            .filter(|path| path.starts_with("/customers?page="));
        let share = pages.count() as f64 / paths.len() as f64;
        assert!((share - PAGES).abs() < 0.02, "{share}");
        // Of a hundred customers one has about a seventh of the requests.
        assert!(asked.values().max() > Some(&500), "{asked:?}");
    }
}
