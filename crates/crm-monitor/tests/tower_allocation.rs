//! A request through the layer allocates nothing once its method, status and route have been seen. The figures are those of
//! the whole process, so this file has one test.
#![cfg(all(feature = "tower", not(loom)))]

use std::alloc::System;
use std::convert::Infallible;
use std::future::{Future, ready};
use std::pin::pin;
use std::task::{Context, Poll, Waker};

use bytes::Bytes;
use crm_monitor::{Monitor, MonitorLayer};
use http::{Request, Response};
use http_body::Body;
use http_body_util::Full;
use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};
use tower::{Layer, Service, service_fn};

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

#[test]
fn a_request_allocates_nothing_in_the_steady_state() {
    let monitor = Monitor::new();
    let layers = [
        MonitorLayer::new(&monitor).unwrap(),
        MonitorLayer::builder(&monitor)
            .prefix("routed")
            .route(|request| Some(request.uri().path()))
            .limit(1)
            .build()
            .unwrap(),
    ];
    for layer in layers {
        let mut service = layer.layer(service_fn(|_: Request<_>| {
            let body = Full::new(Bytes::from_static(b"{}"));
            ready(Ok::<_, Infallible>(Response::new(body)))
        }));
        let mut send = |path: &'static str| {
            let mut request = Request::new(());
            *request.uri_mut() = http::Uri::from_static(path);
            let context = &mut Context::from_waker(Waker::noop());
            let Poll::Ready(Ok(response)) = pin!(service.call(request)).poll(context) else {
                panic!("it does not wait");
            };
            let mut body = pin!(response.into_body());
            while let Poll::Ready(Some(_)) = body.as_mut().poll_frame(context) {}
        };
        // The second is beyond the limit.
        for path in ["/", "/beyond"] {
            send(path);
            let region = Region::new(ALLOCATOR);
            for _ in 0..100 {
                send(path);
            }
            let change = region.change();
            assert_eq!((change.allocations, change.reallocations), (0, 0), "{path}");
        }
        assert_eq!(layer.response_times().snapshot().count(), 202);
    }
}
