use super::*;

#[test]
fn a_certificate_stands_as_its_time_says() {
    const DAY: u64 = 86_400;
    let days = |days: u64| Duration::from_secs(days * DAY);
    let view = |from: Option<u64>, until: Option<u64>| CertificateView {
        secret: "secret/n/s".into(),
        statement: Statement {
            subject: "".into(),
            names: Vec::new(),
            valid_from: from.map(days),
            valid_until: until.map(days),
        },
        listeners: Vec::new(),
    };
    let certificate = view(Some(100), Some(200));
    for (now, standing, left) in [
        (99, Standing::NotYetValid, 101.0),
        (100, Standing::Valid, 100.0),
        (186, Standing::Valid, 14.0),
        (187, Standing::EndsSoon, 13.0),
        (200, Standing::EndsSoon, 0.0),
        (201, Standing::Expired, -1.0),
    ] {
        assert_eq!(certificate.standing(days(now)), standing, "{now}");
        assert_eq!(certificate.days_left(days(now)), Some(left), "{now}");
    }
    assert_eq!(view(None, None).standing(days(1)), Standing::Valid);
    assert_eq!(view(None, None).days_left(days(1)), None);
}
