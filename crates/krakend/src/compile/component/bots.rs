//! `security/bot-detector`.

use backstay_model::route::guards::Bots;
use backstay_proto::config;

use super::Component;

/// Which programs are not wanted. `cache_size` is not needed: what it saves KrakenD is not worth a look-up here.
pub(super) fn compile(component: Component<'_>) -> Option<config::BotDetection> {
    component.sound::<Bots, _>(config::BotDetection {
        allow: component.texts("allow"),
        deny: component.texts("deny"),
        patterns: component.texts("patterns"),
        empty_is_bot: component.is_true("empty_user_agent_is_bot"),
    })
}
