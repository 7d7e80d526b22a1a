//! A scanner of what both addresses agree to: each version and each cipher is offered alone, as an attacker would who looks for a weak
//! one.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};

use super::Secured;
use crate::harness::PATIENCE;

/// Cipher suites of TLS 1.2 and before, by their numbers (IANA, TLS Cipher Suites): those that should be there for a certificate with
/// an ECDSA key, those for one with an RSA key, and what should never be agreed to.
const GOOD: [u16; 3] = [0xc02b, 0xc02c, 0xcca9];
const WITH_RSA: [u16; 3] = [0xc02f, 0xc030, 0xcca8];
const BAD: [(&str, u16); 21] = [
    ("NULL_WITH_NULL_NULL", 0x0000),
    ("RSA_WITH_NULL_SHA", 0x0002),
    ("RSA_EXPORT_WITH_RC4_40_MD5", 0x0003),
    ("RSA_WITH_RC4_128_SHA", 0x0005),
    ("RSA_WITH_DES_CBC_SHA", 0x0009),
    ("RSA_WITH_3DES_EDE_CBC_SHA", 0x000a),
    ("DH_anon_WITH_AES_128_CBC_SHA", 0x0034),
    ("RSA_WITH_AES_128_CBC_SHA", 0x002f),
    ("RSA_WITH_AES_256_CBC_SHA256", 0x003d),
    ("RSA_WITH_AES_128_GCM_SHA256", 0x009c),
    ("DHE_RSA_WITH_AES_128_GCM_SHA256", 0x009e),
    ("ECDH_ECDSA_WITH_AES_128_GCM_SHA256", 0xc02d),
    ("ECDHE_ECDSA_WITH_NULL_SHA", 0xc006),
    ("ECDHE_ECDSA_WITH_RC4_128_SHA", 0xc007),
    ("ECDHE_ECDSA_WITH_3DES_EDE_CBC_SHA", 0xc008),
    ("ECDHE_ECDSA_WITH_AES_128_CBC_SHA", 0xc009),
    ("ECDHE_ECDSA_WITH_AES_256_CBC_SHA", 0xc00a),
    ("ECDHE_ECDSA_WITH_AES_128_CBC_SHA256", 0xc023),
    ("ECDHE_ECDSA_WITH_AES_256_CBC_SHA384", 0xc024),
    ("ECDH_anon_WITH_AES_128_CBC_SHA", 0xc018),
    ("ECDHE_ECDSA_WITH_AES_128_CCM_8", 0xc0ae),
];
/// Those of TLS 1.3 (RFC 8446, appendix B.4).
const GOOD_13: [u16; 3] = [0x1301, 0x1302, 0x1303];
const BAD_13: [u16; 2] = [0x1304, 0x1305];

/// Versions, as they are written on the wire.
const SSL_3: u16 = 0x0300;
const TLS_1_0: u16 = 0x0301;
const TLS_1_1: u16 = 0x0302;
const TLS_1_2: u16 = 0x0303;
const TLS_1_3: u16 = 0x0304;

/// An extension of a ClientHello.
fn extension(kind: u16, body: &[u8]) -> Vec<u8> {
    [&kind.to_be_bytes()[..], &length(body.len()), body].concat()
}

fn length(bytes: usize) -> [u8; 2] {
    u16::try_from(bytes).unwrap().to_be_bytes()
}

/// A ClientHello that offers one version, and these ciphers and protocols.
fn hello(version: u16, ciphers: &[u16], protocols: &[&str]) -> Vec<u8> {
    let groups: Vec<u8> = [0x001d_u16, 0x0017, 0x0018].iter().flat_map(|group| group.to_be_bytes()).collect();
    let signatures: Vec<u8> =
        [0x0403_u16, 0x0503, 0x0804, 0x0401, 0x0203, 0x0201].iter().flat_map(|scheme| scheme.to_be_bytes()).collect();
    let mut extensions = extension(0x000a, &[&length(groups.len())[..], &groups].concat());
    extensions.extend(extension(0x000d, &[&length(signatures.len())[..], &signatures].concat()));
    extensions.extend(extension(0x000b, &[1, 0]));
    extensions.extend(extension(0x0017, &[]));
    let names: Vec<u8> =
        protocols.iter().flat_map(|name| [&[u8::try_from(name.len()).unwrap()], name.as_bytes()].concat()).collect();
    if !names.is_empty() {
        extensions.extend(extension(0x0010, &[&length(names.len())[..], &names].concat()));
    }
    if version == TLS_1_3 {
        extensions.extend(extension(0x002b, &[2, 3, 4]));
        // A point of X25519: any 32 bytes are one.
        let share = [&[0x00, 0x1d, 0x00, 0x20][..], &[9; 32]].concat();
        extensions.extend(extension(0x0033, &[&length(share.len())[..], &share].concat()));
    }
    let ciphers: Vec<u8> = ciphers.iter().flat_map(|cipher| cipher.to_be_bytes()).collect();
    let body = [
        &version.min(TLS_1_2).to_be_bytes()[..],
        &[7; 32],
        &[0],
        &length(ciphers.len()),
        &ciphers,
        &[1, 0],
        &length(extensions.len()),
        &extensions,
    ]
    .concat();
    let handshake = [&[1, 0][..], &length(body.len()), &body].concat();
    [&[22][..], &version.min(TLS_1_0).to_be_bytes(), &length(handshake.len()), &handshake].concat()
}

