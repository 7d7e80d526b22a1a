//! What API machinery knows of the kind.

use backstay_resources::kind::{Kind, Scope, Verb};
use backstay_resources::{Resource, name, schema, table};

use super::{KrakendConfig, rules};

/// All kinds of this dialect.
pub static KINDS: [&Kind; 1] = [&KRAKEND_CONFIG];

/// `krakendconfigs.backstay.dev`.
pub static KRAKEND_CONFIG: Kind = Kind {
    group: "backstay.dev",
    version: "v1alpha1",
    kind: "KrakendConfig",
    plural: "krakendconfigs",
    singular: "krakendconfig",
    scope: Scope::Namespaced,
    short_names: &["kc"],
    categories: &["backstay"],
    has_status: true,
    check_name: name::subdomain,
    verbs: Verb::ALL,
    // Secrets may stand in it: that of a client of OAuth, for one.
    sensitive: true,
    redact: None,
    schema: schema::of::<KrakendConfig>,
    columns: &[
        table::text("Gateway", "Whose listeners serve it; empty for a listener of its own."),
        table::text("Hostnames", "The hosts that it is served for; empty for all."),
        table::text("Accepted", "Whether it is served as it is."),
        table::text("Programmed", "Whether every proxy that serves it has acknowledged it."),
    ],
    cells: |object| {
        let hostnames = table::list_at(object, "/spec/hostnames").iter().filter_map(|name| name.as_str());
        vec![
            table::text_at(object, "/spec/gatewayRef/name").into(),
            table::few(hostnames).into(),
            table::condition(object, "Accepted"),
            table::condition(object, "Programmed"),
        ]
    },
    selectable: &[],
    default: |_| (),
    validate: rules::validate,
    warn: rules::warn,
};

impl Resource for KrakendConfig {
    const KIND: &'static Kind = &KRAKEND_CONFIG;
}
