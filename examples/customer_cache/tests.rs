//! The promises of the service, each asked of the router within the process. Time is turned by hand, the database fails
//! for real (its table is taken away), and a load is held up where the test says.

use std::future::Future;
use std::pin::pin;
use std::process::ExitCode;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::task::{Context, Waker};
use std::time::Duration;

use axum::Router;
use axum::http::{Method, StatusCode};
use crm_perf::clock::{Clock, ManualClock};
use rusqlite::Connection;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::runtime::Runtime;
use tokio::task::JoinHandle;

use crate::caches::{
    ABSENCE_LIFE, CUSTOMER_LIFE, CacheFigures, Caches, FAILURE_LIFE, PAUSE, STALE_ON_ERROR,
    Settings, Source,
};
use crate::database::{AccountId, Change, Contact, CustomerId, Database, Profile};
use crate::error::DatabaseError;
use crate::routes::{Service, router};
use crate::self_test::call;

/// Whoever waits for longer than this waits for ever.
const LONG: Duration = Duration::from_secs(30);

/// What a load reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    Profile,
    Contacts,
    Page,
}

/// Where to stop, whom to tell, and what to wait for.
type Stop = (Step, Sender<()>, Receiver<()>);

/// The database, whose next read of a kind can be held up after it has read.
struct Gated {
    database: Arc<Database>,
    next: Mutex<Option<Stop>>,
}

/// A read that is held up. Dropping it lets the read go on.
struct Held {
    has_read: Receiver<()>,
    _go_on: Sender<()>,
}

impl Held {
    fn wait_until_it_has_read(&self) {
        self.has_read.recv_timeout(LONG).unwrap();
    }
}

impl Gated {
    fn hold(&self, step: Step) -> Held {
        let ((tell, has_read), (go_on, wait)) = (channel(), channel());
        *self.next.lock().unwrap() = Some((step, tell, wait));
        Held {
            has_read,
            _go_on: go_on,
        }
    }

    fn pass(&self, step: Step) {
        let held = self.next.lock().unwrap().take_if(|(at, ..)| *at == step);
        if let Some((_, tell, wait)) = held {
            tell.send(()).unwrap();
            // Ends with an error when the test lets go.
            wait.recv_timeout(LONG).unwrap_err();
        }
    }
}

impl Source for Gated {
    fn profile(&self, id: CustomerId) -> Result<Option<Profile>, DatabaseError> {
        let read = self.database.profile(id);
        self.pass(Step::Profile);
        read
    }

    fn contacts(&self, ids: &[CustomerId]) -> Result<Vec<Contact>, DatabaseError> {
        let read = self.database.contacts(ids);
        self.pass(Step::Contacts);
        read
    }

    fn page(&self, account: AccountId, page: u32) -> Result<Vec<CustomerId>, DatabaseError> {
        let read = self.database.page(account, page);
        self.pass(Step::Page);
        read
    }
}

/// A service over 120 customers: fifty in account 1, fifty in 2, twenty in 3.
struct Desk {
    runtime: Runtime,
    folder: TempDir,
    source: Arc<Gated>,
    service: Arc<Service>,
    router: Router,
    hand: ManualClock,
}

impl Desk {
    fn new() -> Self {
        Self::with_limit(LONG)
    }

