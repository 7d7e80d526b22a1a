use rcgen::{CertificateParams, KeyPair};

use super::{MaterialError, Pair, Trust};

fn pair() -> (String, String) {
    let key = KeyPair::generate().unwrap();
    let certificate = CertificateParams::new(vec!["localhost".to_owned()]).unwrap().self_signed(&key).unwrap();
    (certificate.pem(), key.serialize_pem())
}

#[test]
fn a_pair_is_read_and_shows_no_key() {
    let (certificate, key) = pair();
    let pair = Pair::from_pem(certificate.as_bytes(), key.as_bytes()).unwrap();
    let secret = key.lines().nth(1).unwrap();
    assert!(!format!("{pair:?}").contains(secret));
}

#[test]
fn what_cannot_be_used_is_said() {
    let ((certificate, key), (_, other)) = (pair(), pair());
    let read = |chain: &str, key: &str| Pair::from_pem(chain.as_bytes(), key.as_bytes()).unwrap_err();
    assert_eq!(read("", &key), MaterialError::NoCertificate);
    assert_eq!(read(&certificate, ""), MaterialError::NoKey);
    assert_eq!(read(&certificate, &other), MaterialError::OtherKey);
    let broken = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
    assert_eq!(read(broken, &key), MaterialError::Certificate);
    assert_eq!(Trust::from_pem(b"").unwrap_err(), MaterialError::NoCertificate);
    assert_eq!(Trust::from_pem(broken.as_bytes()).unwrap_err(), MaterialError::Authority(1));
}

#[test]
fn trust_adds_up() {
    let one = Trust::from_pem(pair().0.as_bytes()).unwrap();
    let two = Trust::from_pem((pair().0 + &pair().0).as_bytes()).unwrap();
    assert_eq!(one.and(&two).roots().len(), 3);
}
