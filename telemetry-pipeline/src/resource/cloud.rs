//! The cloud, by environment variables. No metadata service is asked.

use opentelemetry::{Array, KeyValue, StringValue, Value};

use super::{
    Machine,
    attribute::{
        AWS_ECS_LAUNCHTYPE, AWS_LOG_GROUP_NAMES, AWS_LOG_STREAM_NAMES, AZURE_RESOURCE_GROUP_NAME,
        CLOUD_ACCOUNT_ID, CLOUD_PLATFORM, CLOUD_PROVIDER, CLOUD_REGION, CLOUD_RESOURCE_ID,
        FAAS_INSTANCE, FAAS_MAX_MEMORY, FAAS_NAME, FAAS_VERSION, GCP_CLOUD_RUN_JOB_EXECUTION,
        GCP_CLOUD_RUN_JOB_TASK_INDEX, known,
    },
    kubernetes,
};

/// A file on the machines of Elastic Beanstalk, which sets no variable of its own.
const BEANSTALK: &str = "/var/elasticbeanstalk/xray/environment.conf";

const MEBIBYTE: i64 = 1 << 20;

pub(crate) fn detect(machine: &Machine) -> Vec<KeyValue> {
    let in_kubernetes = kubernetes::is_inside(machine);
    aws(machine, in_kubernetes)
        .or_else(|| azure(machine))
        // Knative on any cluster sets the variables of Cloud Run, which is Knative itself.
        .or_else(|| (!in_kubernetes).then(|| google(machine)).flatten())
        .unwrap_or_default()
}

type Found = Option<Vec<KeyValue>>;

fn aws(machine: &Machine, in_kubernetes: bool) -> Found {
    if let Some(function) = machine.variable("AWS_LAMBDA_FUNCTION_NAME") {
        return lambda(machine, function);
    }
    let ecs = [
        "ECS_CONTAINER_METADATA_URI_V4",
        "ECS_CONTAINER_METADATA_URI",
    ];
    if ecs.iter().any(|name| machine.variable(name).is_some()) {
        let launch_type = match machine.variable("AWS_EXECUTION_ENV").as_deref() {
            Some("AWS_ECS_FARGATE") => Some("fargate"),
            Some("AWS_ECS_EC2") => Some("ec2"),
            _ => None,
        };
        return found([
            known(CLOUD_PROVIDER, Some("aws")),
            known(CLOUD_PLATFORM, Some("aws_ecs")),
            known(CLOUD_REGION, aws_region(machine)),
            known(AWS_ECS_LAUNCHTYPE, launch_type),
        ]);
    }
    let platform = if in_kubernetes && has_eks_identity(machine) {
        "aws_eks"
    } else if machine.has(BEANSTALK) {
        "aws_elastic_beanstalk"
    } else {
        return None;
    };
    found([
        known(CLOUD_PROVIDER, Some("aws")),
        known(CLOUD_PLATFORM, Some(platform)),
        known(CLOUD_REGION, aws_region(machine)),
    ])
}

fn aws_region(machine: &Machine) -> Option<String> {
    machine
        .variable("AWS_REGION")
        .or_else(|| machine.variable("AWS_DEFAULT_REGION"))
}

fn lambda(machine: &Machine, function: String) -> Found {
    found([
        known(CLOUD_PROVIDER, Some("aws")),
        known(CLOUD_PLATFORM, Some("aws_lambda")),
        known(CLOUD_REGION, aws_region(machine)),
        known(FAAS_NAME, Some(function)),
        known(
            FAAS_VERSION,
            machine.variable("AWS_LAMBDA_FUNCTION_VERSION"),
        ),
        known(
            FAAS_INSTANCE,
            machine.variable("AWS_LAMBDA_LOG_STREAM_NAME"),
        ),
        known(
            FAAS_MAX_MEMORY,
            mebibytes(machine, "AWS_LAMBDA_FUNCTION_MEMORY_SIZE"),
        ),
        known(
            AWS_LOG_GROUP_NAMES,
            list(machine, "AWS_LAMBDA_LOG_GROUP_NAME"),
        ),
        known(
            AWS_LOG_STREAM_NAMES,
            list(machine, "AWS_LAMBDA_LOG_STREAM_NAME"),
        ),
    ])
}

/// EKS gives pods that have a role its credentials in one of two ways.
fn has_eks_identity(machine: &Machine) -> bool {
    let mentions = |name: &str, text: &str| {
        machine
            .variable(name)
            .is_some_and(|value| value.contains(text))
    };
    mentions("AWS_WEB_IDENTITY_TOKEN_FILE", "eks.amazonaws.com")
        || mentions("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", "eks-pod-identity")
}

