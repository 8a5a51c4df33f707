//! The table that holds the checkpoints of jobs, and all SQL about it.
//!
//! A row is read with suspicion: what no run can have written is an error, and never a guess.

use rusqlite::types::ValueRef;
use rusqlite::{Connection, OptionalExtension, Row, params};

use super::SqliteError;
use crate::{Checkpoint, Entry, Fingerprint, JobId, Position};

/// The format of the rows that this version writes, and the only one that it reads.
const FORMAT: i64 = 1;

/// Fingerprints are text of 16 hexadecimal digits and a position is decimal text, because SQLite's integers have a sign.
const CREATE: &str = "CREATE TABLE IF NOT EXISTS main.crm_batch_ledger (
    job TEXT NOT NULL PRIMARY KEY,
    format INTEGER NOT NULL,
    run TEXT NOT NULL,
    parameters TEXT NOT NULL,
    input TEXT NOT NULL,
    position TEXT,
    past INTEGER NOT NULL,
    records INTEGER NOT NULL,
    written INTEGER NOT NULL,
    filtered INTEGER NOT NULL,
    skipped INTEGER NOT NULL,
    chunks INTEGER NOT NULL,
    complete INTEGER NOT NULL
) WITHOUT ROWID";

const COLUMNS: [&str; 13] = [
    "format",
    "job",
    "run",
    "parameters",
    "input",
    "position",
    "past",
    "records",
    "written",
    "filtered",
    "skipped",
    "chunks",
    "complete",
];

/// The right of one run to move the row of its job, as long as no other run has claimed it.
#[derive(Debug)]
pub(super) struct Claim {
    job: String,
    run: String,
}

/// The checkpoint of a job, if there is one. It changes nothing.
pub(super) fn read(connection: &Connection, job: &str) -> Result<Option<Checkpoint>, SqliteError> {
    let columns = columns(connection)?;
    if columns.is_empty() {
        return Ok(None);
    }
    // The format comes first: another one may well have other columns.
    for needed in ["format", "job"] {
        check(&columns, needed)?;
    }
    let format = connection
        .prepare("SELECT format FROM main.crm_batch_ledger WHERE job = ?1")?
        .query_row([job], |row| {
            Ok(match row.get_ref(0)? {
                ValueRef::Integer(format) => Some(format),
                _ => None,
            })
        })
        .optional()?;
    match format {
        None => return Ok(None),
        Some(None) => return Err(SqliteError::Damaged("format")),
        Some(Some(FORMAT)) => (),
        Some(Some(other)) => return Err(SqliteError::UnknownFormat(other)),
    }
    for needed in COLUMNS {
        check(&columns, needed)?;
    }
    connection
        .prepare(
            "SELECT parameters, input, position, past, records, written, filtered, skipped, chunks, complete
             FROM main.crm_batch_ledger WHERE job = ?1",
        )?
        .query_row([job], |row| Ok(checkpoint(job, row)))
        .optional()?
        .transpose()
}

/// Makes this run the only one that may move the job's row, which from now on is there, and says what an earlier run has
/// done, or that nothing is done. To be called in a transaction.
pub(super) fn claim(
    connection: &Connection,
    job: &JobId,
    from: Option<&Entry>,
) -> Result<Claim, SqliteError> {
    // Random, because a counter would begin anew when the row is gone, and an orphan of then could pass for the run of now.
    let run: String =
        connection.query_row("SELECT lower(hex(randomblob(16)))", [], |row| row.get(0))?;
    let claim = Claim {
        job: job.name.clone(),
        run,
    };
    if from.is_some() {
        let changed = connection.execute(
            "UPDATE main.crm_batch_ledger SET run = ?2 WHERE job = ?1",
            params![claim.job, claim.run],
        )?;
        return one(changed).map(|()| claim);
    }
    connection.execute(
        "INSERT OR REPLACE INTO main.crm_batch_ledger
         (job, format, run, parameters, input, position, past, records, written, filtered, skipped, chunks, complete)
         VALUES (?1, ?2, ?3, ?4, ?5, NULL, 0, 0, 0, 0, 0, 0, 0)",
        params![
            claim.job,
            FORMAT,
            claim.run,
            hex(job.parameters),
            hex(job.input)
        ],
    )?;
    Ok(claim)
}

/// Makes the table if it is not there.
pub(super) fn create(connection: &Connection) -> Result<(), SqliteError> {
    connection.execute(CREATE, [])?;
    let columns = columns(connection)?;
    COLUMNS
        .into_iter()
        .try_for_each(|needed| check(&columns, needed))
}

