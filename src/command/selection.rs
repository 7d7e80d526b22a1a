//! Which objects a command line means: `KIND`, `KIND NAME...`, `KIND/NAME...`.
//!
//! All of it is read before the first request, so that a word that came out empty, as that of a shell variable which is
//! not set, stands for nothing: neither for all objects, nor for the others alone.

use anyhow::{Result, bail};

use crate::client::{Client, Discovery, ResourceType, Segment};

/// Arguments that name objects.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct SelectionArgs {
    /// Kind, category or KIND/NAME; then names
    #[arg(value_name = "KIND[/NAME]")]
    words: Vec<String>,
    /// Namespace to look in [default: default]
    #[arg(short, long, value_name = "NAME")]
    namespace: Option<Segment>,
    /// Only objects with these labels, such as app=web,tier!=db
    #[arg(short = 'l', long = "selector", value_name = "LABELS", value_parser = selector)]
    selector: Option<String>,
}

/// Objects of one kind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Selection {
    /// The kind.
    pub(crate) resource: ResourceType,
    /// Names; empty for all.
    pub(crate) names: Vec<Segment>,
}

/// What the words of a command line say, whatever kinds there are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Words {
    /// `KIND`, `KIND,KIND` or `KIND NAME...`.
    Kinds { kinds: Vec<String>, names: Vec<Segment> },
    /// `KIND/NAME...`.
    Pairs(Vec<(String, Segment)>),
}

/// A selector that selects something: an empty one, or one of nothing but commas, would select everything.
fn selector(text: &str) -> Result<String, &'static str> {
    match text.split(',').all(|term| term.trim().is_empty()) {
        true => Err("an empty selector selects every object; leave it out where all are meant"),
        false => Ok(text.to_owned()),
    }
}

impl SelectionArgs {
    /// Whether nothing was named.
    pub(crate) fn is_empty(&self) -> bool {
        self.words.is_empty()
    }

    /// Namespace, where the command line says one.
    pub(crate) fn namespace(&self) -> Option<&Segment> {
        self.namespace.as_ref()
    }

    /// Namespace to look in.
    pub(crate) fn namespace_or_default(&self) -> Segment {
        self.namespace.clone().unwrap_or_else(Segment::default_namespace)
    }

    /// Label selector; never one that selects everything.
    pub(crate) fn selector(&self) -> Option<&str> {
        self.selector.as_deref()
    }

    /// What the words say. Ends as for a wrong command line where one of them cannot be meant.
    pub(crate) fn read(&self) -> Words {
        let words = Words::parse(&self.words).unwrap_or_else(|why| super::usage(&why));
        if self.selector.is_some() && words.has_names() {
            super::usage("names and --selector exclude each other");
        }
        words
    }
}

impl Words {
    fn parse(words: &[String]) -> Result<Self, String> {
        let kind = |word: &str| match word {
            "" => Err("the kind is empty".to_owned()),
            kind => Ok(kind.to_owned()),
        };
        let name = |word: &str| word.parse::<Segment>().map_err(|error| error.to_string());
        if words.iter().any(|word| word.contains('/')) {
            let pair = |word: &String| {
                let (left, right) =
                    word.split_once('/').ok_or_else(|| format!("{word:?} must be KIND/NAME, as the others are"))?;
                Ok((kind(left)?, name(right).map_err(|error| format!("{word:?}: {error}"))?))
            };
            let mut pairs = words.iter().map(pair).collect::<Result<Vec<_>, String>>()?;
            once(&mut pairs);
            return Ok(Self::Pairs(pairs));
        }
        let (first, rest) = words.split_first().ok_or("the kind is missing")?;
        let kinds = first.split(',').map(kind).collect::<Result<Vec<_>, _>>()?;
        let mut names = rest.iter().map(|word| name(word)).collect::<Result<Vec<_>, _>>()?;
        once(&mut names);
        if kinds.len() > 1 && !names.is_empty() {
            return Err(format!("{first:?} means several kinds, so no name can follow"));
        }
        Ok(Self::Kinds { kinds, names })
    }

    /// How many kinds are written, or names where there are more of these.
    pub(crate) fn count(&self) -> usize {
        match self {
            Self::Kinds { kinds, names } => kinds.len().max(names.len()),
            Self::Pairs(pairs) => pairs.len(),
        }
    }

    /// Whether objects are named, and not only kinds.
    pub(crate) fn has_names(&self) -> bool {
        match self {
            Self::Kinds { names, .. } => !names.is_empty(),
            Self::Pairs(_) => true,
        }
    }

    /// What the words mean to this control plane.
    ///
    /// # Errors
    /// When the control plane cannot be reached, or has no such kind.
    pub(crate) async fn resolve(self, client: &Client) -> Result<Vec<Selection>> {
        let discovery = Discovery::load(client).await?;
        let called = |word: &str| {
            let found: Vec<ResourceType> = discovery.called(word).into_iter().cloned().collect();
            if found.is_empty() {
                bail!("the control plane has no kind {word:?}; it has {}", discovery.names().join(", "));
            }
            Ok(found)
        };
        let mut selections: Vec<Selection> = Vec::new();
        match self {
            Self::Pairs(pairs) => {
                for (kind, name) in pairs {
                    let [resource] = called(&kind)?
                        .try_into()
                        .map_err(|_| anyhow::anyhow!("{kind:?} means several kinds, so no name can follow"))?;
                    match selections.iter_mut().find(|selection| selection.resource == resource) {
                        Some(selection) => selection.names.push(name),
                        None => selections.push(Selection { resource, names: vec![name] }),
                    }
                }
            }
            Self::Kinds { kinds, names } => {
                for kind in &kinds {
                    let found = called(kind)?.into_iter();
                    selections.extend(found.map(|resource| Selection { resource, names: names.clone() }));
                }
                if !names.is_empty() && selections.len() > 1 {
                    bail!("{:?} means several kinds, so no name can follow", kinds.join(","));
                }
            }
        }
        Ok(selections)
    }
}

/// Leaves out what was said before.
fn once<T: PartialEq + Clone>(items: &mut Vec<T>) {
    let mut seen = Vec::new();
    items.retain(|item| {
        let is_new = !seen.contains(item);
        seen.push(item.clone());
        is_new
    });
}

#[cfg(test)]
mod tests;
