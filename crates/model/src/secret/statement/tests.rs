use rcgen::{CertificateParams, DnType, KeyPair, date_time_ymd};
use rustls_pki_types::CertificateDer;

use super::*;

fn stated(params: CertificateParams) -> Statement {
    let certificate = params.self_signed(&KeyPair::generate().unwrap()).unwrap();
    let der: CertificateDer<'_> = certificate.der().clone();
    Statement::of(&EndEntityCert::try_from(&der).unwrap())
}

#[test]
fn a_certificate_says_whose_it_is_and_when_it_holds() {
    let mut params = CertificateParams::new(vec!["a.example".to_owned(), "*.b.example".to_owned()]).unwrap();
    params.distinguished_name = rcgen::DistinguishedName::new();
    params.distinguished_name.push(DnType::OrganizationName, "Example\u{7} Ltd");
    params.distinguished_name.push(DnType::CommonName, "a.example");
    params.not_before = date_time_ymd(2020, 1, 1);
    params.not_after = date_time_ymd(2021, 1, 1);
    let stated = stated(params);
    assert_eq!(&*stated.subject, "O=Example\u{fffd} Ltd, CN=a.example");
    assert_eq!(stated.names.iter().map(ToString::to_string).collect::<Vec<_>>(), ["a.example", "*.b.example"]);
    assert_eq!(stated.valid_from, Some(Duration::from_secs(1_577_836_800)));
    assert_eq!(stated.valid_until, Some(Duration::from_secs(1_609_459_200)));
}

#[test]
fn a_subject_that_cannot_be_read_is_read_as_far_as_it_can() {
    let common_name = [0x31, 0x0a, 0x30, 0x08, 0x06, 0x03, 0x55, 0x04, 0x03, 0x0c, 0x01, b'a'];
    assert_eq!(subject(&common_name), "CN=a");
    for cut in 0..common_name.len() {
        assert_eq!(subject(&common_name[..cut]), "", "{cut}");
    }
    for tail in [&[0x31, 0x80][..], &[0x31, 0x84, 0, 0, 0, 0], &[0x31, 0x83, 0xff, 0xff, 0xff, 1]] {
        assert_eq!(subject(&[&common_name, tail].concat()), "CN=a");
    }
}
