//! The directives of a filter, such as `warn,shop=debug`.

use tracing::{Level, Metadata, level_filters::LevelFilter};
use tracing_subscriber::{EnvFilter, filter::Directive};

/// The target of the pipeline's own lines.
pub(crate) const OWN: &str = "telemetry";

/// The crates whose warnings and errors tell how the service goes, by their targets.
const OUR_CRATES: [&str; 7] = [
    OWN,
    "telemetry_api",
    "telemetry_axum",
    "telemetry_core",
    "telemetry_pipeline",
    "telemetry_reqwest",
    "telemetry_sqlx",
];

/// The target of access logs. A server writes one only if it was asked to.
const ACCESS_LOG: &str = "telemetry_axum::access";

/// Words that other tools take for a switch or a level, and the level that was meant.
const MISTAKEN: [(&str, &str); 8] = [
    ("true", "info"),
    ("yes", "info"),
    ("on", "info"),
    ("enabled", "info"),
    ("false", "off"),
    ("no", "off"),
    ("disabled", "off"),
    ("*", "trace"),
];

const LEVELS: [&str; 6] = ["off", "error", "warn", "info", "debug", "trace"];

/// A filter and its text.
pub(crate) struct ActiveFilter {
    filter: EnvFilter,
    pub(crate) text: String,
    /// The targets that directives name.
    targets: Vec<String>,
    /// True if the text leaves our own lines open: it has no level for all targets, and no setting of ours has one. Our
    /// warnings pass then: `shop=debug` does not ask for a service that fails unseen.
    is_open: bool,
}

impl ActiveFilter {
    /// `own` is the level of our own lines from a setting.
    pub(crate) fn parse(text: &str, own: Option<&Directive>) -> Result<Self, String> {
        let filter = env_filter(text).map_err(|reason| explain(text, reason))?;
        let is_for_all = |directive: &str| directive.parse::<LevelFilter>().is_ok();
        let directives = || text.split(',').map(str::trim).filter(|one| !one.is_empty());
        let target = |directive: &str| directive.split(['=', '[']).next().map(str::to_owned);
        let targets = directives()
            .filter(|directive| !is_for_all(directive))
            .filter_map(target)
            .filter(|target| !target.is_empty());
        Ok(Self {
            filter: match own {
                Some(own) => filter.add_directive(own.clone()),
                None => filter,
            },
            targets: targets.collect(),
            is_open: own.is_none() && !directives().any(is_for_all),
            text: text.to_owned(),
        })
    }

    /// The filter `info`.
    pub(crate) fn info() -> Self {
        Self {
            filter: EnvFilter::default().add_directive(LevelFilter::INFO.into()),
            text: "info".to_owned(),
            targets: Vec::new(),
            is_open: false,
        }
    }

    /// The filter of `tracing`, for everything that the methods here do not decide.
    pub(crate) fn inner(&self) -> &EnvFilter {
        &self.filter
    }

    /// Returns whether this line is a warning of ours, or an access log, and the filter says nothing about it.
    pub(crate) fn passes_as_ours(&self, metadata: &Metadata<'_>) -> bool {
        if !self.is_open || !metadata.is_event() {
            return false;
        }
        let target = metadata.target();
        let level = match target {
            ACCESS_LOG => Level::INFO,
            _ => Level::WARN,
        };
        let krate = target.split("::").next().unwrap_or_default();
        *metadata.level() <= level && OUR_CRATES.contains(&krate) && !self.names(target)
    }

    /// Returns whether this line is one of OpenTelemetry's own below a warning, such as that a global provider is set, and the
    /// filter does not name OpenTelemetry.
    pub(crate) fn mutes(&self, metadata: &Metadata<'_>) -> bool {
        let target = metadata.target();
        *metadata.level() > Level::WARN
            && target.starts_with("opentelemetry")
            && metadata.is_event()
            && !self.names(target)
    }

    /// The most verbose level that may pass; `None` if that is not known.
    pub(crate) fn max_level_hint(&self) -> Option<LevelFilter> {
        let ours = if self.is_open {
            LevelFilter::INFO
        } else {
            LevelFilter::OFF
        };
        Some(self.filter.max_level_hint()?.max(ours))
    }

    /// `EnvFilter` compares the beginnings of targets, too.
    fn names(&self, target: &str) -> bool {
        self.targets.iter().any(|named| target.starts_with(named))
    }
}

/// The filter of a text. `EnvFilter` takes the place of a character in the trimmed directive for its place in the
/// directive, so that it misreads `info, shop=debug` and panics at `info, é=debug` (tracing-subscriber 0.3.23). It gets the
/// directives trimmed.
///
/// # Errors
///
/// With the reason: a directive is not valid, or a word was meant to be a level. `EnvFilter` takes such a word for a
/// target, which would mute every other target.
pub(crate) fn env_filter(text: &str) -> Result<EnvFilter, String> {
    let directives = text.split(',').map(str::trim);
    let directives: Vec<_> = directives.filter(|one| !one.is_empty()).collect();
    if directives.is_empty() {
        return Err("it is empty; to let nothing pass say off".to_owned());
    }
    if let Some(mistake) = directives.iter().find_map(|one| mistake(one)) {
        return Err(mistake);
    }
    EnvFilter::try_new(directives.join(",")).map_err(|error| error.to_string())
}

