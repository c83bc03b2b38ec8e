"""Rendering of the chart for every file of ci/: repeatable, safe, and without a number that resets another."""

import ipaddress
import json
import re
import tarfile
from pathlib import Path

import pytest
import yaml

from taskqueue_operator.work_metrics import STORE_EVENTS
from tests.support.chart.helm import CASES, CHART, Helm
from tests.support.chart.rendered import mode, of_kind, pods, variables, worker

ROOT = Path(__file__).parents[2]
#: Where clouds hand out credentials or settings to whoever asks from one of their machines, and ways around by IPv6.
CREDENTIALS = {
    "most clouds": "169.254.169.254",
    "Amazon, by IPv6": "fd00:ec2::254",
    "Amazon's pod identities": "169.254.170.23",
    "Azure": "168.63.129.16",
    "Google, by IPv6": "fd20:ce::254",
    "Oracle": "192.0.0.192",
    "Alibaba": "100.100.100.200",
    "a link's neighbours": "fe80::a9fe:a9fe",
    "through NAT64": "64:ff9b::a9fe:a9fe",
    "through a NAT64 of one's own": "64:ff9b:1::a9fe:a9fe",
    "through 6to4": "2002:a9fe:a9fe::1",
    "through Teredo": "2001::a9fe:a9fe",
    "as an IPv4-compatible address": "::a9fe:a9fe",
}
EVERYTHING, DEVELOPMENT, EXTERNAL = (
    CHART / "ci" / f"{name}-values.yaml" for name in ("everything", "development", "external-redis")
)
of_every_case = pytest.mark.parametrize("case", CASES, ids=lambda path: path.stem)


@of_every_case
def test_lint_finds_nothing(helm: Helm, case: Path) -> None:
    assert "0 chart(s) failed" in helm.run("lint", "--strict", str(CHART), "--values", str(case))


@of_every_case
def test_two_renderings_are_the_same_bytes(helm: Helm, case: Path) -> None:
    assert helm.template(case) == helm.template(case)


def test_no_template_asks_the_cluster_the_clock_or_chance() -> None:
    asking = re.compile(
        r"\b(lookup|rand\w*|genCA\w*|genS\w+|genPrivateKey|now|uuidv4|date\w*|Capabilities)\b"
    )
    texts = {
        path.name: path.read_text("utf-8") for path in (CHART / "templates").rglob("*") if path.is_file()
    }
    assert len(texts) > 15
    for name, text in texts.items():
        called = " ".join(re.findall(r"\{\{.*?\}\}", re.sub(r"\{\{/\*.*?\*/\}\}", "", text, flags=re.DOTALL)))
        assert asking.findall(re.sub(r'".*?"', "", called)) == [], name


@of_every_case
def test_workers_have_no_token(helm: Helm, case: Path) -> None:
    deployment = worker(helm.objects(case))
    pod = deployment["spec"]["template"]["spec"]
    assert pod["automountServiceAccountToken"] is False
    assert not [volume for volume in pod["volumes"] if "projected" in volume]


@of_every_case
def test_exactly_one_object_decides_how_many_workers_there_are(helm: Helm, case: Path) -> None:
    objects = helm.objects(case)
    scalers = of_kind(objects, "HorizontalPodAutoscaler") + of_kind(objects, "ScaledObject")
    deployment = worker(objects)
    if mode(case) == "none":
        assert scalers == []
        assert deployment["spec"]["replicas"] == 2
    else:
        assert [one["spec"]["scaleTargetRef"]["name"] for one in scalers] == [deployment["metadata"]["name"]]
        assert "replicas" not in deployment["spec"], "an upgrade would reset what the autoscaler chose"


def test_keda_may_take_over_from_every_hpa(helm: Helm) -> None:
    """Its admission reads this of the HPA, and refuses a ScaledObject while another HPA has the same workers."""
    for name in ("selfServed", "prometheusAdapter"):
        (one,) = of_kind(
            helm.objects(DEVELOPMENT, "--set", f"autoscaling.mode={name}"), "HorizontalPodAutoscaler"
        )
        assert one["metadata"]["annotations"] == {"validations.keda.sh/hpa-ownership": "false"}
    (scaled,) = of_kind(helm.objects(CHART / "ci" / "keda-values.yaml"), "ScaledObject")
    assert scaled["spec"]["initialCooldownPeriod"] == scaled["spec"]["cooldownPeriod"] == 120


