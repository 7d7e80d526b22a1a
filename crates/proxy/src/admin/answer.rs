use std::sync::Arc;

use backstay_telemetry::open_metrics;
use bytes::Bytes;
use http::header::{ACCEPT, ALLOW, CONTENT_TYPE};
use http::{HeaderValue, Method, Request, Response, StatusCode};
use http_body::Body;
use http_body_util::{Either, Full};

use super::context::Admin;
use super::{dump, live, overview, views};
use crate::control::{CertificateView, look, now};
use crate::metrics::{Process, conventions, envoy, prometheus};
use crate::process::Usage;

const PATHS: &str = "try /, /ready, /livez, /metrics, /stats/prometheus, /config_dump, /listeners, /backends, /certs, /dns, /memory, /tap, \
                     /top, POST /unready, POST /ready, POST /drain or POST /logging\n";

/// What there is where other machines may ask.
const MONITORING: [&str; 4] = ["/ready", "/livez", "/metrics", "/stats/prometheus"];

type Answer = Response<Full<Bytes>>;

/// The answer to a request, whether it is whole or goes on.
pub(super) fn any<B: Body>(admin: &Admin, request: &Request<B>) -> Response<Either<Full<Bytes>, live::Events>> {
    let path = request.uri().path();
    // What comes of the endpoint for other machines is refused there, as anything else is.
    if !matches!(path, "/tap" | "/top") || *request.method() != Method::GET || admin.monitoring_only {
        return answer(admin, request).map(Either::Left);
    }
    let has_body = !request.body().is_end_stream();
    if let Err(refusal) = admin.guard.check(request.version(), request.uri(), request.headers(), has_body) {
        return text(refusal.status(), format!("{refusal}\n")).map(Either::Left);
    }
    let shown = match path {
        "/tap" => live::tap(admin, request.uri().query()),
        _ => live::top(admin, request.uri().query()),
    };
    match shown {
        Ok(events) => events.map(Either::Right),
        Err(live::Refused(status, why)) => text(status, format!("{why}\n")).map(Either::Left),
    }
}

/// The answer to a request; its body is not read.
pub(super) fn answer<B: Body>(admin: &Admin, request: &Request<B>) -> Answer {
    let (method, path) = (request.method(), request.uri().path());
    let has_body = !request.body().is_end_stream();
    if let Err(refusal) = admin.guard.check(request.version(), request.uri(), request.headers(), has_body) {
        return text(refusal.status(), format!("{refusal}\n"));
    }
    if admin.monitoring_only && (!MONITORING.contains(&path) || *request.method() == Method::POST) {
        return text(StatusCode::NOT_FOUND, "there are /ready, /livez, /metrics and /stats/prometheus here\n");
    }
    let allowed = match path {
        "/" | "/ready" | "/livez" | "/metrics" | "/stats/prometheus" | "/config_dump" | "/listeners" | "/backends"
        | "/certs" | "/dns" | "/memory" => Method::GET,
        // Answered elsewhere: what comes here is not GET.
        "/tap" | "/top" => {
            let mut answer = text(StatusCode::METHOD_NOT_ALLOWED, format!("{path} takes GET\n"));
            answer.headers_mut().insert(ALLOW, HeaderValue::from_static("GET"));
            return answer;
        }
        "/drain" | "/unready" | "/healthcheck/fail" | "/healthcheck/ok" => Method::POST,
        "/logging" if admin.log_switch.is_some() => Method::POST,
        _ => return text(StatusCode::NOT_FOUND, PATHS),
    };
    let takes_back = path == "/ready" && *method == Method::POST;
    if *method != allowed && !(allowed == Method::GET && *method == Method::HEAD) && !takes_back {
        let mut answer = text(StatusCode::METHOD_NOT_ALLOWED, format!("{path} takes {allowed}\n"));
        answer.headers_mut().insert(ALLOW, HeaderValue::from_static(allow(path, &allowed)));
        return answer;
    }
    match path {
        // The second names are Envoy's.
        "/ready" | "/healthcheck/ok" if *method == Method::POST => {
            admin.withdraw(false);
            match admin.status.borrow().unready() {
                None => text(StatusCode::OK, "ready\n"),
                Some(reason) => text(StatusCode::OK, format!("taken back; still {reason}\n")),
            }
        }
        "/unready" | "/healthcheck/fail" => {
            admin.withdraw(true);
            text(StatusCode::OK, "not ready until POST /ready\n")
        }
        "/ready" => match admin.status.borrow().unready() {
            None => text(StatusCode::OK, "ready\n"),
            Some(reason) => text(StatusCode::SERVICE_UNAVAILABLE, format!("{reason}\n")),
        },
        // That there is an answer at all tells what is asked: it looks at nothing that a restart would not mend.
        "/livez" => text(StatusCode::OK, "ok\n"),
        "/metrics" | "/stats/prometheus" => {
            let accept = request.headers().get(ACCEPT).and_then(|accept| accept.to_str().ok()).unwrap_or_default();
            let (open, envoys) = (open_metrics::is_wanted(accept), path != "/metrics");
            let text = counted(admin, envoys, open);
            match open {
                true => with_type(open_metrics::OPEN_METRICS, open_metrics::convert(&text)),
                false => with_type(open_metrics::PROMETHEUS, text),
            }
        }
        "/" => json(&overview::overview(admin)),
        "/listeners" => json(&overview::listeners(admin)),
        "/memory" => json(&overview::memory(admin)),
        "/config_dump" => json(&dump::dump(admin)),
        "/backends" => json(&views::backends(&look(&admin.model))),
        "/certs" => json(&views::certificates(&look(&admin.model).certificates(), now())),
        "/dns" => json(&views::dns(admin)),
        "/logging" => match admin.log_switch.as_ref().map(|switch| switch.turn(request.uri().query())) {
            Some(Ok(done)) => text(StatusCode::OK, done),
            Some(Err(error)) => text(StatusCode::BAD_REQUEST, format!("{error}\n")),
            None => text(StatusCode::NOT_FOUND, PATHS),
        },
        _ => {
            admin.drain.notify_one();
            text(StatusCode::ACCEPTED, "draining\n")
        }
    }
}

