//! What a query string asks for.

mod deletion;

use std::time::Duration;

use axum::extract::Query;
use backstay_auth::Caller;
use backstay_resources::{FieldError, FieldPath};
use http::{HeaderMap, Uri, header};

pub(crate) use self::deletion::{Extent, check as check_deletion};
use crate::ownership::MAX_MANAGER_BYTES;
use crate::status::Failure;

/// What to do with unknown and repeated fields of a body.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum FieldValidation {
    /// Drop them.
    Ignore,
    /// Drop them and say so in `Warning` headers.
    #[default]
    Warn,
    /// Refuse the request.
    Strict,
}

/// How fresh a read must be relative to `resourceVersion`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum VersionMatch {
    /// The state at that version.
    Exact,
    /// Any state not before it.
    NotOlderThan,
}

/// What rows of a table carry of their objects.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum IncludeObject {
    /// Nothing.
    None,
    /// Metadata.
    #[default]
    Metadata,
    /// All.
    Object,
}

/// What a query string asks for. Parameters that Kubernetes does not know are not looked at, as Kubernetes does.
#[derive(Debug, Clone, Default)]
pub(crate) struct Params {
    pub(crate) watch: bool,
    pub(crate) allow_bookmarks: bool,
    pub(crate) send_initial_events: Option<bool>,
    pub(crate) timeout: Option<Duration>,
    /// `None` if absent or empty.
    pub(crate) resource_version: Option<u64>,
    pub(crate) version_match: Option<VersionMatch>,
    /// 0 is no limit.
    pub(crate) limit: usize,
    pub(crate) next: Option<String>,
    pub(crate) label_selector: String,
    pub(crate) field_selector: String,
    pub(crate) include_object: IncludeObject,
    pub(crate) pretty: bool,
    pub(crate) dry_run: bool,
    pub(crate) field_validation: FieldValidation,
    /// Who writes, as the query says.
    pub(crate) field_manager: String,
    /// Who writes, once [`Params::written_by`] was called.
    pub(crate) manager: String,
    /// Whether an apply takes over what others own.
    pub(crate) force: Option<bool>,
    pub(crate) propagation_policy: Option<String>,
    pub(crate) grace_period_seconds: Option<i64>,
    pub(crate) orphan_dependents: Option<bool>,
    pub(crate) ignore_store_read_error: Option<bool>,
    /// Who has sent the request. `None` where nothing before this dialect asks for that.
    pub(crate) caller: Option<Caller>,
}

impl Params {
    /// What somebody says who writes and sends no query. Fields that are unknown or set twice are refused.
    ///
    /// `manager` is whom the client names, `agent` whom the client is, for when it names nobody.
    pub(crate) fn of_writer(manager: &str, agent: &str, dry_run: bool, force: Option<bool>) -> Result<Self, Failure> {
        field_manager(manager)?;
        let params = Self {
            dry_run,
            field_validation: FieldValidation::Strict,
            field_manager: manager.to_owned(),
            force,
            ..Self::default()
        };
        Ok(params.written_by_agent(agent))
    }

    /// Reads the query of a URI.
    pub(crate) fn parse(uri: &Uri) -> Result<Self, Failure> {
        let mut params = Self::default();
        for (name, value) in pairs(uri)? {
            params.set(&name, value)?;
        }
        Ok(params)
    }

    /// Names who writes after the client, if the query does not name them.
    ///
    /// Source: Kubernetes, `apiserver/pkg/endpoints/handlers`, `managerOrUserAgent`.
    pub(crate) fn written_by(self, headers: &HeaderMap) -> Self {
        let agent = headers.get(header::USER_AGENT).map(|agent| String::from_utf8_lossy(agent.as_bytes()));
        self.written_by_agent(agent.as_deref().unwrap_or_default())
    }

    fn written_by_agent(mut self, agent: &str) -> Self {
        self.manager.clone_from(&self.field_manager);
        if self.manager.is_empty() {
            let name = agent.split('/').next().unwrap_or_default();
            for character in name.chars().filter(|character| !character.is_control()) {
                if self.manager.len() + character.len_utf8() > MAX_MANAGER_BYTES {
                    break;
                }
                self.manager.push(character);
            }
        }
        self
    }

    /// Remembers who has sent it, for what is decided only once it is known what is stored.
    pub(crate) fn sent_by(self, extensions: &http::Extensions) -> Self {
        Self { caller: extensions.get::<Caller>().cloned(), ..self }
    }

    fn set(&mut self, name: &str, value: String) -> Result<(), Failure> {
        match name {
            "watch" => self.watch = boolean(name, &value)?,
            "allowWatchBookmarks" => self.allow_bookmarks = boolean(name, &value)?,
            "sendInitialEvents" => self.send_initial_events = Some(boolean(name, &value)?),
            "timeoutSeconds" => self.timeout = Some(Duration::from_secs(number(name, &value)?)),
            "resourceVersion" if value.is_empty() => self.resource_version = None,
            "resourceVersion" => self.resource_version = Some(resource_version(&value)?),
            "resourceVersionMatch" => self.version_match = version_match(&value)?,
            "limit" => self.limit = usize::try_from(number(name, &value)?).unwrap_or(usize::MAX),
            "continue" => self.next = Some(value).filter(|token| !token.is_empty()),
            "labelSelector" => self.label_selector = value,
            "fieldSelector" => self.field_selector = value,
            "includeObject" => self.include_object = include_object(&value)?,
            "pretty" => self.pretty = boolean(name, &value)?,
            "dryRun" => self.dry_run |= dry_run([value.as_str()])?,
            "fieldValidation" => self.field_validation = field_validation(&value)?,
            "fieldManager" => {
                field_manager(&value)?;
                self.field_manager = value;
            }
            // What came out empty does not take over what others own.
            "force" if value.is_empty() => return Err(malformed(name, &value)),
            "force" => self.force = Some(boolean(name, &value)?),
            "propagationPolicy" => self.propagation_policy = Some(value),
            "gracePeriodSeconds" => {
                let seconds = value.parse().map_err(|_| malformed(name, &value))?;
                self.grace_period_seconds = Some(seconds);
            }
            "orphanDependents" => self.orphan_dependents = Some(boolean(name, &value)?),
            "ignoreStoreReadErrorWithClusterBreakingPotential" => {
                self.ignore_store_read_error = Some(boolean(name, &value)?);
            }
            _ => {}
        }
        Ok(())
    }
}

