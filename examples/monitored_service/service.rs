//! The customers as they are asked for: from the cache, and what it does not have from the database.

use std::sync::Arc;

use axum::extract::rejection::{PathRejection, QueryRejection};
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::{Json, Router, middleware, routing::get};
use crm_perf::cache::{BuildError, Cache, LoadError};
use serde::{Deserialize, Serialize};

use crate::database::{Customer, CustomerId, Database, DatabaseError};
use crate::trouble::{Trouble, befall};

/// The database, and the cache before it.
#[derive(Debug)]
pub(crate) struct Service {
    database: Arc<Database>,
    /// That there is no such customer is remembered too.
    pub(crate) cache: Cache<CustomerId, Option<Arc<Customer>>>,
}

impl Service {
    pub(crate) fn new(database: Arc<Database>, capacity: usize) -> Result<Self, BuildError> {
        Ok(Self {
            database,
            cache: Cache::builder(capacity).build()?,
        })
    }
}

/// The paths of customers. The monitor's layer goes around them and what befalls their requests.
pub(crate) fn customers(service: Arc<Service>, trouble: Arc<Trouble>) -> Router {
    Router::new()
        .route("/customers/{id}", get(customer))
        .route("/customers", get(page))
        .with_state(service)
        .route_layer(middleware::from_fn_with_state(trouble, befall))
}

#[derive(Debug, Deserialize)]
struct PageNumber {
    #[serde(default)]
    page: u32,
}

#[derive(Debug, Serialize)]
struct PageBody {
    page: u32,
    customers: Vec<Customer>,
}

async fn customer(
    State(service): State<Arc<Service>>,
    id: Result<Path<CustomerId>, PathRejection>,
) -> Result<Json<Arc<Customer>>, RequestError> {
    let Path(id) = id?;
    let load = |id| {
        let database = Arc::clone(&service.database);
        async move { Ok(database.customer(id).await?.map(Arc::new)) }
    };
    let customer = service.cache.get_or_load_async(&id, load).await?;
    customer.map(Json).ok_or(RequestError::NoSuchCustomer(id))
}

async fn page(
    State(service): State<Arc<Service>>,
    number: Result<Query<PageNumber>, QueryRejection>,
) -> Result<Json<PageBody>, RequestError> {
    let Query(PageNumber { page }) = number?;
    let customers = Arc::clone(&service.database).page(page).await?;
    Ok(Json(PageBody { page, customers }))
}

/// Why a request has no other answer.
#[derive(Debug)]
pub(crate) enum RequestError {
    NoSuchCustomer(CustomerId),
    /// The request is none that we understand.
    Rejected {
        status: StatusCode,
        reason: String,
    },
    /// The database gives no answer.
    Database,
}

impl IntoResponse for RequestError {
    fn into_response(self) -> Response {
        let (status, text) = match self {
            Self::NoSuchCustomer(id) => {
                (StatusCode::NOT_FOUND, format!("there is no customer {id}"))
            }
            Self::Rejected { status, reason } => (status, reason),
            Self::Database => (
                StatusCode::SERVICE_UNAVAILABLE,
                "the customer database gives no answer: try again later".to_owned(),
            ),
        };
        (status, Json(serde_json::json!({ "error": text }))).into_response()
    }
}

impl From<LoadError<DatabaseError>> for RequestError {
    fn from(_: LoadError<DatabaseError>) -> Self {
        Self::Database
    }
}

impl From<DatabaseError> for RequestError {
    fn from(_: DatabaseError) -> Self {
        Self::Database
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
