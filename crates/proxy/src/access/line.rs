//! A record as a line.

use std::io::{self, Write};

use backstay_log_format::{Header, Moment, Operator, Pseudo, Text};
use backstay_model::telemetry::Layout;
use serde::ser::{Serialize, SerializeMap, Serializer};

use super::Record;
use super::fields::Fields;
use super::record::{flags, protocol};

impl Record {
    /// Writes the record as its plan says, without an end of the line.
    ///
    /// # Errors
    /// When a value cannot be written as JSON, which is never.
    pub(super) fn write(&self, out: &mut Vec<u8>) -> io::Result<()> {
        match &self.plan.layout {
            Layout::Fields(fields) => serde_json::to_writer(out, &Fields { record: self, fields })?,
            Layout::Text(text) => text.write(out, |operator, out| self.value(operator, out)),
            Layout::Formats(formats) => serde_json::to_writer(out, &Formats { record: self, formats })?,
        }
        Ok(())
    }

    /// Appends what `operator` stands for; false where there is none.
    fn value(&self, operator: &Operator, out: &mut Vec<u8>) -> bool {
        let (plan, before) = (&*self.plan, out.len());
        let mut put = |bytes: &[u8]| out.extend_from_slice(bytes);
        match operator {
            Operator::StartTime(format) => format.write(self.start, out),
            Operator::Request(first, second) => {
                return self.request(first, out) || second.as_ref().is_some_and(|second| self.request(second, out));
            }
            Operator::Response(first, second) => {
                let found = plan.response_header(first, &self.response_headers);
                let other = || plan.response_header(second.as_ref()?, &self.response_headers);
                found.or_else(other).iter().for_each(|value| put(value));
            }
            Operator::Trailer(first, second) => {
                let found = plan.trailer(first, &self.trailers);
                let other = || plan.trailer(second.as_ref()?, &self.trailers);
                found.or_else(other).iter().for_each(|value| put(value));
            }
            Operator::Milliseconds(moment) => {
                let time = match moment {
                    Moment::End => Some(self.duration),
                    Moment::ResponseHead => self.response_after,
                    Moment::ResponseBody => self.response_after.map(|head| self.duration.saturating_sub(head)),
                };
                return time.is_some_and(|time| write!(out, "{}", time.as_millis()).is_ok());
            }
            Operator::Protocol => put(protocol(self.protocol).as_bytes()),
            Operator::Status => return write!(out, "{}", self.status).is_ok(),
            Operator::Details => put(self.details.as_bytes()),
            Operator::TerminationDetails => {}
            // A hyphen is what it says where nothing is flagged.
            Operator::Flags => put(flags(self.flag, self.retry_flag).as_bytes()),
            Operator::TransportFailure => {
                // As in Envoy's details, behind what kind of failure it was.
                let reason = self.details.split_once('|').and_then(|(_, reason)| reason.strip_suffix('}'));
                put(reason.unwrap_or_default().as_bytes());
            }
            Operator::BytesReceived => return write!(out, "{}", self.bytes_in).is_ok(),
            Operator::BytesSent => return write!(out, "{}", self.bytes_out).is_ok(),
            Operator::UpstreamAddress => return self.upstream.is_some_and(|it| write!(out, "{it}").is_ok()),
            Operator::UpstreamIp => return self.upstream.is_some_and(|it| write!(out, "{}", it.ip()).is_ok()),
            Operator::UpstreamPort => return self.upstream.is_some_and(|it| write!(out, "{}", it.port()).is_ok()),
            Operator::UpstreamLocalAddress => {
                return self.upstream_local.is_some_and(|it| write!(out, "{it}").is_ok());
            }
            Operator::UpstreamLocalIp => {
                return self.upstream_local.is_some_and(|it| write!(out, "{}", it.ip()).is_ok());
            }
            Operator::UpstreamLocalPort => {
                return self.upstream_local.is_some_and(|it| write!(out, "{}", it.port()).is_ok());
            }
            Operator::Backend => put(self.backend.as_deref().unwrap_or_default().as_bytes()),
            Operator::Attempts => return write!(out, "{}", self.attempts).is_ok(),
            Operator::Route => put(self.route.as_deref().unwrap_or_default().as_bytes()),
            Operator::ClientAddress => return write!(out, "{}", self.client).is_ok(),
            Operator::ClientIp => return write!(out, "{}", self.client.ip()).is_ok(),
            Operator::ClientPort => return write!(out, "{}", self.client.port()).is_ok(),
            Operator::LocalAddress => return write!(out, "{}", self.local).is_ok(),
            Operator::LocalIp => return write!(out, "{}", self.local.ip()).is_ok(),
            Operator::LocalPort => return write!(out, "{}", self.local.port()).is_ok(),
            Operator::TlsVersion => put(self.tls.as_ref().map_or("", |tls| tls.version).as_bytes()),
            Operator::TlsCipher => put(self.tls.as_ref().map_or("", |tls| tls.cipher).as_bytes()),
            Operator::ServerName => put(self.server_name.as_deref().unwrap_or_default().as_bytes()),
            Operator::TraceId => return self.trace.is_some_and(|trace| write!(out, "{}", trace.id).is_ok()),
            Operator::SpanId => {
                let span = self.trace.and_then(|trace| trace.span);
                return span.is_some_and(|span| write!(out, "{span}").is_ok());
            }
            Operator::Hostname => put(plan.host.as_bytes()),
        }
        out.len() > before
    }

