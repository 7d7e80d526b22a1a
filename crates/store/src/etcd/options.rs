//! The settings of a store on etcd, and how an address says them.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use backstay_seal::Keys;

use crate::{History, Limits, Retention};

/// The settings of an [`Etcd`](crate::Etcd) store. All but the endpoints have defaults.
#[derive(Clone, PartialEq, Eq)]
pub struct EtcdOptions {
    /// `HOST:PORT` of each member. While one does not answer, the others are asked.
    pub endpoints: Vec<String>,
    /// What every key begins with; stores with other prefixes can share the cluster. Default `/backstay`.
    pub prefix: String,
    /// TLS to the members. Default none.
    pub tls: Option<EtcdTls>,
    /// Who is logged in, where etcd asks for that.
    pub login: Option<Login>,
    /// How large a commit may be. etcd's own limits are 128 operations and 1.5 MiB a transaction, unless its `--max-txn-ops` and
    /// `--max-request-bytes` say otherwise; the default leaves room for what is written beside the objects.
    pub limits: Limits,
    /// How much of the past is kept, in memory.
    pub history: History,
    /// How long earlier views stay after they were asked for.
    pub retention: Retention,
    /// How long a member may take to answer a read before another is asked. Default 2 seconds.
    pub try_timeout: Duration,
    /// How long a member may take to answer a commit, or what is told others, before another is asked; whichever attempt is done, it is done
    /// once. Default 1 second: members that have lost the one that leads take so long to elect another, and what they were sent meanwhile is
    /// lost.
    pub commit_timeout: Duration,
    /// How long all attempts for a commit, or a read, may take together. Default 10 seconds.
    pub deadline: Duration,
    /// How long a member that did not answer is left out, while there are others. Default 5 seconds.
    pub rest: Duration,
    /// Commits that are on their way at once; more wait. Default 64.
    pub lanes: usize,
    /// Commits that wait for a lane. Beyond it they are [`Unavailable`](crate::CommitError::Unavailable). Default 4,096.
    pub queue_commits: usize,
    /// What this process is called, for others that share the store: it hears what they tell, and may lead. None keeps out of that.
    pub replica: Option<String>,
    /// How long after a process was last heard of what it has told is forgotten, and another leads. Whole seconds; etcd takes 2 at
    /// least. Default 5 seconds.
    pub replica_ttl: Duration,
    /// How often what has been superseded is forgotten by etcd, by whichever process gets there first. It keeps what happened
    /// within that time. Zero leaves it to etcd. Default 5 minutes, as a Kubernetes API server.
    pub compaction: Duration,
    /// What objects are sealed with, each for its key in etcd; whatever was sealed with another of the keys, or not at all, is read as well.
    /// Default nothing: they are kept as they are.
    pub seal: Option<Keys>,
}

/// TLS to etcd's members.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct EtcdTls {
    /// Whose certificates are accepted, a file in PEM. Default the system's roots.
    pub ca: Option<PathBuf>,
    /// Shown to members that ask for a certificate: the chain and its key, files in PEM.
    pub certificate: Option<(PathBuf, PathBuf)>,
    /// Name that the members' certificates must carry. Default the host of the endpoint.
    pub server_name: Option<String>,
}

/// A user of etcd.
#[derive(Clone, PartialEq, Eq)]
pub struct Login {
    /// The user.
    pub user: String,
    /// Its password.
    pub password: String,
}

/// An address of a store on etcd cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{what}")]
pub struct AddressError {
    what: String,
}

/// The largest value and transaction that etcd takes unless it is told otherwise, in bytes, less what is written beside them.
const ETCD_BYTES: usize = (3 << 19) - (64 << 10);

/// The most operations in a transaction that etcd takes unless it is told otherwise.
const ETCD_OPERATIONS: usize = 128;

/// What a commit writes besides what it is asked for.
pub(super) const OWN_OPERATIONS: usize = 2;

impl EtcdOptions {
    /// The defaults, with these members.
    #[must_use]
    pub fn new(endpoints: Vec<String>) -> Self {
        let limits = Limits { value_bytes: ETCD_BYTES, commit_bytes: ETCD_BYTES, ..Limits::default() };
        Self {
            endpoints,
            prefix: "/backstay".to_owned(),
            tls: None,
            login: None,
            limits: Limits { operations: ETCD_OPERATIONS - OWN_OPERATIONS, ..limits },
            history: History::default(),
            retention: Retention::default(),
            try_timeout: Duration::from_secs(2),
            commit_timeout: Duration::from_secs(1),
            deadline: Duration::from_secs(10),
            rest: Duration::from_secs(5),
            lanes: 64,
            queue_commits: 4096,
            replica: None,
            replica_ttl: Duration::from_secs(5),
            compaction: Duration::from_secs(300),
            seal: None,
        }
    }

