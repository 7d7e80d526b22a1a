//! A document to a schema.
//!
//! What is wrong with a schema is what `gojsonschema` refuses of it. Keywords that a draft does not have are nothing, and their values
//! are not looked at.

mod keyword;
mod loops;

use std::collections::HashMap;

use regex::{Regex, RegexBuilder};

use crate::reference::{self, Names};
use crate::schema::{Additional, Dependency, Ignored, Items, Node, NodeId, Schema, Type};
use crate::value::Value;
use crate::{canonical, format};
use keyword::Keywords;

/// Why a schema was refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{problem}")]
pub struct SchemaError {
    /// What leads there: names and positions.
    pub path: Vec<String>,
    /// What is wrong there.
    pub problem: String,
}

/// Keywords of drafts 2019-09 and 2020-12 that keep something out.
const LATER: [&str; 8] = [
    "dependentRequired",
    "dependentSchemas",
    "maxContains",
    "minContains",
    "prefixItems",
    "unevaluatedItems",
    "unevaluatedProperties",
    "$dynamicRef",
];

/// The drafts, as far as they are told apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Draft {
    Four,
    Six,
    Seven,
    /// None is named: what any of them has.
    Any,
}

impl Schema {
    /// Compiles a schema.
    ///
    /// # Errors
    /// What is wrong with it first, with what leads there.
    pub fn new(schema: &Value) -> Result<Self, SchemaError> {
        let draft = draft(schema)?;
        let mut compiler = Compiler {
            names: Names::of(schema),
            draft,
            nodes: Vec::new(),
            known: HashMap::new(),
            waiting: Vec::new(),
            patterns: 0,
            ignored: Vec::new(),
        };
        if canonical::size(schema) > Self::MAX_BYTES {
            return refuse(&[], format!("a schema may have {} KiB", Self::MAX_BYTES >> 10));
        }
        compiler.node(schema, "", &mut Vec::new())?;
        // What references lead to comes after what refers to it: they may go round in circles, and never in calls.
        while let Some((target, at, base, mut path)) = compiler.waiting.pop() {
            compiler.fill(target, at, &base, &mut path)?;
        }
        let schema = Self { nodes: compiler.nodes, ignored: compiler.ignored };
        loops::refuse(&schema)?;
        Ok(schema)
    }

    /// Keywords that are not looked at, and would keep something out.
    pub fn ignored(&self) -> &[Ignored] {
        &self.ignored
    }
}

fn refuse<T>(path: &[String], problem: impl Into<String>) -> Result<T, SchemaError> {
    Err(SchemaError { path: path.to_vec(), problem: problem.into() })
}

fn draft(schema: &Value) -> Result<Draft, SchemaError> {
    let Some(named) = schema.get("$schema") else { return Ok(Draft::Any) };
    let Some(text) = named.text() else { return refuse(&["$schema".to_owned()], "$schema must be of type string") };
    Ok(match text.trim_end_matches('#') {
        "http://json-schema.org/draft-04/schema" => Draft::Four,
        "http://json-schema.org/draft-06/schema" => Draft::Six,
        "http://json-schema.org/draft-07/schema" => Draft::Seven,
        _ => Draft::Any,
    })
}

struct Compiler<'s> {
    names: Names<'s>,
    draft: Draft,
    nodes: Vec<Node>,
    /// Nodes of what references lead to, by where that is.
    known: HashMap<String, NodeId>,
    /// Nodes that are yet to be filled, with what leads to them.
    waiting: Vec<(&'s Value, NodeId, String, Vec<String>)>,
    patterns: usize,
    ignored: Vec<Ignored>,
}

type Made<T> = Result<T, SchemaError>;

impl<'s> Compiler<'s> {
    fn reserve(&mut self, path: &[String]) -> Made<NodeId> {
        if self.nodes.len() >= Schema::MAX_NODES {
            return refuse(path, format!("more than {} schemas are in it", Schema::MAX_NODES));
        }
        self.nodes.push(Node::default());
        Ok(self.nodes.len() - 1)
    }

    fn node(&mut self, schema: &'s Value, base: &str, path: &mut Vec<String>) -> Made<NodeId> {
        let at = self.reserve(path)?;
        self.fill(schema, at, base, path)?;
        Ok(at)
    }

