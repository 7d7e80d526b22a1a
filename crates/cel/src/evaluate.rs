//! A tree to a value.

use std::borrow::Cow;
use std::sync::Arc;

use crate::tree::{Call, Expr, Fold, FoldKind, Kind};
use crate::value::{Map, Value};
use crate::{convert, function, operator, order};

/// How many steps an evaluation may still take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Steps(pub u64);

/// Why there is no value.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Stop {
    /// What was to be done cannot be done with these values.
    #[error("{0}")]
    Failed(Cow<'static, str>),
    /// It would have taken more steps than there were.
    #[error("the expression takes more steps than it may")]
    TooMuchWork,
}

pub(crate) type Evaluated = Result<Value, Stop>;

impl Stop {
    pub(crate) const OVERLOAD: Self = Self::Failed(Cow::Borrowed("no such overload"));
}

pub(crate) fn fail<T>(why: impl Into<Cow<'static, str>>) -> Result<T, Stop> {
    Err(Stop::Failed(why.into()))
}

impl Steps {
    /// How many steps an evaluation may take unless somebody says otherwise.
    pub const DEFAULT: Self = Self(200_000);

    /// Takes steps.
    pub(crate) fn take(&mut self, steps: usize) -> Result<(), Stop> {
        self.0 = self.0.checked_sub(steps as u64).ok_or_else(|| {
            self.0 = 0;
            Stop::TooMuchWork
        })?;
        Ok(())
    }

    /// Takes a step, and one for every 64 bytes.
    pub(crate) fn take_bytes(&mut self, bytes: usize) -> Result<(), Stop> {
        self.take(1 + bytes / 64)
    }

    /// The value itself, of one that was left for later.
    pub(crate) fn open(&mut self, value: Value) -> Evaluated {
        match value {
            Value::Later(later) => {
                self.take_bytes(later.size())?;
                Ok(later.open())
            }
            value => Ok(value),
        }
    }
}

/// Evaluates.
pub(crate) fn evaluate(expr: &Expr, find: &dyn Fn(&str) -> Option<Value>, steps: &mut Steps) -> Evaluated {
    let mut evaluation = Evaluation { find, variables: Vec::new(), steps };
    evaluation.value(expr)
}

struct Evaluation<'e> {
    find: &'e dyn Fn(&str) -> Option<Value>,
    /// Those of macros, innermost last.
    variables: Vec<(Arc<str>, Value)>,
    steps: &'e mut Steps,
}

