//! What a request is about, for whoever decides whether it is allowed.
//!
//! Source: Kubernetes, `apiserver/pkg/endpoints/request/requestinfo.go`. Paths are read as `path` reads them, so that nothing is served
//! under another name than it was allowed.

use std::borrow::Cow;

use backstay_auth::Attributes;
use http::{Method, Uri};

use crate::path::decode;
use crate::query::Params;

/// What a request to the API is about: the objects of a kind, one of them, or a path that is no resource.
pub fn attributes<'a>(method: &Method, uri: &'a Uri) -> Attributes<'a> {
    let path = uri.path();
    let verb = method.as_str().to_ascii_lowercase();
    let not_a_resource = || Attributes::path(verb.clone(), path);
    let Some(segments) = path.trim_matches('/').split('/').map(decode).collect::<Option<Vec<_>>>() else {
        return not_a_resource();
    };
    let segments: Vec<&str> = segments.iter().map(AsRef::as_ref).collect();
    match segments.as_slice() {
        ["api", version, rest @ ..] if !rest.is_empty() => of_resource(method, uri, "", version, rest),
        ["apis", group, version, rest @ ..] if !rest.is_empty() => of_resource(method, uri, group, version, rest),
        _ => not_a_resource(),
    }
}

fn of_resource<'a>(method: &Method, uri: &Uri, group: &str, version: &str, rest: &[&str]) -> Attributes<'a> {
    let (namespace, rest) = match rest {
        // The status of a namespace, and what else belongs to it, is not a kind within it.
        ["namespaces", namespace, "status" | "finalize"] => (*namespace, rest),
        ["namespaces", namespace, inner @ ..] if !inner.is_empty() => (*namespace, inner),
        ["namespaces", namespace] => (*namespace, rest),
        _ => ("", rest),
    };
    let part = |index: usize| rest.get(index).copied().unwrap_or_default();
    let (resource, subresource) = (part(0), part(2));
    let mut name = part(1).to_owned();
    // What is not understood is refused by whoever serves it.
    let params = Params::parse(uri).unwrap_or_default();
    let verb = match *method {
        Method::GET | Method::HEAD if !name.is_empty() => "get",
        Method::GET if params.watch => "watch",
        Method::GET | Method::HEAD => "list",
        Method::POST => "create",
        Method::PUT => "update",
        Method::PATCH => "patch",
        Method::DELETE if !name.is_empty() => "delete",
        Method::DELETE => "deletecollection",
        _ => "",
    };
    // A list of one name is as good as that object.
    if name.is_empty()
        && matches!(verb, "list" | "watch" | "deletecollection")
        && let Some(only) = only_name(&params.field_selector)
    {
        only.clone_into(&mut name);
    }
    let owned = |text: &str| Cow::Owned(text.to_owned());
    let verb = if verb.is_empty() { Cow::Owned(method.as_str().to_ascii_lowercase()) } else { Cow::Borrowed(verb) };
    Attributes {
        verb,
        group: owned(group),
        version: owned(version),
        resource: owned(resource),
        subresource: owned(subresource),
        namespace: owned(namespace),
        name: Cow::Owned(name),
        path: owned(uri.path()),
    }
}

/// The name that a field selector asks for, if it asks for one and for nothing else.
fn only_name(selector: &str) -> Option<&str> {
    let name = selector.strip_prefix("metadata.name=")?;
    let name = name.strip_prefix('=').unwrap_or(name);
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-.".contains(&byte);
    (!name.is_empty() && name.bytes().all(is_plain)).then_some(name)
}

#[cfg(test)]
mod tests;
