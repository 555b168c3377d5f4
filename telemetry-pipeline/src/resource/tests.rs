mod clouds;

use std::{collections::BTreeMap, fs, path::Path};

use super::*;
use crate::Config;

const CONTAINER: &str = "7be92808767a667f35c8505cbf40d14e931ef6db5b0210329cf193b15ba9d605";
const POD: &str = "0c3e4b1a-7f0e-4a43-9d6f-9f7c4a1f5c11";

const OFF: [(&str, &str); 3] = [
    ("OTEL_TRACES_EXPORTER", "none"),
    ("OTEL_METRICS_EXPORTER", "none"),
    ("OTEL_LOGS_EXPORTER", "none"),
];

type Vars<'a> = &'a [(&'a str, &'a str)];

/// The attributes found with these files and variables, as text.
fn found(
    files: &[(&str, &str)],
    vars: &[(&str, &str)],
    without: &[Detector],
) -> BTreeMap<String, String> {
    let root = tempfile::tempdir().unwrap();
    for (path, contents) in files {
        let path = root.path().join(path.trim_start_matches('/'));
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, contents).unwrap();
    }
    let machine = Machine::with_files(root.path()).with_variables(vars);
    let mut settings = settings(vars);
    detect(&Service::new("shop"), &[], &machine, without, &mut settings)
        .iter()
        .map(|(key, value)| (key.to_string(), value.to_string()))
        .collect()
}

fn settings(vars: Vars<'_>) -> Settings {
    let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
    let vars: std::collections::HashMap<_, _> = vars.iter().map(owned).collect();
    let environment = std::sync::Arc::new(move |name: &str| vars.get(name).cloned());
    Settings::read([], environment).unwrap()
}

/// The attributes whose keys have these prefixes, as `key=value` lines.
fn lines(found: &BTreeMap<String, String>, prefixes: &[&str]) -> Vec<String> {
    found
        .iter()
        .filter(|(key, _)| prefixes.iter().any(|prefix| key.starts_with(prefix)))
        .map(|(key, value)| format!("{key}={value}"))
        .collect()
}

#[test]
fn the_sdk_version_is_the_one_we_build_with() {
    let lock = include_str!("../../../Cargo.lock");
    assert!(lock.contains(&format!(
        "name = \"opentelemetry_sdk\"\nversion = \"{SDK_VERSION}\""
    )));
}

#[test]
fn a_host_has_a_name_an_architecture_and_an_identity() {
    let files = [
        ("/etc/hostname", "web-1\n"),
        ("/etc/machine-id", "fdbf79e8af94cb7f9e8df36789187052\n"),
    ];
    assert_eq!(
        lines(&found(&files, &[], &[]), &["host."]),
        [
            "host.arch=amd64",
            "host.id=fdbf79e8af94cb7f9e8df36789187052",
            "host.name=web-1"
        ]
    );
    let other = [
        ("/proc/sys/kernel/hostname", "web-2"),
        ("/var/lib/dbus/machine-id", "a1"),
        files[0],
    ];
    assert_eq!(
        lines(&found(&other, &[], &[]), &["host."]),
        ["host.arch=amd64", "host.id=a1", "host.name=web-2"]
    );
    let variable = [("HOSTNAME", "laptop")];
    assert_eq!(
        lines(&found(&[], &variable, &[]), &["host.name"]),
        ["host.name=laptop"]
    );
}

#[test]
fn the_machine_id_of_an_image_identifies_no_host() {
    let id = ("/etc/machine-id", "fdbf79e8af94cb7f9e8df36789187052");
    assert!(!found(&[id, ("/.dockerenv", "")], &[], &[]).contains_key("host.id"));
    let kubernetes = [("KUBERNETES_SERVICE_HOST", "10.0.0.1")];
    assert!(!found(&[id], &kubernetes, &[]).contains_key("host.id"));
    assert!(!found(&[("/etc/machine-id", "uninitialized\n")], &[], &[]).contains_key("host.id"));
}

