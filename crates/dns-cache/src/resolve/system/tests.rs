use super::*;

#[test]
fn name_servers_are_read_from_resolv_conf() {
    let text = "# comment\nsearch a.example b.example\nnameserver 10.0.0.1\n nameserver 2001:db8::1\n; nameserver 10.9.9.9\n\
        nameserver fe80::1%eth0\nnameserver nonsense\nnameserver\noptions ndots:5 edns0\noptions rotate\n";
    let servers: Vec<DnsServer> =
        ["10.0.0.1", "2001:db8::1", "fe80::1"].iter().map(|text| text.parse().unwrap()).collect();
    assert_eq!(SystemServers::parse(text), SystemServers { servers, edns: true });
    assert!(!SystemServers::parse("nameserver 10.0.0.1\noptions ndots:5\n").edns);
}

#[test]
fn names_are_read_from_the_hosts_file() {
    let hosts = Hosts::parse(
        "\u{feff}127.0.0.1 localhost\n::1 localhost ip6-localhost # comment\n10.0.0.1\tOne.Example. two.example\n\n\
         #10.0.0.2 three.example\nnonsense four.example\n10.0.0.3 one.example\n10.0.0.1 one.example\n10.0.0.9",
    );
    let find = |name, kind| hosts.find(name, kind).iter().map(ToString::to_string).collect::<Vec<_>>();
    assert_eq!(find("localhost", RecordKind::A), ["127.0.0.1"]);
    assert_eq!(find("localhost", RecordKind::Aaaa), ["::1"]);
    assert_eq!(find("one.example", RecordKind::A), ["10.0.0.1", "10.0.0.3"]);
    assert_eq!(find("two.example", RecordKind::A), ["10.0.0.1"]);
    for name in ["three.example", "four.example", "two.example."] {
        assert!(hosts.find(name, RecordKind::A).is_empty(), "{name}");
    }
    assert!(hosts.find("one.example", RecordKind::Aaaa).is_empty());
}
