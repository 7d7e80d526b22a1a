//! Who says who sends a request, over real handshakes.

use std::net::SocketAddr;
use std::time::Duration;

use super::{Secured, curl};
use crate::harness::tls::Authority;

const HOUR: Duration = Duration::from_secs(3600);
/// The common name of all client certificates of the tests.
const NAME: &str = "a client of the tests";
const REVIEW: &str = r#"{"apiVersion": "authentication.k8s.io/v1", "kind": "SelfSubjectReview"}"#;

/// What an API that is asked who asks says; `None` without curl.
fn who(secured: &Secured, api: SocketAddr, shown: Option<&[String; 2]>) -> Option<(String, i32)> {
    let url = format!("https://{api}/apis/authentication.k8s.io/v1/selfsubjectreviews");
    let mut arguments = vec!["--cacert", secured.ca.as_str(), "-H", "content-type: application/json", "-d", REVIEW];
    arguments.extend(["-H", "x-remote-user: bob", "-H", "x-remote-group: operators"]);
    if let Some([certificate, key]) = shown {
        arguments.extend(["--cert", certificate, "--key", key]);
    }
    arguments.push(&url);
    curl(&arguments)
}

#[test]
fn only_certificates_of_its_own_authority_are_a_front_proxy() {
    let secured = Secured::new();
    let (clients, fronts, next) = (Authority::new(), Authority::new(), Authority::new());
    let client_ca = secured.write("clients.pem", &clients.pem());
    let front_ca = secured.write("fronts.pem", &fronts.pem());
    let issue =
        |authority: &Authority, name: &str| authority.issue_member(None, &[], HOUR).write(secured.folder.path(), name);
    let [client, front, later] =
        [(&clients, "client"), (&fronts, "front"), (&next, "later")].map(|(by, name)| issue(by, name));
    let options = ["--client-ca", &client_ca, "--requestheader-client-ca", &front_ca];
    let named = [&options[..], &["--requestheader-allowed-name", NAME]].concat();
    for (options, by_front) in [
        (&options[..], "\"bob\""),
        (&named[..], "\"bob\""),
        // Its authority alone does not make a user.
        (&[&options[..], &["--requestheader-allowed-name", "another"]].concat()[..], "system:anonymous"),
    ] {
        let control_plane = secured.start(options);
        let said = |shown: Option<&[String; 2]>| who(&secured, control_plane.api(), shown);
        let Some((answer, _)) = said(Some(&front)) else { return };
        assert!(answer.contains(by_front), "{options:?}: {answer}");
        let (answer, _) = said(Some(&client)).unwrap();
        assert!(answer.contains(NAME) && !answer.contains("bob"), "{options:?}: {answer}");
        let (answer, _) = said(None).unwrap();
        assert!(answer.contains("system:anonymous") && !answer.contains("\"bob\""), "{options:?}: {answer}");
        let (_, code) = said(Some(&later)).unwrap();
        assert_ne!(code, 0, "a certificate of nobody's");
    }

    // The next authority beside the old one, and then alone.
    let control_plane = secured.start(&named);
    let said = |shown: &[String; 2]| who(&secured, control_plane.api(), Some(shown)).unwrap();
    secured.write("fronts.pem", &(fronts.pem() + &next.pem()));
    control_plane.process.wait_for_line("read again");
    assert!(said(&front).0.contains("\"bob\"") && said(&later).0.contains("\"bob\""));
    secured.write("fronts.pem", &next.pem());
    control_plane.process.wait_for_line("read again");
    assert!(said(&later).0.contains("\"bob\""));
    assert_ne!(said(&front).1, 0);
}

#[test]
fn names_without_an_authority_are_refused() {
    let output = crate::harness::backstay(["control-plane", "--requestheader-allowed-name", "front"]);
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success() && said.contains("--requestheader-client-ca"), "{said}");
}
