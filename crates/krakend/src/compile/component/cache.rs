//! `qos/http-cache`.

use backstay_proto::config;

use crate::compile::written::Component;

/// Bounds count where both are given. KrakenD keeps any number of answers otherwise; proxies have bounds of their own.
pub(super) fn compile(component: Component<'_>) -> Option<config::AnswerCache> {
    let number = |name: &str| {
        let number = component.option(name).and_then(|entry| entry.node.number()).unwrap_or_default();
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "the range is bounded")]
        let number = number.clamp(0.0, 1e18) as u64;
        number
    };
    let bounds = (number("max_size"), number("max_items"));
    let (max_bytes, max_items) = if bounds.0 == 0 || bounds.1 == 0 { (0, 0) } else { bounds };
    if max_bytes == 0 && (bounds.0 > 0 || bounds.1 > 0) {
        let message = "max_size and max_items count only together: the cache has the bounds of the proxy";
        component.report().dropped(component.place(), &component.path(), message);
    }
    let shared = component.option("shared").is_some_and(|entry| entry.node.is_true());
    // Those with bounds share another than those without. Of several with bounds KrakenD takes whichever comes first; here what is
    // asked for alike is shared.
    let key = if shared {
        format!("krakend:{}:shared:{max_bytes}:{max_items}", component.scope.config)
    } else {
        component.identity()
    };
    Some(config::AnswerCache { key, max_bytes, max_items })
}