    fn with_limit(hard_limit: Duration) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let database = Database::open(&folder.path().join("c.sqlite"), 120, 1).unwrap();
        let database = Arc::new(database);
        let runtime = crate::runtime().unwrap();
        let (clock, hand) = Clock::manual();
        let settings = Settings {
            capacity: 1_000,
            hard_limit,
            clock,
        };
        let source = Arc::new(Gated {
            database: Arc::clone(&database),
            next: Mutex::new(None),
        });
        let from: Arc<dyn Source> = Arc::<Gated>::clone(&source);
        let caches = Caches::new(from, settings, runtime.handle().clone()).unwrap();
        let service = Arc::new(Service { database, caches });
        Self {
            runtime,
            folder,
            source,
            router: router(Arc::clone(&service)),
            service,
            hand,
        }
    }

    fn send(&self, method: Method, path: &str, body: Option<&Value>) -> (StatusCode, Value) {
        let answer = call(&self.router, method, path, body);
        self.runtime.block_on(answer).unwrap()
    }

    fn get(&self, path: &str) -> (StatusCode, Value) {
        self.send(Method::GET, path, None)
    }

    fn get_in_background(&self, path: &'static str) -> JoinHandle<(StatusCode, Value)> {
        let router = self.router.clone();
        self.runtime
            .spawn(async move { call(&router, Method::GET, path, None).await.unwrap() })
    }

    fn join(&self, request: JoinHandle<(StatusCode, Value)>) -> (StatusCode, Value) {
        self.runtime.block_on(request).unwrap()
    }

    fn put(&self, id: CustomerId, account: AccountId, name: &str) -> StatusCode {
        let change = change(account, name);
        let path = format!("/customers/{id}");
        self.send(Method::PUT, &path, Some(&change)).0
    }

    fn delete(&self, id: CustomerId) -> StatusCode {
        self.send(Method::DELETE, &format!("/customers/{id}"), None)
            .0
    }

    /// The customers on a page.
    fn page(&self, account: AccountId, page: u32) -> Vec<CustomerId> {
        let (status, body) = self.get(&format!("/accounts/{account}/customers?page={page}"));
        assert_eq!(status, StatusCode::OK, "{body}");
        let customers = body["customers"].as_array().unwrap().iter();
        customers.map(|c| c["id"].as_i64().unwrap()).collect()
    }

    fn profiles(&self) -> CacheFigures {
        self.service.caches.figures().profiles
    }

    /// Waits for what happens in the background.
    fn until(&self, is_so: impl Fn() -> bool) {
        let clock = Clock::system();
        let start = clock.now();
        while !is_so() {
            assert!(clock.now() - start < LONG, "it never happens");
            std::thread::yield_now();
        }
    }

    fn break_database(&self) {
        let broken = "ALTER TABLE customers RENAME TO away";
        self.service.database.execute(broken).unwrap();
    }

    fn repair_database(&self) {
        let repaired = "ALTER TABLE away RENAME TO customers";
        self.service.database.execute(repaired).unwrap();
    }

    /// Changes a customer without telling the service.
    fn change_behind_its_back(&self, id: CustomerId, name: &str) {
        let change = Change {
            account: 1,
            name: name.to_owned(),
            email: "e".to_owned(),
        };
        self.service.database.update(id, &change).unwrap().unwrap();
    }
}

fn change(account: AccountId, name: &str) -> Value {
    json!({ "account": account, "name": name, "email": format!("{name}@example.org") })
}

#[test]
fn a_profile_is_loaded_once_and_then_comes_from_memory() {
    let desk = Desk::new();
    let (status, first) = desk.get("/customers/7");
    assert_eq!(status, StatusCode::OK);
    assert_eq!(
        first,
        json!(desk.service.database.profile(7).unwrap().unwrap())
    );
    assert_eq!(desk.get("/customers/7").1, first);
    assert_eq!((desk.profiles().loads, desk.profiles().hits), (1, 1));
}

#[test]
fn many_who_ask_at_once_share_one_load() {
    let desk = Desk::new();
    let held = desk.source.hold(Step::Profile);
    let first = desk.get_in_background("/customers/7");
    held.wait_until_it_has_read();
    let others: Vec<_> = (0..30)
        .map(|_| desk.get_in_background("/customers/7"))
        .collect();
    desk.until(|| desk.profiles().load_waits == 30);
    drop(held);
    for request in others.into_iter().chain([first]) {
        assert_eq!(desk.join(request).0, StatusCode::OK);
    }
    assert_eq!(desk.profiles().loads, 1);
}

