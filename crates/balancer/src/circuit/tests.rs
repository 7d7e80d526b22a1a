use proptest::prelude::*;

use super::*;

const SECOND: Duration = Duration::from_secs(1);

fn at(seconds: u64) -> Duration {
    SECOND * u32::try_from(seconds).expect("few")
}

fn circuit(max_errors: u32, interval: u64, timeout: u64) -> Circuit {
    let settings = CircuitSettings { max_errors, interval: at(interval), timeout: at(timeout) };
    Circuit::new(settings, Duration::ZERO)
}

/// One call from its beginning to its end, at one moment.
fn call(circuit: &Circuit, end: CallEnd, now: Duration) -> Result<(), CircuitOpen> {
    let permit = circuit.begin(now).0?;
    circuit.end(permit, end, now);
    Ok(())
}

#[test]
fn it_opens_with_more_failures_in_a_row_than_are_allowed() {
    let circuit = circuit(3, 0, 10);
    for _ in 0..3 {
        assert_eq!(call(&circuit, CallEnd::Failure, at(1)), Ok(()));
    }
    assert_eq!(call(&circuit, CallEnd::Success, at(1)), Ok(()), "as many as are allowed");
    for _ in 0..4 {
        assert_eq!(call(&circuit, CallEnd::Failure, at(2)), Ok(()), "the row began anew");
    }
    assert_eq!(call(&circuit, CallEnd::Success, at(2)), Err(CircuitOpen::Open));
    assert_eq!(call(&circuit, CallEnd::Success, at(12)), Err(CircuitOpen::Open), "its time is not over at its end");
}

#[test]
fn half_open_one_call_decides() {
    let half_open = || {
        let circuit = circuit(0, 0, 10);
        assert_eq!(call(&circuit, CallEnd::Failure, at(0)), Ok(()));
        assert_eq!(circuit.state(), CircuitState::Open);
        let (permit, change) = circuit.begin(at(11));
        assert_eq!(change, Some(CircuitChange { from: CircuitState::Open, to: CircuitState::HalfOpen }));
        assert_eq!(circuit.begin(at(11)).0.err(), Some(CircuitOpen::Probing));
        (circuit, permit.expect("one may try"))
    };
    let (closed, permit) = half_open();
    closed.end(permit, CallEnd::Success, at(12));
    assert_eq!(closed.state(), CircuitState::Closed);

    let (open, permit) = half_open();
    open.end(permit, CallEnd::Failure, at(12));
    assert_eq!(call(&open, CallEnd::Success, at(22)), Err(CircuitOpen::Open), "for as long again");

    let (other, permit) = half_open();
    other.end(permit, CallEnd::Abandoned, at(12));
    assert_eq!(call(&other, CallEnd::Success, at(12)), Ok(()), "another may try in place of one that was given up");
    assert_eq!(other.state(), CircuitState::Closed);
}

#[test]
fn failures_are_forgotten_after_the_interval() {
    let circuit = circuit(1, 60, 10);
    assert_eq!(call(&circuit, CallEnd::Failure, at(59)), Ok(()));
    assert_eq!(call(&circuit, CallEnd::Failure, at(61)), Ok(()));
    assert_eq!(circuit.state(), CircuitState::Closed);
    let permit = circuit.begin(at(62)).0.expect("closed");
    circuit.end(permit, CallEnd::Failure, at(130));
    assert_eq!(call(&circuit, CallEnd::Failure, at(130)), Ok(()), "what began before does not count");
    assert_eq!(circuit.state(), CircuitState::Closed);
}

/// What `sony/gobreaker` does, written down as plainly as can be.
struct Naive {
    settings: CircuitSettings,
    state: CircuitState,
    generation: u64,
    requests: u32,
    failures: u32,
    expiry: Option<Duration>,
}

impl Naive {
    fn new(settings: CircuitSettings) -> Self {
        let mut naive =
            Self { settings, state: CircuitState::Closed, generation: 0, requests: 0, failures: 0, expiry: None };
        naive.turn(CircuitState::Closed, Duration::ZERO);
        naive
    }

    fn turn(&mut self, state: CircuitState, now: Duration) {
        self.state = state;
        self.generation += 1;
        (self.requests, self.failures) = (0, 0);
        self.expiry = match state {
            CircuitState::Closed if self.settings.interval.is_zero() => None,
            CircuitState::Closed => Some(now + self.settings.interval),
            CircuitState::Open => Some(now + self.settings.timeout),
            CircuitState::HalfOpen => None,
        };
    }

    fn advance(&mut self, now: Duration) {
        if self.expiry.is_some_and(|expiry| expiry < now) {
            let next = if self.state == CircuitState::Open { CircuitState::HalfOpen } else { CircuitState::Closed };
            self.turn(next, now);
        }
    }

    fn begin(&mut self, now: Duration) -> Result<u64, CircuitOpen> {
        self.advance(now);
        match self.state {
            CircuitState::Open => return Err(CircuitOpen::Open),
            CircuitState::HalfOpen if self.requests >= 1 => return Err(CircuitOpen::Probing),
            _ => self.requests += 1,
        }
        Ok(self.generation)
    }

    fn end(&mut self, generation: u64, success: bool, now: Duration) {
        self.advance(now);
        if generation != self.generation {
            return;
        }
        match (self.state, success) {
            (CircuitState::Closed, true) => self.failures = 0,
            (CircuitState::Closed, false) => {
                self.failures += 1;
                if self.failures > self.settings.max_errors {
                    self.turn(CircuitState::Open, now);
                }
            }
            (CircuitState::HalfOpen, true) => self.turn(CircuitState::Closed, now),
            (CircuitState::HalfOpen, false) => self.turn(CircuitState::Open, now),
            (CircuitState::Open, _) => {}
        }
    }
}

proptest! {
    /// Calls begin and end in any order, while time passes.
    #[test]
    fn it_does_what_a_naive_one_does(
        max_errors in 0_u32..4,
        interval in 0_u64..6,
        timeout in 1_u64..5,
        steps in proptest::collection::vec((any::<bool>(), any::<bool>(), 0_usize..4, 0_u64..3), 1..120),
    ) {
        let circuit = circuit(max_errors, interval, timeout);
        let mut naive = Naive::new(*circuit.settings());
        let mut under_way = Vec::new();
        let mut now = Duration::ZERO;
        for (begins, success, which, passed) in steps {
            now += at(passed);
            if begins || under_way.is_empty() {
                let (result, expected) = (circuit.begin(now).0, naive.begin(now));
                prop_assert_eq!(result.as_ref().err(), expected.as_ref().err());
                if let (Ok(permit), Ok(generation)) = (result, expected) {
                    under_way.push((permit, generation));
                }
            } else {
                let (permit, generation) = under_way.swap_remove(which % under_way.len());
                let end = if success { CallEnd::Success } else { CallEnd::Failure };
                circuit.end(permit, end, now);
                naive.end(generation, success, now);
            }
            // An open circuit turns half open with the next call in either.
            prop_assert_eq!(circuit.state(), naive.state);
        }
    }
}
