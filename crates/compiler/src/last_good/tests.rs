use super::*;

#[derive(Debug, thiserror::Error)]
#[error("line 1 is wrong")]
struct Beneath;

#[derive(Debug, thiserror::Error)]
#[error("it cannot be read: {0}")]
struct Above(#[from] Beneath);

#[test]
fn a_fault_keeps_its_cause_and_the_last_good_version_stays() {
    let object = Object::default();
    let good = LastGood::read(&object, |_| Ok::<_, Above>(1), None);
    let bad = LastGood::read(&object, |_| Err(Above(Beneath)), Some(&good));
    assert_eq!(bad.good, Some(1));
    let fault = bad.fault.as_ref().expect("it cannot be read");
    assert_eq!(fault.to_string(), "it cannot be read: line 1 is wrong");
    assert!(fault.source().is_some_and(|cause| cause.is::<Beneath>()));
    let again = LastGood::read(&object, |_| Err(Above(Beneath)), Some(&good));
    assert_eq!(bad, again, "what reads the same is no news");
}
