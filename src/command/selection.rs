//! Which objects a command line means: `KIND`, `KIND NAME...`, `KIND/NAME...`.

use anyhow::{Result, bail};

use crate::client::{Client, Discovery, ResourceType};

/// Arguments that name objects.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct SelectionArgs {
    /// Kind, category or KIND/NAME; then names
    #[arg(value_name = "KIND[/NAME]")]
    words: Vec<String>,
    /// Namespace to look in
    #[arg(short, long, default_value = "default")]
    namespace: String,
    /// Only objects with these labels, such as app=web,tier!=db
    #[arg(short = 'l', long = "selector", value_name = "LABELS")]
    selector: Option<String>,
}

/// Objects of one kind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Selection {
    /// The kind.
    pub(crate) resource: ResourceType,
    /// Names; empty for all.
    pub(crate) names: Vec<String>,
}

impl SelectionArgs {
    /// Whether nothing was named.
    pub(crate) fn is_empty(&self) -> bool {
        self.words.is_empty()
    }

    /// Namespace to look in.
    pub(crate) fn namespace(&self) -> &str {
        &self.namespace
    }

    /// Label selector.
    pub(crate) fn selector(&self) -> Option<&str> {
        self.selector.as_deref()
    }

    /// What the words mean to this control plane.
    ///
    /// # Errors
    /// When the control plane cannot be reached, or has no such kind.
    pub(crate) async fn resolve(&self, client: &Client) -> Result<Vec<Selection>> {
        let discovery = Discovery::load(client).await?;
        let selections = resolve(&self.words, &discovery)?;
        if self.selector.is_some() && selections.iter().any(|selection| !selection.names.is_empty()) {
            bail!("names and --selector exclude each other");
        }
        Ok(selections)
    }
}

fn resolve(words: &[String], discovery: &Discovery) -> Result<Vec<Selection>> {
    let called = |word: &str| {
        let found: Vec<ResourceType> = discovery.called(word).into_iter().cloned().collect();
        if found.is_empty() {
            bail!("the control plane has no kind {word:?}; it has {}", discovery.names().join(", "));
        }
        Ok(found)
    };
    let mut selections: Vec<Selection> = Vec::new();
    if words.iter().any(|word| word.contains('/')) {
        for word in words {
            let Some((kind, name)) = word.split_once('/') else {
                bail!("{word:?} must be KIND/NAME, as the others are");
            };
            let [resource] = called(kind)?
                .try_into()
                .map_err(|_| anyhow::anyhow!("{kind:?} means several kinds, so no name can follow"))?;
            match selections.iter_mut().find(|selection| selection.resource == resource) {
                Some(selection) => selection.names.push(name.to_owned()),
                None => selections.push(Selection { resource, names: vec![name.to_owned()] }),
            }
        }
        return Ok(selections);
    }
    let Some((kinds, names)) = words.split_first() else { return Ok(selections) };
    for kind in kinds.split(',') {
        selections.extend(called(kind)?.into_iter().map(|resource| Selection { resource, names: names.to_vec() }));
    }
    if !names.is_empty() && selections.len() > 1 {
        bail!("{kinds:?} means several kinds, so no name can follow");
    }
    Ok(selections)
}
