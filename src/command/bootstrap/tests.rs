use clap::Parser;
use serde_json::Value;

use super::{Args, Proxy};

#[derive(Parser)]
struct Line {
    #[command(flatten)]
    args: Args,
}

fn printed(options: &[&str]) -> Result<(String, Value), clap::Error> {
    let line = Line::try_parse_from([&["backstay", "envoy"], options].concat())?;
    let Proxy::Envoy(envoy) = line.args.proxy else { panic!("it is for Envoy") };
    let text = envoy.bootstrap(Some("shown").filter(|_| envoy.token_file.is_some()));
    let read = serde_saphyr::from_str(&text).unwrap();
    Ok((text, read))
}

#[test]
fn an_envoy_is_told_who_it_is_and_whom_to_ask() {
    let (text, read) = printed(&["--fleet", "edge", "--xds", "[::1]:1800", "--node", "edge: 1"]).unwrap();
    assert!(text.lines().count() <= 12, "{text}");
    let metadata = serde_json::json!({"backstay.dev/vhds": true});
    assert_eq!(read["node"], serde_json::json!({"id": "edge: 1", "cluster": "edge", "metadata": metadata}));
    let address = &read["static_resources"]["clusters"][0]["load_assignment"]["endpoints"][0]["lb_endpoints"][0];
    let address = &address["endpoint"]["address"]["socket_address"];
    assert_eq!((&address["address"], &address["port_value"]), (&"::1".into(), &1800.into()));
    let ads = &read["dynamic_resources"]["ads_config"];
    assert_eq!(ads["api_type"], "DELTA_GRPC");
    assert_eq!(ads["grpc_services"][0]["envoy_grpc"]["authority"], "[::1]:1800");
}

#[test]
fn over_tls_an_envoy_knows_whom_to_trust_and_what_to_show() {
    let (_, plain) = printed(&[]).unwrap();
    assert!(plain["static_resources"]["clusters"][0].get("transport_socket").is_none());
    let options = ["--ca", "/ca.pem", "--client-cert", "/c.crt", "--client-key", "/c.key", "--xds", "cp.example:18000"];
    let (_, read) = printed(&options).unwrap();
    let socket = |read: &Value| read["static_resources"]["clusters"][0]["transport_socket"]["typed_config"].clone();
    let context = socket(&read);
    assert_eq!(context["sni"], "cp.example");
    let common = &context["common_tls_context"];
    assert_eq!(common["validation_context"]["trusted_ca"]["filename"], "/ca.pem");
    let name = &common["validation_context"]["match_typed_subject_alt_names"][0];
    assert_eq!((&name["san_type"], &name["matcher"]["exact"]), (&"DNS".into(), &"cp.example".into()));
    assert_eq!(common["tls_certificates"][0]["private_key"]["filename"], "/c.key");
    let (_, read) = printed(&["--ca", "/ca.pem", "--xds", "10.0.0.5:18000", "--token-file", "/token"]).unwrap();
    let context = socket(&read);
    assert!(context.get("sni").is_none(), "an address is no server name");
    let name = &context["common_tls_context"]["validation_context"]["match_typed_subject_alt_names"][0];
    assert_eq!((&name["san_type"], &name["matcher"]["exact"]), (&"IP_ADDRESS".into(), &"10.0.0.5".into()));
    let metadata = &read["dynamic_resources"]["ads_config"]["grpc_services"][0]["initial_metadata"][0];
    assert_eq!((&metadata["key"], &metadata["value"]), (&"authorization".into(), &"Bearer shown".into()));
    for alone in [&["--token-file", "/token"][..], &["--client-cert", "/c"], &["--tls-server-name", "x"]] {
        assert!(printed(alone).is_err(), "{alone:?}");
    }
}

#[test]
fn what_is_no_address_is_refused() {
    for text in ["", "host", ":1", "host:0", "host:65536", "a b:1", "http://host:1", "[::1:1"] {
        assert!(printed(&["--xds", text]).is_err(), "{text:?}");
    }
}

#[test]
fn a_client_of_grpc_is_told_the_same() {
    let line = Line::try_parse_from(["backstay", "grpc", "--xds", "10.0.0.5:1800", "--fleet", "edge"]).unwrap();
    let Proxy::Grpc(grpc) = line.args.proxy else { panic!("it is for gRPC") };
    let printed = grpc.bootstrap();
    assert_eq!(printed["xds_servers"][0]["server_uri"], "10.0.0.5:1800");
    assert_eq!(printed["xds_servers"][0]["channel_creds"], serde_json::json!([{"type": "insecure"}]));
    assert_eq!(printed["node"], serde_json::json!({"id": "grpc", "cluster": "edge"}));
}
