use std::io::Read;

use serde_json::{Value, json};

use crate::server::{BACKENDS, Server, TABLE, labelled, version};

const PARTIAL: (&str, &str) = ("accept", "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1");

#[tokio::test]
async fn get_answers_what_create_answered() {
    let server = Server::new().await;
    let created = server.backend("web").await;
    let read = server.get(&format!("{BACKENDS}/web")).await.expect(200);
    assert_eq!(read, created);
    assert_eq!(read["apiVersion"], "core.apoxy.dev/v1alpha2");
    assert_eq!(read["kind"], "Backend");
    assert_eq!(server.get(&format!("{BACKENDS}/web/status")).await.expect(200), created);
    let head = server.call("HEAD", &format!("{BACKENDS}/web"), &[], "").await;
    assert_eq!(head.status, 200);
}

#[tokio::test]
async fn what_does_not_exist_is_not_found_by_name() {
    let status = Server::new().await.get(&format!("{BACKENDS}/x")).await.failure(404, "NotFound");
    assert_eq!(status["message"], r#"backends.core.apoxy.dev "x" not found"#);
    assert_eq!(status["details"], json!({"name": "x", "group": "core.apoxy.dev", "kind": "backends"}));
}

#[tokio::test]
async fn reads_no_older_than_asked() {
    let server = Server::new().await;
    let created = server.backend("web").await;
    let at = version(&created);
    server.get(&format!("{BACKENDS}/web?resourceVersion={at}")).await.expect(200);
    server.get(&format!("{BACKENDS}/web?resourceVersion=0")).await.expect(200);
    for path in [format!("{BACKENDS}/web"), BACKENDS.to_owned()] {
        let reply = server.get(&format!("{path}?resourceVersion={}", at + 100)).await;
        assert_eq!(reply.header("retry-after"), "1");
        let status = reply.failure(504, "Timeout");
        assert_eq!(status["details"]["causes"][0]["reason"], "ResourceVersionTooLarge");
    }
    server.get(&format!("{BACKENDS}/web?resourceVersion=abc")).await.failure(400, "BadRequest");
}

#[tokio::test]
async fn a_table_of_a_list_and_of_one_object() {
    let server = Server::new().await;
    server.backend("web").await;
    for path in [BACKENDS.to_owned(), format!("{BACKENDS}/web")] {
        let reply = server.call("GET", &path, &[TABLE], "").await;
        assert_eq!(reply.header("content-type"), "application/json");
        let table = reply.expect(200);
        assert_eq!(table["kind"], "Table");
        assert_eq!(table["apiVersion"], "meta.k8s.io/v1");
        let columns = table["columnDefinitions"].as_array().unwrap();
        assert_eq!(columns[0]["name"], "Name");
        assert_eq!(columns[0]["format"], "name");
        assert_eq!(columns.last().unwrap()["name"], "Age");
        for column in columns {
            assert!(column["type"].is_string() && column["description"].is_string() && column["priority"].is_i64());
        }
        let row = &table["rows"][0];
        let cells = row["cells"].as_array().unwrap();
        assert_eq!(cells.len(), columns.len());
        assert_eq!(cells[0], "web");
        let age = cells.last().unwrap().as_str().unwrap();
        assert!(age.ends_with('s'), "an age, not a time: {age}");
        assert_eq!(row["object"]["kind"], "PartialObjectMetadata");
        assert_eq!(row["object"]["metadata"]["name"], "web");
        assert!(row["object"].get("spec").is_none());
    }
}

#[tokio::test]
async fn rows_carry_as_much_of_their_objects_as_asked() {
    let server = Server::new().await;
    server.backend("web").await;
    let row = async |include: &str| {
        let reply = server.call("GET", &format!("{BACKENDS}?includeObject={include}"), &[TABLE], "").await;
        reply.expect(200)["rows"][0]["object"].clone()
    };
    assert_eq!(row("None").await, Value::Null);
    assert_eq!(row("Metadata").await["kind"], "PartialObjectMetadata");
    assert_eq!(row("Object").await["spec"]["endpoints"][0]["fqdn"], "example.com");
    server.call("GET", &format!("{BACKENDS}?includeObject=x"), &[TABLE], "").await.failure(400, "BadRequest");
}

#[tokio::test]
async fn metadata_alone() {
    let server = Server::new().await;
    server.post(BACKENDS, &labelled("web", "app", "web")).await.expect(201);
    let list = server.call("GET", BACKENDS, &[PARTIAL], "").await.expect(200);
    assert_eq!(list["kind"], "PartialObjectMetadataList");
    assert_eq!(list["apiVersion"], "meta.k8s.io/v1");
    let item = &list["items"][0];
    assert_eq!(item["kind"], "PartialObjectMetadata");
    assert_eq!(item["metadata"]["labels"]["app"], "web");
    assert!(version(item) > 0);
    assert!(item.get("spec").is_none());
    let one = [("accept", "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1")];
    let object = server.call("GET", &format!("{BACKENDS}/web"), &one, "").await.expect(200);
    assert_eq!(&object, item);
}

#[tokio::test]
async fn the_first_acceptable_type_wins() {
    let server = Server::new().await;
    server.backend("web").await;
    let kind = async |accept: &str| {
        let reply = server.call("GET", BACKENDS, &[("accept", accept)], "").await;
        reply.expect(200)["kind"].as_str().unwrap().to_owned()
    };
    assert_eq!(kind("application/vnd.kubernetes.protobuf,application/json").await, "BackendList");
    assert_eq!(kind("application/json;as=Table;v=v9;g=meta.k8s.io,application/json").await, "BackendList");
    assert_eq!(kind("application/json;q=0.5,application/json;as=Table;v=v1;g=meta.k8s.io").await, "Table");
    assert_eq!(kind("*/*").await, "BackendList");
    for accept in ["application/vnd.kubernetes.protobuf", "text/html", "application/json;as=Table;v=v9;g=meta.k8s.io"] {
        server.call("GET", BACKENDS, &[("accept", accept)], "").await.failure(406, "NotAcceptable");
    }
}

#[tokio::test]
async fn yaml_both_ways() {
    let server = Server::new().await;
    let manifest = "apiVersion: core.apoxy.dev/v1alpha2\nkind: Backend\nmetadata:\n  name: web\nspec:\n  endpoints:\n  \
                    - fqdn: example.com\n";
    let headers = [("content-type", "application/yaml"), ("accept", "application/yaml")];
    let reply = server.call("POST", BACKENDS, &headers, manifest).await;
    assert_eq!(reply.status, 201, "{}", reply.text());
    assert_eq!(reply.header("content-type"), "application/yaml");
    assert!(reply.text().contains("fqdn: example.com"), "{}", reply.text());
    let read = server.get(&format!("{BACKENDS}/web")).await.expect(200);
    assert_eq!(read["spec"]["endpoints"][0]["fqdn"], "example.com");
}

#[tokio::test]
async fn pretty_answers_have_lines() {
    let server = Server::new().await;
    server.backend("web").await;
    let reply = server.get(&format!("{BACKENDS}/web?pretty=true")).await;
    assert!(reply.text().contains("\n  \"kind\": \"Backend\""), "{}", reply.text());
    assert!(!server.get(&format!("{BACKENDS}/web")).await.text().contains('\n'));
}

#[tokio::test]
async fn large_answers_are_compressed_for_who_accepts_it() {
    let server = Server::new().await;
    let mut object = labelled("x", "a", "b");
    object["metadata"]["annotations"] = json!({"filler": "y".repeat(2000)});
    for n in 0..100 {
        object["metadata"]["name"] = format!("web-{n:03}").into();
        server.post(BACKENDS, &object).await.expect(201);
    }
    let plain = server.get(BACKENDS).await;
    assert_eq!(plain.header("content-encoding"), "");
    let packed = server.call("GET", BACKENDS, &[("accept-encoding", "gzip")], "").await;
    assert_eq!(packed.header("content-encoding"), "gzip");
    assert!(packed.bytes.len() * 4 < plain.bytes.len());
    let mut unpacked = Vec::new();
    flate2::read::GzDecoder::new(&packed.bytes[..]).read_to_end(&mut unpacked).unwrap();
    assert_eq!(unpacked, plain.bytes);
    let small = server.call("GET", &format!("{BACKENDS}/web-000"), &[("accept-encoding", "gzip")], "").await;
    assert_eq!(small.header("content-encoding"), "");
}

#[tokio::test]
async fn odd_query_strings_are_read() {
    let server = Server::new().await;
    for query in ["?", "?&limit=500", "?limit=500&", "?timeout=32s", "?unknown=x", "?labelSelector="] {
        server.get(&format!("{BACKENDS}{query}")).await.expect(200);
    }
    for query in ["?limit=x", "?limit=-1", "?watch=maybe"] {
        server.get(&format!("{BACKENDS}{query}")).await.failure(400, "BadRequest");
    }
}
