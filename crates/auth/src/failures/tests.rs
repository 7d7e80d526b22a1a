use super::*;

#[test]
fn an_address_waits_a_second_after_each_failure_from_the_tenth_on() {
    let failures = Failures::new(FailureLimits::default());
    let (address, start) = (IpAddr::from([192, 0, 2, 1]), Instant::now());
    for _ in 0..9 {
        failures.add(address, start);
    }
    assert_eq!(failures.wait(address, start), None);
    failures.add(address, start);
    assert_eq!(failures.wait(address, start), Some(Duration::from_secs(1)));
    assert_eq!(failures.wait(IpAddr::from([192, 0, 2, 2]), start), None);
    let later = start + Duration::from_secs(1);
    assert_eq!(failures.wait(address, later), None);
    failures.add(address, later);
    assert!(failures.wait(address, later).is_some());
    let much_later = later + MEMORY;
    failures.add(address, much_later);
    assert_eq!(failures.wait(address, much_later), None, "it was forgotten");
}

#[test]
fn a_network_of_ipv6_is_one_client_and_the_table_is_bounded() {
    let failures = Failures::new(FailureLimits { free: 1, ..FailureLimits::default() });
    let start = Instant::now();
    failures.add("2001:db8::1".parse().unwrap(), start);
    assert!(failures.wait("2001:db8::2".parse().unwrap(), start).is_some());
    for number in 0..20_000_u32 {
        failures.add(IpAddr::from(number.to_be_bytes()), start);
    }
    assert!(failures.known.lock().unwrap().len() <= ADDRESSES);
}