    /// A schema under a keyword.
    fn under(&mut self, keyword: &str, schema: &'s Value, base: &str, path: &mut Vec<String>) -> Made<NodeId> {
        path.push(keyword.to_owned());
        let made = self.node(schema, base, path)?;
        path.pop();
        Ok(made)
    }

    fn fill(&mut self, schema: &'s Value, at: NodeId, base: &str, path: &mut Vec<String>) -> Made<()> {
        let node = match schema {
            Value::Bool(always) if self.draft >= Draft::Six => Node { always: Some(*always), ..Node::default() },
            Value::Object(members) => self.object(schema, members, base, path)?,
            _ => return refuse(path, "a schema is wanted here: an object"),
        };
        if let Some(place) = self.nodes.get_mut(at) {
            *place = node;
        }
        Ok(())
    }

    fn object(
        &mut self,
        schema: &'s Value,
        members: &'s [(Box<str>, Value)],
        base: &str,
        path: &mut Vec<String>,
    ) -> Made<Node> {
        let keywords = Keywords { members, path };
        for name in ["$id", "id", "title", "description", "$ref"] {
            // What is no name for this draft may be anything.
            let counts = !(name == "$id" && self.draft == Draft::Four
                || name == "id" && matches!(self.draft, Draft::Six | Draft::Seven));
            if counts {
                keywords.text(name)?;
            }
        }
        self.ignored.extend(LATER.into_iter().filter(|later| schema.get(later).is_some()).map(|later| {
            let path = path.iter().cloned().chain([later.to_owned()]).collect();
            Ignored { path }
        }));
        let base = reference::base_of(schema, base);
        if let Some(reference) = schema.get("$ref").and_then(Value::text) {
            return Ok(Node { reference: Some(self.reference(reference, &base, path)?), ..Node::default() });
        }
        let mut node = Node { types: keywords.types()?, ..Node::default() };
        node.numbers = keywords.numbers(self.draft)?;
        node.strings.min_length = keywords.count("minLength")?;
        node.strings.max_length = keywords.count("maxLength")?;
        node.objects.min_properties = keywords.count("minProperties")?;
        node.objects.max_properties = keywords.count("maxProperties")?;
        node.objects.required = keywords.names("required")?;
        node.arrays.min_items = keywords.count("minItems")?;
        node.arrays.max_items = keywords.count("maxItems")?;
        node.arrays.is_unique = keywords.truth("uniqueItems")?;
        node.allowed = keywords.allowed()?;
        node.format = keywords.text("format")?.map(|name| (name.into(), format::named(name)));
        keywords.ordered("minLength", "maxLength", node.strings.min_length, node.strings.max_length)?;
        keywords.ordered("minProperties", "maxProperties", node.objects.min_properties, node.objects.max_properties)?;
        if self.draft >= Draft::Six {
            node.constant = schema.get("const").map(|value| canonical::text(value).into());
        }
        if let Some(pattern) = keywords.text("pattern")? {
            path.push("pattern".to_owned());
            node.strings.pattern = Some(self.pattern(pattern, path)?);
            path.pop();
        }
        self.subschemas(schema, &mut node, &base, path)?;
        Ok(node)
    }

    fn reference(&mut self, reference: &str, base: &str, path: &mut Vec<String>) -> Made<NodeId> {
        path.push("$ref".to_owned());
        let (identity, target) = self.names.find(reference, base).or_else(|problem| refuse(path, problem))?;
        let at = match self.known.get(&identity) {
            Some(known) => *known,
            None => {
                let at = self.reserve(path)?;
                let (document, _) = identity.split_once('#').unwrap_or((&identity, ""));
                let document = document.to_owned();
                self.known.insert(identity, at);
                self.waiting.push((target, at, document, path.clone()));
                at
            }
        };
        path.pop();
        Ok(at)
    }

    fn pattern(&mut self, pattern: &str, path: &[String]) -> Made<Regex> {
        self.patterns += 1;
        if self.patterns > Schema::MAX_PATTERNS {
            return refuse(path, format!("more than {} regular expressions are in it", Schema::MAX_PATTERNS));
        }
        let mut builder = RegexBuilder::new(pattern);
        let built = builder.size_limit(Schema::MAX_PATTERN_BYTES).dfa_size_limit(Schema::MAX_PATTERN_BYTES).build();
        built.or_else(|error| match error {
            regex::Error::CompiledTooBig(_) => refuse(path, "the regular expression is too large"),
            _ => refuse(path, "it is no valid regular expression"),
        })
    }

