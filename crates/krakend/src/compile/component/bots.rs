//! `security/bot-detector`.

use backstay_model::route::guards::Bots;
use backstay_proto::config;

use crate::compile::written::Component;

/// Which programs are not wanted.
pub(super) fn compile(component: Component<'_>) -> Option<config::BotDetection> {
    component.note("cache_size", "nothing is cached: all patterns are looked for at once");
    component.sound::<Bots, _>(config::BotDetection {
        allow: component.texts("allow"),
        deny: component.texts("deny"),
        patterns: component.texts("patterns"),
        empty_is_bot: component.is_true("empty_user_agent_is_bot"),
    })
}
