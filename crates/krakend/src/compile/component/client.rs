//! `backend/http/client`.

use backstay_proto::config;

use crate::compile::written::Component;

/// What each option is refused with, if it asks for anything.
const REFUSED: [(&str, &str); 4] = [
    ("client_tls", "write client_tls at the service: it is for all backends"),
    ("proxy_address", "calls go to their hosts without a proxy between"),
    ("no_redirect", "redirects are followed, as KrakenD's Community edition does whatever is written here"),
    ("send_body_on_redirect", "a body is sent once: it is not kept to be sent again where a redirect leads"),
];

/// None of its options is served: those that ask for nothing but what is done anyway are as good as none.
pub(super) fn compile(component: Component<'_>, _call: &mut config::Call) {
    for (name, why) in REFUSED {
        let Some(entry) = component.option(name) else { continue };
        let node = &entry.node;
        let asks = node.is_true() || !node.entries().is_empty() || node.text().is_some_and(|text| !text.is_empty());
        if asks {
            component.report().not_served(entry.place, &component.path().key(name), why);
        }
    }
}
