//! Which listener, route, rule and backend would serve a request: its way, drawn.

use std::sync::Arc;

use axum::extract::{Query, State};
use axum::response::Response;
use serde::Deserialize;

use super::rows::linked;
use crate::app::App;
use crate::explanation::{Question, Step, Way};
use crate::html::{Html, html};
use crate::page;

/// What the address says.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Asked {
    url: String,
    method: String,
    headers: String,
}

pub(crate) async fn show(State(app): State<Arc<App>>, Query(asked): Query<Asked>) -> Response {
    let mut out = Html::new();
    let method = if asked.method.is_empty() { "GET" } else { &asked.method };
    html!(out; "<form class=\"bar\" method=\"get\"><label class=\"grow\">URL <input type=\"url\" name=\"url\" required value=\"" (&asked.url)
        "\" placeholder=\"https://shop.example.com/cart\"></label><label>Method <input name=\"method\" size=\"8\" value=\"" (method)
        "\"></label><label class=\"grow\">Header <input name=\"headers\" value=\"" (&asked.headers)
        "\" placeholder=\"x-canary: 1\"></label><button>Explain</button></form>");
    if asked.url.is_empty() {
        html!(out; "<p class=\"quiet\">No request is sent. The answer is made of what is stored, by the compiler and the tables that proxies use.</p>");
        return page::whole(&app, "/explain", "Explain a URL", &out);
    }
    let question = Question { url: asked.url, method: method.to_owned(), headers: asked.headers };
    match app.explain.explain(question).await {
        Err(why) => {
            html!(out; "<div class=\"note bad\" role=\"alert\"><strong>It cannot be told</strong><p>" (why) "</p></div>");
        }
        Ok((ways, faults)) => {
            for way in &ways {
                drawn(&mut out, way);
            }
            if !faults.is_empty() {
                html!(out; "<section class=\"card\"><h2>Not in force</h2><ul class=\"plain\">");
                for fault in &faults {
                    html!(out; "<li>" (fault) "</li>");
                }
                html!(out; "</ul></section>");
            }
        }
    }
    page::whole(&app, "/explain", "Explain a URL", &out)
}

/// The way as a line with a stop for each step; what is not taken branches off it.
fn drawn(out: &mut Html, way: &Way) {
    html!(out; "<section class=\"card\"><h2>Fleet " (&way.fleet) "</h2><ol class=\"way\">");
    for (index, Step { depth, text, taken }) in way.steps.iter().enumerate() {
        // How many stops above is the one that this branches off, or follows.
        let before = way.steps.get(..index).unwrap_or_default();
        let up = before.iter().rev().position(|step| step.depth <= *depth).map_or(0, |up| up + 1);
        let (kind, said) = match taken {
            Some(true) => ("taken", "on the way: "),
            Some(false) => ("left", "not taken: "),
            None => ("remark", ""),
        };
        html!(out; "<li class=\"" (kind) " d" ((*depth).min(6)) " u" (up.min(6)) "\"><span class=\"unseen\">" (said) "</span>" [&linked(text)] "</li>");
    }
    html!(out; "</ol></section>");
}
