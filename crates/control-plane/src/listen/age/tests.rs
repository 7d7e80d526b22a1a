use super::*;

#[test]
fn ages_differ_by_a_fifth_at_most() {
    let limits = AgeLimits::default();
    let ages: Vec<_> = (0..1000).filter_map(|_| limits.draw(&mut rand::rng())).collect();
    let (least, most) = (ages.iter().min().unwrap(), ages.iter().max().unwrap());
    assert!(*least >= Duration::from_secs(48 * 60) && *most <= Duration::from_secs(72 * 60), "{least:?} {most:?}");
    assert!(*most - *least > Duration::from_secs(10 * 60), "they are spread: {least:?} {most:?}");
}

#[test]
fn without_an_age_connections_stay() {
    assert_eq!(AgeLimits { age: Duration::ZERO, ..AgeLimits::default() }.draw(&mut rand::rng()), None);
}