#[test]
fn an_unknown_customer_is_not_found_and_that_is_remembered_for_a_second() {
    let desk = Desk::new();
    for _ in 0..3 {
        let (status, body) = desk.get("/customers/121");
        assert_eq!(status, StatusCode::NOT_FOUND);
        assert_eq!(body, json!({ "error": "there is no customer 121" }));
    }
    assert_eq!(desk.profiles().loads, 1);
    desk.hand.advance(ABSENCE_LIFE);
    assert_eq!(desk.get("/customers/121").0, StatusCode::NOT_FOUND);
    assert_eq!(desk.profiles().loads, 2);
    assert_eq!(desk.put(121, 1, "new"), StatusCode::NOT_FOUND);
    assert_eq!(desk.delete(121), StatusCode::NOT_FOUND);
}

#[test]
fn what_is_no_request_is_refused_with_a_reason() {
    let desk = Desk::new();
    for (path, expected) in [
        ("/customers/seven", StatusCode::BAD_REQUEST),
        ("/customers/99999999999999999999", StatusCode::BAD_REQUEST),
        ("/customers/-7", StatusCode::NOT_FOUND),
        ("/customers", StatusCode::NOT_FOUND),
        ("/accounts/1/customers?page=-1", StatusCode::BAD_REQUEST),
        ("/accounts/one/customers", StatusCode::BAD_REQUEST),
    ] {
        let (status, body) = desk.get(path);
        assert_eq!(status, expected, "{path}: {body}");
        assert!(!body["error"].as_str().unwrap().is_empty(), "{path}");
    }
    for (change, expected) in [
        (json!({ "name": "x" }), StatusCode::UNPROCESSABLE_ENTITY),
        (change(1, "  "), StatusCode::UNPROCESSABLE_ENTITY),
        (json!(7), StatusCode::UNPROCESSABLE_ENTITY),
    ] {
        let (status, body) = desk.send(Method::PUT, "/customers/7", Some(&change));
        assert_eq!(status, expected, "{change}: {body}");
        assert!(body["error"].is_string(), "{change}");
    }
    assert_eq!(desk.get("/customers/7").1["version"], json!(1));
}

#[test]
fn a_page_past_the_last_one_is_empty() {
    let desk = Desk::new();
    assert_eq!(desk.page(1, 2).len(), 10);
    assert!(desk.page(1, 3).is_empty());
    assert!(desk.page(99, 0).is_empty());
    assert!(desk.page(1, u32::MAX).is_empty());
}

#[test]
fn a_page_loads_its_missing_customers_in_one_query() {
    let desk = Desk::new();
    let page = desk.page(1, 0);
    assert_eq!(page, desk.service.database.page(1, 0).unwrap());
    let loads = || {
        let figures = desk.service.caches.figures();
        (figures.pages.loads, figures.contacts.loads)
    };
    assert_eq!(loads(), (1, 1));
    assert_eq!(desk.page(1, 0), page);
    assert_eq!(loads(), (1, 1));
    // The list is read again, and of the contacts the one that has changed.
    assert_eq!(desk.put(page[0], 1, "aaaa"), StatusCode::OK);
    assert_eq!(desk.page(1, 0), page);
    assert_eq!(loads(), (2, 2));
    let contacts = desk.service.caches.figures().contacts;
    assert_eq!(contacts.misses, 21);
}

#[test]
fn an_update_is_seen_by_the_next_read_of_profile_and_page() {
    let desk = Desk::new();
    let id = desk.page(1, 0)[5];
    let path = format!("/customers/{id}");
    desk.get(&path);
    assert_eq!(desk.put(id, 1, "aaaa"), StatusCode::OK);
    let (_, profile) = desk.get(&path);
    assert_eq!(
        (&profile["name"], &profile["version"]),
        (&json!("aaaa"), &json!(2))
    );
    // The list is in the order of names.
    let (_, body) = desk.get("/accounts/1/customers");
    assert_eq!(body["customers"][0]["name"], json!("aaaa"));
    assert_eq!(body["customers"][0]["id"], json!(id));
}

