use std::time::{Duration, SystemTime};

use backstay_proto::admin::{ConnectedProxy, ControlPlane, Fleet, GetStatusResponse, ObjectFault, Refusal};

use super::{Width, age, control_planes, json, not_in_force, rows, sentence};

fn fault() -> ObjectFault {
    ObjectFault {
        kind: "Gateway".to_owned(),
        namespace: "default".to_owned(),
        name: "web".to_owned(),
        part: "listener https".to_owned(),
        condition: "ResolvedRefs".to_owned(),
        reason: "InvalidCertificateRef".to_owned(),
        message: "no such Secret".to_owned(),
    }
}

fn status() -> GetStatusResponse {
    let refusal = Refusal {
        resource: "backend/api".to_owned(),
        version: "v1".to_owned(),
        field: "tls.sni".to_owned(),
        message: "is not a host name".to_owned(),
    };
    let proxy = ConnectedProxy {
        id: "p1".to_owned(),
        accepted: 3,
        pending: 1,
        refused: vec![refusal],
        lag_seconds: Some(9.7),
        ..ConnectedProxy::default()
    };
    GetStatusResponse {
        version: "0.1.0".to_owned(),
        revision: 9,
        compiled_revision: 9,
        faults: vec![fault()],
        fault_count: 1,
        fleets: vec![
            Fleet {
                name: "default".to_owned(),
                resources: 5,
                proxies: vec![proxy],
                revision: 11,
                digest: "d1".to_owned(),
            },
            Fleet { name: "edge".to_owned(), resources: 2, proxies: Vec::new(), revision: 3, ..Fleet::default() },
        ],
        control_planes: vec![
            ControlPlane { name: "one".to_owned(), leads: true, compiled_revision: 9, connected_proxies: 1 },
            ControlPlane { name: "other".to_owned(), compiled_revision: 8, ..ControlPlane::default() },
        ],
    }
}

#[test]
fn control_planes_that_share_a_store_have_a_row_each() {
    let rows = control_planes(&status());
    assert_eq!(rows[1..], [["one", "yes", "9", "1"], ["other", "no", "8", "0"]]);
    assert_eq!(json(&status())["controlPlanes"][0]["leads"], true);
}

#[test]
fn a_refusal_names_resource_and_field() {
    let status = status();
    assert_eq!(sentence(&status.fleets[0].proxies[0].refused[0]), "backend/api: tls.sni: is not a host name");
}

#[test]
fn every_proxy_has_a_row_and_a_fleet_without_one_says_so() {
    for (width, columns) in [(Width::Narrow, 7), (Width::Wide, 11)] {
        let rows = rows(&status(), width, SystemTime::now());
        assert_eq!(rows.len(), 3);
        assert!(rows.iter().all(|row| row.len() == columns));
        assert_eq!(rows[1][3..7], ["3/5", "1", "9s", "1"]);
        assert_eq!(rows[2][..2], ["edge", "none connected"]);
    }
}

#[test]
fn what_is_not_in_force_is_a_line() {
    let line = "Gateway default/web, listener https: ResolvedRefs (InvalidCertificateRef): no such Secret";
    assert_eq!(not_in_force(&fault()), line);
    assert_eq!(json(&status())["notInForce"][0]["part"], "listener https");
}

#[test]
fn json_has_the_same() {
    let json = json(&status());
    assert_eq!(json["fleets"][0]["proxies"][0]["refused"][0]["field"], "tls.sni");
    assert_eq!(json["fleets"][0]["proxies"][0]["lagSeconds"], 9.7);
    assert_eq!(json["fleets"][1]["proxies"], serde_json::json!([]));
}

#[test]
fn ages_have_the_largest_unit() {
    for (seconds, text) in [(0, "0s"), (119, "119s"), (125, "2m5s"), (660, "11m"), (10_800, "3h"), (172_800, "2d")] {
        assert_eq!(age(Duration::from_secs(seconds)), text);
    }
}