impl Claim {
    /// Writes what is done, unless another run has claimed the job.
    pub(super) fn advance(
        &self,
        connection: &Connection,
        entry: &Entry,
        complete: bool,
    ) -> Result<(), SqliteError> {
        let changed = connection
            .prepare_cached(
                "UPDATE main.crm_batch_ledger
                 SET position = ?3, past = ?4, records = ?5, written = ?6, filtered = ?7, skipped = ?8, chunks = ?9,
                     complete = ?10
                 WHERE job = ?1 AND run = ?2",
            )?
            .execute(params![
                self.job,
                self.run,
                entry.position.map(|Position(place)| place.to_string()),
                number("past", entry.past)?,
                number("records", entry.records)?,
                number("written", entry.written)?,
                number("filtered", entry.filtered)?,
                number("skipped", entry.skipped)?,
                number("chunks", entry.chunks)?,
                complete,
            ])?;
        one(changed)
    }

    /// Removes the job's row, unless another run has claimed the job.
    pub(super) fn remove(&self, connection: &Connection) -> Result<(), SqliteError> {
        one(connection.execute(
            "DELETE FROM main.crm_batch_ledger WHERE job = ?1 AND run = ?2",
            params![self.job, self.run],
        )?)
    }
}

/// The columns of the table; none when there is no table.
fn columns(connection: &Connection) -> Result<Vec<String>, SqliteError> {
    Ok(connection
        .prepare("PRAGMA main.table_info(crm_batch_ledger)")?
        .query_map([], |row| row.get(1))?
        .collect::<Result<_, _>>()?)
}

fn check(columns: &[String], needed: &'static str) -> Result<(), SqliteError> {
    if columns.iter().any(|column| column == needed) {
        Ok(())
    } else {
        Err(SqliteError::MissingColumn(needed))
    }
}

/// Each statement of a claim changes its own row, or finds that it is not its own any more.
fn one(changed: usize) -> Result<(), SqliteError> {
    if changed == 1 {
        Ok(())
    } else {
        Err(SqliteError::Overtaken)
    }
}

fn checkpoint(job: &str, row: &Row<'_>) -> Result<Checkpoint, SqliteError> {
    let id = JobId::new(
        job,
        fingerprint(row, "parameters")?,
        fingerprint(row, "input")?,
    )
    .map_err(|_| SqliteError::Damaged("job"))?;
    let entry = Entry {
        position: position(row)?,
        past: count(row, "past")?,
        records: count(row, "records")?,
        written: count(row, "written")?,
        filtered: count(row, "filtered")?,
        skipped: count(row, "skipped")?,
        chunks: count(row, "chunks")?,
    };
    let settled =
        u128::from(entry.written) + u128::from(entry.filtered) + u128::from(entry.skipped);
    if u128::from(entry.records) != settled {
        return Err(SqliteError::Damaged("records"));
    }
    let whole = entry.position.is_none();
    if entry.past > entry.records || (whole && entry.past != entry.records) {
        return Err(SqliteError::Damaged("past"));
    }
    let complete = match count(row, "complete")? {
        0 => false,
        1 => true,
        _ => return Err(SqliteError::Damaged("complete")),
    };
    Ok(Checkpoint::new(id, entry, complete))
}

fn text<'r>(row: &'r Row<'_>, column: &'static str) -> Result<Option<&'r str>, SqliteError> {
    match row.get_ref(column)? {
        ValueRef::Null => Ok(None),
        ValueRef::Text(bytes) => match std::str::from_utf8(bytes) {
            Ok(text) => Ok(Some(text)),
            Err(_) => Err(SqliteError::Damaged(column)),
        },
        _ => Err(SqliteError::Damaged(column)),
    }
}

/// A number as this version writes it, and no other spelling of it.
fn fingerprint(row: &Row<'_>, column: &'static str) -> Result<Fingerprint, SqliteError> {
    let text = text(row, column)?;
    text.and_then(|text| u64::from_str_radix(text, 16).ok())
        .map(Fingerprint)
        .filter(|&fingerprint| text == Some(&hex(fingerprint)))
        .ok_or(SqliteError::Damaged(column))
}

fn position(row: &Row<'_>) -> Result<Option<Position>, SqliteError> {
    let Some(text) = text(row, "position")? else {
        return Ok(None);
    };
    match text.parse::<u64>() {
        Ok(place) if place.to_string() == text => Ok(Some(Position(place))),
        _ => Err(SqliteError::Damaged("position")),
    }
}

fn count(row: &Row<'_>, column: &'static str) -> Result<u64, SqliteError> {
    match row.get_ref(column)? {
        ValueRef::Integer(count) => u64::try_from(count).map_err(|_| SqliteError::Damaged(column)),
        _ => Err(SqliteError::Damaged(column)),
    }
}

fn number(column: &'static str, number: u64) -> Result<i64, SqliteError> {
    i64::try_from(number).map_err(|_| SqliteError::TooLarge(column))
}

fn hex(Fingerprint(bits): Fingerprint) -> String {
    format!("{bits:016x}")
}
