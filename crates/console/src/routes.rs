//! Which page is where, and what every answer has.

use std::sync::Arc;

use axum::Router;
use axum::extract::{DefaultBodyLimit, Path, Request, State};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::Response;
use axum::routing::{get, post};
use backstay_guard::PageGuard;
use http::header::{COOKIE, SET_COOKIE};
use http::{HeaderName, HeaderValue, Method, StatusCode};

use crate::app::App;
use crate::{assets, page, pages};

/// Bytes of a form: an object as large as the API takes, written as a form has it.
const MAX_FORM: usize = 8 << 20;

/// What every answer has.
const HEADERS: [(&str, &str); 6] = [
    (
        "content-security-policy",
        "default-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'; object-src 'none'",
    ),
    ("x-content-type-options", "nosniff"),
    // A form of a page that sends no referrer has no origin either.
    ("referrer-policy", "same-origin"),
    ("x-frame-options", "DENY"),
    ("cross-origin-opener-policy", "same-origin"),
    ("cross-origin-resource-policy", "same-origin"),
];

pub(crate) fn router(app: Arc<App>) -> Router {
    Router::new()
        .route("/", get(pages::overview::show))
        .route("/parts/traffic", get(pages::overview::plots))
        .route("/objects", get(pages::objects::kinds))
        .route("/objects/{group}/{version}/{plural}", get(pages::objects::list))
        .route("/objects/{group}/{version}/{plural}/new", get(pages::create::show).post(pages::create::submit))
        .route("/objects/{group}/{version}/{plural}/{namespace}/{name}", get(pages::object::show))
        .route("/objects/{group}/{version}/{plural}/{namespace}/{name}/progress", get(pages::object::progress))
        .route(
            "/objects/{group}/{version}/{plural}/{namespace}/{name}/edit",
            get(pages::edit::show).post(pages::edit::submit),
        )
        .route(
            "/objects/{group}/{version}/{plural}/{namespace}/{name}/delete",
            get(pages::delete::show).post(pages::delete::submit),
        )
        .route("/traffic", get(pages::traffic::show))
        .route("/parts/top", get(pages::traffic::top))
        .route("/traffic/tap", get(pages::traffic::tap))
        .route("/traffic/events", get(pages::traffic::events))
        .route("/explain", get(pages::explain::show))
        .route("/fastly", get(pages::fastly::services))
        .route("/fastly/{service}", get(pages::fastly::service))
        .route("/fastly/{service}/diff", get(pages::fastly::diff))
        .route("/fastly/{service}/activate", post(pages::fastly::activate))
        .route("/krakend", get(pages::krakend::show))
        .route("/about", get(pages::about::show))
        .fallback(missing)
        .layer(DefaultBodyLimit::max(MAX_FORM))
        .layer(from_fn_with_state(app.clone(), entrance))
        // Before the entrance: what is the same for everybody.
        .route("/static/{name}", get(async |Path(name): Path<String>| assets::answer(&name)))
        .layer(from_fn_with_state(app.clone(), guard))
        .with_state(app)
}

async fn missing(State(app): State<Arc<App>>) -> Response {
    let mut content = crate::html::Html::new();
    content.raw("<p>There is no such page.</p>");
    page::with_status(&app, StatusCode::NOT_FOUND, "", "Not found", &content)
}

/// Keeps out what another page may have sent, and what is addressed to another host; and puts on each answer what keeps it in.
async fn guard(State(app): State<Arc<App>>, request: Request, next: Next) -> Response {
    let mut answer = match refuse(&app, &request) {
        Some(refusal) => refusal,
        None => next.run(request).await,
    };
    for (name, value) in HEADERS {
        answer.headers_mut().insert(HeaderName::from_static(name), HeaderValue::from_static(value));
    }
    answer
}

fn refuse(app: &App, request: &Request) -> Option<Response> {
    let changes = !matches!(*request.method(), Method::GET | Method::HEAD);
    if let Err(refusal) = PageGuard::default().check(request.version(), request.uri(), request.headers(), changes) {
        return Some(page::outside(refusal.status(), "Not from there", &refusal.to_string()));
    }
    // A browser says where the page is that sends a form. What does not say so is no browser, and has no business here.
    let own = format!("http://{}", app.address);
    let near = format!("http://localhost:{}", app.address.port());
    let origin = request.headers().get(http::header::ORIGIN).map(HeaderValue::as_bytes);
    if changes && origin != Some(own.as_bytes()) && origin != Some(near.as_bytes()) {
        return Some(page::outside(
            StatusCode::FORBIDDEN,
            "Not from there",
            "Forms are taken from pages of this console alone.",
        ));
    }
    None
}

/// Lets in whoever has followed the link.
async fn entrance(State(app): State<Arc<App>>, request: Request, next: Next) -> Response {
    let query = request.uri().query().unwrap_or_default();
    let token = form_urlencoded::parse(query.as_bytes()).find(|(name, _)| name == "token").map(|(_, value)| value);
    if let Some(token) = token.filter(|_| request.uri().path() == "/")
        && let Some(cookie) = app.sessions.enter(&token)
    {
        (app.told)(&app.sessions.link());
        // Without the token in its address: it would stand in the history.
        let mut answer = page::to("/");
        if let Ok(cookie) = HeaderValue::try_from(cookie) {
            answer.headers_mut().insert(SET_COOKIE, cookie);
        }
        return answer;
    }
    let cookies = request.headers().get_all(COOKIE).iter().filter_map(|header| header.to_str().ok());
    if app.sessions.is_in(cookies) {
        return next.run(request).await;
    }
    let text = "Each link lets one browser in. The program that printed it has printed another since: follow that one.";
    page::outside(StatusCode::UNAUTHORIZED, "This link was used, or is none", text)
}