#[test]
fn who_moves_leaves_one_list_and_comes_into_the_other() {
    let desk = Desk::new();
    let id = desk.page(1, 0)[0];
    assert!(!desk.page(3, 0).contains(&id));
    assert_eq!(desk.page(2, 0).len(), 20);
    let behind = desk.page(1, 1);
    let loads = desk.service.caches.figures().pages.loads;
    assert_eq!(desk.put(id, 3, "aaaa"), StatusCode::OK);
    assert!(!desk.page(1, 0).contains(&id));
    assert_eq!(desk.page(3, 0)[0], id);
    // The page behind has never shown him, and has moved up.
    assert_eq!(desk.page(1, 1)[..19], behind[1..]);
    assert_eq!(desk.page(2, 0).len(), 20);
    // The second account had nothing to do with it.
    assert_eq!(desk.service.caches.figures().pages.loads, loads + 3);
}

#[test]
fn an_erased_customer_is_nowhere() {
    let desk = Desk::new();
    let first = desk.page(1, 0);
    let second = desk.page(1, 1);
    let path = format!("/customers/{}", first[3]);
    assert_eq!(desk.get(&path).0, StatusCode::OK);
    assert_eq!(desk.delete(first[3]), StatusCode::NO_CONTENT);
    assert_eq!(desk.get(&path).0, StatusCode::NOT_FOUND);
    let after = desk.page(1, 0);
    assert!(!after.contains(&first[3]));
    // The pages behind have moved up.
    assert_eq!(after[19], second[0]);
    assert_eq!(desk.page(1, 1)[0], second[1]);
    assert_eq!(desk.service.caches.figures().contacts.removals, 1);
    assert_eq!(desk.profiles().removals, 1);
}

#[test]
fn a_load_that_has_read_before_an_update_leaves_nothing_old() {
    let desk = Desk::new();
    let held = desk.source.hold(Step::Profile);
    let early = desk.get_in_background("/customers/7");
    held.wait_until_it_has_read();
    assert_eq!(desk.put(7, 1, "new"), StatusCode::OK);
    // Who asks now does not wait for what was begun before.
    assert_eq!(desk.get("/customers/7").1["name"], json!("new"));
    drop(held);
    assert_eq!(desk.join(early).0, StatusCode::OK);
    assert_eq!(desk.get("/customers/7").1["name"], json!("new"));
    assert_eq!(desk.profiles().loads_voided, 1);
}

#[test]
fn a_load_that_has_read_before_an_erasure_brings_nobody_back() {
    for step in [Step::Profile, Step::Contacts, Step::Page] {
        let desk = Desk::new();
        let id = desk.service.database.page(3, 0).unwrap()[0];
        let path: &'static str = match step {
            Step::Profile => format!("/customers/{id}").leak(),
            Step::Contacts | Step::Page => "/accounts/3/customers",
        };
        let held = desk.source.hold(step);
        let early = desk.get_in_background(path);
        held.wait_until_it_has_read();
        assert_eq!(desk.delete(id), StatusCode::NO_CONTENT);
        drop(held);
        desk.join(early);
        assert!(!desk.page(3, 0).contains(&id), "{step:?}");
        let (status, _) = desk.get(&format!("/customers/{id}"));
        assert_eq!(status, StatusCode::NOT_FOUND, "{step:?}");
    }
}

#[test]
fn a_refresh_that_has_read_before_an_erasure_brings_nobody_back() {
    let desk = Desk::new();
    desk.get("/customers/7");
    desk.hand.advance(CUSTOMER_LIFE.mul_f64(0.85));
    let held = desk.source.hold(Step::Profile);
    assert_eq!(desk.get("/customers/7").0, StatusCode::OK);
    held.wait_until_it_has_read();
    assert_eq!(desk.delete(7), StatusCode::NO_CONTENT);
    drop(held);
    desk.until(|| desk.profiles().loads_voided == 1);
    assert_eq!(desk.get("/customers/7").0, StatusCode::NOT_FOUND);
}

