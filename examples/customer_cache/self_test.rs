//! Sends mixed requests to the service from several tasks, checks every answer, and tells what the caches have done.
//!
//! The requests go to the router within the process; there is no line in between. What may be answered is known from
//! what was acknowledged before the request was sent: a version that was reported to somebody is seen by all who ask
//! later, and so is an erasure.

use std::fmt::Write as _;
use std::io::Write;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU32, Ordering};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::{Method, Request, StatusCode, header};
use comfy_table::{CellAlignment, ContentArrangement, Table, TableComponent, presets};
use crm_perf::clock::Clock;
use serde_json::{Value, json};
use tower::ServiceExt;

use crate::args::Args;
use crate::caches::{CacheFigures, Figures, Settings, Source};
use crate::database::{CustomerId, Database, PAGE_ROWS, account_of};
use crate::error::Failure;
use crate::{open, routes, runtime, service};

/// The version of a customer whose erasure was acknowledged.
const ERASED: i64 = i64::MAX;

/// So many profiles are asked for twice to see what the cache saves.
const TIMED: usize = 1_000;

/// The longest answer that is read.
const LONGEST_BODY: usize = 1 << 20;

/// Runs the test on a temporary database.
pub(crate) fn run(args: &Args, requests: u32, out: &mut impl Write) -> Result<(), Failure> {
    let folder = tempfile::tempdir().map_err(Failure::Folder)?;
    let database = open(args, &folder.path().join("customers.sqlite"))?;
    let runtime = runtime()?;
    let clock = Clock::system();
    let start = clock.now();
    let mixed = service(&database, settings(args), runtime.handle())?;
    let test = Arc::new(Test {
        router: routes::router(Arc::clone(&mixed)),
        customers: (0..args.customers).map(|_| Known::default()).collect(),
        left: AtomicU32::new(requests),
        sent: Default::default(),
    });
    runtime.block_on(test.send_all(args.tasks, args.seed))?;
    let elapsed = clock.now() - start;
    let figures = mixed.caches.figures();
    runtime.block_on(test.compare_with(&database))?;

    let fresh = service(&database, settings(args), runtime.handle())?;
    let timed = runtime.block_on(time(&routes::router(fresh), &database, &clock))?;
    let text = render(&test.sent, &figures, elapsed, timed);
    match out.write_all(text.as_bytes()) {
        // As of `| head`, which has what it wanted.
        Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => Ok(()),
        written => written.map_err(Failure::Output),
    }
}

/// Caches with room for half of the customers, so that something has to leave.
fn settings(args: &Args) -> Settings {
    Settings {
        capacity: (args.customers as usize / 2).max(1),
        // The test makes its own load: on a busy machine a request may wait, and that breaks no promise.
        hard_limit: Duration::from_secs(60),
        ..Settings::default()
    }
}

/// What the tasks know of a customer.
#[derive(Default)]
struct Known {
    /// The newest version that was acknowledged, or [`ERASED`].
    version: AtomicI64,
    /// Whether somebody has asked for the erasure, so that there may be no such customer any more.
    is_doomed: AtomicBool,
}

/// The kinds of requests, in the order of the table.
#[derive(Clone, Copy)]
enum Kind {
    Profile,
    Page,
    Update,
    Erasure,
}

const NAMES: [&str; 4] = ["profile", "page", "update", "erasure"];

struct Test {
    router: Router,
    /// By the customer's number, from 1.
    customers: Box<[Known]>,
    left: AtomicU32,
    sent: [AtomicU32; 4],
}

impl Test {
    async fn send_all(self: &Arc<Self>, tasks: u32, seed: u64) -> Result<(), Failure> {
        let senders: Vec<_> = (0..u64::from(tasks))
            .map(|task| {
                let random = fastrand::Rng::with_seed(seed.wrapping_mul(10_007).wrapping_add(task));
                tokio::spawn(Arc::clone(self).send(random))
            })
            .collect();
        for sender in senders {
            match sender.await {
                Ok(sent) => sent?,
                Err(panic) => return Err(Failure::Promise(panic.to_string())),
            }
        }
        Ok(())
    }

