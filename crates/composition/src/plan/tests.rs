//! What makes a plan, and what does not.

use http::Method;
use http::header::HeaderValue;

use super::*;
use crate::decode::Collection;

fn settings(calls: usize) -> Settings {
    Settings {
        calls: (0..calls).map(|_| CallPlan::new(Method::GET, Pattern::parse("/"))).collect(),
        flow: Flow::Parallel,
        order: MergeOrder::Listed,
        timeout: Duration::from_secs(1),
        operations: None,
        fixed: None,
        request: RequestRules::new(HeaderValue::from_static("x")),
        output: Output::default(),
        limits: Limits::default(),
    }
}

fn refused(settings: Settings) -> PlanError {
    Plan::new(settings).expect_err("it is refused")
}

#[test]
fn a_plan_needs_a_call_that_counts_and_time() {
    assert!(Plan::new(settings(1)).is_ok());
    assert_eq!(refused(settings(0)), PlanError::NoCalls);
    let mut shadows = settings(1);
    shadows.calls[0].role = Role::Shadow { timeout: Duration::from_secs(1) };
    assert_eq!(refused(shadows), PlanError::NoCalls);
    assert_eq!(refused(Settings { timeout: Duration::ZERO, ..settings(1) }), PlanError::ZeroTimeout);
    let mut many = settings(5);
    many.calls[0].copies = std::num::NonZeroU8::MAX;
    assert!(Plan::new(many.clone()).is_ok());
    for call in &mut many.calls {
        call.copies = std::num::NonZeroU8::MAX;
    }
    assert_eq!(refused(many), PlanError::TooManyCalls { calls: 1275, limit: 1024 });
}

#[test]
fn only_one_opaque_answer_can_be_passed_through() {
    let passed = |decoders: &[Decoder]| {
        let mut settings = settings(decoders.len());
        settings.output.encoder = Encoder::Opaque;
        for (call, decoder) in settings.calls.iter_mut().zip(decoders) {
            call.decoder = *decoder;
        }
        Plan::new(settings).map(|_| ())
    };
    assert_eq!(passed(&[Decoder::Opaque]), Ok(()));
    assert_eq!(passed(&[Decoder::Json(Collection::No)]), Err(PlanError::NotPassedThrough));
    assert_eq!(passed(&[Decoder::Opaque, Decoder::Opaque]), Err(PlanError::NotPassedThrough));
}

#[test]
fn fixed_data_is_an_object() {
    assert!(Fixed::new(Strategy::Always, "{\"a\":1}".into()).is_ok());
    assert_eq!(
        Fixed::new(Strategy::Always, "null".into()).expect_err("refused").to_string(),
        "data: must be an object"
    );
    let array = Fixed::new(Strategy::Always, "[]".into()).expect_err("refused").to_string();
    assert_eq!(array, "data: json: cannot unmarshal array into Go value of type map[string]interface {}");
}
