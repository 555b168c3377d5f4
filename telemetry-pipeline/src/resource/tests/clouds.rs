use super::*;

#[test]
fn clouds_are_recognised_by_their_environment() {
    let cases: [(Vars<'_>, &[&str]); 12] = [
        (
            &[
                ("AWS_LAMBDA_FUNCTION_NAME", "checkout"),
                ("AWS_LAMBDA_FUNCTION_VERSION", "7"),
                ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "128"),
                ("AWS_LAMBDA_LOG_GROUP_NAME", "/aws/lambda/checkout"),
                ("AWS_LAMBDA_LOG_STREAM_NAME", "2026/01/01/[7]abc"),
                ("AWS_REGION", "eu-central-1"),
            ],
            &[
                "aws.log.group.names=[\"/aws/lambda/checkout\"]",
                "aws.log.stream.names=[\"2026/01/01/[7]abc\"]",
                "cloud.platform=aws_lambda",
                "cloud.provider=aws",
                "cloud.region=eu-central-1",
                "faas.instance=2026/01/01/[7]abc",
                "faas.max_memory=134217728",
                "faas.name=checkout",
                "faas.version=7",
            ],
        ),
        (
            &[
                ("ECS_CONTAINER_METADATA_URI_V4", "http://169.254.170.2/v4/x"),
                ("AWS_EXECUTION_ENV", "AWS_ECS_FARGATE"),
                ("AWS_DEFAULT_REGION", "us-east-1"),
            ],
            &[
                "aws.ecs.launchtype=fargate",
                "cloud.platform=aws_ecs",
                "cloud.provider=aws",
                "cloud.region=us-east-1",
            ],
        ),
        (
            &[
                ("KUBERNETES_SERVICE_HOST", "10.0.0.1"),
                (
                    "AWS_WEB_IDENTITY_TOKEN_FILE",
                    "/var/run/secrets/eks.amazonaws.com/serviceaccount/token",
                ),
            ],
            &["cloud.platform=aws_eks", "cloud.provider=aws"],
        ),
        (
            &[(
                "AWS_WEB_IDENTITY_TOKEN_FILE",
                "/var/run/secrets/eks.amazonaws.com/serviceaccount/token",
            )],
            &[],
        ),
        (
            &[
                ("K_SERVICE", "shop"),
                ("K_REVISION", "shop-3"),
                ("K_CONFIGURATION", "shop"),
                ("GOOGLE_CLOUD_PROJECT", "p"),
            ],
            &[
                "cloud.account.id=p",
                "cloud.platform=gcp_cloud_run",
                "cloud.provider=gcp",
                "faas.name=shop",
                "faas.version=shop-3",
            ],
        ),
        (
            &[
                ("KUBERNETES_SERVICE_HOST", "10.0.0.1"),
                ("K_SERVICE", "shop"),
                ("K_REVISION", "r"),
                ("K_CONFIGURATION", "c"),
            ],
            &[],
        ),
        (
            &[
                ("K_SERVICE", "shop"),
                ("K_REVISION", "shop-3"),
                ("FUNCTION_TARGET", "main"),
            ],
            &[
                "cloud.platform=gcp_cloud_functions",
                "cloud.provider=gcp",
                "faas.name=shop",
                "faas.version=shop-3",
            ],
        ),
        (
            &[
                ("CLOUD_RUN_JOB", "nightly"),
                ("CLOUD_RUN_EXECUTION", "nightly-1"),
                ("CLOUD_RUN_TASK_INDEX", "2"),
            ],
            &[
                "cloud.platform=gcp_cloud_run",
                "cloud.provider=gcp",
                "faas.name=nightly",
                "gcp.cloud_run.job.execution=nightly-1",
                "gcp.cloud_run.job.task_index=2",
            ],
        ),
        (
            &[
                ("GAE_SERVICE", "default"),
                ("GAE_VERSION", "20"),
                ("GAE_INSTANCE", "i"),
            ],
            &[
                "cloud.platform=gcp_app_engine",
                "cloud.provider=gcp",
                "faas.instance=i",
                "faas.name=default",
                "faas.version=20",
            ],
        ),
        (
            &[
                ("WEBSITE_SITE_NAME", "shop"),
                ("WEBSITE_RESOURCE_GROUP", "rg"),
                ("WEBSITE_OWNER_NAME", "sub+rg-westeuropewebspace"),
                ("REGION_NAME", "West Europe"),
            ],
            &[
                "azure.resource_group.name=rg",
                "cloud.account.id=sub",
                "cloud.platform=azure.app_service",
                "cloud.provider=azure",
                "cloud.region=West Europe",
                "cloud.resource_id=/subscriptions/sub/resourceGroups/rg/providers/Microsoft.Web/sites/shop",
            ],
        ),
        (
            &[
                ("WEBSITE_SITE_NAME", "shop"),
                ("FUNCTIONS_EXTENSION_VERSION", "~4"),
                ("WEBSITE_INSTANCE_ID", "i"),
                ("WEBSITE_MEMORY_LIMIT_MB", "1536"),
            ],
            &[
                "cloud.platform=azure.functions",
                "cloud.provider=azure",
                "faas.instance=i",
                "faas.max_memory=1610612736",
                "faas.name=shop",
            ],
        ),
        (
            &[
                ("CONTAINER_APP_NAME", "shop"),
                ("CONTAINER_APP_REVISION", "shop--1"),
                ("CONTAINER_APP_REPLICA_NAME", "shop--1-x"),
            ],
            &[
                "cloud.platform=azure.container_apps",
                "cloud.provider=azure",
                "faas.instance=shop--1-x",
                "faas.name=shop",
                "faas.version=shop--1",
            ],
        ),
    ];
    for (vars, expected) in cases {
        assert_eq!(
            lines(
                &found(&[], vars, &[]),
                &["aws.", "azure.", "cloud.", "faas.", "gcp."]
            ),
            *expected,
            "{vars:?}"
        );
    }
    let beanstalk = [("/var/elasticbeanstalk/xray/environment.conf", "{}")];
    assert_eq!(
        lines(&found(&beanstalk, &[], &[]), &["cloud."]),
        ["cloud.platform=aws_elastic_beanstalk", "cloud.provider=aws"]
    );
}
