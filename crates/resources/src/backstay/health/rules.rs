use super::{
    CheckHeader, GrpcHealthCheck, HealthCheck, HealthWindow, HttpHealthCheck, Payload, StatusRange, TcpHealthCheck,
};
use crate::backstay::bounds::{self, LEAST_INTERVAL, MAX_LIST};
use crate::backstay::{host, words};
use crate::field::{FieldPath, Findings};

/// Checks of one Backend at most: each is traffic to each endpoint from each proxy.
const MAX_CHECKS: usize = 8;
/// Longest path, value of a header, and payload, in bytes.
const MAX_TEXT: usize = 4096;
const MAX_WINDOW: u32 = 64;
const METHODS: [&str; 8] = ["GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "TRACE", "PATCH"];
/// What the proxy writes by itself, or what would change where the request ends.
const OWN_HEADERS: [&str; 8] =
    ["host", "content-length", "transfer-encoding", "connection", "upgrade", "te", "trailer", "keep-alive"];

pub(in crate::backstay) fn check(checks: &[HealthCheck], path: &FieldPath, findings: &mut Findings) {
    if findings.most(path, checks.len(), MAX_CHECKS) {
        for (index, given) in checks.iter().enumerate() {
            given.check(&path.index(index), findings);
        }
    }
}

impl HealthCheck {
    fn check(&self, path: &FieldPath, findings: &mut Findings) {
        let kinds = [("http", self.http.is_some()), ("tcp", self.tcp.is_some()), ("grpc", self.grpc.is_some())];
        bounds::exactly_one(&kinds, path, findings);
        if let Some(http) = &self.http {
            http.check(&path.child("http"), findings);
        }
        if let Some(tcp) = &self.tcp {
            tcp.check(&path.child("tcp"), findings);
        }
        if let Some(GrpcHealthCheck { service: Some(service) }) = &self.grpc {
            findings.text(&path.child("grpc").child("service"), service, MAX_TEXT);
        }
        bounds::positive(self.timeout, &path.child("timeout"), findings);
        let intervals = [
            ("interval", self.interval),
            ("noTrafficInterval", self.no_traffic_interval),
            ("unhealthyInterval", self.unhealthy_interval),
        ];
        for (name, span) in intervals {
            bounds::at_least(span, LEAST_INTERVAL, &path.child(name), findings);
        }
        if let Some(thresholds) = &self.thresholds {
            let path = path.child("thresholds");
            bounds::number(thresholds.healthy, 1, &path.child("healthy"), findings);
            bounds::number(thresholds.unhealthy, 1, &path.child("unhealthy"), findings);
        }
        if let Some(window) = &self.window {
            if self.thresholds.is_some() {
                findings.forbidden(&path.child("window"), "thresholds and window cannot be specified together");
            }
            window.check(&path.child("window"), findings);
        }
        if let Some(port) = self.port {
            findings.port(&path.child("port"), port);
        }
    }
}

impl HealthWindow {
    fn check(&self, path: &FieldPath, findings: &mut Findings) {
        let size = self.size();
        findings.within(&path.child("size"), size, &(1..=MAX_WINDOW));
        for (name, least, number) in [("threshold", 1, self.threshold()), ("initial", 0, self.initial())] {
            let path = path.child(name);
            if number < least {
                findings.invalid(&path, &number.to_string(), &format!("must be at least {least}"));
            } else if number > size {
                findings.invalid(&path, &number.to_string(), &format!("must be at most size, {size}"));
            }
        }
    }
}

impl HttpHealthCheck {
    fn check(&self, path: &FieldPath, findings: &mut Findings) {
        if let Some(text) = &self.path {
            let path = path.child("path");
            let sound = |byte: u8| byte.is_ascii_graphic() && byte != b'#';
            if findings.text(&path, text, MAX_TEXT) && !(text.starts_with('/') && text.bytes().all(sound)) {
                let detail = "must start with '/' and consist of visible ASCII characters, others percent-encoded";
                findings.invalid(&path, text, detail);
            }
        }
        if let Some(text) = &self.host
            && let Err(problem) = host::authority(text)
        {
            findings.invalid(&path.child("host"), text, &problem);
        }
        if let Some(method) = &self.method {
            findings.one_of(&path.child("method"), method, &METHODS);
        }
        let list = path.child("expectedStatuses");
        if findings.most(&list, self.expected_statuses.len(), MAX_LIST) {
            for (index, range) in self.expected_statuses.iter().enumerate() {
                range.check(&list.index(index), findings);
            }
        }
        let list = path.child("headers");
        if findings.most(&list, self.headers.len(), MAX_LIST) {
            for (index, header) in self.headers.iter().enumerate() {
                header.check(&list.index(index), findings);
            }
        }
    }
}

impl StatusRange {
    fn check(&self, path: &FieldPath, findings: &mut Findings) {
        findings.within(&path.child("start"), self.start, &(100..=599));
        let Some(end) = self.end else { return };
        findings.within(&path.child("end"), end, &(100..=599));
        if end < self.start {
            let detail = format!("must not be below start, {}", self.start);
            findings.invalid(&path.child("end"), &end.to_string(), &detail);
        }
    }
}

impl CheckHeader {
    fn check(&self, path: &FieldPath, findings: &mut Findings) {
        let name = path.child("name");
        if words::token(&self.name, &name, findings)
            && OWN_HEADERS.iter().any(|own| own.eq_ignore_ascii_case(&self.name))
        {
            findings.forbidden(&name, "is a header that the proxy writes by itself; for Host there is the field host");
        }
        let value = path.child("value");
        if findings.longest(&value, &self.value, MAX_TEXT)
            && self.value.bytes().any(|byte| byte != b'\t' && byte.is_ascii_control())
        {
            findings.invalid(&value, &self.value, "must not have control characters, which would end the header");
        }
    }
}

impl TcpHealthCheck {
    fn check(&self, path: &FieldPath, findings: &mut Findings) {
        if let Some(payload) = &self.send {
            payload.check(&path.child("send"), findings);
        }
        let list = path.child("receive");
        if findings.most(&list, self.receive.len(), MAX_LIST) {
            for (index, payload) in self.receive.iter().enumerate() {
                payload.check(&list.index(index), findings);
            }
        }
    }
}

impl Payload {
    fn check(&self, path: &FieldPath, findings: &mut Findings) {
        bounds::exactly_one(&[("text", self.text.is_some()), ("base64", self.base64.is_some())], path, findings);
        if let Some(text) = &self.text {
            findings.text(&path.child("text"), text, MAX_TEXT);
        }
        if let Some(base64) = &self.base64
            && findings.text(&path.child("base64"), base64, MAX_TEXT)
            && self.text.is_none()
            && self.bytes().is_none()
        {
            findings.invalid(&path.child("base64"), base64, "must be base64, in the standard alphabet and padded");
        }
    }
}
