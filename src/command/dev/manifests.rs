//! Applying manifests, and again when they change.

use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use anyhow::Result;
use serde_json::Value;

use super::earlier::{self, Earlier};
use super::served::{self, Row};
use crate::client::{Client, Segment};
use crate::command::apply::{self, effect};
use crate::command::delete::{Deleted, delete};
use crate::command::object_ref::ObjectRef;
use crate::manifest::{FileArgs, KrakendArgs, Manifests};
use crate::output::{self, Paint};

/// What is applied when no manifests are given.
const QUICKSTART: &str = include_str!("../../../examples/quickstart.yaml");

/// The Gateway in it, as Fastly services name theirs.
pub(super) const DEMO_GATEWAY: &str = "default/web";

/// After this long, whatever is missing is told instead of waited for.
const PATIENCE: Duration = Duration::from_secs(10);

/// Manifests whose changes are followed.
#[derive(Debug)]
pub(super) struct Followed {
    client: Client,
    files: FileArgs,
    krakend: KrakendArgs,
    /// Namespace of objects that name none, where the command line says it.
    namespace: Option<Segment>,
    /// What the last round read: objects, and problems as text.
    last: Reading,
    /// Every object that was applied and not deleted since.
    applied: Vec<ObjectRef>,
    /// What to do with objects that an earlier run applied and these manifests do not have.
    earlier: Earlier,
    /// Those of them that stay.
    left: Vec<ObjectRef>,
    /// Whether the first round is over.
    has_begun: bool,
}

type Reading = (Vec<Value>, Vec<String>);

impl Followed {
    /// Nothing is read yet.
    pub(super) fn new(
        client: Client,
        files: FileArgs,
        krakend: KrakendArgs,
        namespace: Option<Segment>,
        earlier: Earlier,
    ) -> Self {
        let (last, applied, left) = (Reading::default(), Vec::new(), Vec::new());
        Self { client, files, krakend, namespace, last, applied, earlier, left, has_begun: false }
    }

    fn read(&self) -> Manifests {
        if self.files.paths.is_empty() {
            let mut manifests = Manifests::default();
            manifests.add("quickstart.yaml", QUICKSTART);
            return manifests;
        }
        self.files.read(&self.krakend)
    }

    /// Whether the files say something else than in the last round.
    pub(super) fn has_changed(&self) -> bool {
        reading(&self.read()) != self.last
    }

    /// One round: applies what the files say, deletes what an earlier round applied and they no longer say, and waits
    /// until the proxy serves it. While anything is wrong with them it does neither: an object may only be missing because
    /// its file is being written at the moment, or came out empty.
    ///
    /// # Errors
    /// When the control plane cannot be reached.
    pub(super) async fn apply(&mut self) -> Result<()> {
        let manifests = self.read();
        self.last = reading(&manifests);
        let Some(round) = apply::apply(&self.client, &manifests, self.namespace.as_ref()).await? else {
            output::error_line("What was applied before stays as it was");
            return Ok(());
        };
        let kept = |target: &ObjectRef| round.objects.contains(target) || round.refused.contains(target);
        let (stay, mut gone): (Vec<_>, Vec<_>) = std::mem::take(&mut self.applied).into_iter().partition(kept);
        self.applied = stay;
        if !std::mem::replace(&mut self.has_begun, true) {
            let remembered = earlier::remembered(&self.client).await?;
            let others: Vec<_> = remembered.into_iter().filter(|target| !kept(target)).collect();
            match self.earlier.drops(&others)? {
                true => gone.extend(others),
                false => self.left = others,
            }
        }
        self.left.retain(|target| !kept(target));
        self.prune(gone).await?;
        self.applied
            .extend(round.objects.iter().filter(|target| !self.applied.contains(target)).cloned().collect::<Vec<_>>());
        earlier::remember(&self.client, self.applied.iter().chain(&self.left)).await?;
        let wait = effect::wait(&self.client, &round.objects, round.revision, PATIENCE);
        let missing = output::with_spinner("Waiting for the proxy", wait).await?;
        let paint = Paint::stderr();
        missing.iter().for_each(|missing| output::error_line(paint.bad(missing)));
        Ok(())
    }