/// What is agreed to: version and cipher, if anything.
fn offer(address: SocketAddr, hello: &[u8]) -> Option<(u16, u16)> {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream.write_all(hello).unwrap();
    let mut head = [0; 5];
    // A server that wants none of it may close as well as say so.
    stream.read_exact(&mut head).ok()?;
    if head[0] != 22 {
        return None;
    }
    let mut record = vec![0; usize::from(u16::from_be_bytes([head[3], head[4]]))];
    stream.read_exact(&mut record).ok()?;
    assert_eq!(record[0], 2, "a ServerHello is the first that is said");
    let session = usize::from(record[38]);
    let at = 39 + session;
    let cipher = u16::from_be_bytes([record[at], record[at + 1]]);
    let mut version = u16::from_be_bytes([record[4], record[5]]);
    let mut extensions = record.get(at + 5..).unwrap_or_default();
    while let [a, b, c, d, rest @ ..] = extensions {
        let (kind, length) = (u16::from_be_bytes([*a, *b]), usize::from(u16::from_be_bytes([*c, *d])));
        if kind == 0x002b {
            version = u16::from_be_bytes([rest[0], rest[1]]);
        }
        extensions = &rest[length.min(rest.len())..];
    }
    Some((version, cipher))
}

#[test]
fn nothing_weak_is_agreed_to_on_either_address() {
    let secured = Secured::new();
    let control_plane = secured.start(&["--limit", "handshakes-per-second=100000"]);
    let (api, xds) = (control_plane.api(), control_plane.xds());
    let all: Vec<u16> = GOOD.into_iter().chain(WITH_RSA).chain(BAD.map(|(_, cipher)| cipher)).collect();
    for address in [api, xds] {
        for version in [SSL_3, TLS_1_0, TLS_1_1] {
            assert_eq!(offer(address, &hello(version, &all, &["h2"])), None, "{address} {version:04x}");
        }
        for (name, cipher) in BAD {
            assert_eq!(offer(address, &hello(TLS_1_2, &[cipher], &["h2"])), None, "{address} {name}");
        }
        for cipher in GOOD_13 {
            let offered = hello(TLS_1_3, &[cipher], &["h2"]);
            assert_eq!(offer(address, &offered), Some((TLS_1_3, cipher)), "{address} {cipher:04x}");
        }
        for cipher in BAD_13 {
            assert_eq!(offer(address, &hello(TLS_1_3, &[cipher], &["h2"])), None, "{address} {cipher:04x}");
        }
    }
    for cipher in GOOD {
        assert_eq!(offer(api, &hello(TLS_1_2, &[cipher], &["h2"])), Some((TLS_1_2, cipher)), "{cipher:04x}");
        assert_eq!(offer(xds, &hello(TLS_1_2, &[cipher], &["h2"])), None, "{cipher:04x}");
    }
    for cipher in WITH_RSA {
        assert_eq!(offer(api, &hello(TLS_1_2, &[cipher], &["h2"])), None, "its key is no RSA key: {cipher:04x}");
    }
    assert_eq!(offer(api, &hello(TLS_1_2, &GOOD, &["http/1.1"])).map(|agreed| agreed.0), Some(TLS_1_2));
    // In TLS 1.3 the refusal of a protocol follows the ServerHello, and OpenSSL is asked about it elsewhere.
    assert_eq!(offer(api, &hello(TLS_1_2, &GOOD, &["spdy/3"])), None);
}