@of_every_case
def test_a_pod_gets_its_grace_period_and_six_seconds(helm: Helm, case: Path) -> None:
    pod = worker(helm.objects(case))["spec"]["template"]["spec"]
    assert pod["terminationGracePeriodSeconds"] >= float(variables(pod)["TASKQUEUE_GRACE"]) + 6


@of_every_case
def test_no_pod_gets_variables_of_services(helm: Helm, case: Path) -> None:
    """A Service taskqueue-external-metrics would set TASKQUEUE_EXTERNAL_METRICS_PORT to tcp://..."""
    assert {pod["enableServiceLinks"] for pod in pods(helm.objects(case)).values()} == {False}


@of_every_case
def test_containers_have_requests_limits_and_a_read_only_root(helm: Helm, case: Path) -> None:
    for pod in pods(helm.objects(case)).values():
        for container in pod["containers"]:
            assert {"cpu", "memory"} <= set(container["resources"]["requests"])
            assert "memory" in container["resources"]["limits"]
            assert container["securityContext"]["readOnlyRootFilesystem"] is True


@of_every_case
def test_only_self_served_has_rights_in_the_whole_cluster(helm: Helm, case: Path) -> None:
    everywhere = {
        one["kind"]
        for one in helm.objects(case)
        if one["metadata"].get("namespace") != "shop"
        and one["kind"] != "CustomResourceDefinition"
        and not any("aggregate-to" in label for label in one["metadata"]["labels"])
    }
    served = {"APIService", "ClusterRole", "ClusterRoleBinding", "RoleBinding"}
    assert everywhere == (served if mode(case) == "selfServed" else set())


@of_every_case
def test_the_operators_role_is_the_shipped_one(helm: Helm, case: Path) -> None:
    shipped = yaml.safe_load_all((ROOT / "deploy/kubernetes/operator-role.yaml").read_text("utf-8"))
    (rules,) = [one["rules"] for one in shipped if one["kind"] == "Role"]
    roles = [
        one for one in of_kind(helm.objects(case), "Role") if one["metadata"]["name"].endswith("-operator")
    ]
    assert [role["rules"] for role in roles] == [rules]


def test_the_role_of_people_is_the_shipped_one(helm: Helm) -> None:
    shipped = yaml.safe_load((ROOT / "deploy/kubernetes/cli-role.yaml").read_text("utf-8"))
    (role,) = [
        one for one in of_kind(helm.objects(EVERYTHING), "Role") if one["metadata"]["name"].endswith("-cli")
    ]
    assert role["rules"] == shipped["rules"]


def test_the_rights_of_self_served_are_the_shipped_ones(helm: Helm) -> None:
    shipped = ROOT / "deploy" / "kubernetes" / "external-metrics-role.yaml"
    found = [one for one in yaml.safe_load_all(shipped.read_text("utf-8")) if "rules" in one]
    rendered = helm.objects(CHART / "ci" / "self-served-values.yaml")
    for kind in ("Role", "ClusterRole"):
        wanted = [one["rules"] for one in found if one["kind"] == kind]
        assert [
            rules for rules in wanted if rules not in [one["rules"] for one in of_kind(rendered, kind)]
        ] == []


def test_self_served_rights_name_one_secret_and_api_service(helm: Helm) -> None:
    objects = helm.objects(EVERYTHING)
    rules = [rule for one in objects if one["kind"] in ("Role", "ClusterRole") for rule in one["rules"]]
    (secret,) = [rule for rule in rules if "secrets" in rule["resources"]]
    (api,) = [rule for rule in rules if "apiservices" in rule["resources"]]
    assert secret["resourceNames"] == ["all-of-it-external-metrics-certificate"]
    assert secret["verbs"] == ["get", "patch"], "who may create Secrets may mint a token of any account"
    (empty,) = [
        one for one in of_kind(objects, "Secret") if one["metadata"]["name"] in secret["resourceNames"]
    ]
    assert not {"data", "stringData", "type"} & empty.keys()
    assert api["resourceNames"] == ["v1beta1.external.metrics.k8s.io"]
    (service,) = of_kind(objects, "APIService")
    assert "caBundle" not in service["spec"]
    assert "insecureSkipTLSVerify" not in service["spec"]


