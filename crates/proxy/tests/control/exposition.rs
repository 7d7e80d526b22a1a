//! The exposition format of Prometheus, read as strictly as it can be.

use std::collections::{BTreeMap, BTreeSet};

/// Labels of a series, by name.
pub(crate) type Labels = BTreeMap<String, String>;

/// Series of one name.
#[derive(Debug)]
pub(crate) struct Family {
    pub(crate) kind: String,
    /// Each with the name of its sample, which for a histogram says more than the family's.
    pub(crate) samples: Vec<(String, Labels, f64)>,
}

/// Families by name.
#[derive(Debug)]
pub(crate) struct Exposition(pub(crate) BTreeMap<String, Family>);

impl Exposition {
    /// Panics where a strict reader would refuse `text`, and where a linter would complain.
    pub(crate) fn read(text: &str) -> Self {
        assert!(text.ends_with('\n') && !text.contains("\n\n") && !text.contains('\0'));
        let mut families: BTreeMap<String, Family> = BTreeMap::new();
        let mut current = String::new();
        let mut lines = text.lines();
        while let Some(line) = lines.next() {
            if let Some(help) = line.strip_prefix("# HELP ") {
                let (name, help) = help.split_once(' ').expect(line);
                assert!(is_name(name) && !help.trim().is_empty() && help.ends_with('.'), "{line}");
                let kind = lines.next().unwrap().strip_prefix("# TYPE ").expect(line);
                let (of, kind) = kind.split_once(' ').unwrap();
                assert!(of == name && ["counter", "gauge", "histogram"].contains(&kind), "{line}");
                let family = Family { kind: kind.to_owned(), samples: Vec::new() };
                assert!(families.insert(name.to_owned(), family).is_none(), "{name} begins twice");
                current = name.to_owned();
                continue;
            }
            let (name, labels, value) = sample(line);
            let family = families.get_mut(&current).expect("a sample before any family");
            let suffix = name.strip_prefix(&*current).unwrap_or_else(|| panic!("{name} is not of {current}"));
            let allowed: &[&str] = if family.kind == "histogram" { &["_bucket", "_sum", "_count"] } else { &[""] };
            assert!(allowed.contains(&suffix), "{name} is not of {current}");
            family.samples.push((name, labels, value));
        }
        let read = Self(families);
        read.check();
        read
    }

    fn check(&self) {
        let mut seen = BTreeSet::new();
        for (name, Family { kind, samples }) in &self.0 {
            for (sample, labels, value) in samples {
                assert!(seen.insert((sample.clone(), labels.clone())), "{sample}{labels:?} is there twice");
                assert!(value.is_finite() && (kind == "gauge" || *value >= 0.0), "{sample}{labels:?} {value}");
            }
            let names: BTreeSet<Vec<&String>> = samples.iter().map(|(_, labels, _)| labels.keys().collect()).collect();
            assert!(kind == "histogram" || names.len() <= 1, "{name}: series differ in the names of their labels");
            // Envoy's names have no endings.
            if name.starts_with("backstay_") {
                assert_eq!(name.ends_with("_total"), kind == "counter", "{name} is a {kind}");
            }
            for reserved in ["_bucket", "_count", "_sum"] {
                assert!(!name.ends_with(reserved), "{name}");
            }
            if kind == "histogram" {
                check_histogram(name, samples);
            }
        }
    }

    /// The one series that has these labels, and perhaps others.
    pub(crate) fn value(&self, name: &str, labels: &[(&str, &str)]) -> f64 {
        let family = self.0.get(name).unwrap_or_else(|| panic!("there is no {name}"));
        let has = |found: &Labels| labels.iter().all(|(label, value)| found.get(*label).is_some_and(|v| v == value));
        let found: Vec<_> = family.samples.iter().filter(|(_, labels, _)| has(labels)).collect();
        assert_eq!(found.len(), 1, "{name}{labels:?}: {found:?}");
        found[0].2
    }
}

fn check_histogram(name: &str, samples: &[(String, Labels, f64)]) {
    let mut series: BTreeMap<Labels, Vec<(f64, f64)>> = BTreeMap::new();
    for (_, labels, value) in samples.iter().filter(|(sample, ..)| sample.ends_with("_bucket")) {
        let mut labels = labels.clone();
        let bound = labels.remove("le").expect(name);
        series.entry(labels).or_default().push((bound.parse().unwrap(), *value));
    }
    for (labels, buckets) in series {
        assert!(buckets.is_sorted_by(|a, b| a.0 < b.0 && a.1 <= b.1), "{name}{labels:?}: {buckets:?}");
        let last = buckets.last().unwrap();
        let one = |ending: &str| {
            let is = |sample: &&(String, Labels, f64)| sample.0 == format!("{name}{ending}") && sample.1 == labels;
            samples.iter().find(is).unwrap_or_else(|| panic!("{name}{labels:?} has no {ending}")).2
        };
        assert_eq!((last.0, last.1), (f64::INFINITY, one("_count")), "{name}{labels:?}");
        one("_sum");
    }
}

fn is_name(name: &str) -> bool {
    name.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_')
        && name.chars().all(|character| character.is_ascii_alphanumeric() || character == '_')
}

fn sample(line: &str) -> (String, Labels, f64) {
    let end = line.find(['{', ' ']).expect(line);
    let (name, rest) = line.split_at(end);
    assert!(is_name(name), "{line}");
    let mut labels = Labels::new();
    let mut rest = rest;
    if let Some(mut inside) = rest.strip_prefix('{') {
        loop {
            let (label, after) = inside.split_once("=\"").expect(line);
            assert!(is_name(label), "{line}");
            let (value, after) = label_value(after, line);
            assert!(labels.insert(label.to_owned(), value).is_none(), "{line}");
            match after.strip_prefix(',') {
                Some(next) => inside = next,
                None => break rest = after.strip_prefix('}').expect(line),
            }
        }
    }
    let value = rest.strip_prefix(' ').expect(line);
    assert!(!value.contains(' '), "{line}");
    (name.to_owned(), labels, value.parse().expect(line))
}

/// A label's value up to its quote, and what follows that.
fn label_value<'a>(text: &'a str, line: &str) -> (String, &'a str) {
    let mut value = String::new();
    let mut characters = text.char_indices();
    while let Some((at, character)) = characters.next() {
        match character {
            '"' => return (value, &text[at + 1..]),
            '\\' => value.push(match characters.next().expect(line).1 {
                'n' => '\n',
                escaped @ ('\\' | '"') => escaped,
                other => panic!("\\{other} in {line}"),
            }),
            plain => value.push(plain),
        }
    }
    panic!("no end of a value in {line}")
}
