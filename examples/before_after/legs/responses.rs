//! Responses: a customer, a page of 25 and the whole list as JSON, as they are and in the coding that the client takes.

use std::io::Read;
use std::path::Path;

use crm_perf::compress::{
    AcceptEncoding, Coding, Decision, Deflate, Gzip, Policy, ResponseHead, negotiate,
};
use flate2::read::{GzDecoder, ZlibDecoder};
use serde::Serialize;

use super::{Context, invoice_stream};
use crate::customer::Customer;
use crate::database::Database;
use crate::failure::Failure;
use crate::report::units::count;
use crate::tally::Tally;
use crate::timing::{median, nanos, timed};

/// What a browser sends. This server offers gzip and deflate of it.
const BROWSER: Client = Client {
    name: "a browser",
    accept: "gzip, deflate, br, zstd",
};
/// What a program on the same host sends, for which the processor is dearer than the line.
const LOCAL: Client = Client {
    name: "a local program",
    accept: "identity, gzip;q=0.5",
};
const OFFERS: [Coding; 2] = [Coding::Gzip, Coding::Deflate];
const PAGE: usize = 25;

/// Who asks, and what it takes.
#[derive(Clone, Copy, Debug)]
struct Client {
    name: &'static str,
    accept: &'static str,
}

/// The figures of the leg.
#[derive(Debug, Serialize)]
pub(crate) struct Responses {
    pub(crate) input: Tally,
    pub(crate) repeats: usize,
    pub(crate) answers: Vec<Answer>,
}

/// One body for one client.
#[derive(Debug, Serialize)]
pub(crate) struct Answer {
    pub(crate) body: String,
    pub(crate) client: &'static str,
    pub(crate) accept_encoding: &'static str,
    pub(crate) identity_bytes: usize,
    /// Making the JSON, as it is also sent without any coding.
    pub(crate) identity_micros: f64,
    /// The content coding of the answer.
    pub(crate) coding: String,
    /// Why the body was left alone, where it was.
    pub(crate) left_alone: Option<String>,
    pub(crate) sent_bytes: usize,
    /// Making the JSON, negotiating, and encoding.
    pub(crate) sent_micros: f64,
    /// On a line slower than this, the bytes saved are worth more time than the encoding takes.
    pub(crate) pays_below_megabits_per_second: Option<f64>,
}

pub(crate) fn run(context: &Context<'_>, path: &Path) -> Result<Responses, Failure> {
    context.progress.step("responses");
    let database = Database::open(path)?;
    let input = invoice_stream(&database)?.0.tally();
    let customers = database.customers()?;
    if customers.len() as u64 != input.customers {
        return Err(Failure::Disagree(format!(
            "the list has {} customers, the lines name {}",
            customers.len(),
            input.customers
        )));
    }
    let page = &customers[..PAGE.min(customers.len())];
    let list = format!("all {}", count(input.customers));
    let one = &customers[..1];
    let answers = [
        ("one customer", BROWSER, one),
        ("a page of 25", BROWSER, page),
        (&list, BROWSER, &customers),
        (&list, LOCAL, &customers),
    ]
    .into_iter()
    .map(|(name, client, customers)| answer(context, name, client, customers))
    .collect::<Result<_, _>>()?;
    Ok(Responses {
        input,
        repeats: repeats(context),
        answers,
    })
}

fn repeats(context: &Context<'_>) -> usize {
    if context.args.quick { 11 } else { 101 }
}

fn answer(
    context: &Context<'_>,
    name: &str,
    client: Client,
    customers: &[Customer],
) -> Result<Answer, Failure> {
    let (mut plain, mut sent) = (Vec::new(), Vec::new());
    let mut last = None;
    for _ in 0..repeats(context) {
        let (identity, elapsed) = timed(context.clock, || json(customers));
        plain.push(nanos(elapsed));
        let (response, elapsed) = timed(context.clock, || respond(client.accept, customers));
        sent.push(nanos(elapsed));
        last = Some((identity, response));
    }
    let (identity, response) =
        last.unwrap_or_else(|| (json(customers), respond(client.accept, customers)));
    if decoded(&response)? != identity {
        return Err(Failure::Disagree(format!(
            "{name} does not decode to the JSON it was made of"
        )));
    }
    let micros = |times: &[u64]| median(times).unwrap_or(0) as f64 / 1e3;
    let (identity_micros, sent_micros) = (micros(&plain), micros(&sent));
    Ok(Answer {
        body: name.to_owned(),
        client: client.name,
        accept_encoding: client.accept,
        identity_bytes: identity.len(),
        identity_micros,
        coding: response.coding.name().to_owned(),
        left_alone: response.left_alone,
        sent_bytes: response.body.len(),
        sent_micros,
        pays_below_megabits_per_second: pays_below(
            identity.len().saturating_sub(response.body.len()),
            sent_micros - identity_micros,
        ),
    })
}