/// Explains a directive that was meant to be something else.
fn mistake(directive: &str) -> Option<String> {
    // Within brackets any text may stand.
    let bare = !directive.contains(['=', '[', '"']);
    let separator = directive
        .split('[')
        .next()
        .and_then(|target| target.find([';', '|', ' ', '\t']));
    if separator.is_some() {
        return Some(format!("{directive:?}: directives are separated by commas"));
    }
    let meant = MISTAKEN
        .iter()
        .find(|(word, _)| word.eq_ignore_ascii_case(directive))
        .map(|(_, level)| *level);
    if let Some(level) = meant {
        return Some(format!("{directive:?} is no level; {level:?} may be meant"));
    }
    if !bare {
        return None;
    }
    if directive.bytes().all(|byte| byte.is_ascii_digit()) {
        return Some(format!(
            "{directive:?} is no level; \"info\" may be meant, and 1 to 5 are error to trace"
        ));
    }
    let lower = directive.to_ascii_lowercase();
    if LEVELS.contains(&&*lower) {
        return None;
    }
    let level = LEVELS.iter().find(|level| is_typo(&lower, level))?;
    Some(format!("{directive:?} is no level; {level:?} may be meant"))
}

/// Returns whether the word is the level with one letter missing or doubled, with two letters exchanged or, if it is a long one,
/// with one letter changed. Others are names too often, such as `warp` and `errors`.
fn is_typo(word: &str, level: &str) -> bool {
    let (word, level) = (word.as_bytes(), level.as_bytes());
    if word.len() < 4 || level.len() < 4 {
        return false;
    }
    let same = word.iter().zip(level).take_while(|(a, b)| a == b).count();
    let tail = |text: &[u8], skipped: usize| text.get(same + skipped..).map(<[u8]>::to_vec);
    let exchanged = || {
        let mut word = word.to_vec();
        if same + 1 < word.len() {
            word.swap(same, same + 1);
        }
        word == level
    };
    let is_doubled = || {
        let before = same.checked_sub(1).and_then(|before| word.get(before));
        word.len() == level.len() + 1 && before.is_some() && before == word.get(same)
    };
    level.len() > 4 && word.len() == level.len() && tail(word, 1) == tail(level, 1)
        || is_doubled() && tail(word, 1) == tail(level, 0)
        || word.len() + 1 == level.len() && tail(word, 0) == tail(level, 1)
        || exchanged()
}

/// Names the directives that are wrong by themselves; the parser says only why.
fn explain(text: &str, reason: String) -> String {
    let mut depth = 0_usize;
    let directives = text.split(|c| {
        match c {
            '[' | '{' => depth += 1,
            ']' | '}' => depth = depth.saturating_sub(1),
            _ => {}
        }
        c == ',' && depth == 0
    });
    let wrong: Vec<_> = directives
        .filter_map(|directive| {
            let error = env_filter(directive).err()?;
            Some(format!("{:?} ({error})", directive.trim()))
        })
        .collect();
    if wrong.is_empty() {
        reason
    } else {
        wrong.join(", ")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_that_were_meant_to_be_levels_are_named_with_the_level() {
        for (text, word, meant) in [
            ("true", "\"true\"", "info"),
            ("1", "\"1\"", "info"),
            ("5", "\"5\"", "info"),
            ("debgu", "\"debgu\"", "debug"),
            ("DEBU", "\"DEBU\"", "debug"),
            ("inof", "\"inof\"", "info"),
            ("shop=debug,wran", "\"wran\"", "warn"),
            ("errorr", "\"errorr\"", "error"),
            ("ttrace", "\"ttrace\"", "trace"),
            ("FALSE", "\"FALSE\"", "off"),
            ("info;debug", "\"info;debug\"", "commas"),
            ("info debug", "\"info debug\"", "commas"),
            ("shop=debug;warn", "\"shop=debug;warn\"", "commas"),
        ] {
            let reason = env_filter(text).err().unwrap_or_default();
            assert!(
                reason.contains(word) && reason.contains(meant),
                "{text}: {reason}"
            );
        }
    }

    #[test]
    fn names_of_crates_and_levels_are_no_mistakes() {
        for text in [
            "info",
            "DEBUG",
            "off",
            "shop",
            "sho",
            "warp",
            "infer",
            "errors",
            "tracer=info",
            "shop=debug,warn",
            "shop[order{id=\"a b\"}]=debug",
            "[pay]=info",
            "debugger=trace",
        ] {
            assert!(
                env_filter(text).is_ok(),
                "{text}: {:?}",
                env_filter(text).err()
            );
        }
    }
}
