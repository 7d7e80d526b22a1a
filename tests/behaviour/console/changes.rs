//! Objects are made and deleted from pages, with the rights of whoever looks; and many are looked at in pages.

use std::net::SocketAddr;

use http::{Method, Request, StatusCode};
use http_body_util::Full;
use serde_json::json;

use super::{Console, HOST, address, ask, path};
use crate::harness::rest::{BACKENDS, ROUTES};
use crate::harness::{Client, ControlPlane, Rest, Upstream, backstay, manifest, port};

const LIST: &str = "/objects/core.apoxy.dev/v1alpha2/backends";

/// A browser that is in.
struct Visitor {
    address: SocketAddr,
    cookie: String,
}

impl Visitor {
    async fn enter(link: &str) -> Self {
        let (_, headers, _) = ask(address(link), Method::GET, &path(link), &[]).await;
        let cookie = headers["set-cookie"].to_str().unwrap().split(';').next().unwrap().to_owned();
        Self { address: address(link), cookie }
    }

    async fn get(&self, path: &str) -> (StatusCode, String) {
        let (status, _, page) = ask(self.address, Method::GET, path, &[("cookie", &self.cookie)]).await;
        (status, page)
    }

    /// Sends a form of a page of the console. Returns where it leads, if it does.
    async fn post(&self, path: &str, fields: &[(&str, &str)]) -> (StatusCode, String, String) {
        let form = form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
        let request = Request::builder()
            .method(Method::POST)
            .uri(format!("http://{}{path}", self.address))
            .header("cookie", &self.cookie)
            .header("origin", format!("http://{}", self.address))
            .header("content-type", "application/x-www-form-urlencoded");
        let answer = Client::new().send(request.body(Full::from(form)).unwrap()).await.unwrap();
        let location = answer.headers.get("location").map_or("", |location| location.to_str().unwrap()).to_owned();
        (answer.status, location, answer.text())
    }
}

/// What is in the form of a page, or in a field of it.
fn text_area(page: &str) -> String {
    let (_, rest) = page.split_once("spellcheck=\"false\">\n").unwrap_or_else(|| panic!("no form: {page}"));
    let text = rest.split_once("</textarea>").unwrap().0;
    text.replace("&quot;", "\"").replace("&#39;", "'").replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")
}

fn uid(page: &str) -> &str {
    let (_, rest) = page.split_once("name=\"uid\" value=\"").unwrap_or_else(|| panic!("no form: {page}"));
    rest.split_once('"').unwrap().0
}

/// How many rows the first table of a page has.
fn rows(page: &str) -> usize {
    let (_, body) = page.split_once("<tbody>").unwrap_or_else(|| panic!("no table: {page}"));
    body.split_once("</tbody>").unwrap().0.matches("<tr>").count()
}

