use super::*;

#[test]
fn refusals_are_worded_as_kubernetes_words_them() {
    let alice = User::named("alice");
    let list = Attributes::resource("list", "core.apoxy.dev", "backends");
    assert_eq!(
        list.forbidden(&alice, ""),
        "backends.core.apoxy.dev is forbidden: User \"alice\" cannot list resource \"backends\" in API group \
         \"core.apoxy.dev\" at the cluster scope"
    );
    let status = Attributes {
        subresource: "status".into(),
        namespace: "shop".into(),
        name: "edge".into(),
        ..Attributes::resource("patch", "gateway.networking.k8s.io", "gateways")
    };
    assert_eq!(
        status.forbidden(&alice, ""),
        "gateways.gateway.networking.k8s.io \"edge\" is forbidden: User \"alice\" cannot patch resource \"gateways/status\" in \
         API group \"gateway.networking.k8s.io\" in the namespace \"shop\""
    );
    let core = Attributes { namespace: "shop".into(), ..Attributes::resource("get", "", "secrets") };
    assert_eq!(
        core.forbidden(&alice, "no"),
        "secrets is forbidden: User \"alice\" cannot get resource \"secrets\" in API group \"\" in the namespace \"shop\": no"
    );
    assert_eq!(
        Attributes::path("get", "/metrics").forbidden(&alice, ""),
        "forbidden: User \"alice\" cannot get path \"/metrics\""
    );
}
