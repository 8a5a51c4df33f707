//! Live figures of a running service.