#[test]
fn a_profile_is_refreshed_before_its_end_and_nobody_waits() {
    let desk = Desk::new();
    desk.get("/customers/7");
    desk.change_behind_its_back(7, "new");
    // Lives end in their last tenth; 0.8 of the shortest is 0.72.
    desk.hand.advance(CUSTOMER_LIFE.mul_f64(0.7));
    assert_eq!(desk.get("/customers/7").1["version"], json!(1));
    assert_eq!(desk.profiles().refreshes, 0);
    desk.hand.advance(CUSTOMER_LIFE.mul_f64(0.15));
    let held = desk.source.hold(Step::Profile);
    assert_eq!(desk.get("/customers/7").1["version"], json!(1));
    held.wait_until_it_has_read();
    assert_eq!(desk.get("/customers/7").1["version"], json!(1));
    drop(held);
    desk.until(|| desk.get("/customers/7").1["version"] == json!(2));
    let profiles = desk.profiles();
    assert_eq!((profiles.refreshes, profiles.loads), (1, 2));
    assert_eq!(profiles.misses, 1);
}

#[test]
fn a_stale_profile_stands_in_while_the_database_is_down() {
    let desk = Desk::new();
    desk.get("/customers/7");
    desk.break_database();
    desk.hand.advance(CUSTOMER_LIFE);
    for _ in 0..3 {
        assert_eq!(desk.get("/customers/7").0, StatusCode::OK);
    }
    let profiles = desk.profiles();
    // One attempt, and then a pause.
    assert_eq!((profiles.load_failures, profiles.stale_served), (1, 3));
    desk.hand.advance(PAUSE);
    assert_eq!(desk.get("/customers/7").0, StatusCode::OK);
    assert_eq!(desk.profiles().load_failures, 2);
    desk.hand.advance(STALE_ON_ERROR);
    let (status, body) = desk.get("/customers/7");
    assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE);
    // What the database has said is not for everybody.
    assert!(!body.to_string().contains("table"), "{body}");
}

#[test]
fn nobody_who_is_gone_stands_in_while_the_database_is_down() {
    let desk = Desk::new();
    for id in [7, 8] {
        desk.get(&format!("/customers/{id}"));
    }
    assert_eq!(desk.delete(7), StatusCode::NO_CONTENT);
    desk.service.database.delete(8).unwrap();
    desk.hand.advance(CUSTOMER_LIFE);
    // That there is no such customer is no failure for which an old profile could stand in.
    assert_eq!(desk.get("/customers/8").0, StatusCode::NOT_FOUND);
    desk.break_database();
    let (status, _) = desk.get("/customers/7");
    assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE);
}

#[test]
fn a_failure_is_remembered_for_a_second() {
    let desk = Desk::new();
    desk.break_database();
    let status = || desk.get("/customers/7").0;
    assert_eq!(status(), StatusCode::SERVICE_UNAVAILABLE);
    desk.repair_database();
    assert_eq!(status(), StatusCode::SERVICE_UNAVAILABLE);
    let profiles = desk.profiles();
    assert_eq!((profiles.load_failures, profiles.failures_served), (1, 1));
    desk.hand.advance(FAILURE_LIFE);
    assert_eq!(status(), StatusCode::OK);
}

