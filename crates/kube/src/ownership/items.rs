//! The items of lists that are sets or maps, by what tells them apart.

use std::collections::HashMap;

use serde_json::Value;

use super::element;

/// Items by the element of their path, in the order in which each first comes.
pub(crate) struct Items<'v> {
    elements: Vec<String>,
    at: HashMap<String, Vec<&'v Value>>,
}

impl<'v> Items<'v> {
    /// Of a list whose items are told apart by `keys`; a set if there are none. What has none of the keys is left out.
    pub(crate) fn of(keys: &[&str], list: &'v [Value]) -> Self {
        let mut items = Self { elements: Vec::with_capacity(list.len()), at: HashMap::with_capacity(list.len()) };
        for item in list {
            let Some(element) = element_of(keys, item) else { continue };
            if let Some(same) = items.at.get_mut(&element) {
                same.push(item);
            } else {
                items.elements.push(element.clone());
                items.at.insert(element, vec![item]);
            }
        }
        items
    }

    /// Each element, once.
    pub(crate) fn elements(&self) -> &[String] {
        &self.elements
    }

    /// The items with this element: more than one where a list has what it should have once twice.
    pub(crate) fn get(&self, element: &str) -> &[&'v Value] {
        self.at.get(element).map_or(&[], Vec::as_slice)
    }
}

/// The element of the path of an item; `None` if nothing tells it apart.
pub(crate) fn element_of(keys: &[&str], item: &Value) -> Option<String> {
    if keys.is_empty() {
        let is_one_value = !matches!(item, Value::Null | Value::Array(_) | Value::Object(_));
        is_one_value.then(|| element::value(item))
    } else {
        element::key(keys, item)
    }
}

/// A list as a slice; empty if it is something else.
pub(crate) fn list_of(value: Option<&Value>) -> &[Value] {
    value.and_then(Value::as_array).map_or(&[], Vec::as_slice)
}
