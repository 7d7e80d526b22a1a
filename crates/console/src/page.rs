//! The frame around each page.

use axum::body::Body;
use http::header::{CACHE_CONTROL, CONTENT_TYPE, LOCATION};
use http::{HeaderValue, Response, StatusCode};

use crate::api::ApiError;
use crate::app::App;
use crate::html::{Html, html};

/// What is at the side of each page: where it leads, and what that is called.
const PLACES: [(&str, &str); 7] = [
    ("/", "Overview"),
    ("/objects", "Objects"),
    ("/traffic", "Traffic"),
    ("/explain", "Explain a URL"),
    ("/fastly", "Fastly services"),
    ("/krakend", "KrakenD endpoints"),
    ("/about", "About"),
];

/// A whole page: `place` is where in the list at the side it belongs.
pub(crate) fn whole(app: &App, place: &str, title: &str, content: &Html) -> Response<Body> {
    with_status(app, StatusCode::OK, place, title, content)
}

/// The same with another status.
pub(crate) fn with_status(app: &App, status: StatusCode, place: &str, title: &str, content: &Html) -> Response<Body> {
    let mut out = Html::new();
    head(&mut out, title);
    html!(out; "<body><a class=\"skip\" href=\"#content\">Skip to the content</a><div class=\"frame\"><header class=\"side\">"
        "<a class=\"brand\" href=\"/\"><img src=\"/static/mark.svg\" alt=\"\" width=\"22\" height=\"22\">Backstay</a><nav aria-label=\"Pages\"><ul>");
    for (path, name) in PLACES {
        html!(out; "<li><a href=\"" (path) "\"");
        if path == place {
            html!(out; " aria-current=\"page\"");
        }
        html!(out; ">" (name) "</a></li>");
    }
    html!(out; "</ul></nav><p class=\"server\" title=\"The control plane that is asked\">" (app.api.server())
        "</p></header><main id=\"content\" tabindex=\"-1\"><h1>" (title) "</h1>" [content] "</main></div></body></html>");
    answer(status, out)
}

/// A page for whoever is not in: nothing of the control plane is on it.
pub(crate) fn outside(status: StatusCode, title: &str, text: &str) -> Response<Body> {
    let mut out = Html::new();
    head(&mut out, title);
    html!(out; "<body class=\"outside\"><main><img src=\"/static/mark.svg\" alt=\"\" width=\"40\" height=\"40\"><h1>" (title) "</h1><p>"
        (text) "</p></main></body></html>");
    answer(status, out)
}

/// A piece of a page, for htmx to put in its place.
pub(crate) fn fragment(content: Html) -> Response<Body> {
    answer(StatusCode::OK, content)
}

/// An answer that goes on, of events.
pub(crate) fn events(body: Body) -> Response<Body> {
    let mut answer = Response::new(body);
    let headers = answer.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/event-stream"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    answer
}

/// Leads elsewhere.
pub(crate) fn to(location: &str) -> Response<Body> {
    let mut answer = Response::new(Body::empty());
    *answer.status_mut() = StatusCode::SEE_OTHER;
    let location = HeaderValue::try_from(location).unwrap_or(HeaderValue::from_static("/"));
    answer.headers_mut().insert(LOCATION, location);
    answer
}

/// A page that says what the API said.
pub(crate) fn failed(app: &App, place: &str, title: &str, error: &ApiError) -> Response<Body> {
    let status = match error.status {
        None => StatusCode::BAD_GATEWAY,
        Some(status) => status,
    };
    let mut content = Html::new();
    content.push(&alert(error));
    with_status(app, status, place, title, &content)
}

/// What the API said, where a part of a page would be.
pub(crate) fn alert(error: &ApiError) -> Html {
    let mut out = Html::new();
    let what = match error.status {
        None => "The control plane cannot be asked",
        Some(StatusCode::FORBIDDEN) => "You may not see this",
        Some(StatusCode::UNAUTHORIZED) => "The control plane does not know you",
        Some(StatusCode::NOT_FOUND) => "There is no such thing",
        Some(_) => "The control plane refused",
    };
    html!(out; "<div class=\"note bad\" role=\"alert\"><strong>" (what) "</strong><p>" (&error.message) "</p></div>");
    out
}

fn head(out: &mut Html, title: &str) {
    html!(out; "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">"
        "<meta name=\"color-scheme\" content=\"light dark\"><meta name=\"htmx-config\" content='{\"includeIndicatorStyles\":false,\"allowEval\":false,\"selfRequestsOnly\":true,\"historyCacheSize\":0}'>"
        "<title>" (title) " · Backstay</title><link rel=\"icon\" href=\"/static/mark.svg\"><link rel=\"stylesheet\" href=\"/static/style.css\">"
        "<script src=\"/static/htmx.min.js\" defer></script></head>");
}

fn answer(status: StatusCode, out: Html) -> Response<Body> {
    let mut answer = Response::new(Body::from(out.into_string()));
    *answer.status_mut() = status;
    answer.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
    answer.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    answer
}