#[test]
fn a_failed_write_is_told_and_the_caches_do_not_trust_what_they_have() {
    let desk = Desk::new();
    let pages = [desk.page(1, 0), desk.page(2, 0)];
    let path = format!("/customers/{}", pages[0][0]);
    desk.get(&path);
    desk.break_database();
    let put = desk.put(pages[0][0], 3, "new");
    assert_eq!(put, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(desk.delete(pages[1][0]), StatusCode::SERVICE_UNAVAILABLE);
    desk.repair_database();
    assert_eq!(desk.get(&path).1["version"], json!(1));
    assert_eq!(desk.profiles().loads, 2);
    // Where the customers were is not known, but the pages that have shown them are.
    assert_eq!([desk.page(1, 0), desk.page(2, 0)], pages);
    assert_eq!(desk.service.caches.figures().pages.loads, 4);
}

#[test]
fn nobody_waits_for_a_profile_longer_than_the_limit() {
    let desk = Desk::with_limit(Duration::from_millis(20));
    let held = desk.source.hold(Step::Profile);
    let (status, _) = desk.get("/customers/7");
    assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(desk.profiles().load_timeouts, 1);
    drop(held);
    // The load has gone on, and what it brought was stored.
    desk.until(|| desk.profiles().entries == 1);
    assert_eq!(desk.get("/customers/7").0, StatusCode::OK);
    assert_eq!(desk.profiles().loads, 1);
}

#[test]
fn a_client_that_goes_away_takes_no_invalidation_with_it() {
    let desk = Desk::new();
    desk.get("/customers/7");
    // A writer elsewhere holds the update up.
    let other = Connection::open(desk.folder.path().join("c.sqlite")).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    {
        let change = change(1, "new");
        let mut request = pin!(call(
            &desk.router,
            Method::PUT,
            "/customers/7",
            Some(&change)
        ));
        let _inside = desk.runtime.enter();
        let mut context = Context::from_waker(Waker::noop());
        assert!(request.as_mut().poll(&mut context).is_pending());
    }
    other.execute_batch("COMMIT").unwrap();
    desk.until(|| desk.profiles().removals == 1);
    assert_eq!(desk.get("/customers/7").1["name"], json!("new"));
}

#[test]
fn the_statistics_tell_what_each_cache_has_done() {
    let desk = Desk::new();
    desk.get("/customers/7");
    desk.get("/customers/7");
    desk.page(1, 0);
    let (status, stats) = desk.get("/stats");
    assert_eq!(status, StatusCode::OK);
    assert_eq!(stats["profiles"]["hit_ratio"], json!(0.5));
    assert_eq!(stats["profiles"]["entries"], json!(1));
    assert_eq!(stats["contacts"]["misses"], json!(20));
    assert_eq!(stats["contacts"]["loads"], json!(1));
    assert_eq!(stats["pages"]["entries"], json!(1));
    assert_eq!(stats["pages"]["hit_ratio"], json!(0.0));
}

fn run(arguments: &[&str]) -> (bool, String, String) {
    let (mut out, mut err) = (Vec::new(), Vec::new());
    let arguments = ["customer_cache"].iter().chain(arguments);
    let code = crate::run(arguments.map(Into::into), &mut out, &mut err);
    let is_success = format!("{code:?}") == format!("{:?}", ExitCode::SUCCESS);
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (is_success, text(out), text(err))
}

#[test]
fn the_self_test_finds_every_promise_kept() {
    let (is_success, out, err) = run(&["--requests", "1500", "--customers", "300"]);
    assert!(is_success, "{err}");
    assert!(out.starts_with("1500 requests ("), "{out}");
    for name in ["profiles", "contacts", "pages", "from memory"] {
        assert!(out.contains(name), "{out}");
    }
}

#[test]
fn a_program_that_cannot_go_on_says_why_in_one_line() {
    let folder = tempfile::tempdir().unwrap();
    let strange = folder.path().join("strange.sqlite");
    std::fs::write(
        &strange,
        "this is no database, and long enough to be sure of it".repeat(9),
    )
    .unwrap();
    for file in [strange, folder.path().join("none").join("c.sqlite")] {
        let (is_success, out, err) = run(&["--database", file.to_str().unwrap()]);
        assert!(!is_success && out.is_empty());
        assert!(err.starts_with("customer_cache: cannot use "), "{err}");
        assert_eq!(err.lines().count(), 1, "{err}");
    }
    assert!(!run(&[]).0);
}
