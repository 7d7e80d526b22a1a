//! Paths with variables, requests that no rule matches, and requests that are their own answer.

use std::sync::Arc;

use backstay_model::{Echo, Respond};
use backstay_proxy::config::{Action, Filters, Manners, Unmatched};
use backstay_proxy::route::{Matcher, Table};
use http::{Method, Request, StatusCode};

use crate::support::compose::template;
use crate::support::{Answer, Proxy, Routes, ask, text};

fn manners() -> Manners {
    let mut not_found = Respond::text(StatusCode::NOT_FOUND, "404 page not found");
    not_found.headers = [("x-made-by".parse().unwrap(), "test".parse().unwrap())].into();
    Manners {
        answer_options: true,
        redirect_trailing_slash: true,
        redirect_cleaned: true,
        method_not_allowed: Some(Respond::text(StatusCode::METHOD_NOT_ALLOWED, "405 method not allowed")),
        not_found: Some(not_found),
    }
}

/// Rules for paths with variables, and manners.
fn table(manners: Manners) -> Table {
    let of = |path: &str, method: Method| Matcher { method: Some(method), ..template(path) };
    let rule = |routes: Routes, path: &str, method: Method, said: &'static str| {
        routes.rule("", of(path, method), Filters::default(), text(200, said))
    };
    let mut routes = Routes::default();
    routes = rule(routes, "/users/me", Method::GET, "me");
    routes = rule(routes, "/users/{id}", Method::GET, "one");
    routes = rule(routes, "/users/{id}", Method::PUT, "put");
    routes = rule(routes, "/users/{id}", Method::PATCH, "patch");
    routes = rule(routes, "/users/{id}/posts/", Method::GET, "posts");
    routes = rule(routes, "/v{version}/x", Method::POST, "x");
    routes.unmatched(Unmatched {
        route: "route/test".into(),
        guards: None,
        client_address: None,
        manners: Some(Arc::new(manners)),
    })
}

async fn asked(proxy: &Proxy, method: Method, target: &str) -> Answer {
    ask(proxy.address, Request::builder().method(method).uri(target)).await
}

#[tokio::test]
async fn variables_take_whole_elements_of_the_decoded_path() {
    let proxy = Proxy::start(table(manners())).await;
    for (target, expected) in [
        ("/users/me", "me"),
        ("/users/%6De", "me"),
        ("/users/7", "one"),
        ("/users/a%20b?x", "one"),
        ("/users/7/posts/", "posts"),
        // In the middle of a path, a variable may have nothing to take.
        ("/users//posts/", "posts"),
    ] {
        assert_eq!(asked(&proxy, Method::GET, target).await.text(), expected, "{target}");
    }
    assert_eq!(asked(&proxy, Method::POST, "/v2/x").await.text(), "x");
    // What decodes to a slash ends an element.
    assert_eq!(asked(&proxy, Method::GET, "/users/a%2Fb").await.status.as_u16(), 404);
}

#[tokio::test]
async fn values_that_are_encoded_twice_are_refused() {
    let proxy = Proxy::start(table(manners())).await;
    for (target, expected) in [
        ("/users/a%2520b", "error: encoded url params"),
        ("/users/a%3Fb", "error: encoded url params"),
        ("/users/a%23b", "error: encoded url params"),
        ("/users/a%25zz", "error: invalid URL escape \"%zz\""),
    ] {
        let answer = asked(&proxy, Method::GET, target).await;
        assert_eq!((answer.status.as_u16(), answer.text()), (400, expected), "{target}");
        assert_eq!(answer.header("content-type"), "text/plain; charset=utf-8");
    }
}

