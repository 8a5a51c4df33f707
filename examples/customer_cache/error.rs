//! What can go wrong: in the database, for a request, and for the program.

use std::fmt;
use std::io::{self, Write};
use std::net::SocketAddr;
use std::path::PathBuf;

use axum::Json;
use axum::extract::rejection::{JsonRejection, PathRejection, QueryRejection};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use crm_perf::cache::{BuildError, LoadError};

use crate::database::CustomerId;

/// The database gives no answer.
#[derive(Debug)]
pub(crate) enum DatabaseError {
    Sqlite(rusqlite::Error),
    /// The file holds something else.
    Foreign,
    /// The work was given up: it panicked, or the program ends.
    Interrupted,
}

impl fmt::Display for DatabaseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sqlite(error) => write!(f, "{error}"),
            Self::Foreign => {
                f.write_str("it is a database of another program: name a new file, or one of ours")
            }
            Self::Interrupted => f.write_str("the work on the database was given up"),
        }
    }
}

impl std::error::Error for DatabaseError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Sqlite(error) => Some(error),
            Self::Foreign | Self::Interrupted => None,
        }
    }
}

impl From<rusqlite::Error> for DatabaseError {
    fn from(error: rusqlite::Error) -> Self {
        Self::Sqlite(error)
    }
}

/// Why a request has no other answer.
#[derive(Debug)]
pub(crate) enum RequestError {
    NoSuchCustomer(CustomerId),
    NoSuchPath,
    /// The request is none that we understand.
    Rejected {
        status: StatusCode,
        reason: String,
    },
    /// A field that may not be empty is.
    Empty(&'static str),
    /// A load of the cache came to nothing.
    Load(LoadError<DatabaseError>),
    /// The database has failed a write.
    Database(DatabaseError),
}

impl RequestError {
    fn status(&self) -> StatusCode {
        match self {
            Self::NoSuchCustomer(_) | Self::NoSuchPath => StatusCode::NOT_FOUND,
            Self::Rejected { status, .. } => *status,
            Self::Empty(_) => StatusCode::UNPROCESSABLE_ENTITY,
            Self::Load(LoadError::Failed(_) | LoadError::TimedOut) | Self::Database(_) => {
                StatusCode::SERVICE_UNAVAILABLE
            }
            Self::Load(_) => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }
}

impl fmt::Display for RequestError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoSuchCustomer(id) => write!(f, "there is no customer {id}"),
            Self::NoSuchPath => f.write_str("there is nothing at this path"),
            Self::Rejected { reason, .. } => f.write_str(reason),
            Self::Empty(field) => write!(f, "{field} is empty: give it a value"),
            // With the cause, for whoever asks by `{:#}`.
            Self::Load(error) => fmt::Display::fmt(error, f),
            Self::Database(error) => fmt::Display::fmt(error, f),
        }
    }
}

impl std::error::Error for RequestError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Load(error) => Some(error),
            Self::Database(error) => Some(error),
            _ => None,
        }
    }
}

impl IntoResponse for RequestError {
    fn into_response(self) -> Response {
        let status = self.status();
        let text = if status.is_server_error() {
            // What the database says is for the operator. Nobody is left to tell if that cannot be written.
            let _ = writeln!(io::stderr(), "customer_cache: {self:#}");
            "the customer database gives no answer: try again later".to_owned()
        } else {
            self.to_string()
        };
        let mut response = (status, Json(serde_json::json!({ "error": text }))).into_response();
        if status == StatusCode::SERVICE_UNAVAILABLE {
            let soon = header::HeaderValue::from_static("1");
            response.headers_mut().insert(header::RETRY_AFTER, soon);
        }
        response
    }
}

impl From<LoadError<DatabaseError>> for RequestError {
    fn from(error: LoadError<DatabaseError>) -> Self {
        Self::Load(error)
    }
}

impl From<DatabaseError> for RequestError {
    fn from(error: DatabaseError) -> Self {
        Self::Database(error)
    }
}

impl From<PathRejection> for RequestError {
    fn from(rejection: PathRejection) -> Self {
        Self::Rejected {
            status: rejection.status(),
            reason: rejection.body_text(),
        }
    }
}

impl From<QueryRejection> for RequestError {
    fn from(rejection: QueryRejection) -> Self {
        Self::Rejected {
            status: rejection.status(),
            reason: rejection.body_text(),
        }
    }
}

impl From<JsonRejection> for RequestError {
    fn from(rejection: JsonRejection) -> Self {
        Self::Rejected {
            status: rejection.status(),
            reason: rejection.body_text(),
        }
    }
}

/// A reason for the program to stop. Its text fits on one line and names what to look at.
#[derive(Debug)]
pub(crate) enum Failure {
    Database {
        file: PathBuf,
        error: DatabaseError,
    },
    /// No temporary folder can be made.
    Folder(io::Error),
    Runtime(io::Error),
    Listen {
        address: SocketAddr,
        error: io::Error,
    },
    Serve(io::Error),
    Cache(BuildError),
    /// The self-test has seen what it must never see.
    Promise(String),
    Output(io::Error),
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Database { file, error } => write!(f, "cannot use {}: {error}", file.display()),
            Self::Folder(error) => write!(f, "cannot make a temporary folder: {error}"),
            Self::Runtime(error) => write!(f, "cannot start threads: {error}"),
            Self::Listen { address, error } => write!(f, "cannot listen on {address}: {error}"),
            Self::Serve(error) => write!(f, "cannot serve any more: {error}"),
            Self::Cache(error) => write!(f, "{error}"),
            Self::Promise(what) => write!(f, "broken promise: {what}"),
            Self::Output(error) => write!(f, "cannot write to standard output: {error}"),
        }
    }
}

impl std::error::Error for Failure {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Database { error, .. } => Some(error),
            Self::Folder(error)
            | Self::Runtime(error)
            | Self::Listen { error, .. }
            | Self::Serve(error)
            | Self::Output(error) => Some(error),
            Self::Cache(error) => Some(error),
            Self::Promise(_) => None,
        }
    }
}
