//! A configuration of KrakenD as a user hands it over, in each of its formats. Whatever comes, what is wrong is told with its place.

#![no_main]

use backstay_krakend::document::Format;
use backstay_krakend::{Options, UnknownExtraConfig, check, is_configuration, migrate};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let _ = is_configuration(text, "krakend.json".as_ref());
    for format in [Format::Json, Format::Yaml, Format::Toml] {
        let checked = check(text, format, Options { unknown_extra_config: UnknownExtraConfig::Warn });
        // YAML has more line breaks than others.
        let lines = text.split(['\n', '\r', '\u{85}', '\u{2028}', '\u{2029}']).count() as u32 + 1;
        for problem in &checked.problems {
            assert!(!problem.message.is_empty(), "what is wrong is told");
            assert!((1..=lines).contains(&problem.place.line), "it is within the file");
        }
        let _ = migrate::migrate(text, format);
    }
});
