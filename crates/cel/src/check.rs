//! Which types the parts of an expression have, and whether they go together.

use std::sync::Arc;

use regex::RegexBuilder;

use crate::overload;
use crate::program::{Declaration, Program, ProgramError};
use crate::time;
use crate::tree::{Call, Expr, Fold, FoldKind, Kind};
use crate::types::{Known, Type, most_general};
use crate::value::Value;

/// Types that are values: `type(x) == int`.
pub(crate) const TYPES: [&str; 10] =
    ["bool", "bytes", "double", "int", "list", "map", "null_type", "string", "type", "uint"];

/// Checks an expression, compiles the patterns in it, and tells its type.
pub(crate) fn check(expr: &mut Expr, declarations: &[Declaration]) -> Result<Type, ProgramError> {
    let mut checker = Checker { declarations, variables: Vec::new(), known: Known::default(), folds: 0, patterns: 0 };
    let found = checker.check(expr)?;
    Ok(checker.known.resolved(&found))
}

struct Checker<'d> {
    declarations: &'d [Declaration],
    /// Those of macros, innermost last.
    variables: Vec<(Arc<str>, Type)>,
    known: Known,
    folds: u32,
    patterns: usize,
}

type Checked = Result<Type, ProgramError>;

fn wrong<T>(at: usize, problem: impl Into<String>) -> Result<T, ProgramError> {
    Err(ProgramError { at, problem: problem.into() })
}

