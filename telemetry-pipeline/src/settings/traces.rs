//! Settings of propagation and sampling.

use telemetry_api::instrument::{
    propagation::{Format, Propagation},
    settings::{
        AnySetting, Setting,
        parse::{self, Parsed},
    },
};

use crate::traces::sampling::SamplerPolicy;

pub(crate) static PROPAGATORS: Setting<Propagation> = Setting::new(
    "OTEL_PROPAGATORS",
    "tracecontext,baggage",
    |text| {
        let known = [Format::NAMES, &["none"]].concat();
        parse::list(text, &known, &["ottrace"])
            .map(|names| Propagation::new(names.into_iter().filter_map(Format::from_name)))
    },
    "any of `tracecontext`, `baggage`, `b3`, `b3multi`, `jaeger`, `xray`, or `none`; of several formats in one request the last counts",
);

/// A sampler of the specification.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Sampler {
    share: SamplerShare,
    heeds_parents: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum SamplerShare {
    All,
    Nothing,
    Ratio,
}

impl Default for Sampler {
    fn default() -> Self {
        Self {
            share: SamplerShare::All,
            heeds_parents: true,
        }
    }
}

impl Sampler {
    /// True if the sampler has an argument.
    pub(crate) fn has_argument(self) -> bool {
        self.share == SamplerShare::Ratio
    }

    /// `ratio` is the argument of the sampler that has one.
    pub(crate) fn policy(self, ratio: f64) -> SamplerPolicy {
        let policy = match self.share {
            SamplerShare::All => SamplerPolicy::always_on(),
            SamplerShare::Nothing => SamplerPolicy::always_off(),
            SamplerShare::Ratio => SamplerPolicy::ratio(ratio),
        };
        if self.heeds_parents {
            policy
        } else {
            policy.ignoring_parents()
        }
    }

    fn parse(text: &str) -> Parsed<Self> {
        let lower = text.to_ascii_lowercase();
        let (name, heeds_parents) = match lower.strip_prefix("parentbased_") {
            Some(name) => (name, true),
            None => (lower.as_str(), false),
        };
        let share = match name {
            "always_on" => SamplerShare::All,
            "always_off" => SamplerShare::Nothing,
            "traceidratio" => SamplerShare::Ratio,
            "jaeger_remote" | "xray" => {
                return Parsed::invalid(
                    text,
                    "is not valid: samplers that ask a service are not supported",
                );
            }
            _ => {
                return Parsed::invalid(
                    text,
                    "is not valid: known are always_on, always_off and traceidratio, each also with parentbased_ before it",
                );
            }
        };
        Parsed::valid(
            Self {
                share,
                heeds_parents,
            },
            lower,
        )
    }
}

pub(crate) static SAMPLER: Setting<Sampler> = Setting::new(
    "OTEL_TRACES_SAMPLER",
    "parentbased_always_on",
    Sampler::parse,
    "`always_on`, `always_off`, `traceidratio`, which ignore the caller's decision, and the same with `parentbased_`, which heed it; see [sampling](guides/sampling.md) for more in code",
);

/// The argument of a sampler. Each sampler has a syntax of its own, so it is judged with the sampler.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) enum SamplerArgument {
    #[default]
    Unset,
    Ratio(f64),
    Other,
}

pub(crate) static SAMPLER_ARG: Setting<SamplerArgument> = Setting::new(
    "OTEL_TRACES_SAMPLER_ARG",
    "",
    |text| {
        let ratio = text.parse().ok();
        let ratio = ratio.filter(|ratio| (0.0..=1.0).contains(ratio));
        let argument = ratio.map_or(SamplerArgument::Other, SamplerArgument::Ratio);
        Parsed::valid(argument, text)
    },
    "the ratio, 0 to 1; unset, 1",
);

pub(crate) static LIST: &[&dyn AnySetting] = &[&PROPAGATORS, &SAMPLER, &SAMPLER_ARG];
