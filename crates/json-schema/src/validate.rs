//! A document against a schema.
//!
//! Of choices (`anyOf`, `oneOf`, `contains`) that all fail, what is wrong by the one that came closest is told: that with the highest
//! score, which counts what was checked and takes off what was wrong.

mod array;
mod common;
mod object;

use crate::schema::{Node, NodeId, Schema, Type};
use crate::value::Value;
use crate::violation::{Context, Violation};

/// What a document is that a schema does not let pass.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Invalid {
    /// These are wrong with it; of many, the first [`Schema::MAX_VIOLATIONS`].
    Violations(Vec<Violation>),
    /// To know would have taken more steps than there were.
    TooMuchWork,
}

impl Schema {
    /// How many violations are told.
    pub const MAX_VIOLATIONS: usize = 100;

    /// How many schemas may be applied within one another, whether to one value or to what is in it.
    pub const MAX_DEPTH: u32 = 512;

    /// How many steps a check may take unless somebody says otherwise.
    pub const STEPS: u64 = 2_000_000;

    /// Checks a document, in at most `steps` steps: a schema that is applied, a name that is looked for, 64 bytes that are read.
    ///
    /// # Errors
    /// What is wrong with it, or that there were too few steps to know.
    pub fn validate(&self, document: &Value, steps: u64) -> Result<(), Invalid> {
        let mut check = Check { schema: self, steps_left: steps, is_over: false, depth: 0 };
        let mut outcome = Outcome::default();
        check.apply(0, document, &mut outcome, &Context::Root);
        if check.is_over {
            return Err(Invalid::TooMuchWork);
        }
        if outcome.is_valid() { Ok(()) } else { Err(Invalid::Violations(outcome.violations)) }
    }
}

/// A check on its way.
struct Check<'s> {
    schema: &'s Schema,
    steps_left: u64,
    is_over: bool,
    /// How many schemas are being applied within one another: each is a function that calls itself.
    depth: u32,
}

/// What a check has come to.
#[derive(Debug, Default)]
struct Outcome {
    violations: Vec<Violation>,
    count: u64,
    score: i64,
}

impl Outcome {
    fn is_valid(&self) -> bool {
        self.count == 0
    }

    fn wrong(&mut self, context: &Context<'_>, description: impl Into<String>) {
        self.count += 1;
        self.score -= 2;
        if self.violations.len() < Schema::MAX_VIOLATIONS {
            self.violations.push(Violation { field: context.field(), description: description.into() });
        }
    }

    fn merge(&mut self, other: Self) {
        self.count += other.count;
        self.score += other.score;
        let room = Schema::MAX_VIOLATIONS - self.violations.len();
        self.violations.extend(other.violations.into_iter().take(room));
    }
}

impl<'s> Check<'s> {
    /// Takes steps. Whether there were enough.
    fn step(&mut self, steps: usize) -> bool {
        match self.steps_left.checked_sub(steps as u64) {
            Some(left) if !self.is_over => {
                self.steps_left = left;
                true
            }
            _ => {
                self.is_over = true;
                false
            }
        }
    }

    /// The outcome of a schema on its own.
    fn alone(&mut self, node: NodeId, value: &Value, context: &Context<'_>) -> Outcome {
        let mut outcome = Outcome::default();
        self.apply(node, value, &mut outcome, context);
        outcome
    }

    fn apply(&mut self, node: NodeId, value: &Value, outcome: &mut Outcome, context: &Context<'_>) {
        if self.depth >= Schema::MAX_DEPTH {
            self.is_over = true;
            return;
        }
        self.depth += 1;
        self.apply_here(node, value, outcome, context);
        self.depth -= 1;
    }

