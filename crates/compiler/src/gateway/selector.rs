//! Label selectors.
//!
//! LastGood: Kubernetes, `meta/v1` `LabelSelector`.

use std::collections::BTreeMap;

use backstay_resources::gateway::{LabelSelector, LabelSelectorRequirement};

/// Every namespace has it in Kubernetes, with its own name as the value.
const NAME_LABEL: &str = "kubernetes.io/metadata.name";

/// Whether `selector` selects the namespace `name` with `labels`. What it requires in a way that is not known selects
/// nothing, so that a mistake never opens a listener.
pub(super) fn selects(selector: &LabelSelector, name: &str, labels: &BTreeMap<String, String>) -> bool {
    let value = |key: &str| match labels.get(key) {
        None if key == NAME_LABEL => Some(name),
        value => value.map(String::as_str),
    };
    let equal = selector.match_labels.iter().all(|(key, wanted)| value(key) == Some(wanted));
    equal && selector.match_expressions.iter().all(|requirement| holds(requirement, value(&requirement.key)))
}

fn holds(requirement: &LabelSelectorRequirement, value: Option<&str>) -> bool {
    let listed = value.is_some_and(|value| requirement.values.iter().any(|wanted| wanted == value));
    match requirement.operator.as_str() {
        "In" => listed,
        "NotIn" => !listed,
        "Exists" => value.is_some(),
        "DoesNotExist" => value.is_none(),
        _ => false,
    }
}
