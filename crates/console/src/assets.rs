//! The files that go with pages. They are part of the program.

use http::header::{CACHE_CONTROL, CONTENT_TYPE};
use http::{HeaderValue, Response, StatusCode};

use axum::body::Body;

/// A file.
struct Asset {
    name: &'static str,
    content_type: &'static str,
    bytes: &'static [u8],
}

/// All of them. `htmx.min.js` is htmx 2.0.11 as npm has it, unchanged, with its licence beside it.
static ASSETS: &[Asset] = &[
    Asset { name: "style.css", content_type: "text/css; charset=utf-8", bytes: include_bytes!("assets/style.css") },
    Asset {
        name: "htmx.min.js",
        content_type: "text/javascript; charset=utf-8",
        bytes: include_bytes!("assets/htmx.min.js"),
    },
    Asset { name: "tap.js", content_type: "text/javascript; charset=utf-8", bytes: include_bytes!("assets/tap.js") },
    Asset { name: "mark.svg", content_type: "image/svg+xml", bytes: include_bytes!("assets/mark.svg") },
    Asset {
        name: "htmx.LICENSE",
        content_type: "text/plain; charset=utf-8",
        bytes: include_bytes!("assets/htmx.LICENSE"),
    },
];

/// The file of that name.
pub(crate) fn answer(name: &str) -> Response<Body> {
    let Some(asset) = ASSETS.iter().find(|asset| asset.name == name) else {
        let mut answer = Response::new(Body::from("there is no such file\n"));
        *answer.status_mut() = StatusCode::NOT_FOUND;
        return answer;
    };
    let mut answer = Response::new(Body::from(asset.bytes));
    answer.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(asset.content_type));
    // Another version of the program has other files under the same names.
    answer.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    answer
}
