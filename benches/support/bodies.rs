//! Response bodies: JSON lists of customers as a CRM sends them.

use std::env;
use std::fs;
use std::path::Path;

#[path = "customer_list.rs"]
mod customer_list;

use customer_list::customers;

/// The variable that names a folder of `.json` files to compress instead of the generated bodies.
const FOLDER: &str = "CRM_PERF_BODIES";

/// A body and the name under which its figures are reported.
#[derive(Debug)]
pub(crate) struct Body {
    pub(crate) name: String,
    pub(crate) bytes: Vec<u8>,
}

/// The `.json` files of the folder that `CRM_PERF_BODIES` names; without it, generated lists of 0.4, 1, 10 and 100 KB.
pub(crate) fn bodies() -> Vec<Body> {
    match env::var_os(FOLDER) {
        Some(folder) => from_folder(Path::new(&folder)),
        None => [
            ("0.4KB", 400),
            ("1KB", 1_000),
            ("10KB", 10_000),
            ("100KB", 100_000),
        ]
        .map(|(name, size)| Body {
            name: name.to_owned(),
            bytes: customers(size),
        })
        .into(),
    }
}

fn from_folder(folder: &Path) -> Vec<Body> {
    let shown = folder.display();
    let mut paths: Vec<_> = fs::read_dir(folder)
        .unwrap_or_else(|error| panic!("{FOLDER}={shown} cannot be read: {error}"))
        .map(|entry| entry.expect("the folder can be read to its end").path())
        .filter(|path| {
            path.extension()
                .is_some_and(|extension| extension == "json")
        })
        .collect();
    assert!(!paths.is_empty(), "{FOLDER}={shown} has no .json file");
    paths.sort();
    paths
        .iter()
        .map(|path| Body {
            name: path
                .file_stem()
                .unwrap_or_default()
                .to_string_lossy()
                .into_owned(),
            bytes: fs::read(path).unwrap_or_else(|error| panic!("{}: {error}", path.display())),
        })
        .collect()
}
