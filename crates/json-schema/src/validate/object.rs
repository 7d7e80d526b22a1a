//! What schemas say of objects.

use super::{Check, Outcome};
use crate::schema::{Additional, Dependency, Node};
use crate::value::{Value, member};
use crate::violation::Context;

type Members = [(Box<str>, Value)];

impl Check<'_> {
    pub(super) fn object(&mut self, node: &Node, members: &Members, outcome: &mut Outcome, context: &Context<'_>) {
        let rules = &node.objects;
        let count = members.len() as u64;
        if let Some(least) = rules.min_properties.filter(|least| count < *least) {
            outcome.wrong(context, format!("Must have at least {least} properties"));
        }
        if let Some(most) = rules.max_properties.filter(|most| count > *most) {
            outcome.wrong(context, format!("Must have at most {most} properties"));
        }
        if !self.step(rules.required.len()) {
            return;
        }
        for name in &rules.required {
            match member(members, name) {
                Some(_) => outcome.score += 1,
                None => outcome.wrong(context, format!("{name} is required")),
            }
        }
        if !rules.patterns.is_empty() || !matches!(rules.additional, Additional::Any) {
            for (name, value) in members {
                self.other(node, name, value, outcome, context);
            }
        }
        if let Some(names) = rules.names {
            for (name, _) in members {
                let tried = self.alone(names, &Value::String(name.clone()), context);
                if !tried.is_valid() {
                    outcome.wrong(context, format!("Property name of \"{name}\" does not match"));
                    outcome.merge(tried);
                }
            }
        }
        outcome.score += 1;
    }

    /// What patterns say of a member, and what is said of those that nothing else is said of.
    fn other(&mut self, node: &Node, name: &str, value: &Value, outcome: &mut Outcome, context: &Context<'_>) {
        let rules = &node.objects;
        let mut is_known = rules.properties.binary_search_by(|(known, _)| (**known).cmp(name)).is_ok();
        let mut is_matched = false;
        for (pattern, schema) in &rules.patterns {
            if !self.step(1 + name.len() / 16) {
                return;
            }
            if pattern.is_match(name) {
                is_matched = true;
                let tried = self.alone(*schema, value, &Context::Member(name, context));
                outcome.merge(tried);
            }
        }
        if is_matched {
            outcome.score += 1;
            is_known = true;
        }
        if is_known || !self.step(1) {
            return;
        }
        match rules.additional {
            Additional::Any => {}
            Additional::None => outcome.wrong(context, format!("Additional property {name} is not allowed")),
            Additional::Schema(schema) => {
                let tried = self.alone(schema, value, &Context::Member(name, context));
                outcome.merge(tried);
            }
        }
    }

    pub(super) fn properties(&mut self, node: &Node, members: &Members, outcome: &mut Outcome, context: &Context<'_>) {
        if !self.step(node.objects.properties.len()) {
            return;
        }
        for (name, schema) in &node.objects.properties {
            if let Some(value) = member(members, name) {
                self.apply(*schema, value, outcome, &Context::Member(name, context));
            }
        }
    }

    pub(super) fn depends(&mut self, node: &Node, value: &Value, outcome: &mut Outcome, context: &Context<'_>) {
        let Value::Object(members) = value else { return };
        for (name, dependency) in &node.dependencies {
            if !self.step(1) {
                return;
            }
            if member(members, name).is_none() {
                continue;
            }
            match dependency {
                Dependency::Members(wanted) => {
                    for wanted in wanted.iter().filter(|wanted| member(members, wanted).is_none()) {
                        outcome.wrong(context, format!("Has a dependency on {wanted}"));
                    }
                }
                Dependency::Schema(schema) => self.apply(*schema, value, outcome, context),
            }
        }
    }
}