    /// Reads `etcd://HOST:PORT,HOST:PORT/PREFIX?OPTIONS`, or `etcds://` for TLS. The port is 2379 where there is none. Options, as in
    /// a query: `ca`, `cert`, `key` (files), `server-name`, `user`, `password-file` (read here), `max-txn-ops` and
    /// `max-request-bytes` (what etcd was started with).
    ///
    /// # Errors
    /// [`AddressError`] says which part is wrong.
    pub fn parse(address: &str) -> Result<Self, AddressError> {
        let (secure, rest) = match (address.strip_prefix("etcds://"), address.strip_prefix("etcd://")) {
            (Some(rest), _) => (true, rest),
            (None, Some(rest)) => (false, rest),
            (None, None) => return wrong(format!("{address:?} begins with neither etcd:// nor etcds://")),
        };
        let (rest, query) = rest.split_once('?').unwrap_or((rest, ""));
        let (members, prefix) = match rest.find('/') {
            Some(slash) => rest.split_at(slash),
            None => (rest, ""),
        };
        let endpoints = members.split(',').map(endpoint).collect::<Result<Vec<_>, _>>()?;
        let mut options = Self::new(endpoints);
        let prefix = prefix.trim_end_matches('/');
        if !prefix.is_empty() {
            prefix.clone_into(&mut options.prefix);
        }
        options.tls = secure.then(EtcdTls::default);
        options.read_query(query)?;
        Ok(options)
    }

    fn read_query(&mut self, query: &str) -> Result<(), AddressError> {
        let (mut user, mut password, mut certificate, mut key) = (None, None, None, None);
        for (name, value) in form_urlencoded::parse(query.as_bytes()) {
            let value = value.into_owned();
            match (&*name, &mut self.tls) {
                ("ca", Some(tls)) => tls.ca = Some(value.into()),
                ("cert", Some(_)) => certificate = Some(value.into()),
                ("key", Some(_)) => key = Some(value.into()),
                ("server-name", Some(tls)) => tls.server_name = Some(value),
                ("ca" | "cert" | "key" | "server-name", None) => return wrong(format!("{name} is for etcds:// alone")),
                ("user", _) => user = Some(value),
                ("password-file", _) => password = Some(read_password(&value)?),
                ("max-txn-ops", _) => self.limits.operations = number(&name, &value, OWN_OPERATIONS)?,
                ("max-request-bytes", _) => {
                    let bytes = number(&name, &value, 64 << 10)?;
                    self.limits.commit_bytes = bytes;
                    self.limits.value_bytes = bytes.min(Limits::default().value_bytes);
                }
                _ => {
                    return wrong(format!(
                        "{name:?} is none of ca, cert, key, server-name, user, password-file, max-txn-ops, max-request-bytes"
                    ));
                }
            }
        }
        self.login = match (user, password) {
            (Some(user), Some(password)) => Some(Login { user, password }),
            (None, None) => None,
            _ => return wrong("user and password-file are given together".to_owned()),
        };
        match (certificate, key, &mut self.tls) {
            (None, None, _) => Ok(()),
            (Some(certificate), Some(key), Some(tls)) => {
                tls.certificate = Some((certificate, key));
                Ok(())
            }
            _ => wrong("cert and key are given together".to_owned()),
        }
    }
}

fn endpoint(member: &str) -> Result<String, AddressError> {
    let uri = format!("http://{member}").parse::<http::Uri>();
    let Some(authority) = uri.ok().and_then(|uri| uri.into_parts().authority).filter(|it| !it.host().is_empty()) else {
        return wrong(format!("{member:?} is not HOST:PORT of a member"));
    };
    if authority.as_str().contains('@') {
        return wrong("a user is given by the options user and password-file".to_owned());
    }
    Ok(format!("{}:{}", authority.host(), authority.port_u16().unwrap_or(2379)))
}

/// A number, less what is kept back of it.
fn number(name: &str, value: &str, kept_back: usize) -> Result<usize, AddressError> {
    let number = value.parse::<usize>().ok().and_then(|number| number.checked_sub(kept_back)).filter(|it| *it > 0);
    number.map_or_else(|| wrong(format!("{name}: {value:?} is not a number above {kept_back}")), Ok)
}

fn read_password(path: &str) -> Result<String, AddressError> {
    match std::fs::read_to_string(path) {
        Ok(text) => Ok(text.trim_end_matches(['\r', '\n']).to_owned()),
        Err(error) => wrong(format!("password-file: cannot read {path}: {error}")),
    }
}

fn wrong<T>(what: String) -> Result<T, AddressError> {
    Err(AddressError { what })
}

impl fmt::Debug for EtcdOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EtcdOptions")
            .field("endpoints", &self.endpoints)
            .field("prefix", &self.prefix)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for Login {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Login").field("user", &self.user).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
