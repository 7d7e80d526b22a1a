//! RSS.

use bytes::Bytes;

use super::element::Element;
use super::entry::{Extensions, Person, Record};
use super::{Feed, texts};
use crate::document::{Object, Value};

pub(super) fn feed(root: &Element<'_>) -> Feed {
    let mut feed = Feed { kind: "rss", ..Feed::default() };
    // In RDF, items and the image stand beside the channel.
    for child in root.plain() {
        match child.name.as_str() {
            "channel" => channel(child, &mut feed),
            "item" => feed.items.push(item(child)),
            "image" => image(child, &mut feed),
            _ => {}
        }
    }
    feed
}

fn image(element: &Element<'_>, feed: &mut Feed) {
    let url = element.plain().filter(|child| child.name == "url").last();
    feed.image = Some(url.map(Element::text).unwrap_or_default());
}

fn or(text: String, other: impl FnOnce() -> String) -> String {
    if text.is_empty() { other() } else { text }
}

fn channel(channel: &Element<'_>, feed: &mut Feed) {
    let (mut editor, mut webmaster) = (String::new(), String::new());
    for child in channel.plain() {
        let text = || child.text();
        match child.name.as_str() {
            "title" => feed.title = text(),
            "description" => feed.description = text(),
            "language" => feed.language = text(),
            "copyright" => feed.copyright = text(),
            "pubdate" => feed.published = text(),
            "lastbuilddate" => feed.updated = text(),
            "managingeditor" => editor = text(),
            "webmaster" => webmaster = text(),
            "category" => feed.categories.push(text()),
            "item" => feed.items.push(item(child)),
            "image" => image(child, feed),
            _ => {}
        }
    }
    let extensions = Extensions::of(channel);
    let dublin_core = |name: &str| extensions.first("dc", name);
    feed.title = or(std::mem::take(&mut feed.title), || dublin_core("title"));
    feed.language = or(std::mem::take(&mut feed.language), || dublin_core("language"));
    feed.copyright = or(std::mem::take(&mut feed.copyright), || dublin_core("rights"));
    feed.updated = or(std::mem::take(&mut feed.updated), || dublin_core("date"));
    feed.categories.extend(extensions.texts("dc", "subject"));
    if feed.image.is_none() {
        feed.image = Some(extensions.attribute("itunes", "image", "href")).filter(|image| !image.is_empty());
    }
    let author = or(or(editor, || webmaster), || author(&extensions));
    feed.author = (!author.is_empty()).then(|| Person::parse(&author));
}

/// Who is named by extensions.
fn author(extensions: &Extensions<'_>) -> String {
    let names = [("dc", "author"), ("dc", "creator"), ("itunes", "author")];
    names.iter().map(|(prefix, name)| extensions.first(prefix, name)).find(|name| !name.is_empty()).unwrap_or_default()
}

fn enclosure(element: &Element<'_>) -> Value {
    let mut record = Record::default();
    for name in ["url", "length", "type"] {
        record.text(name, element.attribute(name));
    }
    record.into_value()
}

fn item(item: &Element<'_>) -> Value {
    let (mut title, mut description, mut content, mut link) =
        (String::new(), String::new(), String::new(), String::new());
    let (mut published, mut person, mut guid) = (String::new(), String::new(), String::new());
    let (mut categories, mut enclosed, mut custom) = (Vec::new(), None, Vec::new());
    for child in item.plain() {
        let text = || child.text();
        match child.name.as_str() {
            "title" => title = text(),
            "description" => description = text(),
            "encoded" if child.is_content => content = text(),
            "encoded" | "comments" | "source" => {}
            "link" => link = text(),
            "author" => person = text(),
            "pubdate" => published = text(),
            "enclosure" => enclosed = Some(enclosure(child)),
            "guid" => guid = text(),
            "category" => categories.push(text()),
            other => custom.push((Bytes::copy_from_slice(other.as_bytes()), Value::text(text()))),
        }
    }
    let extensions = Extensions::of(item);
    let published = or(published, || extensions.first("dc", "date"));
    categories.extend(extensions.texts("dc", "subject"));
    let person = or(person, || author(&extensions));
    let mut record = Record::default();
    record.text("title", or(title, || extensions.first("dc", "title")));
    record.text("description", or(description, || extensions.first("dc", "description")));
    record.text("content", content);
    record.text("link", link.as_str());
    record.value("links", texts(Some(link).filter(|link| !link.is_empty()).into_iter().collect()));
    record.date("published", "publishedParsed", &published);
    record
        .people(Some(person).filter(|person| !person.is_empty()).iter().map(|person| Person::parse(person)).collect());
    record.text("guid", guid);
    let image = extensions.attribute("itunes", "image", "href");
    if !image.is_empty() {
        let mut picture = Record::default();
        picture.text("url", image);
        record.value("image", Some(picture.into_value()));
    }
    record.value("categories", texts(categories));
    record.value("enclosures", enclosed.map(|enclosure| Value::Array(vec![enclosure])));
    record.value("dcExt", extensions.dublin_core());
    record.value("itunesExt", extensions.episode());
    record.value("extensions", extensions.into_value());
    let custom: Object = custom.into_iter().collect();
    record.value("custom", (!custom.is_empty()).then_some(Value::Object(custom)));
    record.into_value()
}