#[test]
fn the_operating_system_is_what_its_release_file_says() {
    let release = "PRETTY_NAME=\"Debian \\\"sid\\\" 12\"\nNAME='Debian GNU/Linux'\nVERSION_ID=12\nANSI_COLOR=\"1;31\"\n";
    assert_eq!(
        lines(&found(&[("/etc/os-release", release)], &[], &[]), &["os."]),
        [
            "os.description=Debian \"sid\" 12",
            "os.name=Debian GNU/Linux",
            "os.type=linux",
            "os.version=12",
        ]
    );
    let fallback = [("/usr/lib/os-release", "NAME=Alpine")];
    assert_eq!(
        lines(&found(&fallback, &[], &[]), &["os."]),
        ["os.name=Alpine", "os.type=linux"]
    );
    assert_eq!(lines(&found(&[], &[], &[]), &["os."]), ["os.type=linux"]);
}

#[test]
fn the_process_is_described_without_its_arguments() {
    let fields = "S 1 42 42 0 -1 4194560 1 0 0 0 0 0 0 0 20 0 1 0 12345 1000000 100";
    let stat = format!("42 (a ) name) {fields}");
    let files = [
        ("/proc/self/stat", stat.as_str()),
        ("/proc/stat", "cpu 1 2 3\nbtime 1700000000\nprocesses 7\n"),
        ("/proc/self/status", "Name:\tshop\nUid:\t0\t1000\t0\t0\n"),
        ("/proc/self/cmdline", "shop\0--password=secret\0"),
        (
            "/etc/passwd",
            "root:x:0:0:root:/root:/bin/sh\napp:x:1000:1000::/:/bin/false\n",
        ),
    ];
    assert_eq!(
        lines(&found(&files, &[], &[]), &["process."]),
        [
            "process.creation.time=2023-11-14T22:15:23.450Z",
            "process.executable.name=shop",
            "process.executable.path=/opt/shop/bin/shop",
            "process.owner=app",
            "process.pid=42",
            "process.runtime.name=rust",
        ]
    );
}

#[test]
fn times_and_users_that_make_no_sense_are_left_out() {
    for (stat, boot) in [
        ("", "btime 1"),
        ("42 (x) S 1", "btime 1"),
        (
            "42 (x) S 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 18446744073709551615 1",
            "btime 1",
        ),
        (
            "42 (x) S 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 100 1",
            "btime 253402300799",
        ),
        (
            "42 (x) S 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 100 1",
            "btime 18446744073709551615",
        ),
        (
            "42 (x) S 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 100 1",
            "cpu 1",
        ),
    ] {
        let files = [
            ("/proc/self/stat", stat),
            ("/proc/stat", boot),
            ("/proc/self/status", "Uid:\t7\t7\t7\t7"),
        ];
        let found = found(&files, &[], &[]);
        assert!(
            !found.contains_key("process.creation.time"),
            "{stat} {boot}"
        );
        assert!(!found.contains_key("process.owner"));
    }
}

#[test]
fn the_container_is_found_in_control_groups_of_all_runtimes() {
    for path in [
        "12:memory:/docker/{id}",
        "12:memory:/docker/{id}/init.scope",
        "0::/system.slice/docker-{id}.scope",
        "1:name=systemd:/kubepods/burstable/pod0c3e4b1a-7f0e-4a43-9d6f-9f7c4a1f5c11/{id}",
        "0::/kubepods.slice/kubepods-pod0c3e4b1a_7f0e_4a43_9d6f_9f7c4a1f5c11.slice/cri-containerd-{id}.scope",
        "0::/kubepods.slice/kubepods-besteffort.slice/crio-{id}.scope/container",
        "3:cpu:/system.slice/containerd.service/kubepods-burstable-pod1.slice:cri-containerd:{id}",
        "0::/user.slice/user-1000.slice/user@1000.service/user.slice/libpod-{id}.scope/container",
        "9:pids:/ecs/55091c13-b8cf-4801-b527-f4601742204d/{id}",
    ] {
        let group = path.replace("{id}", CONTAINER);
        let found = found(&[("/proc/self/cgroup", &group)], &[], &[]);
        assert_eq!(
            found.get("container.id").map(String::as_str),
            Some(CONTAINER),
            "{path}"
        );
    }
    let fargate = "11:cpuset:/ecs/d0bcd3aaf2c84b9ba0d3f4bd4ba3e04a/d0bcd3aaf2c84b9ba0d3f4bd4ba3e04a-3857546289";
    assert_eq!(
        lines(
            &found(&[("/proc/self/cgroup", fargate)], &[], &[]),
            &["container."]
        ),
        ["container.id=d0bcd3aaf2c84b9ba0d3f4bd4ba3e04a-3857546289"]
    );
}

