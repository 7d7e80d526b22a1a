//! `backstay get`.

mod list;
mod render;

use std::process::ExitCode;

use anyhow::{Result, bail};

use self::list::List;
use self::render::{Extent, Names, Namespaces, OutputFormat, Owners, Printer};
use super::selection::{Selection, SelectionArgs};
use crate::client::{Client, Error, Segment, ServerArgs};
use crate::output;

/// Print objects
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  backstay get backends
  backstay get backend hello -o yaml
  backstay get httproutes -A
  backstay get backstay                     Every kind of the category
  backstay get backends -l app=shop --watch")]
pub(crate) struct Args {
    #[command(flatten)]
    server: ServerArgs,
    #[command(flatten)]
    selection: SelectionArgs,
    /// Look in all namespaces
    #[arg(short = 'A', long, conflicts_with = "namespace")]
    all_namespaces: bool,
    /// Format of the output
    #[arg(short, long, value_enum, default_value_t)]
    output: OutputFormat,
    /// Print in JSON and YAML also who set which field, `metadata.managedFields`
    #[arg(long)]
    show_managed_fields: bool,
    /// Go on and print changes as they happen
    #[arg(short, long)]
    watch: bool,
}

impl Args {
    pub(crate) async fn run(self) -> Result<ExitCode> {
        if self.selection.is_empty() {
            super::usage("say what to print, such as: backstay get backends");
        }
        let words = self.selection.read();
        if self.watch && words.count() > 1 {
            super::usage("--watch takes one kind at a time, and one name or none");
        }
        let client = self.server.client()?;
        let selections = words.resolve(&client).await?;
        if self.watch {
            return self.follow(&client, &selections).await;
        }
        let names = if selections.len() > 1 { Names::WithKind } else { Names::Alone };
        let mut printer = Printer::new(self.output, names, self.namespaces(), self.owners());
        let mut failed = 0;
        for selection in &selections {
            for list in self.lists(selection) {
                match output::with_spinner("Reading", list.read(&client)).await {
                    Ok(page) => printer.add(&selection.resource, page),
                    Err(Error::Refused(status)) => {
                        output::error_line(format_args!("error: {status}"));
                        failed += 1;
                    }
                    Err(other) => return Err(other.into()),
                }
            }
        }
        let extent = match &*selections {
            [only] if only.names.len() == 1 => Extent::One,
            _ => Extent::List,
        };
        let shown = printer.finish(extent)?;
        if shown == 0 && failed == 0 && matches!(self.output, OutputFormat::Table | OutputFormat::Wide) {
            output::error_line("No objects found");
        }
        Ok(if failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    }

    async fn follow(&self, client: &Client, selections: &[Selection]) -> Result<ExitCode> {
        let [selection] = selections else {
            bail!("--watch takes one kind at a time, and this is a category of several")
        };
        let lists: Vec<_> = self.lists(selection).collect();
        let [list] = &*lists else { bail!("--watch takes one name or none") };
        let mut printer = Printer::new(self.output, Names::Alone, self.namespaces(), self.owners());
        let page = list.read(client).await?;
        let mut revision = page.revision.clone();
        printer.add(&selection.resource, page);
        printer.flush()?;
        loop {
            let mut watch = list.watch(client, &revision).await?;
            loop {
                match watch.next().await {
                    Ok(Some(event)) => {
                        if let Some(version) = list::revision_of(&event.object) {
                            revision = version;
                        }
                        if event.kind != "BOOKMARK" {
                            printer.add_event(&selection.resource, event.object);
                            printer.flush()?;
                        }
                    }
                    // Servers end watches now and then; the next one begins where this one ended.
                    Ok(None) => break,
                    Err(error) if error.is_expired() => {
                        let page = list.read(client).await?;
                        revision.clone_from(&page.revision);
                        printer.add(&selection.resource, page);
                        printer.flush()?;
                        break;
                    }
                    Err(other) => return Err(other.into()),
                }
            }
        }
    }

    fn owners(&self) -> Owners {
        if self.show_managed_fields { Owners::Shown } else { Owners::Hidden }
    }

    fn namespaces(&self) -> Namespaces {
        if self.all_namespaces { Namespaces::InColumn } else { Namespaces::Hidden }
    }

    /// One list for each name, or one for all.
    fn lists<'a>(&'a self, selection: &'a Selection) -> impl Iterator<Item = List> + 'a {
        let namespace = (!self.all_namespaces).then(|| self.selection.namespace_or_default());
        let list = move |name: Option<&Segment>| List {
            resource: selection.resource.clone(),
            namespace: namespace.clone(),
            name: name.cloned(),
            selector: self.selection.selector().map(str::to_owned),
            as_table: matches!(self.output, OutputFormat::Table | OutputFormat::Wide),
        };
        let none = selection.names.is_empty().then_some(None);
        none.into_iter().chain(selection.names.iter().map(Some)).map(list)
    }
}