def test_workers_cannot_reach_link_local_or_the_api_server(helm: Helm) -> None:
    (policy,) = [
        one
        for one in of_kind(helm.objects(EVERYTHING), "NetworkPolicy")
        if one["metadata"]["name"] == "all-of-it-worker"
    ]
    blocks = [
        to["ipBlock"] for rule in policy["spec"]["egress"] for to in rule.get("to", ()) if "ipBlock" in to
    ]
    (world,) = [block for block in blocks if block["cidr"] == "0.0.0.0/0"]
    assert {"169.254.0.0/16", "10.0.0.0/8", "203.0.113.7/32"} <= set(world["except"])
    (world6,) = [block for block in blocks if block["cidr"] == "::/0"]
    assert {"fe80::/10", "2001:db8::7/128"} <= set(world6["except"])
    denied = [ipaddress.ip_network(one) for one in (*world["except"], *world6["except"])]
    for name, address in CREDENTIALS.items():
        found = ipaddress.ip_address(address)
        assert any(found in one for one in denied if one.version == found.version), name
    free = [rule["ports"] for rule in policy["spec"]["egress"] if "to" not in rule]
    assert free == [
        [{"port": 53, "protocol": "UDP"}, {"port": 53, "protocol": "TCP"}],
        [{"port": 6379, "protocol": "TCP"}],
    ]


def test_manifests_hold_no_password_and_urls_use_the_secret(helm: Helm) -> None:
    objects = helm.objects(EXTERNAL)
    assert of_kind(objects, "Secret") == []
    for name, pod in pods(objects).items():
        found = variables(pod)
        assert found["TASKQUEUE_REDIS_URL"] == (
            "rediss://$(REDIS_USERNAME):$(REDIS_PASSWORD)@redis.example.com:6380/0?ssl_ca_certs=/etc/taskqueue/redis/ca.crt"
        ), name
        assert found["REDIS_PASSWORD"] == {"secretKeyRef": {"name": "taskqueue-redis", "key": "password"}}
        names = [one["name"] for one in pod["containers"][0]["env"]]
        assert names.index("REDIS_PASSWORD") < names.index("TASKQUEUE_REDIS_URL"), (
            "what $(...) names comes before"
        )
        assert {"name": "redis-ca", "mountPath": "/etc/taskqueue/redis", "readOnly": True} in pod[
            "containers"
        ][0]["volumeMounts"]


def test_a_secret_for_handlers_can_be_no_other_setting(helm: Helm) -> None:
    (source, _) = worker(helm.objects(EVERYTHING))["spec"]["template"]["spec"]["containers"][0]["envFrom"]
    assert source == {"prefix": "TASKQUEUE_HTTP_", "secretRef": {"name": "shop-api"}}


def test_a_replica_targets_its_work_of_drain_seconds(helm: Helm) -> None:
    (scaler,) = of_kind(helm.objects(EVERYTHING), "HorizontalPodAutoscaler")
    external = scaler["spec"]["metrics"][0]["external"]
    assert external["metric"]["name"] == "taskqueue_work_seconds"
    assert external["target"] == {"type": "AverageValue", "averageValue": "2000"}  # 200 slots x 10 s
    (scaled,) = of_kind(helm.objects(CHART / "ci" / "keda-values.yaml"), "ScaledObject")
    assert scaled["spec"]["minReplicaCount"] == 0
    (trigger,) = scaled["spec"]["triggers"]
    assert trigger["metadata"]["url"] == "http://taskqueue-operator.shop.svc:8080/scaling"
    assert trigger["metadata"]["targetValue"] == "1500"


