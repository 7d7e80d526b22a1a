use std::time::{Duration, SystemTime};

use rcgen::{CertificateParams, DnType, KeyPair, SanType};

use super::Statement;

#[test]
fn subject_names_and_times_are_read() {
    let mut params = CertificateParams::default();
    params.distinguished_name.push(DnType::CommonName, "alice");
    params.distinguished_name.push(DnType::OrganizationName, "admins");
    params.subject_alt_names = vec![
        SanType::URI("spiffe://backstay/fleet/edge".try_into().unwrap()),
        SanType::DnsName("edge.example".try_into().unwrap()),
    ];
    let begin = SystemTime::UNIX_EPOCH + Duration::from_secs(1_800_000_000);
    params.not_before = begin.into();
    params.not_after = (begin + Duration::from_secs(3600)).into();
    let key = KeyPair::generate().unwrap();
    let statement = Statement::of(params.self_signed(&key).unwrap().der()).unwrap();
    assert_eq!(statement.common_name.as_deref(), Some("alice"));
    assert_eq!(statement.organizations, ["admins"]);
    assert_eq!(statement.uris, ["spiffe://backstay/fleet/edge"]);
    assert_eq!(statement.not_before, begin);
    assert_eq!(statement.life(), Duration::from_secs(3600));
    assert_eq!(statement.left(begin + Duration::from_secs(3000)), Duration::from_secs(600));
    assert_eq!(statement.left(begin + Duration::from_secs(4000)), Duration::ZERO);
    assert_eq!(statement.fingerprint.len(), 64);
    assert!(!statement.is_authority);
}

#[test]
fn what_is_no_certificate_is_refused() {
    assert!(Statement::of(b"").is_err());
    assert!(Statement::of(&[0x30, 0x03, 0x02, 0x01, 0x01]).is_err());
}