/// Bits saved for each microsecond spent are megabits per second.
fn pays_below(saved_bytes: usize, spent_micros: f64) -> Option<f64> {
    (saved_bytes > 0 && spent_micros > 0.0).then(|| saved_bytes as f64 * 8.0 / spent_micros)
}

struct Response {
    coding: Coding,
    left_alone: Option<String>,
    body: Vec<u8>,
}

/// What a service does for each request, from the header of the request to the body of the response.
fn respond(accept: &str, customers: &[Customer]) -> Response {
    let body = json(customers);
    let negotiated = negotiate(&AcceptEncoding::parse([accept]), &OFFERS);
    let head = ResponseHead::new(200)
        .media_type("application/json")
        .length(body.len() as u64);
    match <Policy>::default().decide(&head, negotiated) {
        Decision::Encode(Coding::Gzip) => Response {
            coding: Coding::Gzip,
            left_alone: None,
            body: Gzip::default().encode(&body),
        },
        Decision::Encode(Coding::Deflate) => Response {
            coding: Coding::Deflate,
            left_alone: None,
            body: Deflate::default().encode(&body),
        },
        Decision::Encode(other) => Response {
            coding: Coding::Identity,
            left_alone: Some(format!("{} is not offered", other.name())),
            body,
        },
        Decision::Leave(reason) => Response {
            coding: Coding::Identity,
            left_alone: Some(reason.to_string()),
            body,
        },
    }
}

/// One customer is an object, several are an array.
fn json(customers: &[Customer]) -> Vec<u8> {
    let json = match customers {
        [one] => serde_json::to_vec(one),
        several => serde_json::to_vec(several),
    };
    // Numbers and text in a vector: there is nothing that could fail.
    json.unwrap_or_default()
}

fn decoded(response: &Response) -> Result<Vec<u8>, Failure> {
    let mut body = Vec::new();
    let bytes = response.body.as_slice();
    let read = match response.coding {
        Coding::Gzip => GzDecoder::new(bytes).read_to_end(&mut body),
        Coding::Deflate => ZlibDecoder::new(bytes).read_to_end(&mut body),
        _ => {
            body.extend_from_slice(bytes);
            Ok(body.len())
        }
    };
    read.map_err(|error| {
        Failure::Refused(format!("a body that was sent cannot be decoded: {error}"))
    })?;
    Ok(body)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn customers(count: u64) -> Vec<Customer> {
        (0..count)
            .map(|id| Customer {
                id,
                country: "Spain".to_owned(),
                invoices: 3,
                lines: 30,
                articles: 300,
                spent_mills: 1_250_000,
                first_order_at: 1_291_191_960,
                last_order_at: 1_323_434_000,
            })
            .collect()
    }

    #[test]
    fn a_browser_gets_gzip_for_a_page_and_json_for_one_customer() {
        let page = respond(BROWSER.accept, &customers(25));
        assert_eq!(page.coding, Coding::Gzip);
        assert_eq!(page.left_alone, None);
        assert_eq!(decoded(&page).unwrap(), json(&customers(25)));
        assert!(page.body.len() * 3 < json(&customers(25)).len());

        let one = respond(BROWSER.accept, &customers(1));
        assert_eq!(one.coding, Coding::Identity);
        assert_eq!(one.body, json(&customers(1)));
        assert!(one.left_alone.is_some());
    }

    #[test]
    fn each_client_gets_what_it_takes() {
        let deflate = respond("deflate", &customers(25));
        assert_eq!(deflate.coding, Coding::Deflate);
        assert_eq!(decoded(&deflate).unwrap(), json(&customers(25)));
        let local = respond(LOCAL.accept, &customers(25));
        assert_eq!(local.coding, Coding::Identity);
        assert!(local.left_alone.is_some());
    }

    #[test]
    fn the_line_on_which_encoding_pays() {
        // 1,000 bytes saved in 10 microseconds: 800 bits for each microsecond.
        assert_eq!(pays_below(1_000, 10.0), Some(800.0));
        assert_eq!(pays_below(0, 10.0), None);
        assert_eq!(pays_below(10, -1.0), None);
    }
}
