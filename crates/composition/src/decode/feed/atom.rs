//! Atom.

use super::element::Element;
use super::entry::{Extensions, Person, Record};
use super::{Feed, texts};
use crate::document::Value;

pub(super) fn feed(root: &Element<'_>) -> Feed {
    let mut feed = Feed { kind: "atom", language: root.attribute("lang").to_owned(), ..Feed::default() };
    for child in root.plain() {
        match child.name.as_str() {
            "title" => feed.title = text(child),
            "subtitle" | "tagline" => feed.description = text(child),
            "rights" | "copyright" => feed.copyright = text(child),
            "updated" | "modified" => feed.updated = child.text(),
            "logo" => feed.image = Some(text(child)).filter(|logo| !logo.is_empty()),
            "author" if feed.author.is_none() => feed.author = Some(person(child)),
            "category" => feed.categories.push(child.attribute("term").to_owned()),
            "entry" => feed.items.push(entry(child)),
            _ => {}
        }
    }
    feed
}

/// A text construct (RFC 4287, 3.1): of XHTML, what is within the `div`.
fn text(element: &Element<'_>) -> String {
    let kind = element.attribute("type").to_lowercase();
    if !kind.contains("xhtml") {
        return element.text();
    }
    match element.children.as_slice() {
        [only] if only.name == "div" => only.inner().to_owned(),
        _ => element.inner().to_owned(),
    }
}

fn person(element: &Element<'_>) -> Person {
    let of = |name: &str| {
        let found = element.plain().find(|child| child.name == name);
        found.map(Element::text).unwrap_or_default()
    };
    Person::new(of("name"), of("email"))
}

fn relation<'a>(link: &'a Element<'_>) -> &'a str {
    match link.attribute("rel") {
        "" => "alternate",
        relation => relation,
    }
}

fn entry(entry: &Element<'_>) -> Value {
    let (mut title, mut summary, mut content, mut id) = (String::new(), String::new(), String::new(), String::new());
    let (mut updated, mut published) = (String::new(), String::new());
    let (mut people, mut links, mut categories) = (Vec::new(), Vec::new(), Vec::new());
    for child in entry.plain() {
        match child.name.as_str() {
            "title" => title = text(child),
            "summary" => summary = text(child),
            "content" => content = text(child),
            "id" => id = child.text(),
            "updated" | "modified" => updated = child.text(),
            "published" | "issued" => published = child.text(),
            "author" => people.push(person(child)),
            "link" => links.push(child),
            "category" => categories.push(child.attribute("term").to_owned()),
            _ => {}
        }
    }
    if published.is_empty() {
        published.clone_from(&updated);
    }
    let alternate = links.iter().find(|link| relation(link) == "alternate");
    let listed = links.iter().filter(|link| matches!(relation(link), "alternate" | "self"));
    let enclosures = links.iter().filter(|link| relation(link) == "enclosure").map(|link| {
        let mut record = Record::default();
        record.text("url", link.attribute("href"));
        record.text("length", link.attribute("length"));
        record.text("type", link.attribute("type"));
        record.into_value()
    });
    let enclosures: Vec<_> = enclosures.collect();
    let mut record = Record::default();
    record.text("title", title);
    record.text("description", summary);
    record.text("content", content);
    record.text("link", alternate.map(|link| link.attribute("href")).unwrap_or_default());
    record.value("links", texts(listed.map(|link| link.attribute("href").to_owned()).collect()));
    record.date("updated", "updatedParsed", &updated);
    record.date("published", "publishedParsed", &published);
    record.people(people);
    record.text("guid", id);
    record.value("categories", texts(categories));
    record.value("enclosures", (!enclosures.is_empty()).then_some(Value::Array(enclosures)));
    record.value("extensions", Extensions::of(entry).into_value());
    record.into_value()
}