    fn subschemas(&mut self, schema: &'s Value, node: &mut Node, base: &str, path: &mut Vec<String>) -> Made<()> {
        // Nothing has to refer to them for them to be wrong.
        self.members("definitions", schema, base, path)?;
        node.objects.properties = self.members("properties", schema, base, path)?;
        for (name, at) in self.members("patternProperties", schema, base, path)? {
            path.extend(["patternProperties".to_owned(), name.clone().into()]);
            node.objects.patterns.push((self.pattern(&name, path)?, at));
            path.truncate(path.len() - 2);
        }
        node.objects.additional = self.additional("additionalProperties", schema, base, path)?;
        node.arrays.additional = self.additional("additionalItems", schema, base, path)?;
        node.dependencies = self.dependencies(schema, base, path)?;
        node.arrays.items = match schema.get("items") {
            None => Items::Any,
            Some(Value::Array(_)) => Items::Positions(self.list("items", schema, base, path)?),
            Some(each) => Items::Each(self.under("items", each, base, path)?),
        };
        node.any_of = self.list("anyOf", schema, base, path)?;
        node.one_of = self.list("oneOf", schema, base, path)?;
        node.all_of = self.list("allOf", schema, base, path)?;
        let mut one = |keyword: &str, since: Draft| match schema.get(keyword).filter(|_| self.draft >= since) {
            None => Ok(None),
            Some(found) => self.under(keyword, found, base, path).map(Some),
        };
        node.not = one("not", Draft::Four)?;
        node.objects.names = one("propertyNames", Draft::Six)?;
        node.arrays.contains = one("contains", Draft::Six)?;
        node.condition = one("if", Draft::Seven)?;
        node.consequence = one("then", Draft::Seven)?;
        node.alternative = one("else", Draft::Seven)?;
        Ok(())
    }

    fn list(&mut self, keyword: &str, schema: &'s Value, base: &str, path: &mut Vec<String>) -> Made<Vec<NodeId>> {
        path.push(keyword.to_owned());
        let made = match schema.get(keyword) {
            None => Vec::new(),
            Some(Value::Array(elements)) => {
                let elements = elements.iter().enumerate();
                elements.map(|(at, element)| self.under(&at.to_string(), element, base, path)).collect::<Made<_>>()?
            }
            Some(_) => return refuse(path, format!("{keyword} must be of an array")),
        };
        path.pop();
        Ok(made)
    }

    fn members(
        &mut self,
        keyword: &str,
        schema: &'s Value,
        base: &str,
        path: &mut Vec<String>,
    ) -> Made<Vec<(Box<str>, NodeId)>> {
        path.push(keyword.to_owned());
        let made = match schema.get(keyword) {
            None => Vec::new(),
            Some(Value::Object(members)) => members
                .iter()
                .map(|(name, member)| Ok((name.clone(), self.under(name, member, base, path)?)))
                .collect::<Made<_>>()?,
            Some(_) => return refuse(path, format!("{keyword} must be of type object")),
        };
        path.pop();
        Ok(made)
    }

    fn additional(&mut self, keyword: &str, schema: &'s Value, base: &str, path: &mut Vec<String>) -> Made<Additional> {
        Ok(match schema.get(keyword) {
            None | Some(Value::Bool(true)) => Additional::Any,
            Some(Value::Bool(false)) => Additional::None,
            Some(found) => Additional::Schema(self.under(keyword, found, base, path)?),
        })
    }

    fn dependencies(
        &mut self,
        schema: &'s Value,
        base: &str,
        path: &mut Vec<String>,
    ) -> Made<Vec<(Box<str>, Dependency)>> {
        path.push("dependencies".to_owned());
        let mut made = Vec::new();
        match schema.get("dependencies") {
            None => {}
            Some(Value::Object(members)) => {
                for (name, member) in members {
                    let dependency = match member {
                        Value::Array(_) => {
                            let keywords = Keywords { members, path };
                            Dependency::Members(keywords.texts(name)?)
                        }
                        other => Dependency::Schema(self.under(name, other, base, path)?),
                    };
                    made.push((name.clone(), dependency));
                }
            }
            Some(_) => return refuse(path, "dependencies must be of type object"),
        }
        path.pop();
        Ok(made)
    }
}

/// The type of that name.
fn type_of(name: &str) -> Option<Type> {
    Type::ALL.into_iter().find(|known| known.name() == name)
}

#[cfg(test)]
mod tests;