impl Checker<'_> {
    fn check(&mut self, expr: &mut Expr) -> Checked {
        let at = expr.at;
        if let Kind::Select(..) = expr.kind
            && let Some(name) = qualified(expr)
            && matches!(&*name, "google.protobuf.Timestamp" | "google.protobuf.Duration")
        {
            expr.kind = Kind::Literal(Value::Type(name));
            return Ok(Type::Type);
        }
        match &mut expr.kind {
            Kind::Literal(value) => Ok(type_of(value)),
            Kind::Name(name) => {
                if let Some(found) = self.named(name) {
                    return Ok(found);
                }
                if !TYPES.contains(&&**name) {
                    return wrong(at, format!("undeclared reference to '{name}'"));
                }
                expr.kind = Kind::Literal(Value::Type(Arc::clone(name)));
                Ok(Type::Type)
            }
            Kind::Select(operand, _) => {
                let operand = self.check(operand)?;
                self.field(at, &operand)
            }
            Kind::Has(operand, _) => {
                let operand = self.check(operand)?;
                self.field(at, &operand)?;
                Ok(Type::Bool)
            }
            Kind::Call(call) => self.call(at, call),
            Kind::All(terms) | Kind::Any(terms) => {
                for term in terms {
                    self.expect(term, &Type::Bool, "&& and ||")?;
                }
                Ok(Type::Bool)
            }
            Kind::Choice(parts) => {
                let [condition, yes, no] = &mut **parts;
                self.expect(condition, &Type::Bool, "?")?;
                let (yes, no) = (self.check(yes)?, self.check(no)?);
                let result = self.known.open();
                if !self.known.fit_all(&[yes.clone(), no.clone()], &[result.clone(), result.clone()]) {
                    let (yes, no) = (self.known.resolved(&yes), self.known.resolved(&no));
                    return wrong(
                        at,
                        format!("found no matching overload for '_?_:_' applied to '(bool, {yes}, {no})'"),
                    );
                }
                Ok(self.known.resolved(&result))
            }
            Kind::List(elements) => {
                let mut joined = None;
                for element in elements {
                    let found = self.check(element)?;
                    joined = Some(self.join(joined, found));
                }
                let element = joined.unwrap_or_else(|| self.known.open());
                Ok(Type::list(element))
            }
            Kind::Map(entries) => {
                let (mut keys, mut values) = (None, None);
                for (key, value) in entries {
                    let found = self.check(key)?;
                    keys = Some(self.join(keys, found));
                    let found = self.check(value)?;
                    values = Some(self.join(values, found));
                }
                let key = keys.unwrap_or_else(|| self.known.open());
                let value = values.unwrap_or_else(|| self.known.open());
                Ok(Type::map(key, value))
            }
            Kind::Fold(fold) => self.fold(at, fold),
        }
    }

    fn named(&self, name: &str) -> Option<Type> {
        let variable = self.variables.iter().rev().find(|(known, _)| **known == *name).map(|(_, found)| found.clone());
        variable.or_else(|| self.declarations.iter().find(|known| known.name == name).map(|known| known.kind.clone()))
    }

    fn expect(&mut self, expr: &mut Expr, wanted: &Type, by: &str) -> Result<(), ProgramError> {
        let found = self.check(expr)?;
        if self.known.fit(&found, wanted) {
            return Ok(());
        }
        let found = self.known.resolved(&found);
        wrong(expr.at, format!("{by} wants {wanted} here, and this is {found}"))
    }

    fn join(&mut self, before: Option<Type>, found: Type) -> Type {
        match before {
            None => found,
            Some(before) if self.known.fit(&before, &found) => most_general(&before, &found).clone(),
            Some(_) => Type::Dyn,
        }
    }

    fn field(&mut self, at: usize, operand: &Type) -> Checked {
        match operand {
            Type::Map(_, value) => Ok((**value).clone()),
            Type::Dyn => Ok(Type::Dyn),
            Type::Open(_) => {
                self.known.fit(&Type::Dyn, operand);
                Ok(Type::Dyn)
            }
            other => wrong(at, format!("type '{}' does not support field selection", self.known.resolved(other))),
        }
    }

    fn call(&mut self, at: usize, call: &mut Call) -> Checked {
        let mut given = Vec::with_capacity(call.arguments.len() + 1);
        if let Some(target) = &mut call.target {
            given.push(self.check(target)?);
        }
        for argument in &mut call.arguments {
            given.push(self.check(argument)?);
        }
        let overloads = overload::of(&call.function);
        if overloads.is_empty() {
            return wrong(at, format!("undeclared reference to '{}'", call.function));
        }
        let mut result: Option<Type> = None;
        for overload in overloads.iter().filter(|overload| overload.is_method == call.target.is_some()) {
            let (wanted, gives) = overload.instance(&mut self.known);
            if self.known.fit_all(&given, &wanted) {
                let gives = self.known.resolved(&gives);
                result = Some(match result {
                    Some(before) if before != Type::Dyn && before != gives => Type::Dyn,
                    Some(before) => before,
                    None => gives,
                });
            }
        }
        let Some(result) = result else {
            let given: Vec<_> = given.iter().map(|given| self.known.resolved(given).to_string()).collect();
            let problem =
                format!("found no matching overload for '{}' applied to '({})'", call.function, given.join(", "));
            return wrong(at, problem);
        };
        self.arguments(at, call)?;
        Ok(result)
    }

    /// What can be told of literal arguments before anything is evaluated.
    fn arguments(&mut self, at: usize, call: &mut Call) -> Result<(), ProgramError> {
        let Some(Expr { kind: Kind::Literal(Value::String(text)), .. }) = call.arguments.first() else { return Ok(()) };
        if &*call.function == "matches" {
            self.patterns += 1;
            if self.patterns > Program::MAX_PATTERNS {
                return wrong(at, format!("more than {} patterns are in it", Program::MAX_PATTERNS));
            }
            let mut builder = RegexBuilder::new(text);
            match builder.size_limit(Program::MAX_PATTERN_BYTES).dfa_size_limit(Program::MAX_PATTERN_BYTES).build() {
                Ok(pattern) => call.pattern = Some(pattern),
                Err(regex::Error::CompiledTooBig(_)) => return wrong(at, "the pattern is too large"),
                Err(_) => return wrong(at, "the pattern is no valid regular expression"),
            }
        }
        if call.function.starts_with("get") && call.target.is_some() && time::offset_of_zone(text).is_none() {
            return wrong(at, "time zones are served by their offset, such as +02:00, and UTC");
        }
        Ok(())
    }

    fn fold(&mut self, at: usize, fold: &mut Fold) -> Checked {
        let range = self.check(&mut fold.range)?;
        let variable = match self.known.resolved(&range) {
            Type::List(element) => *element,
            Type::Map(key, _) => *key,
            Type::Dyn => Type::Dyn,
            Type::Open(_) => {
                self.known.fit(&Type::Dyn, &range);
                Type::Dyn
            }
            other => return wrong(at, format!("expression of type '{other}' cannot be range of a comprehension")),
        };
        self.folds += 1;
        if self.folds > Program::MAX_FOLDS {
            return wrong(at, format!("more than {} lists are gone through within one another", Program::MAX_FOLDS));
        }
        self.variables.push((Arc::clone(&fold.variable), variable.clone()));
        if let Some(condition) = &mut fold.condition {
            self.expect(condition, &Type::Bool, "the condition")?;
        }
        let result = match &mut fold.result {
            Some(result) => self.check(result)?,
            None => variable,
        };
        self.variables.pop();
        self.folds -= 1;
        Ok(if fold.kind == FoldKind::Collect { Type::list(result) } else { Type::Bool })
    }
}

/// Names that are joined by dots, if the expression is nothing else.
fn qualified(expr: &Expr) -> Option<Arc<str>> {
    match &expr.kind {
        Kind::Name(name) => Some(Arc::clone(name)),
        Kind::Select(operand, field) => Some(format!("{}.{field}", qualified(operand)?).into()),
        _ => None,
    }
}

fn type_of(value: &Value) -> Type {
    match value {
        Value::Null => Type::Null,
        Value::Bool(_) => Type::Bool,
        Value::Int(_) => Type::Int,
        Value::Uint(_) => Type::Uint,
        Value::Double(_) => Type::Double,
        Value::String(_) => Type::String,
        Value::Bytes(_) => Type::Bytes,
        Value::Type(_) => Type::Type,
        _ => Type::Dyn,
    }
}