#[test]
fn the_container_is_found_in_mounts_where_control_groups_are_hidden() {
    for (directory, place) in [
        ("/var/lib/docker/containers/{id}/hostname", "/etc/hostname"),
        ("/docker/containers/{id}/resolv.conf", "/etc/resolv.conf"),
        (
            "/containers/storage/overlay-containers/{id}/userdata/hosts",
            "/etc/hosts",
        ),
    ] {
        let mount = format!("473 456 254:1 {directory} {place} rw,relatime - ext4 /dev/vda1 rw")
            .replace("{id}", CONTAINER);
        let files = [
            ("/proc/self/cgroup", "0::/"),
            ("/proc/self/mountinfo", &*mount),
        ];
        assert_eq!(
            found(&files, &[], &[])
                .get("container.id")
                .map(String::as_str),
            Some(CONTAINER),
            "{mount}"
        );
    }
}

/// In a pod, the runtime mounts the files of the sandbox, whose container is the one that pauses.
#[test]
fn the_sandbox_of_a_pod_is_not_taken_for_the_container() {
    let pause = "aa".repeat(32);
    for (own_id, directory) in [
        ("/var/lib/docker/containers/{id}/hostname", "docker"),
        (
            "/containers/storage/overlay-containers/{id}/userdata/hostname",
            "cri-o",
        ),
        (
            "/io.containerd.grpc.v1.cri/containers/{id}/hostname",
            "containerd",
        ),
    ] {
        let mounts = format!(
            "473 456 254:1 {} /etc/hostname rw - ext4 /dev/vda1 rw\n\
             474 456 254:1 {} /etc/resolv.conf rw - ext4 /dev/vda1 rw\n\
             475 456 254:1 /var/lib/kubelet/pods/{POD}/etc-hosts /etc/hosts rw - ext4 /dev/vda1 rw\n\
             476 456 254:1 /var/lib/kubelet/pods/{POD}/containers/shop/1a2b3c4d /dev/termination-log rw - ext4 /dev/vda1 rw\n",
            own_id.replace("{id}", &pause),
            own_id.replace("{id}", &pause),
        );
        let hidden = [
            ("/proc/self/cgroup", "0::/"),
            ("/proc/self/mountinfo", &*mounts),
        ];
        assert!(
            !found(&hidden, &[], &[]).contains_key("container.id"),
            "{directory}"
        );
        let api = [("KUBERNETES_SERVICE_HOST", "10.0.0.1")];
        let hostname = mounts.lines().next().unwrap();
        let hidden = [
            ("/proc/self/cgroup", "0::/"),
            ("/proc/self/mountinfo", hostname),
        ];
        assert!(
            !found(&hidden, &api, &[]).contains_key("container.id"),
            "{directory}"
        );
        // It is in a container, so the machine id is that of the image.
        let id = ("/etc/machine-id", "fdbf79e8af94cb7f9e8df36789187052");
        assert!(!found(&[hidden[0], hidden[1], id], &[], &[]).contains_key("host.id"));
        let group = format!("0::/kubepods.slice/kubepods-pod{POD}.slice/docker-{CONTAINER}.scope");
        let shown = [
            ("/proc/self/cgroup", &*group),
            ("/proc/self/mountinfo", &*mounts),
        ];
        assert_eq!(
            found(&shown, &api, &[])["container.id"],
            CONTAINER,
            "{directory}"
        );
    }
}

#[test]
fn an_attribute_is_there_once_and_the_last_value_counts() {
    let listed = [(
        "OTEL_RESOURCE_ATTRIBUTES",
        "k=1,k=2,service.name=listed,service.name=last",
    )];
    let machine = Machine::with_files(Path::new("/nowhere")).with_variables(&listed);
    let mut settings = settings(&listed);
    let code = [KeyValue::new("k", 3), KeyValue::new("k", 4)];
    let resource = detect(&Service::new("shop"), &code, &machine, &[], &mut settings);
    let values = |key: &str| {
        let named = resource.iter().filter(|(name, _)| name.as_str() == key);
        named
            .map(|(_, value)| value.to_string())
            .collect::<Vec<_>>()
    };
    assert_eq!(
        (values("k"), values("service.name")),
        (vec!["4".into()], vec!["last".into()])
    );
    assert_eq!(found(&[], &listed, &[])["k"], "2");
}

