use std::path::PathBuf;

use super::{FileArgs, KrakendArgs, Manifests, Origin, expand, split};

const TWO: &str = "\
# A comment, which is no document.
---
apiVersion: v1
kind: Namespace
metadata: {name: one}
---
# Nothing here either.
---
apiVersion: v1
kind: Namespace
metadata:
  name: two
";

fn read(text: &str) -> Manifests {
    let mut manifests = Manifests::default();
    manifests.add("f.yaml", text);
    manifests
}

fn names(manifests: &Manifests) -> Vec<&str> {
    manifests.documents.iter().map(|document| document.name.name.as_str()).collect()
}

#[test]
fn documents_without_content_are_no_documents() {
    let manifests = read(TWO);
    assert_eq!(names(&manifests), ["one", "two"]);
    assert!(manifests.problems.is_empty(), "{:?}", manifests.problems);
}

#[test]
fn lines_are_those_of_the_file() {
    let manifests = read(TWO);
    let problem = manifests.documents[1].problem("metadata.name", "is odd");
    assert_eq!(problem.to_string(), "f.yaml:12:3: Namespace/two: metadata.name: is odd");
}

#[test]
fn one_broken_document_leaves_the_others() {
    let manifests = read("kind: [\n---\napiVersion: v1\nkind: Namespace\nmetadata: {name: ok}\n---\na: b: c\n");
    assert_eq!(names(&manifests), ["ok"]);
    let lines: Vec<_> = manifests.problems.iter().map(|problem| problem.line).collect();
    assert_eq!(lines.len(), 2);
    assert_eq!(lines[1], Some(7), "{:?}", manifests.problems);
}

#[test]
fn sentences_of_the_parser_name_lines_of_the_file() {
    let manifests = read("apiVersion: v1\nkind: Namespace\nmetadata: {name: ok}\n---\na: [\n");
    assert!(manifests.problems[0].message.contains("at line 5, column"), "{}", manifests.problems[0]);
}

#[test]
fn a_list_is_its_items() {
    let list = r#"{"apiVersion":"v1","kind":"List","items":[
      {"apiVersion":"v1","kind":"Namespace","metadata":{"name":"a"}},
      {"apiVersion":"v1","kind":"Namespace","metadata":{"name":"b"}}]}"#;
    assert_eq!(names(&read(list)), ["a", "b"]);
}

#[test]
fn an_object_needs_kind_and_name() {
    let manifests = read("apiVersion: v1\nkind: Namespace\nmetadata:\n  labels: {}\n");
    assert_eq!(
        manifests.problems[0].to_string(),
        "f.yaml:3:1: Namespace/: metadata.name: Required value: every object has one"
    );
}

#[test]
fn an_object_has_a_name_of_its_own_that_can_be_one() {
    for (metadata, said) in [
        ("{generateName: gen-}", "metadata.generateName: cannot use generate name with manifests"),
        ("{generateName: gen-, name: \"\"}", "metadata.generateName: cannot use generate name with manifests"),
        ("{generateName: gen-, name: null}", "metadata.generateName: cannot use generate name with manifests"),
        ("{name: \"\"}", "metadata.name: Required value"),
        ("{name: 7}", "metadata.name: Invalid value: 7: a name is text"),
        ("{name: a/b}", "metadata.name: Invalid value: \"a/b\": a name may not contain '/'"),
        ("{name: ..}", "metadata.name: Invalid value: \"..\""),
        ("{name: a, namespace: a/b}", "metadata.namespace: Invalid value: \"a/b\""),
        ("{name: a, namespace: 7}", "metadata.namespace: Invalid value: 7"),
    ] {
        let manifests = read(&format!("apiVersion: v1\nkind: Secret\nmetadata: {metadata}\n"));
        assert_eq!(names(&manifests), <[&str; 0]>::default(), "{metadata}");
        let problem = manifests.problems[0].to_string();
        assert!(problem.contains(said), "{metadata}: {problem}");
    }
    // With a name of its own, what would have been its prefix does not matter.
    assert_eq!(names(&read("apiVersion: v1\nkind: Secret\nmetadata: {name: a, generateName: gen-}\n")), ["a"]);
}