def test_the_store_is_found_in_the_release_namespace(helm: Helm) -> None:
    for name in ("taskqueue", "other"):
        for pod in pods(helm.objects(DEVELOPMENT, name=name)).values():
            if pod["containers"][0]["name"] != "redis":
                assert variables(pod)["TASKQUEUE_RELEASE"] == "shop"


def test_a_long_name_leaves_room_and_a_large_number_stays_a_number(helm: Helm) -> None:
    options = ("--set", "operator.maxBacklog=10000000", "--set", "rate=1000000")
    objects = helm.objects(
        DEVELOPMENT, *options, name="a-release-with-a-name-of-fifty-three-characters-12345"
    )
    assert max(len(one["metadata"]["name"]) for one in objects) <= 63
    operator = variables(pods(objects)["a-release-with-a-name-of-fifty-taskqueue-operator"])
    assert operator["TASKQUEUE_MAX_BACKLOG"] == "10000000"
    assert float(operator["TASKQUEUE_RATE"]) == 1_000_000


def test_uninstalling_keeps_definitions_and_data_by_default(helm: Helm) -> None:
    keep = {"helm.sh/resource-policy": "keep"}
    objects = helm.objects(DEVELOPMENT)
    definitions = of_kind(objects, "CustomResourceDefinition")
    assert [one["metadata"]["annotations"] for one in definitions] == [keep] * 3
    assert of_kind(objects, "StatefulSet")[0]["spec"]["volumeClaimTemplates"]
    assert "PersistentVolumeClaim" not in {one["kind"] for one in objects}
    told = of_kind(helm.objects(DEVELOPMENT, "--set", "crds.keep=false"), "CustomResourceDefinition")
    assert [one["metadata"].get("annotations") for one in told] == [None] * 3