fn azure(machine: &Machine) -> Found {
    if let Some(app) = machine.variable("CONTAINER_APP_NAME") {
        return found([
            known(CLOUD_PROVIDER, Some("azure")),
            known(CLOUD_PLATFORM, Some("azure.container_apps")),
            known(FAAS_NAME, Some(app)),
            known(FAAS_VERSION, machine.variable("CONTAINER_APP_REVISION")),
            known(
                FAAS_INSTANCE,
                machine.variable("CONTAINER_APP_REPLICA_NAME"),
            ),
        ]);
    }
    let site = machine.variable("WEBSITE_SITE_NAME")?;
    let group = machine.variable("WEBSITE_RESOURCE_GROUP");
    // `<subscription>+<group>-<region>webspace`
    let subscription = machine
        .variable("WEBSITE_OWNER_NAME")
        .and_then(|owner| Some(owner.split_once('+')?.0.to_owned()));
    let resource = subscription.as_ref().zip(group.as_ref()).map(|(subscription, group)| {
        format!(
            "/subscriptions/{subscription}/resourceGroups/{group}/providers/Microsoft.Web/sites/{site}"
        )
    });
    let function = machine.variable("FUNCTIONS_EXTENSION_VERSION").is_some();
    let (platform, name, instance) = if function {
        (
            "azure.functions",
            Some(site),
            machine.variable("WEBSITE_INSTANCE_ID"),
        )
    } else {
        ("azure.app_service", None, None)
    };
    let memory = function.then(|| mebibytes(machine, "WEBSITE_MEMORY_LIMIT_MB"));
    found([
        known(CLOUD_PROVIDER, Some("azure")),
        known(CLOUD_PLATFORM, Some(platform)),
        known(CLOUD_REGION, machine.variable("REGION_NAME")),
        known(CLOUD_ACCOUNT_ID, subscription),
        known(CLOUD_RESOURCE_ID, resource),
        known(AZURE_RESOURCE_GROUP_NAME, group),
        known(FAAS_NAME, name),
        known(FAAS_INSTANCE, instance),
        known(FAAS_MAX_MEMORY, memory.flatten()),
    ])
}

fn google(machine: &Machine) -> Found {
    let project = machine
        .variable("GOOGLE_CLOUD_PROJECT")
        .or_else(|| machine.variable("GCP_PROJECT"));
    let common = |platform: &'static str| {
        [
            known(CLOUD_PROVIDER, Some("gcp")),
            known(CLOUD_PLATFORM, Some(platform)),
            known(CLOUD_ACCOUNT_ID, project),
        ]
    };
    if let Some(service) = machine.variable("GAE_SERVICE") {
        return found(common("gcp_app_engine").into_iter().chain([
            known(FAAS_NAME, Some(service)),
            known(FAAS_VERSION, machine.variable("GAE_VERSION")),
            known(FAAS_INSTANCE, machine.variable("GAE_INSTANCE")),
        ]));
    }
    if let Some(job) = machine.variable("CLOUD_RUN_JOB") {
        let index = machine
            .variable("CLOUD_RUN_TASK_INDEX")
            .and_then(|index| index.parse::<i64>().ok());
        return found(common("gcp_cloud_run").into_iter().chain([
            known(FAAS_NAME, Some(job)),
            known(
                GCP_CLOUD_RUN_JOB_EXECUTION,
                machine.variable("CLOUD_RUN_EXECUTION"),
            ),
            known(GCP_CLOUD_RUN_JOB_TASK_INDEX, index),
        ]));
    }
    let service = machine.variable("K_SERVICE")?;
    let platform = match machine.variable("FUNCTION_TARGET") {
        Some(_) => "gcp_cloud_functions",
        // Cloud Run sets all three.
        None if machine.variable("K_REVISION").is_some()
            && machine.variable("K_CONFIGURATION").is_some() =>
        {
            "gcp_cloud_run"
        }
        None => return None,
    };
    found(common(platform).into_iter().chain([
        known(FAAS_NAME, Some(service)),
        known(FAAS_VERSION, machine.variable("K_REVISION")),
    ]))
}

fn found(attributes: impl IntoIterator<Item = Option<KeyValue>>) -> Found {
    Some(attributes.into_iter().flatten().collect())
}

/// In bytes, as the convention wants it.
fn mebibytes(machine: &Machine, name: &str) -> Option<i64> {
    machine
        .variable(name)?
        .parse::<i64>()
        .ok()?
        .checked_mul(MEBIBYTE)
}

fn list(machine: &Machine, name: &str) -> Option<Value> {
    let one = StringValue::from(machine.variable(name)?);
    Some(Value::Array(Array::String(vec![one])))
}