    /// Deletes in the opposite order of applying: what refers goes before what is referred to.
    async fn prune(&self, gone: Vec<ObjectRef>) -> Result<()> {
        for target in gone.iter().rev() {
            match delete(&self.client, target).await {
                Ok(deleted) => {
                    let wait = if deleted == Deleted::Gone { "" } else { " (waits for its finalizers)" };
                    output::line(format_args!("{}/{} deleted{wait}", target.resource.label(), target.name))?;
                }
                Err(error) if error.is_not_found() => {}
                Err(error) => output::error_line(format_args!("error: {error}")),
            }
        }
        Ok(())
    }

    /// Prints what is served where, and what is not, and why.
    ///
    /// # Errors
    /// When the control plane cannot be reached.
    pub(super) async fn show_served(&self) -> Result<()> {
        let rows = served::rows(&self.client).await?;
        if rows.is_empty() {
            return output::line("\nNothing is served yet: there is no Gateway with a route, and no KrakendConfig.");
        }
        let (faulty, served): (Vec<Row>, Vec<Row>) = rows.into_iter().partition(|row| row.fault.is_some());
        if !served.is_empty() {
            output::line(Paint::stdout().bold("\nServed"))?;
            let heading = ["LISTENER", "HOST", "MATCH", "GOES TO"].map(str::to_owned).to_vec();
            let rows = served.into_iter().map(|row| vec![row.url, row.host, row.matches, row.goes_to]);
            output::table(&std::iter::once(heading).chain(rows).collect::<Vec<_>>())?;
        }
        if !faulty.is_empty() {
            output::line(Paint::stdout().bad("\nNot served as it is written"))?;
            let heading = ["LISTENER", "HOST", "MATCH", "WHY"].map(str::to_owned).to_vec();
            let rows =
                faulty.into_iter().map(|row| vec![row.url, row.host, row.matches, row.fault.unwrap_or_default()]);
            output::table(&std::iter::once(heading).chain(rows).collect::<Vec<_>>())?;
        }
        Ok(())
    }

    /// Prints what to try next.
    ///
    /// # Errors
    /// When standard output is gone.
    pub(super) async fn show_next_steps(
        &self,
        api: SocketAddr,
        authority: Option<&Path>,
        console: Option<&str>,
    ) -> Result<()> {
        let rows = served::rows(&self.client).await?;
        let served = rows.iter().find(|row| row.fault.is_none());
        let of = |kind: &str| self.applied.iter().find(|target| target.resource.label().starts_with(kind));
        let usual = api.port() == 7080;
        let (server, kubectl) = match authority {
            None if usual => (String::new(), format!("--server http://{api}")),
            None => (format!(" --server http://{api}"), format!("--server http://{api}")),
            Some(file) => {
                let file = file.display();
                // Where nothing is shown, kubectl asks for a user and a password; here anything will do.
                let kubectl = format!("--token dev --server https://{api} --certificate-authority {file}");
                (format!(" --server https://{api} --ca {file}"), kubectl)
            }
        };
        output::line(Paint::stdout().bold("\nTry next, in another terminal"))?;
        if let Some(row) = served {
            output::line(format_args!("  {}", row.curl()))?;
        }
        let edited = of("backend.").map(|backend| format!("backend {}", backend.name));
        let edited = edited.or_else(|| of("krakendconfig.").map(|config| format!("krakendconfig {}", config.name)));
        if let Some(edited) = edited {
            output::line(format_args!("  kubectl {kubectl} edit {edited}"))?;
        }
        match authority {
            None => output::line(format_args!("  backstay status{server}"))?,
            Some(file) => {
                output::line(format_args!("  backstay get backends{server}"))?;
                output::line(format_args!("  curl --cacert {} https://{api}/readyz", file.display()))?;
            }
        }
        if let Some(link) = console {
            output::line(format_args!("  {link}   (the console, for one browser)"))?;
        }
        output::line("\nCtrl-C ends it.")
    }
}

fn reading(manifests: &Manifests) -> Reading {
    let objects = manifests.documents.iter().map(|document| document.object.clone()).collect();
    (objects, manifests.problems.iter().map(ToString::to_string).collect())
}
