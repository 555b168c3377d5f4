//! OTEL_TRACES_SAMPLER and OTEL_TRACES_SAMPLER_ARG.

use super::SamplerPolicy;
use crate::config::Env;

const SAMPLER: &str = "OTEL_TRACES_SAMPLER";
const ARGUMENT: &str = "OTEL_TRACES_SAMPLER_ARG";
const DEFAULT: &str = "parentbased_always_on";

/// Code beats the environment beats the default.
pub(crate) fn resolve(code: Option<SamplerPolicy>, env: &mut Env) -> SamplerPolicy {
    if let Some(policy) = code {
        env.set_in_code(SAMPLER, "with_sampler");
        return policy;
    }
    let Some(name) = env.get(SAMPLER) else {
        return SamplerPolicy::default();
    };
    let lower = name.to_ascii_lowercase();
    let (kind, heeds_parents) = match lower.strip_prefix("parentbased_") {
        Some(kind) => (kind, true),
        None => (lower.as_str(), false),
    };
    let policy = match kind {
        "always_on" => SamplerPolicy::always_on(),
        "always_off" => SamplerPolicy::always_off(),
        "traceidratio" => SamplerPolicy::ratio(env.parse(ARGUMENT, 1.0, |text| {
            let ratio = text.parse().ok()?;
            (0.0..=1.0).contains(&ratio).then_some(ratio)
        })),
        "jaeger_remote" | "xray" => {
            env.warn(
                SAMPLER,
                &name,
                format_args!("{DEFAULT}; samplers that ask a service are not supported"),
            );
            return SamplerPolicy::default();
        }
        _ => {
            env.warn(
                SAMPLER,
                &name,
                format_args!(
                    "{DEFAULT}; known are always_on, always_off and traceidratio, each also with parentbased_ before it"
                ),
            );
            return SamplerPolicy::default();
        }
    };
    if heeds_parents {
        policy
    } else {
        policy.ignoring_parents()
    }
}
