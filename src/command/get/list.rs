//! Reading lists, a page at a time.

use serde_json::Value;

use crate::client::{Client, Error, JSON, PAGE, ResourceType, Segment, TABLE, Watch, escape};

/// A list of objects to read.
#[derive(Debug, Clone)]
pub(super) struct List {
    pub(super) resource: ResourceType,
    /// `None` for all.
    pub(super) namespace: Option<Segment>,
    /// Only the object of this name.
    pub(super) name: Option<Segment>,
    /// Only objects with these labels.
    pub(super) selector: Option<String>,
    /// Tables rendered by the server instead of objects.
    pub(super) as_table: bool,
}

/// What was read.
#[derive(Debug, Default)]
pub(super) struct Page {
    /// Column definitions, when it is a table.
    pub(super) columns: Vec<Value>,
    /// Rows of the table, or objects.
    pub(super) items: Vec<Value>,
    /// Revision of the store that it shows.
    pub(super) revision: String,
}

/// The revision an answer or event carries.
pub(super) fn revision_of(object: &Value) -> Option<String> {
    let direct = object.pointer("/metadata/resourceVersion");
    // The event of a table watch has it with the object of its row.
    let row = || object.pointer("/rows/0/object/metadata/resourceVersion");
    let revision = direct.and_then(Value::as_str).filter(|revision| !revision.is_empty()).or_else(|| row()?.as_str());
    revision.map(str::to_owned)
}

impl List {
    /// Reads all of it.
    pub(super) async fn read(&self, client: &Client) -> Result<Page, Error> {
        // Without a namespace a namespaced object has no path of its own, so the field selector below finds it.
        let any = (!self.resource.namespaced).then(Segment::default_namespace);
        if let (Some(name), Some(namespace)) = (&self.name, self.namespace.as_ref().or(any.as_ref())) {
            let answer = client.get(&self.resource.object(namespace, name), self.accept()).await?;
            return Ok(self.page(answer));
        }
        let mut whole = Page::default();
        let mut query = format!("limit={PAGE}{}", self.filter());
        loop {
            let path = format!("{}?{query}", self.resource.collection(self.namespace.as_ref()));
            let answer = client.get(&path, self.accept()).await?;
            let next = answer.pointer("/metadata/continue").and_then(Value::as_str).map(str::to_owned);
            let page = self.page(answer);
            whole.revision = page.revision;
            whole.columns = page.columns;
            whole.items.extend(page.items);
            match next.filter(|next| !next.is_empty()) {
                Some(next) => query = format!("limit={PAGE}{}&continue={}", self.filter(), escape(&next)),
                None => return Ok(whole),
            }
        }
    }

    /// Watches it from a revision on.
    pub(super) async fn watch(&self, client: &Client, revision: &str) -> Result<Watch, Error> {
        let collection = self.resource.collection(self.namespace.as_ref());
        let filter = self.filter();
        let revision = escape(revision);
        let path = format!("{collection}?watch=true&allowWatchBookmarks=true&resourceVersion={revision}{filter}");
        client.watch(&path, self.accept()).await
    }

    fn accept(&self) -> &'static str {
        if self.as_table { TABLE } else { JSON }
    }

    fn filter(&self) -> String {
        let mut filter = String::new();
        if let Some(selector) = &self.selector {
            filter.push_str(&format!("&labelSelector={}", escape(selector)));
        }
        if let Some(name) = &self.name {
            filter.push_str(&format!("&fieldSelector={}", escape(&format!("metadata.name={name}"))));
        }
        filter
    }

    fn page(&self, mut answer: Value) -> Page {
        let mut take = |field: &str| match answer.get_mut(field).map(Value::take) {
            Some(Value::Array(list)) => Some(list),
            _ => None,
        };
        if self.as_table {
            let (columns, items) = (take("columnDefinitions").unwrap_or_default(), take("rows").unwrap_or_default());
            return Page { columns, items, revision: revision_of(&answer).unwrap_or_default() };
        }
        let items = take("items");
        let revision = revision_of(&answer).unwrap_or_default();
        Page { columns: Vec::new(), items: items.unwrap_or_else(|| vec![answer]), revision }
    }
}
