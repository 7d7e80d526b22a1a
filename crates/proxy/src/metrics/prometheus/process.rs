use crate::counts::Guard;
use crate::metrics::family::Family;
use crate::metrics::family::Read::{Grows, Level, Levels, Rise, Rises};
use crate::metrics::{CLASSES, Process};
use backstay_upstream::counts::FailureCounts;

/// Counts by cause, as series.
pub(super) fn by_cause(counts: &FailureCounts) -> Vec<(&'static str, u64)> {
    counts.by_cause().map(|(cause, count)| (cause.as_str(), count)).collect()
}

/// The process, beside its backends.
pub(super) const FAMILIES: &[Family<Process>] = &[
    Family {
        name: "backstay_build_info",
        help: "1, with the version of this program.",
        read: Levels("version", |_| vec![(env!("CARGO_PKG_VERSION"), 1.0)]),
    },
    Family {
        name: "process_open_fds",
        help: "Open file descriptors.",
        read: Level(|process| process.usage.open_files.map(|open| open as f64)),
    },
    Family {
        name: "process_max_fds",
        help: "How many file descriptors may be open.",
        read: Level(|process| process.usage.max_files.map(|most| most as f64)),
    },
    Family {
        name: "process_resident_memory_bytes",
        help: "Memory in use.",
        read: Level(|process| process.usage.resident.map(|bytes| bytes as f64)),
    },
    Family {
        name: "process_cpu_seconds_total",
        help: "Processor time used.",
        read: Grows(|process| process.usage.cpu),
    },
    Family {
        name: "process_start_time_seconds",
        help: "When the process started, in seconds since 1970.",
        read: Level(|process| process.usage.started),
    },
    Family {
        name: "backstay_draining",
        help: "1 once the process has begun to end.",
        read: Level(|process| Some(f64::from(u8::from(process.draining)))),
    },
    Family {
        name: "backstay_ready",
        help: "1 while new requests may be sent here, as GET /ready says.",
        read: Level(|process| Some(f64::from(u8::from(process.ready)))),
    },
    Family {
        name: "backstay_connections_accepted_total",
        help: "Connections from clients taken in.",
        read: Rise(|process| process.server.accepted.get()),
    },
    Family {
        name: "backstay_connections",
        help: "Connections from clients open now.",
        read: Level(|process| Some(process.server.connections.get() as f64)),
    },
    Family {
        name: "backstay_connections_resting",
        help: "Connections from clients open now that have been idle for a second or more, and have given up their buffers.",
        read: Level(|process| Some(process.server.parked.get() as f64)),
    },
    Family {
        name: "backstay_connections_refused_total",
        help: "Connections closed at once because max-connections was reached.",
        read: Rise(|process| process.server.connections_refused.get()),
    },
    Family {
        name: "backstay_accept_failures_total",
        help: "Connections that the system did not hand over, as when file descriptors run out.",
        read: Rise(|process| process.server.accept_failures.get()),
    },
    Family {
        name: "backstay_header_timeouts_total",
        help: "Connections cut because a handshake or a request's head took too long.",
        read: Rise(|process| process.server.header_timeouts.get()),
    },
    Family {
        name: "backstay_idle_timeouts_total",
        help: "Connections closed because they carried no request for too long.",
        read: Rise(|process| process.server.idle_timeouts.get()),
    },
    Family {
        name: "backstay_stream_idle_timeouts_total",
        help: "Connections cut because nothing moved during a request.",
        read: Rise(|process| process.server.stream_idle_timeouts.get()),
    },
    Family {
        name: "backstay_request_timeouts_total",
        help: "Requests cut because body or answer took longer than their listener allows.",
        read: Rise(|process| process.server.request_timeouts.get()),
    },
    Family {
        name: "backstay_handshake_failures_total",
        help: "TLS handshakes with clients that failed.",
        read: Rise(|process| process.server.handshake_failures.get()),
    },
    Family {
        name: "backstay_heads_too_large_total",
        help: "Requests refused because their head was too long or had too many lines.",
        read: Rise(|process| process.server.heads_too_large.get()),
    },
    Family {
        name: "backstay_interim_answers_dropped_total",
        help: "Interim answers of endpoints, such as 103, that were not passed on to a client.",
        read: Rise(|process| process.server.interim_dropped.get()),
    },
    Family {
        name: "backstay_protocol_errors_total",
        help: "Connections closed because what arrived was not HTTP.",
        read: Rise(|process| process.server.protocol_errors.get()),
    },
    Family {
        name: "backstay_http2_floods_total",
        help: "HTTP/2 connections ended because their client sent too many frames for nothing, by the frame.",
        read: Rises("frame", |process| {
            let floods = &process.server.floods;
            vec![
                ("ping", floods.ping.get()),
                ("settings", floods.settings.get()),
                ("priority", floods.priority.get()),
                ("window_update", floods.window_update.get()),
                ("other", floods.other.get()),
                ("resets", floods.resets.get()),
            ]
        }),
    },
    Family {
        name: "backstay_streams_full_total",
        help: "Times that an HTTP/2 connection came to carry as many requests as one may.",
        read: Rise(|process| process.server.streams_full.get()),
    },
    Family {
        name: "backstay_local_replies_total",
        help: "Requests that the proxy answered itself, by class of status.",
        read: Rises("class", |process| {
            CLASSES.iter().zip(&process.server.local_replies).map(|(class, count)| (*class, count.get())).collect()
        }),
    },
    Family {
        name: "backstay_guard_answers_total",
        help: "Requests that a guard answered in place of the action of their rule, by guard.",
        read: Rises("guard", |process| {
            Guard::ALL.map(|guard| (guard.as_str(), process.server.guards.get(guard))).into()
        }),
    },
    Family {
        name: "backstay_tokens_verified_total",
        help: "Tokens whose signature was verified. Those that were verified before and are remembered do not count.",
        read: Rise(|process| process.server.tokens.verified.get()),
    },
    Family {
        name: "backstay_tokens_remembered_total",
        help: "Tokens whose signature had been verified before.",
        read: Rise(|process| process.server.tokens.remembered.get()),
    },
    Family {
        name: "backstay_tokens_refused_total",
        help: "Tokens that were refused, or missing, by cause.",
        read: Rises("cause", |process| process.server.tokens.refused()),
    },
    Family {
        name: "backstay_key_fetches_total",
        help: "Key sets that were fetched to verify tokens with, or could not be.",
        read: Rises("outcome", |process| {
            let tokens = &process.server.tokens;
            vec![("fetched", tokens.fetched.get()), ("failed", tokens.fetches_failed.get())]
        }),
    },
    Family {
        name: "backstay_key_fetches_waited_for_total",
        help: "Requests that waited until the keys for their token had been fetched.",
        read: Rise(|process| process.server.tokens.waited.get()),
    },
    Family {
        name: "backstay_key_fetches_crowded_total",
        help: "Requests that were refused because as many waited for a key set already as may.",
        read: Rise(|process| process.server.tokens.crowded.get()),
    },
    Family {
        name: "backstay_rate_limit_clients",
        help: "Clients whose requests are counted for rate limits.",
        read: Level(|process| Some(process.server.rate_limit_clients.present() as f64)),
    },
    Family {
        name: "backstay_rate_limit_clients_forgotten_total",
        help: "Clients that had used up some of a rate limit and were forgotten, because max-rate-limit-clients was reached.",
        read: Rise(|process| process.server.rate_limit_clients.forgotten()),
    },
    Family {
        name: "backstay_destination_failures_total",
        help: "Requests of sequences that no destination answered, by cause.",
        read: Rises("cause", |process| by_cause(&process.server.destination_failures)),
    },
    Family {
        name: "backstay_live_sessions",
        help: "Sessions of top and tap that are open.",
        read: Level(|process| Some(process.server.live_sessions.get() as f64)),
    },
    Family {
        name: "backstay_live_sessions_refused_total",
        help: "Sessions of top and tap that were refused because max-live-sessions were open.",
        read: Rise(|process| process.server.live_sessions_refused.get()),
    },
    Family {
        name: "backstay_live_requests_missed_total",
        help: "Requests that a tap was not told of: more than its limit, or than whoever looks could take.",
        read: Rise(|process| process.server.live_requests_missed.get()),
    },
    Family {
        name: "backstay_access_log_dropped_total",
        help: "Access log lines lost, because the writer was behind or could not write.",
        read: Rises("cause", |process| {
            vec![("queue", process.server.log_lines_dropped.get()), ("write", process.server.log_lines_unwritten.get())]
        }),
    },
    Family {
        name: "backstay_access_log_failures_total",
        help: "Attempts to write the access log that failed, as on a full disk.",
        read: Rise(|process| process.server.log_failures.get()),
    },
    Family {
        name: "backstay_mirrors_dropped_total",
        help: "Copies of requests that came to nothing.",
        read: Rises("cause", |process| {
            let dropped = &process.server.mirrors_dropped;
            vec![
                ("max_mirrors", dropped.max_mirrors.get()),
                ("mirror_buffer", dropped.buffer.get()),
                ("timeout", dropped.timeout.get()),
                ("failed", dropped.failed.get()),
                ("upgrade", dropped.upgrade.get()),
            ]
        }),
    },
    Family {
        name: "backstay_calls_refused_total",
        help: "Calls of compositions that were not made, by what refused them.",
        read: Rises("cause", |process| {
            let refused = &process.server.calls_refused;
            vec![("breaker", refused.breaker.get()), ("rate_limit", refused.rate_limit.get())]
        }),
    },
    Family {
        name: "backstay_call_breakers_opened_total",
        help: "Times that a breaker of calls opened.",
        read: Rise(|process| process.server.breakers_opened.get()),
    },
    Family {
        name: "backstay_answer_cache_bytes",
        help: "Bytes of answers that are kept for calls of compositions.",
        read: Level(|process| Some(process.server.answer_caches.statistics().bytes as f64)),
    },
    Family {
        name: "backstay_answer_cache_answers",
        help: "Answers that are kept for calls of compositions.",
        read: Level(|process| Some(process.server.answer_caches.statistics().items as f64)),
    },
    Family {
        name: "backstay_answer_cache_lookups_total",
        help: "Calls that answers are kept for, by what was found.",
        read: Rises("result", |process| {
            let counted = process.server.answer_caches.statistics();
            vec![("hit", counted.hits), ("miss", counted.misses), ("stale", counted.revalidations)]
        }),
    },
    Family {
        name: "backstay_answer_cache_evictions_total",
        help: "Answers that went to make room for others.",
        read: Rise(|process| process.server.answer_caches.statistics().evictions),
    },
    Family {
        name: "backstay_answer_cache_refusals_total",
        help: "Answers that were not kept because there was no room for them, as when answer-cache was reached.",
        read: Rise(|process| process.server.answer_caches.statistics().refusals),
    },
    Family {
        name: "backstay_limit",
        help: "Limits of this process, by setting, in seconds, bytes or pieces.",
        read: Levels("limit", |process| process.limits.values()),
    },
    Family {
        name: "backstay_control_plane_connected",
        help: "1 while connected to the control plane.",
        read: Level(|process| Some(process.control.connected.get() as f64)),
    },
    Family {
        name: "backstay_control_plane_disconnects_total",
        help: "Streams from the control plane that ended or did not come about.",
        read: Rise(|process| process.control.disconnects.get()),
    },
    Family {
        name: "backstay_configuration_responses_total",
        help: "Responses of the control plane applied.",
        read: Rise(|process| process.control.responses.get()),
    },
    Family {
        name: "backstay_resources",
        help: "Resources in force.",
        read: Level(|process| Some(process.control.resources.get() as f64)),
    },
    Family {
        name: "backstay_backends",
        help: "Backends in force, used or not.",
        read: Level(|process| Some(process.backends as f64)),
    },
    Family {
        name: "backstay_resources_rejected_total",
        help: "Resources refused.",
        read: Rise(|process| process.control.rejected.get()),
    },
    Family {
        name: "backstay_rejected_resources",
        help: "Resources whose last version is refused.",
        read: Level(|process| Some(process.control.rejections.get() as f64)),
    },
    Family {
        name: "backstay_state_failures_total",
        help: "Failures to read or write what is kept on disk.",
        read: Rises("action", |process| {
            let failures = &process.control.state_failures;
            vec![
                ("load_configuration", failures.load_configuration.get()),
                ("store_configuration", failures.store_configuration.get()),
                ("load_names", failures.load_names.get()),
                ("store_names", failures.store_names.get()),
            ]
        }),
    },
    Family {
        name: "backstay_admin_connections_refused_total",
        help: "Connections to the admin endpoint closed at once because there were too many.",
        read: Rise(|process| process.control.admin_refused.get()),
    },
    Family {
        name: "backstay_endpoint_names",
        help: "Names of endpoints that are watched.",
        read: Level(|process| Some(process.watched.0 as f64)),
    },
    Family {
        name: "backstay_endpoint_names_failing",
        help: "Names of endpoints whose last lookup brought no address.",
        read: Level(|process| Some(process.watched.1 as f64)),
    },
    Family {
        name: "backstay_endpoint_name_lookups_total",
        help: "Lookups of names of endpoints.",
        read: Rise(|process| process.names.lookups),
    },
    Family {
        name: "backstay_endpoint_name_lookup_failures_total",
        help: "Lookups of names of endpoints that brought no address.",
        read: Rises("cause", |process| {
            let names = process.names;
            vec![("timeout", names.timeouts), ("other", names.failures.saturating_sub(names.timeouts))]
        }),
    },
];