    /// One task: sends requests until enough were sent by all.
    async fn send(self: Arc<Self>, mut random: fastrand::Rng) -> Result<(), Failure> {
        let next = |left: u32| left.checked_sub(1);
        while self
            .left
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, next)
            .is_ok()
        {
            // A few customers are asked for most.
            let share = random.f64().powi(3);
            let id = (share * self.customers.len() as f64) as CustomerId + 1;
            let kind = match random.u32(0..1_000) {
                0..800 => Kind::Profile,
                800..930 => Kind::Page,
                930..995 => Kind::Update,
                _ => Kind::Erasure,
            };
            self.sent[kind as usize].fetch_add(1, Ordering::Relaxed);
            let is_kept = match kind {
                Kind::Profile => self.ask(id).await,
                Kind::Page => self.list(id, random.u32(0..3)).await,
                Kind::Update => self.update(id, &mut random).await,
                Kind::Erasure => self.erase(id).await,
            };
            is_kept.map_err(Failure::Promise)?;
        }
        Ok(())
    }

    fn known(&self, id: CustomerId) -> &Known {
        &self.customers[id as usize - 1]
    }

    async fn ask(&self, id: CustomerId) -> Result<(), String> {
        let least = self.known(id).version.load(Ordering::SeqCst);
        let (status, body) =
            call(&self.router, Method::GET, &format!("/customers/{id}"), None).await?;
        match status {
            StatusCode::OK => at_least(&body, id, least),
            StatusCode::NOT_FOUND => self.may_be_gone(id),
            other => Err(format!("customer {id} was answered by {other}: {body}")),
        }
    }

    async fn list(&self, id: CustomerId, page: u32) -> Result<(), String> {
        let path = format!("/accounts/{}/customers?page={page}", account_of(id));
        let least: Vec<_> = self
            .customers
            .iter()
            .map(|known| known.version.load(Ordering::SeqCst))
            .collect();
        let (status, body) = call(&self.router, Method::GET, &path, None).await?;
        let customers = body["customers"].as_array();
        let Some(customers) = customers.filter(|_| status == StatusCode::OK) else {
            return Err(format!("{path} was answered by {status}: {body}"));
        };
        for customer in customers {
            let id = customer["id"].as_i64().unwrap_or_default();
            match usize::try_from(id - 1).ok().and_then(|at| least.get(at)) {
                Some(&least) => at_least(customer, id, least)?,
                None => return Err(format!("{path} shows a customer {id} whom nobody knows")),
            }
        }
        Ok(())
    }

    async fn update(&self, id: CustomerId, random: &mut fastrand::Rng) -> Result<(), String> {
        // Some move to a neighbouring account.
        let account = account_of(id) + i64::from(random.u8(0..8) == 0);
        let name: String = (0..8).map(|_| random.lowercase()).collect();
        let change =
            json!({ "account": account, "name": name, "email": format!("{name}@example.org") });
        let path = format!("/customers/{id}");
        let (status, body) = call(&self.router, Method::PUT, &path, Some(&change)).await?;
        match (status, body["version"].as_i64()) {
            (StatusCode::OK, Some(version)) => {
                self.known(id).version.fetch_max(version, Ordering::SeqCst);
                self.ask(id).await
            }
            (StatusCode::NOT_FOUND, _) => self.may_be_gone(id),
            _ => Err(format!(
                "the update of {id} was answered by {status}: {body}"
            )),
        }
    }

    async fn erase(&self, id: CustomerId) -> Result<(), String> {
        self.known(id).is_doomed.store(true, Ordering::SeqCst);
        let (status, body) = call(
            &self.router,
            Method::DELETE,
            &format!("/customers/{id}"),
            None,
        )
        .await?;
        if status != StatusCode::NO_CONTENT && status != StatusCode::NOT_FOUND {
            return Err(format!(
                "the erasure of {id} was answered by {status}: {body}"
            ));
        }
        if status == StatusCode::NO_CONTENT {
            self.known(id).version.store(ERASED, Ordering::SeqCst);
        }
        Ok(())
    }

    fn may_be_gone(&self, id: CustomerId) -> Result<(), String> {
        if self.known(id).is_doomed.load(Ordering::SeqCst) {
            Ok(())
        } else {
            Err(format!(
                "customer {id} is not found, and nobody has erased him"
            ))
        }
    }

    /// When all is quiet, every profile and every page says what the database says.
    async fn compare_with(&self, database: &Database) -> Result<(), Failure> {
        let broken = |what: String| Failure::Promise(what);
        let unreadable = |error| Failure::Promise(format!("the database cannot be read: {error}"));
        for id in 1..=self.customers.len() as CustomerId {
            let path = format!("/customers/{id}");
            let (_, shown) = call(&self.router, Method::GET, &path, None)
                .await
                .map_err(broken)?;
            let stored = match database.profile(id).map_err(unreadable)? {
                Some(profile) => json!(profile),
                None => json!({ "error": format!("there is no customer {id}") }),
            };
            if shown != stored {
                return Err(broken(format!("{path} shows {shown}, stored is {stored}")));
            }
        }
        // Whoever has moved is in the account after his own.
        for account in 1..=account_of(self.customers.len() as CustomerId) + 1 {
            for page in 0.. {
                let path = format!("/accounts/{account}/customers?page={page}");
                let (_, shown) = call(&self.router, Method::GET, &path, None)
                    .await
                    .map_err(broken)?;
                let ids = database.page(account, page).map_err(unreadable)?;
                let mut contacts = database.contacts(&ids).map_err(unreadable)?;
                contacts.sort_by_key(|contact| ids.iter().position(|id| *id == contact.id));
                if shown["customers"] != json!(contacts) {
                    return Err(broken(format!(
                        "{path} shows {shown}, stored is {}",
                        json!(contacts)
                    )));
                }
                if (ids.len() as i64) < PAGE_ROWS {
                    break;
                }
            }
        }
        Ok(())
    }
}

