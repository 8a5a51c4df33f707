//! Responses of the kinds that a CRM sends: JSON from one record to a long list, exports as CSV, pages of HTML.

use std::env;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;

#[path = "customer_list.rs"]
mod customer_list;

use customer_list::customers;

/// The variable that names a folder of files to send instead of the generated responses.
const FOLDER: &str = "CRM_PERF_BODIES";

/// Shorter bodies are left out: a layer that knows better sends them as they are, and there is nothing to compare.
const LEAST: usize = 200;

/// What one response holds.
#[derive(Debug)]
pub(crate) struct Response {
    pub(crate) name: String,
    pub(crate) media_type: &'static str,
    pub(crate) bytes: Vec<u8>,
}

/// The files of the folder that `CRM_PERF_BODIES` names, by length; without it, generated ones of the same kinds.
pub(crate) fn responses() -> Vec<Response> {
    let mut responses = match env::var_os(FOLDER) {
        Some(folder) => from_folder(Path::new(&folder)),
        None => generated(),
    };
    responses.sort_by_key(|response| response.bytes.len());
    responses
}

fn from_folder(folder: &Path) -> Vec<Response> {
    let shown = folder.display();
    let entries = fs::read_dir(folder)
        .unwrap_or_else(|error| panic!("{FOLDER}={shown} cannot be read: {error}"));
    let responses: Vec<_> = entries
        .filter_map(|entry| {
            let path = entry.expect("the folder can be read to its end").path();
            let media_type = match path.extension()?.to_str()? {
                "json" => "application/json",
                "csv" => "text/csv",
                "html" => "text/html",
                _ => return None,
            };
            let bytes =
                fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
            if bytes.len() < LEAST {
                return None;
            }
            Some(Response {
                name: path.file_name()?.to_string_lossy().into_owned(),
                media_type,
                bytes,
            })
        })
        .collect();
    assert!(
        !responses.is_empty(),
        "{FOLDER}={shown} has no .json, .csv or .html file of {LEAST} bytes"
    );
    responses
}

fn generated() -> Vec<Response> {
    let json = [300, 1_000, 10_000, 34_000, 65_000, 100_000, 373_000].map(|size| Response {
        name: format!("JSON {}", kilobytes(size)),
        media_type: "application/json",
        bytes: customers(size),
    });
    let tables = [12_000, 130_000].map(|size| Response {
        name: format!("CSV {}", kilobytes(size)),
        media_type: "text/csv",
        bytes: rows(
            size,
            "id;company;city;country;orders;revenue\n",
            "",
            |row, one| {
                let [id, company, city, country, orders, revenue] = one;
                writeln!(row, "{id};{company};{city};{country};{orders};{revenue}")
            },
        ),
    });
    let page = Response {
        name: "HTML 100 KB".to_owned(),
        media_type: "text/html",
        bytes: rows(
            100_000,
            "<!doctype html><html><head><title>Customers</title></head><body><table class=\"list\">\n",
            "</table></body></html>\n",
            |row, [id, company, city, country, orders, revenue]| {
                writeln!(
                    row,
                    "<tr class=\"row\" id=\"customer-{id}\"><td><a href=\"/customers/{id}\">{company}</a></td>\
                     <td>{city}</td><td>{country}</td><td class=\"number\">{orders}</td>\
                     <td class=\"number\">{revenue}</td></tr>"
                )
            },
        ),
    };
    json.into_iter().chain(tables).chain([page]).collect()
}

fn kilobytes(size: usize) -> String {
    match size {
        size if size < 1_000 => format!("0.{} KB", size / 100),
        size => format!("{} KB", size / 1_000),
    }
}

/// Customers from the JSON of the same size, each written by `write`, until they are so long.
fn rows(
    size: usize,
    head: &str,
    foot: &str,
    write: impl Fn(&mut String, [&str; 6]) -> std::fmt::Result,
) -> Vec<u8> {
    let json = String::from_utf8(customers(8 * size)).expect("JSON is text");
    let mut text = head.to_owned();
    for customer in json.split("{\"type\"").skip(1) {
        let field = |name: &str| {
            let (_, after) = customer
                .split_once(name)
                .expect("each customer has each field");
            after.split(['"', ',', '}']).next().unwrap_or_default()
        };
        write(
            &mut text,
            [
                field("\"id\":"),
                field("\"company\":\""),
                field("\"city\":\""),
                field("\"country\":\""),
                field("\"orders\":"),
                field("\"revenue\":"),
            ],
        )
        .expect("a string takes whatever is written to it");
        if text.len() + foot.len() >= size {
            break;
        }
    }
    text.push_str(foot);
    text.into_bytes()
}
