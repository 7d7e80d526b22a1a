//! The options of the access log, of `proxy` and of `dev`.

use std::path::PathBuf;

use anyhow::{Result, anyhow};
use backstay_model::telemetry;
use backstay_proto::config::{self, access_log};
use backstay_proxy::{AccessLog, LogOverrides};
use backstay_resources::GoDuration;
use backstay_resources::apoxy;
use clap::builder::NonEmptyStringValueParser;

/// Where lines go, what they are made of, and which requests have one. What is given wins over what the fleet says.
#[derive(Debug, Clone, clap::Args)]
#[command(next_help_heading = "The access log")]
pub(crate) struct AccessLogArgs {
    /// Where a line for each request goes; fleet is where the Proxy object says, which is nowhere unless it has spec.accessLog
    #[arg(long, value_name = "fleet|off|stdout|FILE", default_value = "fleet", value_parser = NonEmptyStringValueParser::new())]
    access_log: String,
    /// What lines are made of: json, envoy, common, combined, or a string of Envoy's operators such as '%START_TIME% %RESPONSE_CODE%'
    #[arg(long, value_name = "FORMAT", value_parser = NonEmptyStringValueParser::new())]
    access_log_format: Option<String>,
    /// Keys of lines of JSON, with commas between, in their order
    #[arg(long, value_name = "NAME", value_delimiter = ',')]
    access_log_field: Vec<String>,
    /// Headers that lines of JSON have: request:NAME or response:NAME, with commas between
    #[arg(long, value_name = "WHOSE:NAME", value_delimiter = ',')]
    access_log_header: Vec<String>,
    /// Which requests have a line, with commas between: status>=500, duration>=1s, flagged: those that meet any; sample=100: one of so many others
    #[arg(long, value_name = "FILTER", value_delimiter = ',')]
    access_log_filter: Vec<String>,
    /// What is not written in full, beside credentials: header:NAME or query:NAME, with commas between
    #[arg(long, value_name = "WHAT:NAME", value_delimiter = ',')]
    access_log_redact: Vec<String>,
}

impl AccessLogArgs {
    /// Where lines go.
    pub(crate) fn place(&self) -> AccessLog {
        match self.access_log.as_str() {
            "fleet" => AccessLog::Fleet,
            "off" => AccessLog::Off,
            "stdout" => AccessLog::Stdout,
            path => AccessLog::File(PathBuf::from(path)),
        }
    }

    /// What else is given.
    ///
    /// # Errors
    /// The option that cannot be honoured, and why.
    pub(crate) fn overrides(&self) -> Result<LogOverrides> {
        let mut overrides = LogOverrides::default();
        if let Some(layout) = self.layout()? {
            let checked = checked("--access-log-format, --access-log-field or --access-log-header", |message| {
                message.layout = Some(layout);
            })?;
            overrides.layout = Some(checked.layout);
        }
        if !self.access_log_filter.is_empty() {
            let filter = filter(&self.access_log_filter)?;
            overrides.filter = Some(checked("--access-log-filter", |message| message.filter = Some(filter))?.filter);
        }
        if !self.access_log_redact.is_empty() {
            let (headers, query_parameters) =
                split("--access-log-redact", &self.access_log_redact, ["header", "query"])?;
            let redaction = config::Redaction { headers, query_parameters };
            let checked = checked("--access-log-redact", |message| message.redaction = Some(redaction))?;
            overrides.redaction = Some(checked.redaction);
        }
        Ok(overrides)
    }

    fn layout(&self) -> Result<Option<access_log::Layout>> {
        let (request_headers, response_headers) =
            split("--access-log-header", &self.access_log_header, ["request", "response"])?;
        let fields = config::LogFields {
            names: self.access_log_field.clone(),
            request_headers,
            response_headers,
            unix_times: false,
        };
        let format = apoxy::AccessLog {
            format: self.access_log_format.clone().unwrap_or_default(),
            ..apoxy::AccessLog::default()
        };
        match format.text() {
            Some(_) if fields != config::LogFields::default() => {
                Err(anyhow!("--access-log-field and --access-log-header are for --access-log-format json"))
            }
            Some(text) if !text.contains('%') => Err(anyhow!(
                "--access-log-format {text}: there is no such format; there are json, envoy, common, combined, and strings with %OPERATORS%"
            )),
            Some(text) => Ok(Some(access_log::Layout::Text(text.to_owned()))),
            None if self.access_log_format.is_none() && fields == config::LogFields::default() => Ok(None),
            None => Ok(Some(access_log::Layout::Fields(fields))),
        }
    }
}

/// A log of which one thing is said, checked as proxies check what their fleet says.
fn checked(option: &str, say: impl FnOnce(&mut config::AccessLog)) -> Result<telemetry::AccessLog> {
    let mut message = config::AccessLog::default();
    say(&mut message);
    telemetry::AccessLog::try_from(&message).map_err(|faults| anyhow!("{option}: {faults}"))
}

/// Names by the word before their colon.
fn split(option: &str, given: &[String], words: [&str; 2]) -> Result<(Vec<String>, Vec<String>)> {
    let [one, other] = words;
    let mut names = (Vec::new(), Vec::new());
    for text in given {
        match text.split_once(':') {
            Some((word, name)) if word == one => names.0.push(name.to_owned()),
            Some((word, name)) if word == other => names.1.push(name.to_owned()),
            _ => return Err(anyhow!("{option} {text}: write it as {one}:NAME or {other}:NAME")),
        }
    }
    Ok(names)
}

fn filter(given: &[String]) -> Result<config::LogFilter> {
    let mut filter = config::LogFilter::default();
    for text in given {
        let malformed = |why: &str| anyhow!("--access-log-filter {text}: {why}");
        if text == "flagged" {
            filter.flagged = true;
        } else if let Some(status) = text.strip_prefix("status>=") {
            filter.min_status = status.parse().map_err(|_| malformed("a status is a number"))?;
            if filter.min_status == 0 {
                return Err(malformed("a status is 100 to 599"));
            }
        } else if let Some(duration) = text.strip_prefix("duration>=") {
            let duration: GoDuration = duration.parse().map_err(|error| malformed(&format!("{error}")))?;
            filter.min_duration = duration.0.try_into().ok();
            if duration.0.is_zero() {
                return Err(malformed("a duration is more than 0s"));
            }
        } else if let Some(sample) = text.strip_prefix("sample=") {
            filter.one_in = sample.parse().map_err(|_| malformed("one in so many is a number"))?;
            if filter.one_in == 0 {
                return Err(malformed("one in so many is 1 or more"));
            }
        } else {
            return Err(malformed("write it as status>=500, duration>=1s, flagged or sample=100"));
        }
    }
    Ok(filter)
}