    fn request(&self, header: &Header, out: &mut Vec<u8>) -> bool {
        let before = out.len();
        match header {
            Header::Pseudo(Pseudo::Method) => out.extend_from_slice(self.method.as_str().as_bytes()),
            Header::Pseudo(Pseudo::Path) => out.extend_from_slice(self.plan.target(self.path()).as_bytes()),
            Header::Pseudo(Pseudo::Authority) => {
                out.extend_from_slice(self.authority.as_ref().map_or(b"", |authority| authority.as_bytes()));
            }
            Header::Pseudo(Pseudo::Scheme) => {
                out.extend_from_slice(if self.secure { b"https" } else { b"http" });
            }
            // What a client says of it is not believed, and what was rewritten is still there as the path.
            Header::Named(name) if name == "x-envoy-original-path" => {}
            Header::Named(name) => {
                let value = self.plan.request_header(name, &self.request_headers);
                out.extend_from_slice(value.as_deref().unwrap_or_default());
            }
        }
        out.len() > before
    }
}

/// An object of JSON with the operator's keys.
struct Formats<'a> {
    record: &'a Record,
    formats: &'a [(Box<str>, Text)],
}

impl Serialize for Formats<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.formats.len()))?;
        let mut value = Vec::new();
        for (key, format) in self.formats {
            value.clear();
            match format.alone() {
                // As Envoy has it: a number is one, and what is absent is null.
                Some(operator) if !self.record.value(operator, &mut value) => map.serialize_entry(key, &())?,
                Some(operator) if is_number(operator) => {
                    let number = std::str::from_utf8(&value).ok().and_then(|text| text.parse::<u64>().ok());
                    map.serialize_entry(key, &number)?;
                }
                // JSON escapes what is in it by itself.
                Some(_) => map.serialize_entry(key, &String::from_utf8_lossy(&value))?,
                None => {
                    format.write(&mut value, |operator, out| self.record.value(operator, out));
                    map.serialize_entry(key, &String::from_utf8_lossy(&value))?;
                }
            }
        }
        map.end()
    }
}

const fn is_number(operator: &Operator) -> bool {
    matches!(
        operator,
        Operator::Milliseconds(_)
            | Operator::Status
            | Operator::BytesReceived
            | Operator::BytesSent
            | Operator::Attempts
            | Operator::UpstreamPort
            | Operator::ClientPort
            | Operator::LocalPort
    )
}
