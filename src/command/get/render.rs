//! Printing what was read.

use anyhow::Result;
use serde_json::{Value, json};

use super::list::Page;
use crate::client::ResourceType;
use crate::output::{self, Columns};

/// Format of the output.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum OutputFormat {
    /// Columns
    #[default]
    Table,
    /// More columns
    Wide,
    /// The object, or a List of objects, as JSON
    Json,
    /// The object, or a List of objects, as YAML
    Yaml,
    /// KIND/NAME, a line each
    Name,
}

/// How names are printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Names {
    /// As they are: all are of one kind.
    Alone,
    /// `KIND/NAME`.
    WithKind,
}

/// Whether namespaces have a column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Namespaces {
    /// All objects are in the same one.
    Hidden,
    /// They are in a column of their own.
    InColumn,
}

/// Whether who set which field is printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Owners {
    /// It is not: it is longer than the rest.
    Hidden,
    /// It is.
    Shown,
}

/// How many objects were asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Extent {
    /// A single object, by its name.
    One,
    /// However many there are.
    List,
}

/// Prints lists and events in one format.
#[derive(Debug)]
pub(super) struct Printer {
    format: OutputFormat,
    names: Names,
    namespaces: Namespaces,
    owners: Owners,
    tables: Vec<Table>,
    objects: Vec<Value>,
    shown: usize,
}

/// The objects of one kind.
#[derive(Debug)]
struct Table {
    resource: ResourceType,
    definitions: Vec<Value>,
    columns: Columns,
    /// Not yet printed.
    rows: Vec<Vec<String>>,
    has_heading: bool,
}

impl Printer {
    /// Nothing is printed yet.
    pub(super) fn new(format: OutputFormat, names: Names, namespaces: Namespaces, owners: Owners) -> Self {
        Self { format, names, namespaces, owners, tables: Vec::new(), objects: Vec::new(), shown: 0 }
    }

    /// Takes in a list.
    pub(super) fn add(&mut self, resource: &ResourceType, page: Page) {
        self.shown += page.items.len();
        match self.format {
            OutputFormat::Json | OutputFormat::Yaml => {
                let mut items = page.items;
                if self.owners == Owners::Hidden {
                    items.iter_mut().for_each(hide_owners);
                }
                self.objects.extend(items);
            }
            OutputFormat::Name => {
                let rows = page.items.iter().map(|item| vec![name_of(resource, item)]).collect();
                let mut table = Table::new(resource, Vec::new());
                (table.rows, table.has_heading) = (rows, true);
                self.tables.push(table);
            }
            OutputFormat::Table | OutputFormat::Wide => self.add_rows(resource, page),
        }
    }

    /// Takes in an event of a watch.
    pub(super) fn add_event(&mut self, resource: &ResourceType, mut object: Value) {
        let page = if matches!(self.format, OutputFormat::Table | OutputFormat::Wide) {
            let mut take = |name: &str| match object.get_mut(name).map(Value::take) {
                Some(Value::Array(list)) => list,
                _ => Vec::new(),
            };
            Page { columns: take("columnDefinitions"), items: take("rows"), revision: String::new() }
        } else {
            Page { items: vec![object], ..Page::default() }
        };
        self.add(resource, page);
    }

    fn add_rows(&mut self, resource: &ResourceType, page: Page) {
        let (wide, with_kind) = (self.format == OutputFormat::Wide, self.names == Names::WithKind);
        let namespaces = self.namespaces == Namespaces::InColumn && resource.namespaced;
        if self.tables.last().is_none_or(|table| table.resource != *resource) {
            self.tables.push(Table::new(resource, Vec::new()));
        }
        let Some(table) = self.tables.last_mut() else { return };
        // Events of a watch may come without what the list before them has told.
        if !page.columns.is_empty() {
            table.definitions = page.columns;
        }
        let visible = table.definitions.iter().enumerate();
        let visible: Vec<_> =
            visible.filter(|(_, column)| wide || column["priority"].as_i64().unwrap_or(0) == 0).collect();
        if !page.items.is_empty() && !table.has_heading {
            let names = visible.iter().filter_map(|(_, column)| column["name"].as_str());
            let names = names.map(|name| name.to_uppercase().replace(' ', "-"));
            table.rows.push(namespaces.then(|| "NAMESPACE".to_owned()).into_iter().chain(names).collect());
            table.has_heading = true;
        }
        for item in &page.items {
            let cells = visible.iter().map(|(index, column)| {
                let cell = text_of(item["cells"].get(index));
                if with_kind && column["format"] == "name" { format!("{}/{cell}", resource.label()) } else { cell }
            });
            let namespace = item.pointer("/object/metadata/namespace").and_then(Value::as_str).unwrap_or_default();
            table.rows.push(namespaces.then(|| namespace.to_owned()).into_iter().chain(cells).collect());
        }
    }

    /// Prints what was taken in since the last time, objects one by one.
    pub(super) fn flush(&mut self) -> Result<()> {
        for object in std::mem::take(&mut self.objects) {
            print_object(self.format, &object)?;
        }
        let mut printed = false;
        for table in &mut self.tables {
            let rows = std::mem::take(&mut table.rows);
            if printed && !rows.is_empty() && self.format != OutputFormat::Name {
                output::line("")?;
            }
            printed |= !rows.is_empty();
            rows.iter().for_each(|row| table.columns.fit(row));
            rows.iter().try_for_each(|row| output::line(table.columns.format(row)))?;
        }
        Ok(())
    }

    /// Prints everything: a single object as it is, several as a List. Yields how many there were.
    pub(super) fn finish(mut self, extent: Extent) -> Result<usize> {
        let objects = std::mem::take(&mut self.objects);
        if matches!(self.format, OutputFormat::Json | OutputFormat::Yaml) {
            if extent == Extent::List {
                print_object(self.format, &list_of(objects))?;
            } else if let Some(object) = objects.first() {
                print_object(self.format, object)?;
            }
        }
        self.flush()?;
        Ok(self.shown)
    }
}

impl Table {
    fn new(resource: &ResourceType, definitions: Vec<Value>) -> Self {
        let resource = resource.clone();
        Self { resource, definitions, columns: Columns::default(), rows: Vec::new(), has_heading: false }
    }
}

fn hide_owners(object: &mut Value) {
    if let Some(metadata) = object.get_mut("metadata").and_then(Value::as_object_mut) {
        metadata.shift_remove("managedFields");
    }
}

fn print_object(format: OutputFormat, object: &Value) -> Result<()> {
    if format == OutputFormat::Json {
        return output::line(serde_json::to_string_pretty(object)?);
    }
    output::line(format_args!("---\n{}", output::yaml(object)?.trim_end()))
}

fn list_of(items: Vec<Value>) -> Value {
    json!({"apiVersion": "v1", "kind": "List", "metadata": {"resourceVersion": ""}, "items": items})
}

fn name_of(resource: &ResourceType, object: &Value) -> String {
    format!("{}/{}", resource.label(), object["metadata"]["name"].as_str().unwrap_or_default())
}

fn text_of(cell: Option<&Value>) -> String {
    match cell {
        None | Some(Value::Null) => "<none>".to_owned(),
        Some(Value::String(text)) => text.clone(),
        Some(other) => other.to_string(),
    }
}
