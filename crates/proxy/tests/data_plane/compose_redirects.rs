//! Redirects of backends.

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::Full;
use hyper::body::Incoming;

use crate::compose::says;
use crate::support::compose::{ComposeOf, everything, get};
use crate::support::{BackendOf, Client, Proxy, Upstream, ask, echo};

/// An upstream that leads from `/from/STATUS` to `/to`, from `/again` to itself, from `/away` to `elsewhere`, and tells what `/to` is asked.
async fn leading(elsewhere: String) -> Upstream {
    Upstream::http1(move |request: Request<Incoming>| {
        let elsewhere = elsewhere.clone();
        async move {
            let path = request.uri().path().to_owned();
            let to = |status: u16, location: &str| {
                Response::builder().status(status).header("location", location).body(Full::<Bytes>::default()).unwrap()
            };
            match path.as_str() {
                "/again" => to(302, "again"),
                "/away" => to(302, &elsewhere),
                "/nowhere" => Response::builder().status(302).body(Full::<Bytes>::from("here")).unwrap(),
                path => match path.strip_prefix("/from/") {
                    Some(status) => to(status.parse().unwrap(), "../to?x=1#y"),
                    None => echo(request).await,
                },
            }
        }
    })
    .await
}

fn following(path: &str, upstream: &Upstream) -> ComposeOf {
    let mut call = get("only", path);
    call.redirects = 3;
    ComposeOf::opaque(call, &[upstream.address]).with(|message| message.headers = everything())
}

async fn text(composition: ComposeOf) -> (u16, String) {
    let proxy = Proxy::start(composition.table()).await;
    let request = Request::get("/").header("host", "gateway.test").header("authorization", "secret");
    let answer = ask(proxy.address, request).await;
    (answer.status.as_u16(), answer.text().to_owned())
}

#[tokio::test]
async fn redirects_are_followed_with_the_page_that_led_there() {
    let upstream = leading(String::new()).await;
    let address = upstream.address;
    for status in [301, 302, 303, 307, 308] {
        let expected = format!(
            "GET /to?x=1 HTTP/1.1\naccept-encoding: gzip\nauthorization: secret\nhost: {address}\n\
             referer: http://{address}/from/{status}\nuser-agent: Backstay test\nx-forwarded-for: 127.0.0.1\n\
             x-forwarded-host: gateway.test\n\n"
        );
        assert_eq!(text(following(&format!("/from/{status}"), &upstream)).await, (200, expected));
    }
}

#[tokio::test]
async fn what_is_not_followed_is_the_answer() {
    let upstream = leading(String::new()).await;
    let none = ComposeOf::opaque(get("only", "/from/302"), &[upstream.address]);
    assert_eq!(text(none).await, (302, String::new()));
    assert_eq!(text(following("/nowhere", &upstream)).await, (302, "here".to_owned()));
    let address = upstream.address;
    let circle = "Get \"again\": stopped after 3 redirects".to_owned();
    assert_eq!(text(following("/again", &upstream)).await, (500, circle));
    assert!(address.port() > 0);
}

#[tokio::test]
async fn a_body_is_not_sent_again() {
    let upstream = leading(String::new()).await;
    let post = |path: &str| {
        let composition = following(path, &upstream);
        composition.with(|message| message.calls[0].method = "POST".to_owned())
    };
    let send = |composition: ComposeOf| async move {
        let proxy = Proxy::start(composition.table()).await;
        let request = Request::post("/").header("host", "test").header("content-type", "a/b");
        let answer = Client::connect(proxy.address).await.send(request.body(Full::from("body")).unwrap()).await;
        (answer.status.as_u16(), answer.text().lines().next().unwrap_or_default().to_owned(), answer)
    };
    let (status, line, answer) = send(post("/from/302")).await;
    assert_eq!((status, line.as_str()), (200, "GET /to?x=1 HTTP/1.1"));
    assert!(!answer.text().contains("content-type"), "{}", answer.text());
    assert_eq!(send(post("/from/307")).await.0, 307);
}

#[tokio::test]
async fn only_hosts_of_the_call_are_asked() {
    let secret = says("secret").await;
    let upstream = leading(format!("http://{}/", secret.address)).await;
    let (status, said) = text(following("/away", &upstream)).await;
    assert_eq!(status, 500);
    let expected = "redirects to hosts that the call does not name are not followed";
    assert_eq!(said, format!("Get \"http://{}/\": {expected}", secret.address));
    assert_eq!(secret.connections(), 0);
    // Where the call names it, it is asked, without what is for the other alone.
    let other = Upstream::http1(echo).await;
    let upstream = leading(format!("http://{}/there", other.address)).await;
    let backends =
        [&upstream, &other].map(|upstream| (upstream.address, BackendOf::http1(&[upstream.address]).build()));
    let mut call = get("only", "/away");
    call.redirects = 3;
    call.decoder = backstay_proto::config::call::Decoder::Opaque.into();
    let composition = ComposeOf::new()
        .call_of(call, &backends)
        .output(backstay_proto::config::composed_output::Encoding::Opaque)
        .with(|message| message.headers = everything());
    let (status, said) = text(composition).await;
    assert_eq!(status, 200);
    assert!(said.starts_with("GET /there HTTP/1.1\n") && !said.contains("authorization"), "{said}");
}

#[tokio::test]
async fn calls_that_are_decoded_follow_redirects_too() {
    let upstream = Upstream::http1(|request: Request<Incoming>| async move {
        match request.uri().path() {
            "/from" => {
                Response::builder().status(302).header("location", "/to").body(Full::<Bytes>::default()).unwrap()
            }
            _ => Response::new(Full::from(r#"{"a":1}"#)),
        }
    })
    .await;
    let mut call = get("only", "/from");
    call.redirects = 3;
    assert_eq!(text(ComposeOf::new().call(call, &[upstream.address])).await, (200, r#"{"a":1}"#.to_owned()));
    let address = upstream.address;
    let not = ComposeOf::new().call(get("only", "/from"), &[address]);
    assert_eq!(text(not).await, (500, format!("invalid status code 302 [GET /from]: http://{address}/from")));
}
