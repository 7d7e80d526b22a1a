//! Writers who work on one thing at once.

use http::StatusCode;
use serde_json::Value;

use crate::harness::{ControlPlane, Fastly};

/// How many write at once.
const WRITERS: usize = 40;

#[tokio::test(flavor = "multi_thread")]
async fn parts_that_are_written_at_once_are_all_there() {
    let control_plane = ControlPlane::start();
    let fastly = Fastly::new(control_plane.api());
    let (id, version) = fastly.service("parallel").await;
    let tasks: Vec<_> = (0..WRITERS)
        .map(|number| {
            let (fastly, version) = (fastly.clone(), version.clone());
            tokio::spawn(async move {
                let name = format!("part {number}");
                let condition = [("name", name.as_str()), ("type", "REQUEST"), ("statement", "req.url")];
                fastly.make(&format!("{version}/condition"), &condition).await;
                let backend = [("name", name.as_str()), ("address", "10.0.0.1"), ("request_condition", name.as_str())];
                fastly.make(&format!("{version}/backend"), &backend).await;
            })
        })
        .collect();
    for task in tasks {
        task.await.unwrap();
    }
    for list in ["condition", "backend"] {
        let parts = fastly.read(&format!("{version}/{list}")).await;
        let mut names: Vec<&str> = parts.as_array().unwrap().iter().filter_map(|part| part["name"].as_str()).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), WRITERS, "{list}");
    }
    let numbers = (0..WRITERS).map(|_| {
        let (fastly, path) = (fastly.clone(), format!("/service/{id}/version/1/clone"));
        tokio::spawn(async move { fastly.put(&path, &[]).await.body["number"].as_u64().unwrap() })
    });
    let mut seen = Vec::new();
    for task in numbers.collect::<Vec<_>>() {
        seen.push(task.await.unwrap());
    }
    seen.sort_unstable();
    assert_eq!(seen, (2..=WRITERS as u64 + 1).collect::<Vec<_>>());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_written_while_a_version_is_activated_is_in_it_or_refused() {
    let control_plane = ControlPlane::start();
    let fastly = Fastly::new(control_plane.api());
    let (_, version) = fastly.service("racing").await;
    fastly.make(&format!("{version}/domain"), &[("name", "racing.example")]).await;
    let writers: Vec<_> = (0..WRITERS)
        .map(|number| {
            let (fastly, version) = (fastly.clone(), version.clone());
            tokio::spawn(async move {
                if number == WRITERS / 2 {
                    assert_eq!(fastly.put(&format!("{version}/activate"), &[]).await.status, StatusCode::OK);
                    return None;
                }
                let name = format!("b{number}");
                let answer =
                    fastly.post(&format!("{version}/backend"), &[("name", &name), ("address", "10.0.0.1")]).await;
                match answer.status {
                    StatusCode::OK => Some(name),
                    status => {
                        assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "{}", answer.body);
                        None
                    }
                }
            })
        })
        .collect();
    let mut taken = Vec::new();
    for writer in writers {
        taken.extend(writer.await.unwrap());
    }
    taken.sort_unstable();
    let backends = fastly.read(&format!("{version}/backend")).await;
    let mut stored: Vec<Value> = backends.as_array().unwrap().iter().map(|backend| backend["name"].clone()).collect();
    stored.sort_unstable_by_key(ToString::to_string);
    assert_eq!(stored, taken);
}
