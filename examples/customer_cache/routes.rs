//! The service: what each request does to the database and to the caches.

use std::sync::Arc;

use axum::extract::rejection::{JsonRejection, PathRejection, QueryRejection};
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::routing::get;
use axum::{Json, Router};
use serde::{Deserialize, Serialize};

use crate::caches::{Caches, Figures, blocking};
use crate::database::{AccountId, Change, Contact, CustomerId, Database, Profile, Updated};
use crate::error::{DatabaseError, RequestError};

/// The database and the caches in front of it.
pub(crate) struct Service {
    pub(crate) database: Arc<Database>,
    pub(crate) caches: Caches,
}

/// The paths that are answered.
pub(crate) fn router(service: Arc<Service>) -> Router {
    Router::new()
        .route("/customers/{id}", get(profile).put(update).delete(erase))
        .route("/accounts/{id}/customers", get(page))
        .route("/stats", get(stats))
        .fallback(async || RequestError::NoSuchPath)
        .with_state(service)
}

/// The number in a path, or why it is none.
type Id = Result<Path<i64>, PathRejection>;

#[derive(Debug, Deserialize)]
struct PageNumber {
    #[serde(default)]
    page: u32,
}

#[derive(Debug, Serialize)]
struct PageBody {
    account: AccountId,
    page: u32,
    customers: Vec<Arc<Contact>>,
}

#[derive(Debug, Serialize)]
struct UpdateBody {
    id: CustomerId,
    version: i64,
}

async fn profile(
    State(service): State<Arc<Service>>,
    id: Id,
) -> Result<Json<Arc<Profile>>, RequestError> {
    let Path(id) = id?;
    let profile = service.caches.profile(id).await?;
    profile.map(Json).ok_or(RequestError::NoSuchCustomer(id))
}

async fn page(
    State(service): State<Arc<Service>>,
    account: Id,
    number: Result<Query<PageNumber>, QueryRejection>,
) -> Result<Json<PageBody>, RequestError> {
    let Path(account) = account?;
    let Query(PageNumber { page }) = number?;
    let customers = service.caches.page(account, page).await?;
    Ok(Json(PageBody {
        account,
        page,
        customers,
    }))
}

async fn update(
    State(service): State<Arc<Service>>,
    id: Id,
    change: Result<Json<Change>, JsonRejection>,
) -> Result<Json<UpdateBody>, RequestError> {
    let Path(id) = id?;
    let Json(change) = change?;
    for (field, value) in [("name", &change.name), ("email", &change.email)] {
        if value.trim().is_empty() {
            return Err(RequestError::Empty(field));
        }
    }
    let updated = blocking(move || service.update(id, &change)).await?;
    let Updated { version, .. } = updated.ok_or(RequestError::NoSuchCustomer(id))?;
    Ok(Json(UpdateBody { id, version }))
}

async fn erase(State(service): State<Arc<Service>>, id: Id) -> Result<StatusCode, RequestError> {
    let Path(id) = id?;
    let account = blocking(move || service.erase(id)).await?;
    account.ok_or(RequestError::NoSuchCustomer(id))?;
    Ok(StatusCode::NO_CONTENT)
}

async fn stats(State(service): State<Arc<Service>>) -> Json<Figures> {
    Json(service.caches.figures())
}

/// A write and what it invalidates are one piece of blocking work. Were the invalidation left to the handler, a client
/// that goes away in between would leave the old record in the caches: its handler is dropped where it waits.
impl Service {
    fn update(&self, id: CustomerId, change: &Change) -> Result<Option<Updated>, DatabaseError> {
        let updated = self.database.update(id, change);
        // After an error too: a commit that reports one may have happened.
        let accounts = match &updated {
            Ok(Some(updated)) => &[updated.account_before, change.account][..],
            Ok(None) | Err(_) => &[change.account],
        };
        self.caches.changed(id, accounts);
        updated
    }

    fn erase(&self, id: CustomerId) -> Result<Option<AccountId>, DatabaseError> {
        let deleted = self.database.delete(id);
        let account = deleted.as_ref().ok().copied().flatten();
        self.caches.erased(id, account.as_slice());
        deleted
    }
}