/// Whether a record is as new as what was acknowledged before it was asked for.
fn at_least(record: &Value, id: CustomerId, least: i64) -> Result<(), String> {
    match record["version"].as_i64() {
        _ if least == ERASED => Err(format!("customer {id} was erased, and is shown: {record}")),
        Some(version) if version >= least => Ok(()),
        _ => Err(format!(
            "customer {id} has version {least}, and is shown as {record}"
        )),
    }
}

/// The mean time of a profile that is asked for the first time and of one that is asked for again, by one client.
async fn time(
    router: &Router,
    database: &Database,
    clock: &Clock,
) -> Result<[Duration; 2], Failure> {
    let broken = |what: String| Failure::Promise(what);
    let ids = database.ids().map_err(|error| broken(error.to_string()))?;
    let ids = &ids[..ids.len().min(TIMED)];
    let mut means = [Duration::ZERO; 2];
    for mean in &mut means {
        let start = clock.now();
        for id in ids {
            let path = format!("/customers/{id}");
            call(router, Method::GET, &path, None)
                .await
                .map_err(broken)?;
        }
        *mean = (clock.now() - start) / u32::try_from(ids.len().max(1)).unwrap_or(u32::MAX);
    }
    Ok(means)
}

/// Sends one request to the router, and reads the answer; one without a body is `Null`.
pub(crate) async fn call(
    router: &Router,
    method: Method,
    path: &str,
    body: Option<&Value>,
) -> Result<(StatusCode, Value), String> {
    let request = Request::builder()
        .method(method)
        .uri(path)
        .header(header::CONTENT_TYPE, "application/json")
        .body(body.map_or_else(Body::empty, |body| Body::from(body.to_string())))
        .map_err(|error| format!("{path}: {error}"))?;
    let response = match router.clone().oneshot(request).await {
        Ok(response) => response,
        Err(never) => match never {},
    };
    let status = response.status();
    let bytes = to_bytes(response.into_body(), LONGEST_BODY).await;
    let bytes = bytes.map_err(|error| format!("{path}: {error}"))?;
    if bytes.is_empty() {
        return Ok((status, Value::Null));
    }
    let value = serde_json::from_slice(&bytes);
    Ok((status, value.map_err(|error| format!("{path}: {error}"))?))
}

fn render(
    sent: &[AtomicU32; 4],
    figures: &Figures,
    elapsed: Duration,
    [first, again]: [Duration; 2],
) -> String {
    let mut out = String::new();
    let count = |at: usize| sent[at].load(Ordering::Relaxed);
    let total: u32 = (0..sent.len()).map(count).sum();
    let kinds: Vec<_> = NAMES
        .iter()
        .enumerate()
        .map(|(at, name)| format!("{} {name}", count(at)))
        .collect();
    // Writing to a string cannot fail.
    let _ = writeln!(
        out,
        "{total} requests ({}) in {:.2} s, every answer as it should be\n",
        kinds.join(", "),
        elapsed.as_secs_f64()
    );
    let mut table = Table::new();
    table
        .load_preset(presets::NOTHING)
        .set_style(TableComponent::HeaderLines, '\u{2500}')
        .set_style(TableComponent::MiddleHeaderIntersections, '\u{2500}')
        .set_content_arrangement(ContentArrangement::Disabled)
        .set_header([
            "cache",
            "reads",
            "hit ratio",
            "loads",
            "mean load",
            "waited",
            "voided",
        ]);
    for (name, cache) in [
        ("profiles", &figures.profiles),
        ("contacts", &figures.contacts),
        ("pages", &figures.pages),
    ] {
        table.add_row(row(name, cache));
    }
    for column in table.column_iter_mut().skip(1) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    let _ = writeln!(out, "{table}\n");
    let _ = writeln!(
        out,
        "A profile takes {:.1} us when it is asked for the first time, and {:.1} us from memory.",
        first.as_secs_f64() * 1e6,
        again.as_secs_f64() * 1e6
    );
    out
}

fn row(name: &str, cache: &CacheFigures) -> [String; 7] {
    let or_none = |text: Option<String>| text.unwrap_or_else(|| "-".to_owned());
    [
        name.to_owned(),
        (cache.hits + cache.misses).to_string(),
        or_none(
            cache
                .hit_ratio
                .map(|ratio| format!("{:.2} %", ratio * 100.0)),
        ),
        cache.loads.to_string(),
        or_none(
            cache
                .mean_load_micros
                .map(|micros| format!("{micros:.1} us")),
        ),
        cache.load_waits.to_string(),
        cache.loads_voided.to_string(),
    ]
}
