//! Options of whatever serves the API: who may send requests to it, and what they may do.

use std::path::PathBuf;

use backstay_auth::audit::{Mode, Target};
use backstay_auth::jwt::IssuerOptions;
use backstay_control_plane::{AccessOptions, TokenIssuer, TokenKeys};
use clap::builder::NonEmptyStringValueParser;

/// Who may send requests, and what they may do.
#[derive(Debug, Clone, clap::Args)]
#[command(next_help_heading = "Access")]
pub(crate) struct AccessArgs {
    /// File of the tokens that requests are sent with; without this, and without any other way to tell who sends a request, everybody
    /// may do everything [see: backstay token]
    #[arg(long, value_name = "FILE")]
    tokens: Option<PathBuf>,
    /// File of roles and bindings: ClusterRole, Role, ClusterRoleBinding and RoleBinding of rbac.authorization.k8s.io/v1
    #[arg(long, value_name = "FILE", conflicts_with = "access_review_kubeconfig")]
    authorization: Option<PathBuf>,
    /// Issuer of signed tokens, as they name it (iss); its keys are where its configuration says, unless --jwks-file
    #[arg(long, value_name = "URL", requires = "oidc_audience", value_parser = NonEmptyStringValueParser::new())]
    oidc_issuer: Option<String>,
    /// Whom signed tokens must be for (aud)
    #[arg(long, value_name = "NAME", requires = "oidc_issuer", value_parser = NonEmptyStringValueParser::new())]
    oidc_audience: Option<String>,
    /// Claim of signed tokens that is the user's name
    #[arg(long, value_name = "CLAIM", default_value = "sub", value_parser = NonEmptyStringValueParser::new())]
    oidc_username_claim: String,
    /// Claim of signed tokens that lists the user's groups
    #[arg(long, value_name = "CLAIM", default_value = "groups", value_parser = NonEmptyStringValueParser::new())]
    oidc_groups_claim: String,
    /// What names of users from signed tokens begin with; - for nothing
    #[arg(long, value_name = "TEXT", default_value = "oidc:", allow_hyphen_values = true)]
    oidc_username_prefix: String,
    /// What names of groups from signed tokens begin with; - for nothing
    #[arg(long, value_name = "TEXT", default_value = "oidc:", allow_hyphen_values = true)]
    oidc_groups_prefix: String,
    /// File of the issuer's keys, a JSON Web Key Set, instead of fetching them
    #[arg(long, value_name = "FILE", requires = "oidc_issuer")]
    jwks_file: Option<PathBuf>,
    /// File of the authorities of the issuer's own certificate [default: those of the system]
    #[arg(long, value_name = "FILE", requires = "oidc_issuer", conflicts_with = "jwks_file")]
    oidc_ca_file: Option<PathBuf>,
    /// Kubeconfig of the API server that is asked whose tokens are that nobody here knows; in-cluster for that of the pod
    #[arg(long, value_name = "FILE|in-cluster")]
    token_review_kubeconfig: Option<PathBuf>,
    /// Kubeconfig of the API server that is asked what users may do; in-cluster for that of the pod
    #[arg(long, value_name = "FILE|in-cluster")]
    access_review_kubeconfig: Option<PathBuf>,
    /// Where a line for each change, each read of a Secret and each refusal goes
    #[arg(long, value_name = "stdout|FILE", value_parser = NonEmptyStringValueParser::new())]
    audit_log: Option<String>,
    /// What happens while the audit log cannot keep up: lines are lost and counted, or requests wait
    #[arg(
        long,
        value_name = "batch|blocking",
        value_enum,
        default_value_t,
        requires = "audit_log",
        hide_possible_values = true
    )]
    audit_mode: AuditMode,
}

/// What happens while the audit log cannot keep up.
#[derive(Debug, Clone, Copy, Default, clap::ValueEnum)]
enum AuditMode {
    /// Lines are lost, and counted
    #[default]
    Batch,
    /// Requests wait
    Blocking,
}

impl AccessArgs {
    /// As settings.
    pub(crate) fn options(self) -> AccessOptions {
        let prefix = |text: String| if text == "-" { String::new() } else { text };
        let issuer = self.oidc_issuer.zip(self.oidc_audience).map(|(issuer, audience)| TokenIssuer {
            options: IssuerOptions {
                issuer,
                audience,
                username_claim: self.oidc_username_claim,
                groups_claim: self.oidc_groups_claim,
                username_prefix: prefix(self.oidc_username_prefix),
                groups_prefix: prefix(self.oidc_groups_prefix),
            },
            keys: match self.jwks_file {
                Some(path) => TokenKeys::File(path),
                None => TokenKeys::Discovered { authorities: self.oidc_ca_file },
            },
        });
        let mode = match self.audit_mode {
            AuditMode::Batch => Mode::Batch,
            AuditMode::Blocking => Mode::Blocking,
        };
        let target = |log: String| if log == "stdout" { Target::Stdout } else { Target::File(log.into()) };
        AccessOptions {
            tokens: self.tokens,
            certificates: false,
            own: None,
            front_proxies: None,
            issuer,
            token_review: self.token_review_kubeconfig,
            authorization: self.authorization,
            access_review: self.access_review_kubeconfig,
            audit: self.audit_log.map(|log| (target(log), mode)),
        }
    }
}
