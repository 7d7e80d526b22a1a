//! Modifiers that depend on something.

use backstay_proto::config;
use backstay_proto::config::modifier::Kind;
use backstay_proto::config::modifier_condition::Kind as Condition;
use regex::bytes::RegexBuilder;

use super::scope::Scope;
use super::{Found, Reader, modifier};
use crate::quote::quoted;

/// How large a regex may become, in bytes. The proxy has the same bound.
const MAX_REGEX_BYTES: usize = 1 << 20;

impl Reader<'_> {
    pub(super) fn filter(self, found: &Found<'_>) -> Option<config::Modifier> {
        let scope = self.scope(found, Scope::BOTH);
        let when = self.condition(found);
        let inner = self.inner(found, "modifier");
        if found.fields.get("modifier").is_none() {
            self.report.unreadable(found.place, found.path, "modifier is missing");
        }
        // These two have none, whatever is written.
        let has_else = !matches!(found.name, "header.RegexFilter" | "port.Filter");
        let otherwise = if has_else { self.inner(found, "else") } else { Some(None) };
        let conditional = config::ConditionalModifier {
            when: Some(config::ModifierCondition { kind: Some(when?) }),
            modifier: Some(Box::new(inner??)),
            otherwise: otherwise?.map(Box::new),
        };
        Some(modifier(scope?, Kind::Conditional(Box::new(conditional))))
    }

    /// A modifier within another, if there is one.
    fn inner(self, found: &Found<'_>, name: &'static str) -> Option<Option<config::Modifier>> {
        let Some(entry) = found.fields.get(name) else { return Some(None) };
        self.read(&entry.node, entry.place, &found.path.key(&entry.key)).map(Some)
    }

    fn condition(self, found: &Found<'_>) -> Option<Condition> {
        let fields = &found.fields;
        let field = |name: String| {
            let value = fields.text("value")?.to_owned();
            Some(config::ResponseField { name, value })
        };
        Some(match found.name {
            "header.Filter" => Condition::Header(field(self.header(found, "name")?)?),
            "header.RegexFilter" => {
                let name = self.header(found, "header");
                Condition::HeaderRegex(config::HeaderRegex { regex: self.regex(found)?, name: name? })
            }
            "querystring.Filter" => Condition::Query(field(fields.text("name")?.to_owned())?),
            "cookie.Filter" => Condition::Cookie(field(fields.text("name")?.to_owned())?),
            "url.RegexFilter" => Condition::UrlRegex(self.regex(found)?),
            "port.Filter" => {
                let port = fields.integer("port")?;
                let Ok(port) = u16::try_from(port) else {
                    let place = fields.place("port", found.place);
                    self.report.unreadable(place, &found.path.key("port"), "no port has this number");
                    return None;
                };
                Condition::Port(port.into())
            }
            _ => {
                let (scheme, host, path, query) =
                    (fields.text("scheme"), fields.text("host"), fields.text("path"), fields.text("query"));
                let scheme = scheme?.to_owned();
                if !matches!(scheme.as_str(), "" | "http" | "https") {
                    let place = fields.place("scheme", found.place);
                    let message = format!("URLs of calls begin with http or https, never with {}", quoted(&scheme));
                    self.report.unreadable(place, &found.path.key("scheme"), message);
                    return None;
                }
                let (host, path, query) = (host?.to_owned(), path?.to_owned(), query?.to_owned());
                Condition::Url(config::UrlParts { scheme, host, path, query })
            }
        })
    }

    fn regex(self, found: &Found<'_>) -> Option<String> {
        let text = found.fields.text("regex")?;
        match RegexBuilder::new(text).size_limit(MAX_REGEX_BYTES).build() {
            Ok(_) => Some(text.to_owned()),
            Err(error) => {
                let place = found.fields.place("regex", found.place);
                self.report.unreadable(place, &found.path.key("regex"), error.to_string());
                None
            }
        }
    }
}