    fn apply_here(&mut self, node: NodeId, value: &Value, outcome: &mut Outcome, context: &Context<'_>) {
        let schema = self.schema;
        let Some(mut node) = schema.nodes.get(node) else { return };
        loop {
            if !self.step(1) {
                return;
            }
            match node.reference.and_then(|to| schema.nodes.get(to)) {
                Some(to) => node = to,
                None => break,
            }
        }
        if let Some(always) = node.always {
            if !always {
                outcome.wrong(context, "False always fails validation");
            }
            return;
        }
        if let Some(given) = unfit(node, value) {
            let names: Vec<_> = node.types.iter().map(|known| known.name()).collect();
            let expected =
                if let [only] = names.as_slice() { (*only).to_owned() } else { format!("[{}]", names.join(",")) };
            outcome.wrong(context, format!("Invalid type. Expected: {expected}, given: {}", given.name()));
            return;
        }
        self.combined(node, value, outcome, context);
        match value {
            Value::Null | Value::Bool(_) => self.common(node, value, outcome, context),
            Value::Number(literal) => {
                self.number(node, literal, outcome, context);
                self.common(node, value, outcome, context);
            }
            Value::String(text) => {
                self.common(node, value, outcome, context);
                self.string(node, text, outcome, context);
            }
            Value::Array(elements) => {
                self.array(node, elements, outcome, context);
                self.common(node, value, outcome, context);
            }
            Value::Object(members) => {
                self.object(node, members, outcome, context);
                self.common(node, value, outcome, context);
                self.properties(node, members, outcome, context);
            }
        }
        outcome.score += 1;
    }

    /// Schemas that apply to the same value.
    fn combined(&mut self, node: &Node, value: &Value, outcome: &mut Outcome, context: &Context<'_>) {
        if !node.any_of.is_empty() {
            let mut best = None;
            let is_one = node.any_of.iter().any(|choice| {
                let tried = self.alone(*choice, value, context);
                let is_valid = tried.is_valid();
                keep_better(&mut best, tried);
                is_valid
            });
            if !is_one {
                outcome.wrong(context, "Must validate at least one schema (anyOf)");
                best.into_iter().for_each(|best| outcome.merge(best));
            }
        }
        if !node.one_of.is_empty() {
            let (mut best, mut count) = (None, 0);
            for choice in &node.one_of {
                let tried = self.alone(*choice, value, context);
                if tried.is_valid() {
                    count += 1;
                } else if count == 0 {
                    keep_better(&mut best, tried);
                }
            }
            if count != 1 {
                outcome.wrong(context, "Must validate one and only one schema (oneOf)");
                best.filter(|_| count == 0).into_iter().for_each(|best| outcome.merge(best));
            }
        }
        let before = outcome.count;
        for part in &node.all_of {
            let tried = self.alone(*part, value, context);
            outcome.merge(tried);
        }
        if outcome.count > before {
            outcome.wrong(context, "Must validate all the schemas (allOf)");
        }
        if let Some(not) = node.not
            && self.alone(not, value, context).is_valid()
        {
            outcome.wrong(context, "Must not validate the schema (not)");
        }
        self.depends(node, value, outcome, context);
        if let Some(condition) = node.condition {
            let (next, message) = match self.alone(condition, value, context).is_valid() {
                true => (node.consequence, "Must validate \"then\" as \"if\" was valid"),
                false => (node.alternative, "Must validate \"else\" as \"if\" was not valid"),
            };
            if let Some(next) = next {
                let tried = self.alone(next, value, context);
                if !tried.is_valid() {
                    outcome.wrong(context, message);
                    outcome.merge(tried);
                }
            }
        }
        outcome.score += 1;
    }
}

/// Keeps the outcome that came closer; of two as close the first.
fn keep_better(best: &mut Option<Outcome>, tried: Outcome) {
    if best.as_ref().is_none_or(|best| tried.score > best.score) {
        *best = Some(tried);
    }
}

/// The type of the value, if a schema has types and it is none of them.
fn unfit(node: &Node, value: &Value) -> Option<Type> {
    if node.types.is_empty() {
        return None;
    }
    let given = match value {
        Value::Null => Type::Null,
        Value::Bool(_) => Type::Boolean,
        Value::String(_) => Type::String,
        Value::Array(_) => Type::Array,
        Value::Object(_) => Type::Object,
        Value::Number(literal) => {
            let is_integer = crate::decimal::Decimal::of(literal).is_integer();
            if node.types.contains(&Type::Number) || is_integer && node.types.contains(&Type::Integer) {
                return None;
            }
            if is_integer { Type::Integer } else { Type::Number }
        }
    };
    (!node.types.contains(&given)).then_some(given)
}

#[cfg(test)]
mod tests;
