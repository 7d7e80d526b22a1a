use super::{DnsServer, DnsServerError};

#[test]
fn servers_are_addresses_with_the_port_of_their_protocol() {
    for (text, shown) in [
        ("10.0.0.2", "10.0.0.2:53"),
        ("10.0.0.2:5353", "10.0.0.2:5353"),
        ("2001:db8::1", "[2001:db8::1]:53"),
        ("[2001:db8::1]", "[2001:db8::1]:53"),
        ("[2001:db8::1]:54", "[2001:db8::1]:54"),
        ("tcp://10.0.0.2", "tcp://10.0.0.2:53"),
        ("tcp://[2001:db8::1]:54", "tcp://[2001:db8::1]:54"),
        ("tls://1.1.1.1#one.one.one.one", "tls://1.1.1.1:853#one.one.one.one"),
        ("tls://1.1.1.1:443#1.1.1.1", "tls://1.1.1.1:443#1.1.1.1"),
        ("tls://2606:4700::1111#dns.example", "tls://[2606:4700::1111]:853#dns.example"),
    ] {
        assert_eq!(text.parse::<DnsServer>().unwrap().to_string(), shown);
    }
    for (text, error) in [
        ("", DnsServerError::Form),
        ("dns.example", DnsServerError::Form),
        ("10.0.0.2:0", DnsServerError::Form),
        ("10.0.0.2#name", DnsServerError::Form),
        ("tcp://dns.example", DnsServerError::Form),
        ("tcp://10.0.0.2#name", DnsServerError::Form),
        ("https://1.1.1.1#a", DnsServerError::Form),
        ("tls://dns.example#dns.example", DnsServerError::Form),
        ("tls://1.1.1.1", DnsServerError::NoName),
        ("tls://1.1.1.1#", DnsServerError::NoName),
        ("tls://1.1.1.1#a b", DnsServerError::Name),
    ] {
        assert_eq!(text.parse::<DnsServer>().unwrap_err(), error, "{text}");
    }
}
