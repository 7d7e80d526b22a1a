//! What is told to OpenTelemetry collectors: spans, logs and metrics over OTLP, by gRPC or HTTP.
//!
//! An exporter of the project's own, because that of OpenTelemetry's SDK blocks a thread of a runtime while it sends, and the proxy has
//! none to spare. Whoever has something to tell leaves it in a bounded [queue](Queue), without waiting; a thread of its own takes it from
//! there, in batches, and backs off as the protocol asks. What there is no room for is dropped and counted.
//!
//! # Layout
//!
//! - [`Environment`]: what the standard variables say of where to and how.
//! - [`Span`]: what is told of something that took time. [`resource`]: of whom it is told. [`attribute`]: names and values.
//! - [`Queue`], [`Lane`]: what waits to be sent. [`Counts`]: what became of it.
//! - `transport`: one request to a collector, and what it said. `back_off`: when it is asked again.
//! - [`Exporter`]: the thread that sends. [`metrics`]: what it reads metrics from.
//! - [`AccessLogService`]: Envoy's way of telling of requests.
//! - [`open_metrics`]: metrics for those who fetch them. [`process`]: what a process uses of its machine.

mod access_log_service;
pub mod attribute;
mod back_off;
mod counts;
mod environment;
mod exporter;
pub mod metrics;
pub mod open_metrics;
pub mod process;
mod queue;
pub mod resource;
mod signal;
mod span;
mod transport;

pub use access_log_service::AccessLogService;
pub use counts::{Counts, SignalCounts};
pub use environment::{Environment, EnvironmentError};
pub use exporter::{Exporter, Sources, Targets};
pub use queue::{Lane, Queue};
pub use signal::Signal;
pub use span::{Span, SpanKind, Timed};
