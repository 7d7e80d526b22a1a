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
    let text = envoy.bootstrap();
    let read = serde_saphyr::from_str(&text).unwrap();
    Ok((text, read))
}

#[test]
fn an_envoy_is_told_who_it_is_and_whom_to_ask() {
    let (text, read) = printed(&["--fleet", "edge", "--xds", "[::1]:1800", "--node", "edge: 1"]).unwrap();
    assert!(text.lines().count() <= 12, "{text}");
    assert_eq!(read["node"], serde_json::json!({"id": "edge: 1", "cluster": "edge"}));
    let address = &read["static_resources"]["clusters"][0]["load_assignment"]["endpoints"][0]["lb_endpoints"][0];
    let address = &address["endpoint"]["address"]["socket_address"];
    assert_eq!((&address["address"], &address["port_value"]), (&"::1".into(), &1800.into()));
    let ads = &read["dynamic_resources"]["ads_config"];
    assert_eq!(ads["api_type"], "DELTA_GRPC");
    assert_eq!(ads["grpc_services"][0]["envoy_grpc"]["authority"], "[::1]:1800");
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
    assert_eq!(printed["node"], serde_json::json!({"id": "grpc", "cluster": "edge"}));
}