def test_where_the_cluster_chooses_the_user_no_pod_names_one(helm: Helm) -> None:
    nulls = ("--set-json", 'podSecurityContext={"runAsUser":null,"runAsGroup":null,"fsGroup":null}')
    for pod in pods(helm.objects(DEVELOPMENT, *nulls)).values():
        assert pod["securityContext"] == {"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}}


def test_every_redis_port_is_opened(helm: Helm) -> None:
    ports = ("--set", "networkPolicy.redisPorts={26379,6380}", "--set", "redis.development.enabled=false")
    objects = helm.objects(DEVELOPMENT, *ports, "--set", "redis.existingSecret.name=redis")
    for policy in of_kind(objects, "NetworkPolicy"):
        opened = [port["port"] for rule in policy["spec"]["egress"] for port in rule.get("ports", [])]
        assert {6379, 26379, 6380} <= set(opened), policy["metadata"]["name"]


def test_the_nearer_of_two_equal_labels_is_written_once(helm: Helm) -> None:
    twice = ("--set", "commonLabels.team=all", "--set", "monitoring.dashboard.labels.team=graphs")
    (board,) = [
        one
        for one in of_kind(helm.objects(EVERYTHING, *twice), "ConfigMap")
        if "taskqueue.json" in one["data"]
    ]
    assert board["metadata"]["labels"]["team"] == "graphs"
    assert helm.template(EVERYTHING, *twice).count("team: graphs") == 1


@pytest.mark.parametrize("name", ["on", "null", "e1"])
def test_names_that_yaml_would_convert_are_quoted(helm: Helm, name: str) -> None:
    objects = helm.objects(DEVELOPMENT, name=name, namespace="123")
    assert {one["metadata"].get("namespace", "123") for one in objects} == {"123"}
    assert {one["metadata"]["labels"]["app.kubernetes.io/instance"] for one in objects} == {name}


def test_the_plugin_finds_the_operator(helm: Helm) -> None:
    (operator,) = [
        one
        for one in of_kind(helm.objects(DEVELOPMENT, name="other"), "Deployment")
        if one["metadata"]["name"] == "other-taskqueue-operator"
    ]
    template = operator["spec"]["template"]
    labels = template["metadata"]["labels"]
    assert labels["app.kubernetes.io/name"] == "taskqueue"
    assert labels["app.kubernetes.io/component"] == "operator"
    assert [one["name"] for one in template["spec"]["containers"]] == ["operator"]


def test_alerts_and_dashboard_use_documented_metrics(helm: Helm) -> None:
    documented = (ROOT / "docs" / "configuration.md").read_text("utf-8")
    known = set(re.findall(r"^\| `(taskqueue_\w+)`", documented, re.MULTILINE))
    objects = helm.objects(EVERYTHING)
    (rule,) = of_kind(objects, "PrometheusRule")
    (board,) = [one for one in of_kind(objects, "ConfigMap") if "taskqueue.json" in one["data"]]
    asked = [alert["expr"] for group in rule["spec"]["groups"] for alert in group["rules"]]
    asked += [
        target["expr"]
        for panel in json.loads(board["data"]["taskqueue.json"])["panels"]
        for target in panel["targets"]
    ]
    named = {re.sub(r"_bucket$", "", name) for text in asked for name in re.findall(r"\btaskqueue_\w+", text)}
    assert len(named) > 10
    assert named <= known
    events = {event for text in asked for event in re.findall(r'\bevent="(\w+)"', text)}
    assert "dead" in events
    assert events <= set(STORE_EVENTS)


def test_the_notes_name_the_next_three_commands(helm: Helm, tmp_path: Path) -> None:
    shown = helm.run(
        "install", "taskqueue", str(CHART), "-n", "shop", "-f", str(DEVELOPMENT), "--dry-run=client"
    ).partition("\nNext:\n")[2]
    commands = [line.split()[0] for line in shown.splitlines() if line.startswith("  ") and "-n shop" in line]
    assert commands == ["kubectl", "helm", "kubectl"]


def test_the_notes_of_self_served_name_the_documented_way_out(helm: Helm) -> None:
    way_out = "\n  kubectl delete apiservice v1beta1.external.metrics.k8s.io\n"
    options = ("-n", "shop", "-f", str(CHART / "ci" / "self-served-values.yaml"), "--dry-run=client")
    assert way_out in helm.run("install", "taskqueue", str(CHART), *options)
    assert way_out.strip() in (ROOT / "docs" / "failures.md").read_text("utf-8")


def test_the_package_renders_as_the_folder_does(helm: Helm, tmp_path: Path) -> None:
    said = helm.run("package", str(CHART), "--destination", str(tmp_path))
    (package,) = tmp_path.glob("taskqueue-*.tgz")
    assert str(package) in said
    with tarfile.open(package) as held:
        assert not [name for name in held.getnames() if "/ci/" in name]
    place = ("--namespace", "shop", "--values", str(EVERYTHING))
    assert helm.run("template", "taskqueue", str(package), *place) == helm.template(EVERYTHING)


def test_the_console_is_off_by_default_and_leaves_nothing(helm: Helm) -> None:
    assert [
        one["metadata"]["name"] for one in helm.objects(EXTERNAL) if "console" in one["metadata"]["name"]
    ] == []


def test_the_console_has_its_own_login_no_token_and_reaches_redis_alone(helm: Helm) -> None:
    found = {
        one["kind"]: one for one in helm.objects(EVERYTHING) if one["metadata"]["name"] == "all-of-it-console"
    }
    assert found.keys() == {"Deployment", "Service", "NetworkPolicy", "PodDisruptionBudget", "PodMonitor"}
    pod = found["Deployment"]["spec"]["template"]["spec"]
    assert (pod["automountServiceAccountToken"], pod.get("serviceAccountName")) == (False, None)
    (url,) = [one for one in pod["containers"][0]["env"] if one["name"] == "TASKQUEUE_REDIS_URL"]
    assert url["valueFrom"]["secretKeyRef"] == {"name": "taskqueue-redis-viewer", "key": "url"}
    assert variables(pod)["TASKQUEUE_READ_ONLY"] == "true"
    service, policy = found["Service"]["spec"], found["NetworkPolicy"]["spec"]
    assert (service["type"], [port["targetPort"] for port in service["ports"]]) == ("ClusterIP", ["http"])
    assert [[port["port"] for port in rule["ports"]] for rule in policy["egress"]] == [[53, 53], [6379]]
    assert [rule["ports"][0]["port"] for rule in policy["ingress"]] == ["http", "health"]
    assert all(rule["from"] for rule in policy["ingress"])
