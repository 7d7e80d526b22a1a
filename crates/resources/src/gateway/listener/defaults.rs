use crate::body::{self, Fields};
use crate::object::Object;

/// Fills in what Gateway API's own schema fills in, and the group of Apoxy's Proxy where only its kind is given.
pub(in crate::gateway) fn fill(object: &mut Object) {
    let group = object.group().to_owned();
    let Some(spec) = body::make(&mut object.body, "spec") else { return };
    for listener in body::list(spec, "listeners") {
        fill_listener(listener, &group);
    }
    for address in body::list(spec, "addresses") {
        body::default(address, "type", "IPAddress");
    }
    if let Some(tls) = body::object(spec, "tls") {
        fill_tls(tls);
    }
    if let Some(backend) = body::object(spec, "backendTLS") {
        fill_client_certificate(backend);
    }
    let allowed = body::object(spec, "allowedListeners").and_then(|allowed| body::make(allowed, "namespaces"));
    if let Some(namespaces) = allowed {
        body::default(namespaces, "from", "None");
    }
    let parameters = body::object(spec, "infrastructure").and_then(|fields| body::object(fields, "parametersRef"));
    if let Some(parameters) = parameters {
        body::drop_empty(parameters, "kind");
        body::default(parameters, "kind", "Proxy");
        if parameters.get("kind").is_some_and(|kind| kind == "Proxy") {
            body::drop_empty(parameters, "group");
            body::default(parameters, "group", "core.apoxy.dev");
        }
    }
}

fn fill_tls(tls: &mut Fields) {
    if let Some(backend) = body::object(tls, "backend") {
        fill_client_certificate(backend);
    }
    let Some(frontend) = body::object(tls, "frontend") else { return };
    if let Some(default) = body::object(frontend, "default") {
        fill_validation(default);
    }
    for port in body::list(frontend, "perPort") {
        if let Some(tls) = body::object(port, "tls") {
            fill_validation(tls);
        }
    }
}

fn fill_validation(tls: &mut Fields) {
    if let Some(validation) = body::object(tls, "validation") {
        body::default(validation, "mode", "AllowValidOnly");
    }
}

fn fill_client_certificate(backend: &mut Fields) {
    if let Some(certificate) = body::object(backend, "clientCertificateRef") {
        body::default(certificate, "group", "");
        body::default(certificate, "kind", "Secret");
    }
}

fn fill_listener(listener: &mut Fields, group: &str) {
    body::drop_empty(listener, "hostname");
    if let Some(tls) = body::object(listener, "tls") {
        body::default(tls, "mode", "Terminate");
        for certificate in body::list(tls, "certificateRefs") {
            body::default(certificate, "group", "");
            body::default(certificate, "kind", "Secret");
        }
    }
    if let Some(filters) = body::object(listener, "filters") {
        for filter in body::list(filters, "requests") {
            let asked = body::object(filter, "externalAuth").and_then(|auth| body::object(auth, "backendRef"));
            if let Some(asked) = asked {
                body::default(asked, "group", "");
                body::default(asked, "kind", "Service");
            }
        }
    }
    let Some(allowed) = body::make(listener, "allowedRoutes") else { return };
    for kind in body::list(allowed, "kinds") {
        body::default(kind, "group", group);
    }
    if let Some(namespaces) = body::make(allowed, "namespaces") {
        body::default(namespaces, "from", "Same");
    }
}
