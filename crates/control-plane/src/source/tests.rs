use super::*;

fn fault(name: &str, field: &str, message: &str) -> Rejection {
    let (name, version) = (name.into(), "1".into());
    Rejection { name, version, field: field.to_owned(), message: message.to_owned() }
}

#[test]
fn a_resource_with_several_faults_is_refused_once_and_all_of_them_are_told() {
    let faults = vec![
        fault("backend/b", "tls.sni", "is no name"),
        fault("listener/l", "port", "is 0"),
        fault("backend/b", "protocol", "is unknown"),
        fault("backend/b", "", "and 3 more faults"),
    ];
    let refusals = by_resource(faults);
    let told: Vec<_> = refusals.iter().map(|(name, refusal)| (&**name, &*refusal.field, refusal.sentence())).collect();
    let backend = "tls.sni: is no name; protocol: is unknown; and 3 more faults".to_owned();
    assert_eq!(told, [("backend/b", "tls.sni", backend), ("listener/l", "port", "port: is 0".to_owned())]);
}
