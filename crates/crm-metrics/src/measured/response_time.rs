//! Three ways to cut a response time into parts, by where one stands.

use core::time::Duration;

/// Response time as the server sees it: queueing, service and waiting.
///
/// # Formula
///
/// ```text
/// RT = T_q + T_s + T_w
/// ```
///
/// `T_q` is the time spent in a queue before a worker took the request, `T_s` the time the worker spent on it, and
/// `T_w` the time in which the request, already taken, waited for something else (a lock, a database, a disk).
///
/// Source: the definition; E. D. Lazowska and others, "Quantitative System Performance", Prentice Hall 1984, have service
/// and queueing, summed over the centres visited.
///
/// # Example
///
/// ```
/// use crm_metrics::QueueTime;
/// use std::time::Duration;
///
/// let look_up = QueueTime {
///     queueing: Duration::from_micros(300),
///     service: Duration::from_micros(150),
///     waiting: Duration::from_micros(50),
/// };
/// assert_eq!(look_up.total(), Duration::from_micros(500));
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct QueueTime {
    /// `T_q`: in the queue, before a worker took the request.
    pub queueing: Duration,
    /// `T_s`: worked on.
    pub service: Duration,
    /// `T_w`: taken, but waiting for something else.
    pub waiting: Duration,
}

impl QueueTime {
    /// The response time, at most [`Duration::MAX`].
    #[must_use]
    pub const fn total(&self) -> Duration {
        sum(self.queueing, self.service, self.waiting)
    }
}

/// Response time as the protocol sees it: request, processing and response.
///
/// # Formula
///
/// ```text
/// RT = T_request + T_processing + T_response
/// ```
///
/// `T_request` is the time to send the request, `T_processing` the time until the first byte of the answer is ready,
/// and `T_response` the time to send the answer.
///
/// Source: R. Jain, "The Art of Computer Systems Performance Analysis", Wiley 1991.
///
/// # Example
///
/// ```
/// use crm_metrics::ExchangeTime;
/// use std::time::Duration;
///
/// let list = ExchangeTime {
///     request: Duration::from_millis(2),
///     processing: Duration::from_millis(30),
///     response: Duration::from_millis(8),
/// };
/// assert_eq!(list.total(), Duration::from_millis(40));
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct ExchangeTime {
    /// Sending the request.
    pub request: Duration,
    /// From the request's arrival to the first byte of the answer.
    pub processing: Duration,
    /// Sending the answer.
    pub response: Duration,
}

impl ExchangeTime {
    /// The response time, at most [`Duration::MAX`].
    #[must_use]
    pub const fn total(&self) -> Duration {
        sum(self.request, self.processing, self.response)
    }
}

/// Response time as the user sees it: processing, network latency and system response.
///
/// # Formula
///
/// ```text
/// RT = T_processing + T_network + T_system
/// ```
///
/// `T_processing` is the application's own work, `T_network` the latency of the network there and back, and `T_system`
/// the response of the systems behind the application (database, storage, other services).
///
/// Source: D. A. Menascé and V. A. F. Almeida, "Capacity Planning for Web Services", Prentice Hall 2001.
///
/// # Example
///
/// ```
/// use crm_metrics::PathTime;
/// use std::time::Duration;
///
/// let page = PathTime {
///     processing: Duration::from_millis(5),
///     network_latency: Duration::from_millis(40),
///     system_response: Duration::from_millis(15),
/// };
/// assert_eq!(page.total(), Duration::from_millis(60));
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct PathTime {
    /// The application's own work.
    pub processing: Duration,
    /// The network, there and back.
    pub network_latency: Duration,
    /// The systems behind the application.
    pub system_response: Duration,
}

impl PathTime {
    /// The response time, at most [`Duration::MAX`].
    #[must_use]
    pub const fn total(&self) -> Duration {
        sum(self.processing, self.network_latency, self.system_response)
    }
}

const fn sum(a: Duration, b: Duration, c: Duration) -> Duration {
    a.saturating_add(b).saturating_add(c)
}