#[test]
fn a_bare_host_is_no_container_even_if_it_runs_some() {
    let mounts = format!(
        "30 1 8:1 / / rw - ext4 /dev/sda1 rw\n\
         99 30 0:50 / /var/lib/docker/containers/{CONTAINER}/mounts/shm rw - tmpfs shm rw\n\
         98 30 0:49 /var/lib/docker/containers/{CONTAINER}/hostname /mnt/hostname rw - ext4 /dev/sda1 rw\n\
         97 30 0:48 /run/containerd/io.containerd.grpc.v1.cri/sandboxes/{CONTAINER}/hostname /etc/hostname rw - ext4 /dev/sda1 rw\n"
    );
    let conmon = format!("0::/machine.slice/libpod-conmon-{CONTAINER}.scope");
    for group in [
        "0::/user.slice/user-1000.slice/session-3.scope",
        "0::/system.slice/docker.service",
        "12:memory:/\n0::/init.scope",
        "0::/",
        &conmon,
        "",
    ] {
        let files = [
            ("/proc/self/cgroup", group),
            ("/proc/self/mountinfo", &*mounts),
        ];
        assert!(
            !found(&files, &[], &[]).contains_key("container.id"),
            "{group}"
        );
    }
}

#[test]
fn a_pod_is_described_by_the_downward_api() {
    let vars = [
        ("KUBERNETES_SERVICE_HOST", "10.0.0.1"),
        ("POD_NAME", "shop-7d4b"),
        ("K8S_NAMESPACE", "retail"),
        ("POD_UID", POD),
        ("NODE_NAME", "node-3"),
        ("K8S_CONTAINER_NAME", "app"),
        ("K8S_CLUSTER_NAME", "prod"),
        ("HOSTNAME", "ignored"),
    ];
    let found = found(&[], &vars, &[]);
    assert_eq!(
        lines(&found, &["k8s.", "service.instance"]),
        [
            "k8s.cluster.name=prod",
            "k8s.container.name=app",
            "k8s.namespace.name=retail",
            "k8s.node.name=node-3",
            "k8s.pod.name=shop-7d4b",
            &format!("k8s.pod.uid={POD}"),
            "service.instance.id=retail.shop-7d4b.app",
        ]
    );
}

#[test]
fn a_pod_without_configuration_is_described_by_the_files_of_the_kubelet() {
    let mounts = format!(
        "900 890 259:1 /var/lib/kubelet/pods/{POD}/etc-hosts /etc/hosts rw - xfs /dev/root rw\n\
         901 890 259:1 /var/lib/kubelet/pods/{POD}/containers/app/5f1c2d3e /dev/termination-log rw - xfs /dev/root rw\n"
    );
    let files = [
        (
            "/var/run/secrets/kubernetes.io/serviceaccount/namespace",
            "retail",
        ),
        ("/etc/hostname", "shop-7d4b\n"),
        (
            "/etc/hosts",
            "# Kubernetes-managed hosts file.\n127.0.0.1 localhost\n",
        ),
        ("/proc/self/mountinfo", &*mounts),
    ];
    assert_eq!(
        lines(&found(&files, &[], &[]), &["k8s.", "service.instance"]),
        [
            "k8s.container.name=app",
            "k8s.namespace.name=retail",
            "k8s.pod.name=shop-7d4b",
            &format!("k8s.pod.uid={POD}"),
            "service.instance.id=retail.shop-7d4b.app",
        ]
    );
}

#[test]
fn outside_of_kubernetes_nothing_claims_to_be_a_pod() {
    let vars = [
        ("HOSTNAME", "laptop"),
        ("POD_NAME", "x"),
        ("NODE_NAME", "y"),
        ("K8S_CONTAINER_NAME", "z"),
    ];
    assert!(
        lines(
            &found(&[("/etc/hostname", "laptop")], &vars, &[]),
            &["k8s."]
        )
        .is_empty()
    );
}

