//! Small drawings of figures.

use crate::html::{Html, html};

/// Width and height of a drawing, in its own units.
const WIDTH: f64 = 240.0;
const HEIGHT: f64 = 48.0;

/// A line of figures, the newest at the right, with what it says in words for those who do not see it.
pub(crate) fn line(label: &str, values: &[f64], unit: &str) -> Html {
    let last = values.last().copied().unwrap_or_default();
    let most = values.iter().copied().fold(0.0, f64::max);
    let mut out = Html::new();
    html!(out; "<figure class=\"plot\"><figcaption><span>" (label) "</span> <strong>" (number(last)) "</strong> <small>" (unit)
        "</small></figcaption><svg viewBox=\"0 0 240 48\" role=\"img\" preserveAspectRatio=\"none\"><title>" (label) ": now "
        (number(last)) " " (unit) ", at most " (number(most)) "</title><line class=\"axis\" x1=\"0\" y1=\"47.5\" x2=\"240\" y2=\"47.5\"/>");
    if values.len() > 1 {
        let step = WIDTH / (values.len() - 1) as f64;
        let scale = if most > 0.0 { (HEIGHT - 6.0) / most } else { 0.0 };
        let at =
            |(index, value): (usize, &f64)| format!("{:.1},{:.1}", index as f64 * step, HEIGHT - 2.0 - value * scale);
        let points = values.iter().enumerate().map(at).collect::<Vec<_>>().join(" ");
        html!(out; "<polygon class=\"area\" points=\"0,48 " (&points) " 240,48\"/><polyline class=\"line\" points=\"" (&points) "\"/>");
    }
    html!(out; "</svg></figure>");
    out
}

/// A number in three digits or so.
pub(crate) fn number(value: f64) -> String {
    match value {
        value if value >= 10_000.0 => format!("{:.0}k", value / 1000.0),
        value if value >= 100.0 => format!("{value:.0}"),
        value if value >= 10.0 => format!("{value:.1}"),
        0.0 => "0".to_owned(),
        value => format!("{value:.2}"),
    }
}

/// A time in milliseconds.
pub(crate) fn milliseconds(value: f64) -> String {
    match value {
        value if value >= 1000.0 => format!("{:.2} s", value / 1000.0),
        value if value >= 10.0 => format!("{value:.0} ms"),
        value => format!("{value:.1} ms"),
    }
}