async fn is_stored(rest: &Rest, name: &str) -> bool {
    rest.get(&format!("{BACKENDS}/{name}")).await.0 == StatusCode::OK
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_made_is_tried_first_and_what_is_used_is_not_deleted_by_mistake() {
    let control_plane = ControlPlane::start();
    let rest = control_plane.rest();
    let (_console, link) = Console::start(&control_plane.server());
    let visitor = Visitor::enter(&link).await;
    // What the forms begin with can be stored, but for what it names.
    for kind in [
        "core.apoxy.dev/v1alpha2/backends",
        "core.apoxy.dev/v1alpha2/proxies",
        "backstay.dev/v1alpha1/backendpolicies",
        "gateway.networking.k8s.io/v1/gateways",
        "gateway.networking.k8s.io/v1/httproutes",
        "core/v1/namespaces",
    ] {
        let (status, page) = visitor.get(&format!("/objects/{kind}/new")).await;
        assert_eq!(status, StatusCode::OK, "{kind}: {page}");
        let text = text_area(&page);
        let (status, _, page) =
            visitor.post(&format!("/objects/{kind}/new"), &[("yaml", &text), ("action", "check")]).await;
        assert_eq!(status, StatusCode::OK, "{kind}: {text} {page}");
        assert!(page.contains("What would change") && page.contains("value=\"apply\""), "{kind}: {page}");
    }
    assert!(!is_stored(&rest, "my-backend").await, "it was only tried");

    let new = format!("{LIST}/new");
    let text = text_area(&visitor.get(&new).await.1);
    for (wrong, said) in [
        (text.replace("192.0.2.10", "192.0.2.999"), "192.0.2.999"),
        (text.replace("spec:", "spoc:"), "spoc"),
        (
            text.replace("kind: Backend", "kind: Proxy"),
            "apiVersion and kind must be core.apoxy.dev/v1alpha2 and Backend",
        ),
        ("a: [".to_owned(), "it is no YAML"),
        ("just text".to_owned(), "it is no object"),
    ] {
        let (status, _, page) = visitor.post(&new, &[("yaml", &wrong), ("action", "apply")]).await;
        assert!(status.is_client_error() && page.contains(said), "{status} {wrong}: {page}");
    }
    let (status, leads, _) = visitor.post(&new, &[("yaml", &text), ("action", "apply")]).await;
    assert_eq!((status, &*leads), (StatusCode::SEE_OTHER, &*format!("{LIST}/-/my-backend?applied=1")));
    assert!(is_stored(&rest, "my-backend").await);
    let (status, _, page) = visitor.post(&new, &[("yaml", &text), ("action", "apply")]).await;
    assert!(status == StatusCode::CONFLICT && page.contains("already exists"), "{status} {page}");
    let made = rest.read(&format!("{BACKENDS}/my-backend")).await;
    let mut owners = made["metadata"]["managedFields"].as_array().unwrap().iter();
    assert!(owners.any(|owner| owner["manager"] == "backstay-console"), "{made}");

    // What a route names is deleted only by who says so, and only the one that was shown.
    rest.create(&manifest::route("shop", "web", HOST, "my-backend", 80)).await;
    let delete = format!("{LIST}/-/my-backend/delete");
    let (status, page) = visitor.get(&delete).await;
    assert_eq!(status, StatusCode::OK, "{page}");
    assert!(page.contains("It is used by 1 object") && page.contains("HTTPRoute default/shop"), "{page}");
    let shown = uid(&page).to_owned();
    let (status, _, page) = visitor.post(&delete, &[("uid", &shown)]).await;
    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "{page}");
    for (uid, expected) in [("", StatusCode::UNPROCESSABLE_ENTITY), ("another", StatusCode::CONFLICT)] {
        let (status, ..) = visitor.post(&delete, &[("uid", uid), ("anyway", "yes")]).await;
        assert_eq!(status, expected, "{uid}");
    }
    assert!(is_stored(&rest, "my-backend").await);
    let (status, leads, _) = visitor.post(&delete, &[("uid", &shown), ("anyway", "yes")]).await;
    assert_eq!((status, &*leads), (StatusCode::SEE_OTHER, &*format!("{LIST}?deleted=my%2Dbackend&waits=false")));
    assert!(!is_stored(&rest, "my-backend").await);
    assert!(visitor.get(&leads).await.1.contains("my-backend is deleted."));
    assert_eq!(visitor.get(&delete).await.0, StatusCode::NOT_FOUND);

    // A namespace takes what is in it along, which is said.
    rest.create(&json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "shop"}})).await;
    let mut route = manifest::route("inside", "web", HOST, "app", 80);
    route["metadata"]["namespace"] = "shop".into();
    rest.create(&route).await;
    let (_, page) = visitor.get("/objects/core/v1/namespaces/-/shop/delete").await;
    assert!(page.contains("1 object is in it, and would be deleted with it") && page.contains("shop/inside"), "{page}");

    // No form of another page, and none without the cookie.
    let made = [("cookie", visitor.cookie.as_str()), ("origin", "http://evil.example")];
    assert_eq!(ask(visitor.address, Method::POST, &new, &made).await.0, StatusCode::FORBIDDEN);
    assert_eq!(
        ask(visitor.address, Method::POST, &delete, &[("cookie", &visitor.cookie)]).await.0,
        StatusCode::FORBIDDEN
    );
    let (status, page) = visitor.get("/objects/core/v1/secrets/new").await;
    assert!(status == StatusCode::FORBIDDEN && page.contains("use kubectl"), "{status} {page}");
    assert_eq!(rest.get(&format!("{ROUTES}/shop")).await.0, StatusCode::OK);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_may_only_look_makes_and_deletes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let (tokens, roles, token) = (file("tokens.yaml"), file("roles.yaml"), file("token"));
    let viewers = "apiVersion: rbac.authorization.k8s.io/v1\nkind: ClusterRoleBinding\nmetadata: {name: viewers}\n\
        roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: 'backstay:view'}\n\
        subjects: [{kind: Group, name: viewers, apiGroup: rbac.authorization.k8s.io}]\n";
    std::fs::write(&roles, viewers).unwrap();
    let made = backstay(["token", "ann", "--file", &tokens, "--group", "viewers"]);
    std::fs::write(&token, String::from_utf8(made.stdout).unwrap().trim()).unwrap();
    let control_plane = ControlPlane::start_with(&["--tokens", &tokens, "--authorization", &roles]);
    let (_console, link) = Console::start_with(&control_plane.server(), &["--token-file", &token]);
    let visitor = Visitor::enter(&link).await;
    let new = format!("{LIST}/new");
    let text = text_area(&visitor.get(&new).await.1);
    for action in ["check", "apply"] {
        let (status, _, page) = visitor.post(&new, &[("yaml", &text), ("action", action)]).await;
        assert_eq!(status, StatusCode::FORBIDDEN, "{page}");
        assert!(page.contains("User &quot;ann&quot; cannot create resource &quot;backends&quot;"), "{page}");
    }
    let fleet = "/objects/core.apoxy.dev/v1alpha2/proxies/-/default/delete";
    let (_, page) = visitor.get(fleet).await;
    let (status, _, page) = visitor.post(fleet, &[("uid", uid(&page)), ("anyway", "yes")]).await;
    assert_eq!(status, StatusCode::FORBIDDEN, "{page}");
    assert!(page.contains("cannot delete resource &quot;proxies&quot;"), "{page}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_thousand_backends_are_looked_at_in_pages() {
    let control_plane = ControlPlane::start();
    let (rest, upstream) = (control_plane.rest(), Upstream::answering("hello").await);
    for index in 0..1000 {
        let mut backend = manifest::backend(&format!("many-{index:04}"), &["192.0.2.1"]);
        backend["metadata"]["labels"] = json!({"team": if index % 2 == 0 { "even" } else { "odd" }});
        rest.create(&backend).await;
    }
    // One that a thousand routes could name: what uses it is bounded.
    rest.create(&manifest::gateway("web", port::free())).await;
    for index in 0..210 {
        let host = format!("h{index}.example.com");
        rest.create(&manifest::route(&format!("of-{index:03}"), "web", &host, "many-0000", upstream.port())).await;
    }
    let (_console, link) = Console::start(&control_plane.server());
    let visitor = Visitor::enter(&link).await;
    let (_, first) = visitor.get(LIST).await;
    assert!(first.contains("1000 backends.core.apoxy.dev") && first.contains("Page 1 of 20"), "{first}");
    assert_eq!(rows(&first), 50);
    assert!(first.contains("many-0000") && !first.contains("many-0050"), "{first}");
    let (_, last) = visitor.get(&format!("{LIST}?sort=0&down=true&page=20")).await;
    assert!(rows(&last) == 50 && last.contains("many-0049") && !last.contains("many-0050"), "{last}");
    let (_, found) = visitor.get(&format!("{LIST}?search=many-099&labels=team%3Deven")).await;
    assert!(rows(&found) == 5 && found.contains("many-0998") && !found.contains("many-0999"), "{found}");
    for page in [first, last, found] {
        assert!(page.len() < 64 << 10, "{} bytes", page.len());
    }
    let (_, page) = visitor.get(&format!("{LIST}/-/many-0000/delete")).await;
    assert!(page.contains("It is used by more than 200 objects"), "{page}");
    assert_eq!(page.matches("<li><a href=\"/objects/gateway").count(), 200);
    // The pages that gather everything are no longer for it.
    for place in ["/", "/traffic", "/krakend", "/objects"] {
        let (status, page) = visitor.get(place).await;
        assert!(status == StatusCode::OK && page.len() < 256 << 10, "{place}: {} bytes", page.len());
    }
}