#[test]
fn the_name_of_the_node_is_not_taken_for_the_pods() {
    let api = ("KUBERNETES_SERVICE_HOST", "10.0.0.1");
    let name = ("HOSTNAME", "node-3");
    let hosts = [(
        "/etc/hosts",
        "# Kubernetes-managed hosts file (host network).\n127.0.0.1 localhost",
    )];
    assert!(!found(&hosts, &[api, name], &[]).contains_key("k8s.pod.name"));
    assert!(!found(&[], &[api, name, ("NODE_NAME", "node-3")], &[]).contains_key("k8s.pod.name"));
    assert_eq!(found(&[], &[api, name], &[])["k8s.pod.name"], "node-3");
}

#[test]
fn the_operator_has_the_last_word_also_on_the_instance() {
    let api = ("KUBERNETES_SERVICE_HOST", "10.0.0.1");
    let pod = ("POD_NAME", "found");
    let attributes = "k8s.pod.name=said,k8s.namespace.name=ns,k8s.container.name=c";
    let found_with = |attributes| {
        found(
            &[],
            &[api, pod, ("OTEL_RESOURCE_ATTRIBUTES", attributes)],
            &[],
        )
    };
    let found = found_with(attributes);
    assert_eq!(found["k8s.pod.name"], "said");
    assert_eq!(found["service.instance.id"], "ns.said.c");
    let found = found_with(
        "k8s.namespace.name=ns,k8s.container.name=c,service.instance.id=mine,host.arch=arm64",
    );
    assert_eq!(found["service.instance.id"], "mine");
    assert_eq!(found["host.arch"], "arm64");
}

#[test]
fn without_kubernetes_the_instance_is_a_uuid_of_its_own() {
    let id = || found(&[], &[], &[])["service.instance.id"].clone();
    let (one, other) = (id(), id());
    assert!(
        uuid::Uuid::parse_str(&one).is_ok_and(|id| id.get_version_num() == 4),
        "{one}"
    );
    assert_ne!(one, other);
}

#[test]
fn a_detector_can_be_left_out() {
    let all = found(&[("/etc/hostname", "web")], &[], &[]);
    assert!(all.contains_key("process.executable.path") && all.contains_key("host.name"));
    let less = found(
        &[("/etc/hostname", "web")],
        &[],
        &[Detector::Process, Detector::Host],
    );
    assert!(lines(&less, &["process.", "host."]).is_empty());
    assert!(less.contains_key("os.type"));
    let telemetry = Config::new("shop")
        .with_environment(OFF)
        .with_file_system("/nowhere")
        .without_detectors([Detector::Process])
        .build()
        .unwrap();
    let text = telemetry
        .providers()
        .scrape(telemetry_api::instrument::scrape::ScrapeFormat::Prometheus)
        .unwrap();
    assert!(
        text.contains("os_type=") && !text.contains("process_pid"),
        "{text}"
    );
}

#[test]
fn nothing_deprecated_is_found_anywhere() {
    /// Resource attributes that conventions up to 1.44 have given up.
    const DEPRECATED: [&str; 12] = [
        "container.labels",
        "container.runtime",
        "deployment.environment",
        "faas.id",
        "k8s.pod.labels",
        "process.context_switch_type",
        "process.cpu.state",
        "process.executable.build_id.profiling",
        "process.paging.fault_type",
        "telemetry.auto.version",
        "az.namespace",
        "service.environment",
    ];
    const ARGUMENTS: [&str; 4] = [
        "process.command",
        "process.command_args",
        "process.command_line",
        "process.args_count",
    ];
    let sources = fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("src/resource")).unwrap();
    for source in sources {
        let path = source.unwrap().path();
        if path.ends_with("tests") || path.ends_with("tests.rs") {
            continue;
        }
        let text = fs::read_to_string(&path).unwrap();
        for name in DEPRECATED.iter().chain(&ARGUMENTS) {
            assert!(
                !text.contains(&format!("\"{name}\"")),
                "{name} in {}",
                path.display()
            );
        }
        for platform in [
            "azure_app_service",
            "azure_functions",
            "azure_container_apps",
            "azure_aks",
            "azure_vm",
        ] {
            assert!(!text.contains(platform), "{platform} in {}", path.display());
        }
    }
}
