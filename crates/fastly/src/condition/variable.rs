//! Variables of VCL: what they are of a request, and why some are not.

use backstay_proto::config;
use backstay_proto::config::comparison::Operator as Wire;
use backstay_proto::config::expression::Kind;
use backstay_proto::config::variable::{Kind as Variable, Part};

use super::Scope;
use super::check::{Typed, boolean, integer, of, text};
use super::compare::compared;
use super::source::{Read, refuse};

/// What a name stands for.
pub(super) fn typed(scope: &Scope, at: usize, name: &str) -> Read<Typed> {
    if let Some(known) = known(name) {
        return Ok(known);
    }
    if let Some(header) = name.strip_prefix("req.http.") {
        return header_or_cookie(at, header);
    }
    if let Some(part) = name.strip_prefix("backend.").unwrap_or(name).strip_suffix(".healthy") {
        return match scope.destinations.contains(part) {
            true => Ok(Typed::Truth(of(Kind::Healthy(part.to_owned())))),
            false => refuse(at, format!("there is no backend that VCL calls {part}")),
        };
    }
    if scope.destinations.contains(name) {
        return Ok(Typed::Destination(name.to_owned()));
    }
    if let Some(list) = scope.lists.get(name) {
        return Ok(Typed::List(list.to_string()));
    }
    if let Some(table) = scope.tables.get(name) {
        return Ok(Typed::Table(table.to_string()));
    }
    refuse(at, unknown(scope, name))
}

fn known(name: &str) -> Option<Typed> {
    let part = |part: Part| Some(Typed::Text(variable(Variable::Part(part.into()))));
    match name {
        "req.url" => part(Part::Target),
        "req.url.path" => part(Part::Path),
        "req.url.qs" => part(Part::Query),
        "req.url.ext" => part(Part::Extension),
        "req.url.basename" => part(Part::Basename),
        "req.url.dirname" => part(Part::Directory),
        "req.request" | "req.method" => part(Part::Method),
        "req.protocol" => part(Part::Scheme),
        "req.proto" => part(Part::Protocol),
        "req.is_ssl" => Some(Typed::Truth(over_tls())),
        // Requests are not started over, and come from no other point of presence.
        "req.restarts" | "fastly.ff.visits_this_service" | "fastly.ff.visits_this_pop" => {
            Some(Typed::Number(integer(0)))
        }
        "req.backend.is_origin" => Some(Typed::Truth(boolean(true))),
        "req.backend.is_shield" | "req.backend.is_cluster" => Some(Typed::Truth(boolean(false))),
        "req.backend" => Some(Typed::Selected),
        "req.backend.healthy" => Some(Typed::Truth(of(Kind::Healthy(String::new())))),
        "client.ip" => Some(Typed::Address(variable(Variable::Part(Part::ClientAddress.into())))),
        _ => None,
    }
}

fn header_or_cookie(at: usize, header: &str) -> Read<Typed> {
    let lower = header.to_ascii_lowercase();
    Ok(match lower.as_str() {
        "" => return refuse(at, "req.http. needs the name of a header behind it"),
        // Names without a port, in whichever case a client writes it.
        "host" => Typed::Text(variable(Variable::Part(Part::Host.into()))),
        // No request comes from another point of presence, whatever a client says.
        "fastly-ff" => Typed::Absent,
        "fastly-client-ip" => Typed::Text(variable(Variable::Part(Part::ClientAddress.into()))),
        "fastly-ssl" => Typed::Flag(over_tls(), "1".to_owned()),
        _ => match lower.split_once(':') {
            None if lower.contains('.') => return refuse(at, format!("{header:?} is no name of a header")),
            None => Typed::Text(variable(Variable::RequestHeader(lower))),
            Some(("cookie", cookie)) if !cookie.is_empty() => {
                // Names of cookies have a case.
                let name = header.get(header.len() - cookie.len()..).unwrap_or_default();
                Typed::Text(variable(Variable::Cookie(name.to_owned())))
            }
            Some(_) => {
                let message = "only the header Cookie has subfields here, as in req.http.Cookie:name";
                return refuse(at, message);
            }
        },
    })
}

fn over_tls() -> config::Expression {
    compared(Wire::Equal, variable(Variable::Part(Part::Scheme.into())), text("https"))
}

pub(super) const fn variable(kind: Variable) -> config::Expression {
    of(Kind::Variable(config::Variable { kind: Some(kind) }))
}

/// What proxies do not know, by how its name begins.
const REFUSED: [(&[&str], &str); 9] = [
    (&["client.geo.", "client.as.", "geoip."], "no database of places and networks is there to say where a client is"),
    (&["tls."], "what a client offered in its TLS handshake is not kept"),
    (&["beresp.", "bereq.", "obj.", "resp."], "the backend is chosen before there is a response"),
    (&["waf."], "there is no web application firewall"),
    (&["fastly.", "fastly_info.", "server.", "workspace."], "it tells of Fastly's own machines"),
    (&["time.", "now."], "conditions do not depend on the time"),
    (&["var."], "local variables are set in custom VCL, which is not run"),
    (&["client."], "of the client only client.ip is known"),
    (&["req.body", "req.postbody"], "the backend is chosen before the body is there"),
];

fn unknown(scope: &Scope, name: &str) -> String {
    let begins = |prefixes: &[&str]| prefixes.iter().any(|prefix| format!("{name}.").starts_with(prefix));
    if let Some((_, why)) = REFUSED.iter().find(|(prefixes, _)| begins(prefixes)) {
        return format!("{name} is not supported: {why}");
    }
    if name.starts_with("F_") {
        return format!("there is no backend that VCL calls {name}");
    }
    if name.contains('.') {
        return format!("{name} is not supported");
    }
    let lists: Vec<_> = scope.lists.keys().chain(scope.tables.keys()).map(String::as_str).collect();
    match lists.is_empty() {
        true => format!("there is no variable, ACL, dictionary or backend {name}"),
        false => format!("there is no variable, ACL, dictionary or backend {name}: there are {}", lists.join(", ")),
    }
}