fn allow(path: &str, allowed: &Method) -> &'static str {
    match (path, *allowed == Method::POST) {
        ("/ready", _) => "GET, HEAD, POST",
        (_, true) => "POST",
        (_, false) => "GET, HEAD",
    }
}

fn process(admin: &Admin, backends: usize, certificates: Vec<CertificateView>) -> Process {
    let watched = admin.dns.watched();
    Process {
        server: Arc::clone(&admin.server),
        control: Arc::clone(&admin.control),
        limits: admin.limits.clone(),
        names: admin.dns.name_stats(),
        watched: (watched.len(), watched.iter().filter(|name| name.last_error.is_some()).count()),
        backends,
        certificates: certificates.into_iter().filter_map(expiry).collect(),
        draining: admin.status.borrow().draining,
        ready: admin.status.borrow().unready().is_none(),
        usage: Usage::read(&*admin.descriptors),
    }
}

/// When a certificate ends, by the name of its resource.
fn expiry(certificate: CertificateView) -> Option<(Arc<str>, f64)> {
    Some((certificate.secret, certificate.statement.valid_until?.as_secs_f64()))
}

/// What is counted, in the format of Prometheus; as Envoy names it, or with exemplars, if that is asked for.
fn counted(admin: &Admin, envoys: bool, exemplars: bool) -> String {
    // Taken in a moment; the model is free again before it is written down.
    let (backends, calls, certificates) = {
        let model = look(&admin.model);
        (model.snapshots(), model.call_snapshots(), model.certificates())
    };
    let process = process(admin, backends.len(), certificates);
    match envoys {
        false => prometheus(&process, &backends, &calls, exemplars),
        true => envoy(&process, &backends),
    }
}

/// What a collector is told of: all that is counted, with exemplars, and what it expects by other names.
pub(crate) fn told(admin: &Admin) -> String {
    counted(admin, false, true) + &conventions(&admin.server.request_times)
}

fn json(value: &serde_json::Value) -> Answer {
    let mut body = format!("{value:#}");
    body.push('\n');
    with_type("application/json", body)
}

fn text(status: StatusCode, body: impl Into<Bytes>) -> Answer {
    let mut answer = with_type("text/plain; charset=utf-8", body);
    *answer.status_mut() = status;
    answer
}

fn with_type(content_type: &'static str, body: impl Into<Bytes>) -> Answer {
    let mut answer = Response::new(Full::new(body.into()));
    answer.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    answer.headers_mut().insert("x-content-type-options", HeaderValue::from_static("nosniff"));
    answer
}