/// The names and values of a query.
fn pairs(uri: &Uri) -> Result<Vec<(String, String)>, Failure> {
    let Query(pairs) = Query::try_from_uri(uri)
        .map_err(|error| Failure::bad_request(format!("the query string is malformed: {error}")))?;
    Ok(pairs)
}

fn malformed(name: &str, value: &str) -> Failure {
    Failure::bad_request(format!("the value {value:?} of the query parameter {name} is malformed"))
}

/// As Go's `strconv.ParseBool`; one without a value is set.
///
/// Source: Kubernetes, `apimachinery/pkg/runtime`, `Convert_Slice_string_To_bool`.
fn boolean(name: &str, value: &str) -> Result<bool, Failure> {
    match value {
        "" | "1" | "t" | "T" | "true" | "True" | "TRUE" => Ok(true),
        "0" | "f" | "F" | "false" | "False" | "FALSE" => Ok(false),
        _ => Err(malformed(name, value)),
    }
}

fn number(name: &str, value: &str) -> Result<u64, Failure> {
    if value.is_empty() { Ok(0) } else { value.parse().map_err(|_| malformed(name, value)) }
}

/// A resource version is the store's revision, as a decimal number.
pub(crate) fn resource_version(value: &str) -> Result<u64, Failure> {
    value.parse().map_err(|_| Failure::bad_request(format!("Invalid value: {value:?}: resource version is not valid")))
}

fn version_match(value: &str) -> Result<Option<VersionMatch>, Failure> {
    match value {
        "" => Ok(None),
        "Exact" => Ok(Some(VersionMatch::Exact)),
        "NotOlderThan" => Ok(Some(VersionMatch::NotOlderThan)),
        other => {
            let path = FieldPath::new("resourceVersionMatch");
            let error = FieldError::not_supported(path, other, &["Exact", "NotOlderThan", ""]);
            Err(Failure::invalid_options("ListOptions", &[error]))
        }
    }
}

fn include_object(value: &str) -> Result<IncludeObject, Failure> {
    match value {
        "" | "Metadata" => Ok(IncludeObject::Metadata),
        "None" => Ok(IncludeObject::None),
        "Object" => Ok(IncludeObject::Object),
        other => Err(Failure::bad_request(format!(
            "Invalid value: {other:?}: includeObject must be one of None, Metadata, Object"
        ))),
    }
}

/// Whether nothing is to be stored. `All` is the only stage there is; an empty one would store what was not to be.
pub(crate) fn dry_run<'a>(stages: impl IntoIterator<Item = &'a str>) -> Result<bool, Failure> {
    let mut asked = false;
    for stage in stages {
        match stage {
            "All" => asked = true,
            other => {
                let message = format!("Invalid value: {other:?}: dryRun: Unsupported value: supported values: \"All\"");
                return Err(Failure::bad_request(message));
            }
        }
    }
    Ok(asked)
}

fn field_validation(value: &str) -> Result<FieldValidation, Failure> {
    match value {
        "" | "Warn" => Ok(FieldValidation::Warn),
        "Ignore" => Ok(FieldValidation::Ignore),
        "Strict" => Ok(FieldValidation::Strict),
        other => {
            let path = FieldPath::new("fieldValidation");
            let error = FieldError::not_supported(path, other, &["Ignore", "Strict", "Warn"]);
            Err(Failure::invalid_options("CreateOptions", &[error]))
        }
    }
}

fn field_manager(value: &str) -> Result<(), Failure> {
    let path = || FieldPath::new("fieldManager");
    let error = if value.len() > MAX_MANAGER_BYTES {
        FieldError::too_long(path(), MAX_MANAGER_BYTES)
    } else if value.chars().any(char::is_control) {
        FieldError::invalid(path(), value, "should only contain printable characters")
    } else {
        return Ok(());
    };
    Err(Failure::invalid_options("PatchOptions", &[error]))
}

/// What a patch must say and may not: one that applies says who it is, and only that takes over by force.
pub(crate) fn check_patch(params: &Params, is_apply: bool) -> Result<(), Failure> {
    let error = if is_apply && params.field_manager.is_empty() {
        FieldError::required(FieldPath::new("fieldManager"), "is required for apply patch")
    } else if !is_apply && params.force.is_some() {
        FieldError::forbidden(FieldPath::new("force"), "may not be specified for non-apply patch")
    } else {
        return Ok(());
    };
    Err(Failure::invalid_options("PatchOptions", &[error]))
}
