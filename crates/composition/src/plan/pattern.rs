//! Paths with parameters, and references to earlier answers.

/// The path, and maybe the query, of a call: text in which parameters stand in braces. `{id}` is a parameter of the request,
/// `{resp0_user.id}` what is at a path in the answer of an earlier call. Values are put in as they are. What has no value stays, in
/// the form that templates have: `{{.Id}}`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pattern {
    segments: Vec<Segment>,
}

/// A piece of a pattern.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Segment {
    /// Text.
    Literal(String),
    /// The parameter of that name.
    Parameter(String),
    /// A value of an earlier answer.
    Reference(Reference),
}

/// A value of an earlier answer: what is at a path in the data of a call, after its pipeline; or its whole body, of an opaque one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reference {
    /// The position of the call among those whose answers count, from 0 on.
    pub call: usize,
    /// The names that lead to the value, through objects alone. None for the whole body.
    pub path: Vec<String>,
}

// === impl Pattern ===

impl Pattern {
    /// Reads a pattern. Braces around anything but letters, digits and `_ - . : /` are text. A slash is added at the front if there
    /// is none.
    pub fn parse(text: &str) -> Self {
        let mut segments = Vec::new();
        let mut literal = if text.starts_with('/') { String::new() } else { "/".to_owned() };
        let mut rest = text;
        while let Some(open) = rest.find('{') {
            let (before, from) = rest.split_at(open);
            literal.push_str(before);
            let inner = from.get(1..).unwrap_or_default();
            match inner.split_once('}') {
                Some((name, after)) if !name.is_empty() && name.chars().all(is_of_name) => {
                    if !literal.is_empty() {
                        segments.push(Segment::Literal(std::mem::take(&mut literal)));
                    }
                    segments.push(match Reference::parse(name) {
                        Some(reference) if !reference.path.is_empty() => Segment::Reference(reference),
                        _ => Segment::Parameter(name.to_owned()),
                    });
                    rest = after;
                }
                _ => {
                    literal.push('{');
                    rest = inner;
                }
            }
        }
        literal.push_str(rest);
        if !literal.is_empty() {
            segments.push(Segment::Literal(literal));
        }
        Self { segments }
    }

    /// Of these pieces. A slash is added at the front if there is none.
    pub fn new(mut segments: Vec<Segment>) -> Self {
        match segments.first_mut() {
            Some(Segment::Literal(text)) if text.starts_with('/') => {}
            Some(Segment::Literal(text)) => text.insert(0, '/'),
            _ => segments.insert(0, Segment::Literal("/".to_owned())),
        }
        Self { segments }
    }

    /// The pieces.
    pub fn segments(&self) -> &[Segment] {
        &self.segments
    }

    /// The text with values put in.
    pub(crate) fn render<'a>(&self, value: impl Fn(&Segment) -> Option<&'a str>) -> String {
        let mut out = String::new();
        for segment in &self.segments {
            match (segment, value(segment)) {
                (Segment::Literal(text), _) => out.push_str(text),
                (_, Some(value)) => out.push_str(value),
                (Segment::Parameter(name), None) => placeholder(name, &mut out),
                (Segment::Reference(reference), None) => placeholder(&reference.name(), &mut out),
            }
        }
        out
    }
}

/// The pattern with its placeholders, as failures name it.
impl std::fmt::Display for Pattern {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.render(|_| None))
    }
}

fn is_of_name(character: char) -> bool {
    character.is_ascii_alphanumeric() || matches!(character, '_' | '-' | '.' | ':' | '/')
}

fn placeholder(name: &str, out: &mut String) {
    out.push_str("{{.");
    let mut characters = name.chars();
    out.extend(characters.next().map(|first| first.to_ascii_uppercase()));
    out.push_str(characters.as_str());
    out.push_str("}}");
}

// === impl Reference ===

impl Reference {
    /// Reads `respN`, or `respN_` and names joined with dots.
    pub fn parse(text: &str) -> Option<Self> {
        let rest = text.strip_prefix("resp").or_else(|| text.strip_prefix("Resp"))?;
        let digits = rest.find(|character: char| !character.is_ascii_digit()).unwrap_or(rest.len());
        let (call, path) = rest.split_at(digits);
        let path = match path.strip_prefix('_') {
            Some("") => return None,
            Some(path) => path.split('.').map(str::to_owned).collect(),
            None if path.is_empty() => Vec::new(),
            None => return None,
        };
        Some(Self { call: call.parse().ok()?, path })
    }

    /// The name of the parameter that it becomes.
    pub fn name(&self) -> String {
        if self.path.is_empty() {
            format!("Resp{}", self.call)
        } else {
            format!("Resp{}_{}", self.call, self.path.join("."))
        }
    }
}

#[cfg(test)]
mod tests;
