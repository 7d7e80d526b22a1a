//! A configuration of KrakenD on the command line: known by what is in it, checked with place, converted.

use super::text;
use crate::harness::backstay;

const FILE: &str = r#"{
  "version": 3,
  "endpoints": [
    {
      "endpoint": "/users/{id}",
      "headers_to_pass": ["Authorization"],
      "backend": [{"host": ["http://users"], "url_pattern": "/{user}"}]
    }
  ]
}
"#;

/// What `backstay check` says of files: exit code, standard output, standard error without the directory.
fn check(files: &[(&str, &str)], options: &[&str]) -> (Option<i32>, String, String) {
    let scratch = tempfile::tempdir().unwrap();
    let mut arguments = vec!["check".to_owned()];
    for (name, text) in files {
        let path = scratch.path().join(name);
        std::fs::write(&path, text).unwrap();
        arguments.extend(["-f".to_owned(), path.display().to_string()]);
    }
    arguments.extend(options.iter().map(|option| (*option).to_owned()));
    let output = backstay(&arguments);
    let directory = format!("{}/", scratch.path().display());
    let plain = |bytes: &[u8]| text(bytes).replace(&directory, "");
    (output.status.code(), plain(&output.stdout), plain(&output.stderr))
}

#[test]
fn problems_have_file_line_column_and_severity() {
    let (code, summary, problems) = check(&[("any-name", FILE)], &[]);
    assert_eq!(code, Some(1));
    assert_eq!(summary, "any-name: 1 error, 1 warning\n");
    let lines: Vec<_> = problems.lines().collect();
    assert_eq!(lines.len(), 2, "{problems}");
    assert!(lines[0].starts_with("any-name:6:7: warning: endpoints[0].headers_to_pass: "), "{problems}");
    assert_eq!(
        lines[1],
        "any-name:7:46: error: endpoints[0].backend[0].url_pattern: undefined output param 'user'! endpoint: GET /users/:id, \
         backend: 0. input: [id], output: [user]"
    );
}

#[test]
fn several_files_in_several_formats_are_checked_beside_manifests() {
    let sound = FILE.replace("{user}", "{id}");
    let yaml = "version: 3\nendpoints:\n- endpoint: /a\n  backend:\n  - host: [h]\n";
    let toml = "version = 3\n[[endpoints]]\nendpoint = '/a'\nmethod = 'OPTIONS'\n[[endpoints.backend]]\nhost = ['h']\n";
    let manifest = "apiVersion: core.apoxy.dev/v1alpha2\nkind: Backend\nmetadata:\n  name: a\nspec:\n  endpoints:\n  - ip: 127.0.0.1\n";
    let files = [("k.json", sound.as_str()), ("k.yaml", yaml), ("k.toml", toml), ("backend.yaml", manifest)];
    let (code, summary, problems) = check(&files, &[]);
    assert_eq!(code, Some(0), "{problems}");
    assert_eq!(summary, "k.json: 1 warning\nk.yaml: no problems\nk.toml: 1 warning\n1 object: no problems\n");
    assert!(
        problems.contains("k.toml:4:1: warning: endpoints[0].method: Unsupported method \"OPTIONS\""),
        "{problems}"
    );
}

#[test]
fn what_guards_and_is_not_served_is_let_pass_only_when_asked_to() {
    let guarded = FILE.replace("{user}", "{id}").replace(
        "\"headers_to_pass\": [\"Authorization\"]",
        "\"extra_config\": {\"auth/api-keys\": {\"roles\": [\"a\"]}}",
    );
    let (code, _, problems) = check(&[("k.json", &guarded)], &[]);
    assert_eq!(code, Some(1));
    assert!(problems.contains("k.json:6:24: error: endpoints[0].extra_config[\"auth/api-keys\"]: "), "{problems}");
    let (code, _, problems) = check(&[("k.json", &guarded)], &["--unknown-extra-config", "warn"]);
    assert_eq!(code, Some(0));
    assert!(problems.contains("k.json:6:24: warning: endpoints[0].extra_config[\"auth/api-keys\"]: "), "{problems}");
}

#[test]
fn version_2_is_refused_and_converted() {
    let old = FILE.replace("\"version\": 3", "\"version\": 2").replace("{user}", "{id}");
    let (code, _, problems) = check(&[("k.json", &old)], &[]);
    assert_eq!(code, Some(1));
    assert_eq!(
        problems,
        "k.json:2:3: error: version: unsupported version: 2 (want: 3); backstay check --migrate prints it as version 3\n"
    );
    let (code, new, changes) = check(&[("k.json", &old)], &["--migrate"]);
    assert_eq!(code, Some(0), "{changes}");
    assert_eq!(changes, "k.json:2:3: version is 3\nk.json:6:7: headers_to_pass is input_headers\n");
    let (code, summary, _) = check(&[("new.json", &new)], &[]);
    assert_eq!((code, summary.as_str()), (Some(0), "new.json: no problems\n"));
    let (code, _, problems) = check(&[("k.json", FILE)], &["--migrate"]);
    assert_eq!(code, Some(1));
    assert_eq!(problems, "error: k.json:2:3: unsupported version: 3: only version 2 can be migrated\n");
}

#[test]
fn a_template_is_refused_with_what_to_do() {
    let template = FILE.replace("\"http://users\"", "\"{{ .users }}\"");
    let (code, _, problems) = check(&[("k.json", &template)], &[]);
    assert_eq!(code, Some(1));
    assert!(problems.contains("k.json:7:29: error: endpoints[0].backend[0].host[0]: this is a template"), "{problems}");
}

#[test]
fn what_is_wrong_is_told_before_anything_is_applied() {
    let scratch = tempfile::tempdir().unwrap();
    let path = scratch.path().join("shop.json");
    std::fs::write(&path, FILE).unwrap();
    let output = backstay(["apply", "-f", path.to_str().unwrap(), "--server", "http://127.0.0.1:1"]);
    assert_eq!(output.status.code(), Some(1));
    let said = text(&output.stderr);
    let problem = "KrakendConfig/shop: spec.text: Invalid value: 7:46: endpoints[0].backend[0].url_pattern: undefined output param 'user'!";
    assert!(said.contains(problem), "{said}");
}