impl Evaluation<'_> {
    /// The value of a part, opened.
    fn value(&mut self, expr: &Expr) -> Evaluated {
        self.steps.take(1)?;
        let value = match &expr.kind {
            Kind::Literal(value) => value.clone(),
            Kind::Name(name) => self.named(name)?,
            Kind::Select(operand, field) => {
                let operand = self.value(operand)?;
                match self.member(&operand, field)? {
                    Some(value) => value,
                    None => return fail(format!("no such key: {field}")),
                }
            }
            Kind::Has(operand, field) => {
                let operand = self.value(operand)?;
                Value::Bool(self.member(&operand, field)?.is_some())
            }
            Kind::Call(call) => self.call(call)?,
            Kind::All(terms) => self.joined(terms, false)?,
            Kind::Any(terms) => self.joined(terms, true)?,
            Kind::Choice(parts) => {
                let [condition, yes, no] = &**parts;
                match self.value(condition)? {
                    Value::Bool(true) => self.value(yes)?,
                    Value::Bool(false) => self.value(no)?,
                    _ => return Err(Stop::OVERLOAD),
                }
            }
            Kind::List(elements) => {
                Value::List(Arc::new(elements.iter().map(|element| self.value(element)).collect::<Result<_, _>>()?))
            }
            Kind::Map(entries) => self.map(entries)?,
            Kind::Fold(fold) => self.fold(fold)?,
        };
        self.steps.open(value)
    }

    fn named(&self, name: &str) -> Evaluated {
        let variable = self.variables.iter().rev().find(|(known, _)| **known == *name).map(|(_, value)| value.clone());
        variable.or_else(|| (self.find)(name)).map_or_else(|| fail(format!("no such attribute: {name}")), Ok)
    }

    fn member(&mut self, operand: &Value, field: &str) -> Result<Option<Value>, Stop> {
        match operand {
            Value::Map(map) => operator::look_up(map, &Value::text(field), self.steps),
            _ => Err(Stop::OVERLOAD),
        }
    }

    /// Terms joined by `&&` or `||`: the first that decides counts, and what fails only where none does.
    fn joined(&mut self, terms: &[Expr], decides: bool) -> Evaluated {
        let mut failed = None;
        for term in terms {
            match self.value(term) {
                Ok(Value::Bool(truth)) if truth == decides => return Ok(Value::Bool(decides)),
                Ok(Value::Bool(_)) => {}
                Ok(_) => failed = failed.or(Some(Stop::OVERLOAD)),
                Err(Stop::TooMuchWork) => return Err(Stop::TooMuchWork),
                Err(stop) => failed = failed.or(Some(stop)),
            }
        }
        failed.map_or(Ok(Value::Bool(!decides)), Err)
    }

    fn map(&mut self, entries: &[(Expr, Expr)]) -> Evaluated {
        let mut made: Vec<(Value, Value)> = Vec::with_capacity(entries.len());
        for (key, value) in entries {
            let key = self.value(key)?;
            let value = self.value(value)?;
            if !matches!(key, Value::Bool(_) | Value::Int(_) | Value::Uint(_) | Value::Double(_) | Value::String(_)) {
                return fail("unsupported key type");
            }
            let mut known = None;
            for (at, (before, _)) in made.iter().enumerate() {
                if std::mem::discriminant(before) == std::mem::discriminant(&key)
                    && order::equal(before, &key, self.steps)?
                {
                    known = Some(at);
                }
            }
            // Of keys that are the same the last counts.
            match known.and_then(|at| made.get_mut(at)) {
                Some((_, place)) => *place = value,
                None => made.push((key, value)),
            }
        }
        Ok(Value::Map(Arc::new(Map::Entries(made))))
    }

    fn call(&mut self, call: &Call) -> Evaluated {
        let target = call.target.as_ref().map(|target| self.value(target)).transpose()?;
        if let (Some(pattern), Some(Value::String(text))) = (&call.pattern, &target) {
            self.steps.take_bytes(text.len() * 4)?;
            return Ok(Value::Bool(pattern.is_match(text)));
        }
        let mut arguments = Vec::with_capacity(call.arguments.len() + 1);
        let is_method = target.is_some();
        arguments.extend(target);
        for argument in &call.arguments {
            arguments.push(self.value(argument)?);
        }
        match (&*call.function, arguments.as_slice(), is_method) {
            ("==", [one, other], false) => Ok(Value::Bool(order::equal(one, other, self.steps)?)),
            ("!=", [one, other], false) => Ok(Value::Bool(!order::equal(one, other, self.steps)?)),
            (symbol @ ("<" | "<=" | ">" | ">="), [one, other], false) => {
                order::compared(symbol, one, other, self.steps)
            }
            (symbol @ ("!_" | "-_"), [operand], false) => operator::unary(symbol, operand),
            (symbol @ ("+" | "-" | "*" | "/" | "%"), [one, other], false) => {
                operator::binary(symbol, one, other, self.steps)
            }
            ("_[_]", [operand, index], false) => operator::index(operand, index, self.steps),
            ("@in", [element, operand], false) => operator::is_in(element, operand, self.steps),
            (name, [operand], false) if convert::is_conversion(name) => convert::convert(name, operand, self.steps),
            (name, arguments, _) => function::call(name, arguments, self.steps),
        }
    }

    fn fold(&mut self, fold: &Fold) -> Evaluated {
        let elements: Vec<Value> = match self.value(&fold.range)? {
            Value::List(elements) => elements.to_vec(),
            Value::Map(map) => map.keys(),
            other => return fail(format!("got '{}', expected iterable type", other.type_name())),
        };
        let mut collected = Vec::new();
        let (mut count, mut failed) = (0_u64, None);
        for element in elements {
            self.steps.take(1)?;
            self.variables.push((Arc::clone(&fold.variable), element.clone()));
            let outcome = self.element(fold, element);
            self.variables.pop();
            let taken = match outcome {
                Ok(taken) => taken,
                Err(Stop::TooMuchWork) => return Err(Stop::TooMuchWork),
                Err(stop) => {
                    failed = failed.or(Some(stop));
                    continue;
                }
            };
            match fold.kind {
                FoldKind::All if taken.is_none() => return Ok(Value::Bool(false)),
                FoldKind::Exists if taken.is_some() => return Ok(Value::Bool(true)),
                FoldKind::Collect => collected.extend(taken),
                _ => count += u64::from(taken.is_some()),
            }
        }
        if let Some(stop) = failed {
            return Err(stop);
        }
        Ok(match fold.kind {
            FoldKind::All => Value::Bool(true),
            FoldKind::Exists => Value::Bool(false),
            FoldKind::ExistsOne => Value::Bool(count == 1),
            FoldKind::Collect => Value::List(Arc::new(collected)),
        })
    }

    /// What an element becomes, if it counts.
    fn element(&mut self, fold: &Fold, element: Value) -> Result<Option<Value>, Stop> {
        if let Some(condition) = &fold.condition {
            match self.value(condition)? {
                Value::Bool(true) => {}
                Value::Bool(false) => return Ok(None),
                _ => return Err(Stop::OVERLOAD),
            }
        }
        match &fold.result {
            None => Ok(Some(element)),
            Some(result) => self.value(result).map(Some),
        }
    }
}

impl Map {
    fn keys(&self) -> Vec<Value> {
        match self {
            Self::Entries(entries) => entries.iter().map(|(key, _)| key.clone()).collect(),
            Self::Members(members) => members.iter().map(|(name, _)| Value::String(Arc::clone(name))).collect(),
        }
    }
}
