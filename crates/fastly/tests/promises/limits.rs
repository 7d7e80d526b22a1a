//! A token writes as much in an hour as it may, and is told what is left.

use backstay_fastly::api::Options;
use http::{Method, StatusCode};
use serde_json::json;

use crate::client::{Answer, Client};

/// What an answer tells of the limit.
fn told(answer: &Answer) -> Option<(u32, u64)> {
    let number = |name: &str| Some(answer.headers.get(name)?.to_str().unwrap().to_owned());
    let remaining = number("fastly-ratelimit-remaining")?.parse().unwrap();
    Some((remaining, number("fastly-ratelimit-reset")?.parse().unwrap()))
}

#[tokio::test]
async fn answers_to_writes_tell_what_is_left_and_one_too_many_is_refused() {
    let client = Client::new(Options { writes_per_hour: Some(2), ..Options::default() });
    let made = client.send(Method::POST, "/service", "name=a").await;
    let (remaining, reset) = told(&made).unwrap();
    let now = std::time::UNIX_EPOCH.elapsed().unwrap().as_secs();
    assert_eq!(remaining, 1);
    assert!((now..=now + 3601).contains(&reset), "{reset} at {now}");
    assert_eq!(told(&client.get("/service").await), None, "who reads is not limited");
    // What is wrong was written all the same.
    let wrong = client.send(Method::POST, "/service", "").await;
    assert_eq!((wrong.status, told(&wrong)), (StatusCode::BAD_REQUEST, Some((0, reset))));
    let refused = client.send(Method::POST, "/service", "name=b").await;
    assert_eq!((refused.status, told(&refused)), (StatusCode::TOO_MANY_REQUESTS, Some((0, reset))));
    assert_eq!(refused.body, json!({"msg": "You have exceeded your hourly rate limit"}));
    assert_eq!(client.get("/service").await.body.as_array().unwrap().len(), 1);
    assert_eq!(client.send(Method::POST, "/purge/www.example.com/", "").await.status, StatusCode::OK);
}

#[tokio::test]
async fn without_a_limit_nothing_is_told_of_one() {
    let client = Client::new(Options::default());
    assert_eq!(told(&client.send(Method::POST, "/service", "name=a").await), None);
}
