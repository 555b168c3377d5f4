//! OTEL_TRACES_SAMPLER and its argument.

use opentelemetry_sdk::trace::Sampler;

use super::config::Env;
use crate::tracer::SamplingHint;

#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct SamplerConfig {
    parent_based: bool,
    ratio: f64,
}

impl SamplerConfig {
    pub(super) fn resolve(env: &mut Env) -> Self {
        const NAME: &str = "OTEL_TRACES_SAMPLER";
        let name = env
            .get(NAME)
            .unwrap_or_else(|| "parentbased_always_on".to_owned());
        let (parent_based, kind) = match name.strip_prefix("parentbased_") {
            Some(kind) => (true, kind),
            None => (false, name.as_str()),
        };
        let ratio = match kind {
            "always_on" => 1.0,
            "always_off" => 0.0,
            "traceidratio" => {
                let valid = |ratio: &f64| (0.0..=1.0).contains(ratio);
                env.parse("OTEL_TRACES_SAMPLER_ARG", 1.0, |text| {
                    text.parse().ok().filter(valid)
                })
            }
            _ => {
                env.warn(NAME, &name, "parentbased_always_on");
                return Self {
                    parent_based: true,
                    ratio: 1.0,
                };
            }
        };
        Self {
            parent_based,
            ratio,
        }
    }

    pub(super) fn sampler(self) -> Sampler {
        let root = match self.ratio {
            1.0 => Sampler::AlwaysOn,
            0.0 => Sampler::AlwaysOff,
            ratio => Sampler::TraceIdRatioBased(ratio),
        };
        if self.parent_based {
            Sampler::ParentBased(Box::new(root))
        } else {
            root
        }
    }

    /// None of these samplers looks at attributes.
    pub(super) fn hint(self) -> SamplingHint {
        SamplingHint {
            reads_attributes: false,
            records_roots: self.ratio >= 0.5,
        }
    }
}