#[test]
fn what_templates_leave_empty_is_no_document() {
    for text in
        ["", "# nothing\n", "---\n---\n", "null\n", "---\n~\n---\n# x\n", "apiVersion: v1\nkind: List\nitems: []\n"]
    {
        let manifests = read(text);
        assert_eq!((names(&manifests).len(), manifests.problems), (0, Vec::new()), "{text:?}");
    }
}

#[test]
fn a_key_that_is_written_twice_is_an_error() {
    let manifests = read("---\napiVersion: v1\nkind: Namespace\nmetadata:\n  name: a\n  name: b\n");
    assert_eq!(manifests.problems[0].to_string(), "f.yaml:6:3: metadata.name: it is written twice");
}

#[test]
fn items_of_a_list_have_their_own_lines() {
    let list = "apiVersion: v1\nkind: List\nitems:\n- apiVersion: v1\n  kind: Namespace\n  metadata:\n    name: a\n";
    let manifests = read(list);
    assert_eq!(manifests.documents[0].problem("metadata.name", "").line, Some(7));
    assert_eq!(manifests.documents[0].location(), "f.yaml:4");
}

#[test]
fn a_mark_may_carry_content_or_a_comment() {
    assert_eq!(split("--- {a: 1}\n--- # two\nb: 1\n").len(), 2);
    assert_eq!(split("%YAML 1.2\n---\na: 1\n...\n").len(), 1);
    assert_eq!(split("a: ---b\n").len(), 1);
}

#[test]
fn directories_are_read_in_order_and_deeper_only_when_asked() {
    let directory = tempfile::tempdir().unwrap();
    let at = |name: &str| directory.path().join(name);
    std::fs::create_dir(at("deeper")).unwrap();
    for name in ["b.yaml", "a.yml", "c.json", "readme.md", "deeper/d.yaml"] {
        std::fs::write(at(name), "").unwrap();
    }
    let argument = [directory.path().to_owned()];
    let mut problems = Vec::new();
    let files = |names: &[&str]| names.iter().map(|name| Origin::File(at(name))).collect::<Vec<_>>();
    assert_eq!(expand(&argument, false, &mut problems), files(&["a.yml", "b.yaml", "c.json"]));
    assert_eq!(expand(&argument, true, &mut problems), files(&["a.yml", "b.yaml", "c.json", "deeper/d.yaml"]));
    std::fs::create_dir(at("empty")).unwrap();
    assert_eq!(problems, []);
    assert_eq!(expand(&[at("empty")], false, &mut problems), []);
    assert_eq!(problems.len(), 1);
}

#[test]
fn what_is_not_there_is_a_problem_and_the_rest_is_read() {
    let directory = tempfile::tempdir().unwrap();
    let good = directory.path().join("good.yaml");
    std::fs::write(&good, "apiVersion: v1\nkind: Namespace\nmetadata: {name: a}\n").unwrap();
    let binary = directory.path().join("binary.yaml");
    std::fs::write(&binary, b"a: 1\nb: \xff\n").unwrap();
    let paths = vec![directory.path().join("absent.yaml"), binary, good];
    let manifests = FileArgs { paths, recursive: false }.read(&KrakendArgs::default());
    assert_eq!(names(&manifests), ["a"]);
    assert_eq!(manifests.problems.len(), 2);
    assert!(manifests.problems[1].message.contains("line 2 is not UTF-8"), "{}", manifests.problems[1]);
}

#[test]
fn an_argument_without_objects_is_a_problem_beside_others() {
    let directory = tempfile::tempdir().unwrap();
    let file = |name: &str, text: &str| {
        let path = directory.path().join(name);
        std::fs::write(&path, text).unwrap();
        path
    };
    let (good, empty) = (file("good.yaml", TWO), file("empty.yaml", "# nothing\n"));
    let read = |paths: Vec<PathBuf>| FileArgs { paths, recursive: false }.read(&KrakendArgs::default());
    let manifests = read(vec![good, empty.clone()]);
    assert_eq!(names(&manifests), ["one", "two"]);
    let problem = manifests.problems[0].to_string();
    assert_eq!((manifests.problems.len(), problem), (1, format!("{}: there are no objects in it", empty.display())));
    // A directory counts as a whole, and of nothing but emptiness the command tells.
    assert_eq!(read(vec![directory.path().to_owned()]).problems, []);
    assert_eq!(read(vec![empty.clone(), empty]).problems, []);
}