#[tokio::test]
async fn clients_are_sent_to_what_they_may_have_meant() {
    let proxy = Proxy::start(table(manners())).await;
    for (method, target, status, location) in [
        (Method::GET, "/users/7/", 301, "/users/7"),
        (Method::GET, "/users/7/posts", 301, "/users/7/posts/"),
        (Method::PUT, "/users/7/", 307, "/users/7"),
        (Method::GET, "/users/7/?q=%20a", 301, "/users/7?q=%20a"),
        (Method::GET, "/USERS/Me", 301, "/users/me"),
        (Method::GET, "//users///Abc", 301, "/users/Abc"),
        (Method::GET, "/x/../users/./7", 301, "/users/7"),
        (Method::GET, "/Users/a%20b/POSTS", 301, "/users/a%20b/posts/"),
    ] {
        let answer = asked(&proxy, method.clone(), target).await;
        assert_eq!((answer.status.as_u16(), answer.header("location")), (status, location), "{method} {target}");
    }
    let answer = asked(&proxy, Method::GET, "/users/7/?a=1&b=2").await;
    assert_eq!(answer.text(), "<a href=\"/users/7?a=1&amp;b=2\">Moved Permanently</a>.\n\n");
    assert_eq!(answer.header("content-type"), "text/html; charset=utf-8");
    let plain = Manners { redirect_trailing_slash: false, redirect_cleaned: false, ..manners() };
    let proxy = Proxy::start(table(plain)).await;
    for target in ["/users/7/", "/USERS/me"] {
        assert_eq!(asked(&proxy, Method::GET, target).await.status.as_u16(), 404, "{target}");
    }
}

#[tokio::test]
async fn other_methods_and_unknown_paths_are_answered_as_they_should_be() {
    let proxy = Proxy::start(table(manners())).await;
    let answer = asked(&proxy, Method::DELETE, "/users/7").await;
    assert_eq!((answer.status.as_u16(), answer.text()), (405, "405 method not allowed"));
    assert_eq!((answer.header("allow"), answer.header("content-type")), ("GET, PUT, PATCH", "text/plain"));
    let answer = asked(&proxy, Method::OPTIONS, "/users/7").await;
    assert_eq!((answer.status.as_u16(), answer.text(), answer.header("allow")), (200, "", "GET, PATCH, PUT"));
    let answer = asked(&proxy, Method::OPTIONS, "/unknown").await;
    assert_eq!(answer.status.as_u16(), 404);
    let answer = asked(&proxy, Method::GET, "/unknown").await;
    assert_eq!(
        (answer.status.as_u16(), answer.text(), answer.header("x-made-by")),
        (404, "404 page not found", "test")
    );
    assert_eq!(answer.header("content-type"), "text/plain");
    let lax = Manners { method_not_allowed: None, answer_options: false, not_found: None, ..manners() };
    let proxy = Proxy::start(table(lax)).await;
    let answer = asked(&proxy, Method::DELETE, "/users/7").await;
    assert_eq!((answer.status.as_u16(), answer.text()), (404, ""));
    assert_eq!(asked(&proxy, Method::OPTIONS, "/users/7").await.status.as_u16(), 404);
}

#[tokio::test]
async fn a_request_can_be_its_own_answer() {
    let echo = Action::Echo(Echo { body_bytes: 5 });
    let table = Routes::default().rule("", Matcher::prefix("/"), Filters::default(), echo).build();
    let proxy = Proxy::start(table).await;
    let request = Request::post("/a%20b?y=2&x=%3C&y=1").header("host", "Gateway.test:80").header("x-a-b", "1");
    let request = request.body(http_body_util::Full::from("<hello>")).unwrap();
    let answer = crate::support::Client::connect(proxy.address).await.send(request).await;
    assert_eq!(answer.header("content-type"), "application/json; charset=utf-8");
    let expected = r#"{"req_uri":"/a%20b?y=2\u0026x=%3C\u0026y=1","req_uri_details":{"fragment":"","host":"Gateway.test:80","path":"/a b","query":"x=%3C\u0026y=2\u0026y=1","user":""},"req_method":"POST","req_querystring":{"x":["\u003c"],"y":["2","1"]},"req_body":"\u003chell","req_headers":{"Content-Length":["7"],"X-A-B":["1"]}}"#;
    assert_eq!(answer.text(), expected);
}
