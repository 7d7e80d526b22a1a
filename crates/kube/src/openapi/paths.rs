//! The operations of a kind, for either version of OpenAPI.

use backstay_resources::{Kind, Verb};
use serde_json::{Map, Value, json};

use super::parameters::{self, Parameter};
use super::schema::{group_version_kind, root, schema_name};

/// What the two versions of OpenAPI write differently.
pub(super) struct Dialect {
    /// 2 or 3.
    pub(super) version: u32,
    /// What comes before the name of a schema in a reference.
    pub(super) reference: &'static str,
}

const PATCH: &[&str] = &["application/json-patch+json", "application/merge-patch+json", "application/apply-patch+yaml"];
const OBJECT: &[&str] = &["application/json", "application/yaml"];

struct Operation<'a> {
    id: &'a str,
    action: &'a str,
    parameters: &'a [Parameter],
    /// Media types of the body, and whether it is the object itself.
    body: Option<(&'static [&'static str], bool)>,
    answer: String,
    code: &'a str,
}

impl Dialect {
    fn schema(&self, name: &str) -> Value {
        json!({"$ref": format!("{}{name}", self.reference)})
    }

    fn operation(&self, kind: &Kind, operation: &Operation<'_>) -> Value {
        let query = operation.parameters.iter().chain([&parameters::PRETTY]);
        let mut parameters: Vec<Value> =
            query.map(|parameter| parameters::parameter(*parameter, "query", self.version)).collect();
        let answer = self.schema(&operation.answer);
        let mut value = json!({
            "operationId": format!("{}{}{}{}", operation.id, group_word(kind.group), capital(kind.version), kind.kind),
            "tags": [format!("{}_{}", kind.group.replace('.', "_"), kind.version)],
            "x-kubernetes-action": operation.action,
            "x-kubernetes-group-version-kind": group_version_kind(kind),
        });
        if self.version == 3 {
            value["responses"] = json!({
                operation.code: {"description": "OK", "content": {"application/json": {"schema": answer}}},
            });
        } else {
            value["produces"] = json!(OBJECT);
            value["schemes"] = json!(["https"]);
            value["responses"] = json!({operation.code: {"description": "OK", "schema": answer}});
        }
        if let Some((types, is_object)) = operation.body {
            let schema = if is_object { self.schema(&schema_name(kind)) } else { json!({"type": "object"}) };
            if self.version == 3 {
                let content: Map<String, Value> =
                    types.iter().map(|media| ((*media).to_owned(), json!({"schema": schema}))).collect();
                value["requestBody"] = json!({"required": true, "content": content});
            } else {
                value["consumes"] = json!(types);
                parameters.push(json!({"name": "body", "in": "body", "required": true, "schema": schema}));
            }
        }
        value["parameters"] = Value::Array(parameters);
        value
    }

    /// Adds the paths of a kind.
    pub(super) fn add_paths(&self, kind: &Kind, paths: &mut Map<String, Value>) {
        let root = root(kind.group, kind.version);
        let base = if kind.is_namespaced() {
            format!("{root}/namespaces/{{namespace}}/{}", kind.plural)
        } else {
            format!("{root}/{}", kind.plural)
        };
        let name = schema_name(kind);
        let list = || Operation {
            id: "list",
            action: "list",
            parameters: &parameters::LIST,
            body: None,
            answer: format!("{name}List"),
            code: "200",
        };
        let one =
            |id, action, parameters, body, code| Operation { id, action, parameters, body, answer: name.clone(), code };
        if kind.is_namespaced() {
            let all = Operation { id: "listForAllNamespaces", ..list() };
            paths.insert(format!("{root}/{}", kind.plural), json!({"get": self.operation(kind, &all)}));
        }
        let mut collection = json!({"get": self.operation(kind, &list())});
        if kind.verbs.contains(&Verb::Create) {
            let create = one("create", "post", &parameters::WRITE, Some((OBJECT, true)), "201");
            collection["post"] = self.operation(kind, &create);
        }
        if kind.verbs.contains(&Verb::DeleteCollection) {
            let parameters = &parameters::DELETE_COLLECTION;
            let delete = Operation { id: "deleteCollection", action: "deletecollection", parameters, ..list() };
            collection["delete"] = self.operation(kind, &delete);
        }
        let mut object = self.object(kind, "", &one);
        if kind.verbs.contains(&Verb::Delete) {
            object["delete"] = self.operation(kind, &one("delete", "delete", &parameters::DELETE, None, "200"));
        }
        self.place(kind, &mut collection, false);
        self.place(kind, &mut object, true);
        paths.insert(base.clone(), collection);
        paths.insert(format!("{base}/{{name}}"), object);
        if kind.has_status {
            let mut status = self.object(kind, "Status", &one);
            self.place(kind, &mut status, true);
            paths.insert(format!("{base}/{{name}}/status"), status);
        }
    }

    fn object<'a>(
        &self,
        kind: &Kind,
        part: &str,
        one: &impl Fn(&'a str, &'a str, &'a [Parameter], Option<(&'static [&'static str], bool)>, &'a str) -> Operation<'a>,
    ) -> Value {
        let mut methods = json!({"get": self.operation(kind, &one("read", "get", &[], None, "200"))});
        if kind.verbs.contains(&Verb::Update) {
            let replace = one("replace", "put", &parameters::WRITE, Some((OBJECT, true)), "200");
            methods["put"] = self.operation(kind, &replace);
        }
        if kind.verbs.contains(&Verb::Patch) {
            let patch = one("patch", "patch", &parameters::PATCH, Some((PATCH, false)), "200");
            methods["patch"] = self.operation(kind, &patch);
        }
        for method in methods.as_object_mut().into_iter().flat_map(Map::values_mut) {
            if let Some(id) = method["operationId"].as_str().map(|id| format!("{id}{part}")) {
                method["operationId"] = id.into();
            }
        }
        methods
    }

    /// Adds the parameters that are part of the path.
    fn place(&self, kind: &Kind, item: &mut Value, named: bool) {
        let namespace = kind.is_namespaced().then_some(parameters::NAMESPACE);
        let all = namespace.into_iter().chain(named.then_some(parameters::NAME));
        let all: Vec<Value> = all.map(|parameter| parameters::parameter(parameter, "path", self.version)).collect();
        if !all.is_empty() {
            item["parameters"] = Value::Array(all);
        }
    }
}

fn capital(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map(|first| first.to_uppercase().chain(chars).collect()).unwrap_or_default()
}

/// A group as part of an identifier, unique among groups: `CoreApoxyDev`. Nothing for the core group.
fn group_word(group: &str) -> String {
    group.split(['.', '-']).map(capital).collect()
}
